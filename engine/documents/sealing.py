"""How a case file is tied to the checkpoints, and signed by the installation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from engine.clock import Clock
from engine.ledger.keys import present_key, sign_statement
from engine.ledger.proofs import prove, public_keys
from engine.ledger.statements import RECEIPT
from engine.settings import Settings


@dataclass(frozen=True)
class Sealer:
    """Signs with the present key of this installation, in one transaction."""

    session: Session
    settings: Settings
    clock: Clock

    def proofs(self, chain_id: int) -> dict[str, Any]:
        """Return ``proofs.json``: the public keys, and the newest checkpoint with the chain.

        The first key of an installation is made here, so that it is among the keys. Raises
        SigningKeyMissing.
        """
        # Whoever asks for the private key waits for whoever seals: only the first one has to.
        if not (keys := public_keys(self.session)):
            present_key(self.session, self.settings, self.clock)
            keys = public_keys(self.session)
        proof = prove(self.session, chain_id)
        return {
            "keys": keys,
            "inclusion": None if proof is None else proof.to_json(),
        }

    def receipt(self, entry: Mapping[str, Any], at: datetime) -> dict[str, Any]:
        """Return the signed statement that the chain ended with this entry at an export.

        The newest entries of a chain lie after the last checkpoint; this signature covers them.
        """
        statement = {
            "type": RECEIPT,
            "chain_id": entry["chain_id"],
            "length": entry["seq"],
            "head": entry["digest"],
            "at": at.astimezone(UTC).isoformat(timespec="microseconds"),
        }
        return sign_statement(self.session, self.settings, self.clock, statement)
