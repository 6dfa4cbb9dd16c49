"""Seal the heads of all chains under one signed Merkle root, and read what was sealed.

A checkpoint kept outside binds every entry up to its moment: whoever changes one of them, even the
server's owner with all digests made anew, cannot make the old root again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session

from engine.clock import Clock
from engine.digests import digester, present_form
from engine.ledger.keys import present_key
from engine.ledger.merkle import Leaf, Tree
from engine.ledger.models import Checkpoint
from engine.ledger.statements import CHECKPOINT, sign, signed_text
from engine.settings import Settings

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Sealed:
    """A checkpoint."""

    number: int
    at: datetime
    form: int
    size: int
    """Chains."""
    entries: int
    root: bytes
    previous: bytes
    key_id: str
    signature: bytes

    def statement(self) -> dict[str, Any]:
        """Return what was signed, with the signature: the checkpoint as it is handed on."""
        return {
            "type": CHECKPOINT,
            "number": self.number,
            "at": self.at.astimezone(UTC).isoformat(timespec="microseconds"),
            "form": self.form,
            "size": self.size,
            "entries": self.entries,
            "root": self.root.hex(),
            "previous": self.previous.hex(),
            "key": self.key_id,
            "signature": self.signature.hex(),
        }

    @classmethod
    def from_statement(cls, found: Mapping[str, Any]) -> Sealed:
        """Read a checkpoint from what :meth:`statement` returned. Raises KeyError, ValueError."""
        return cls(
            number=int(found["number"]),
            at=datetime.fromisoformat(found["at"]),
            form=int(found["form"]),
            size=int(found["size"]),
            entries=int(found["entries"]),
            root=bytes.fromhex(found["root"]),
            previous=bytes.fromhex(found["previous"]),
            key_id=str(found["key"]),
            signature=bytes.fromhex(found["signature"]),
        )

    def digest(self) -> bytes:
        """Return the digest under which the next checkpoint names this one."""
        made: bytes = digester(self.form)(signed_text(self.statement())).digest()
        return made


# Heads as they are, beside those last sealed. One statement: all heads are of one moment.
_HEADS = text(
    """
    WITH head AS (
        SELECT id, chain_length AS length, chain_head AS digest FROM instance WHERE chain_length > 0
        UNION ALL SELECT id, length, head FROM ledger_chain WHERE length > 0
    ),
    sealed AS (
        SELECT DISTINCT ON (chain_id) chain_id, length, digest FROM checkpoint_leaf
        ORDER BY chain_id DESC, number DESC
    )
    SELECT coalesce(h.id, s.chain_id) AS chain_id, h.length, h.digest,
        s.length AS sealed_length, s.digest AS sealed_digest
    FROM head h FULL JOIN sealed s ON s.chain_id = h.id ORDER BY 1
    """
)

_ADD_LEAVES = text(
    """
    INSERT INTO checkpoint_leaf (chain_id, number, length, digest)
    SELECT n.chain_id, :number, n.length, n.digest
    FROM unnest(CAST(:chains AS bigint[]), CAST(:lengths AS integer[]), CAST(:digests AS bytea[]))
        AS n(chain_id, length, digest)
    """
)

_LEAVES = text(
    """
    SELECT DISTINCT ON (chain_id) chain_id, length, digest FROM checkpoint_leaf
    WHERE number <= :number ORDER BY chain_id DESC, number DESC
    """
)


def seal_checkpoint(session: Session, settings: Settings, clock: Clock) -> Sealed:
    """Seal all chains as they are now, in the session's transaction.

    A chain that has shrunk or vanished since is sealed all the same, and stays visible to
    verification: the old checkpoint still names its old head. Raises SigningKeyMissing.
    """
    private = present_key(session, settings, clock)
    leaves: list[Leaf] = []
    changed: list[Leaf] = []
    for row in session.execute(_HEADS):
        if row.length is None:
            log.error("sealed_chain_missing", chain=row.chain_id)
            leaves.append(Leaf(row.chain_id, row.sealed_length, bytes(row.sealed_digest)))
            continue
        leaf = Leaf(row.chain_id, row.length, bytes(row.digest))
        leaves.append(leaf)
        if (row.length, row.digest) != (row.sealed_length, row.sealed_digest):
            changed.append(leaf)
            if row.length <= (row.sealed_length or 0):
                log.error("sealed_chain_rewritten", chain=row.chain_id)
    before = newest_checkpoint(session)
    form = present_form()
    statement = {
        "type": CHECKPOINT,
        "number": before.number + 1 if before else 1,
        "at": clock.now().astimezone(UTC).isoformat(timespec="microseconds"),
        "form": form,
        "size": len(leaves),
        "entries": sum(leaf.length for leaf in leaves),
        "root": Tree(form, [leaf.text() for leaf in leaves]).root.hex(),
        "previous": before.digest().hex() if before else "",
    }
    sealed = Sealed.from_statement(sign(private, statement))
    session.execute(insert(Checkpoint).values(vars(sealed)))
    session.execute(
        _ADD_LEAVES,
        {
            "number": sealed.number,
            "chains": [leaf.chain_id for leaf in changed],
            "lengths": [leaf.length for leaf in changed],
            "digests": [leaf.digest for leaf in changed],
        },
    )
    log.info("sealed", number=sealed.number, chains=sealed.size, changed=len(changed))
    return sealed


def checkpoint_due(session: Session, settings: Settings, clock: Clock) -> bool:
    """Tell whether the last checkpoint is as old as the settings allow, or there is none."""
    last = newest_checkpoint(session)
    return last is None or clock.now() - last.at >= timedelta(hours=settings.checkpoint_hours)


def newest_checkpoint(session: Session) -> Sealed | None:
    """Return the last checkpoint."""
    row = session.scalar(select(Checkpoint).order_by(Checkpoint.number.desc()).limit(1))
    return None if row is None else _sealed(row)


def list_checkpoints(session: Session, count: int) -> list[Sealed]:
    """Return the last checkpoints, the newest first."""
    rows = session.scalars(select(Checkpoint).order_by(Checkpoint.number.desc()).limit(count))
    return [_sealed(row) for row in rows]


def find_checkpoint(session: Session, number: int) -> Sealed | None:
    """Return the checkpoint with this number."""
    row = session.scalar(select(Checkpoint).where(Checkpoint.number == number))
    return None if row is None else _sealed(row)


def leaves_at(session: Session, number: int) -> list[Leaf]:
    """Return the heads that checkpoint ``number`` sealed, ordered by chain."""
    rows = session.execute(_LEAVES, {"number": number}).all()
    return [Leaf(row.chain_id, row.length, bytes(row.digest)) for row in reversed(rows)]


def _sealed(row: Checkpoint) -> Sealed:
    return Sealed(
        row.number,
        row.at,
        row.form,
        row.size,
        row.entries,
        bytes(row.root),
        bytes(row.previous),
        row.key_id,
        bytes(row.signature),
    )
