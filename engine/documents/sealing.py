"""How a case file is tied to the checkpoints, and signed by the installation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from sqlalchemy.orm import Session

from engine.ledger.chain import canonical


class Signer(Protocol):
    """Signs with the installation's present key."""

    def __call__(self, message: bytes) -> tuple[str, str]:
        """Return the number of the key and the signature, both as hex."""
        ...


def proofs_of(session: Session, chain_id: int) -> dict[str, Any]:
    """Return ``proofs.json``: the public keys, and the newest checkpoint that holds the chain."""
    return {"keys": [], "inclusion": None}


def head_text(entry: Mapping[str, Any]) -> bytes:
    """Return what is signed at an export: that the chain ends with this entry."""
    return canonical(["case file", entry["chain_id"], entry["seq"], entry["digest"]]).encode()
