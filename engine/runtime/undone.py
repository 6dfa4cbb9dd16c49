"""A matter as it was before an earlier step: what a send-back restores."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.ledger.kinds import EntryKind
from engine.ledger.models import LedgerEntry
from engine.ledger.standing import undone_entries


@dataclass(frozen=True)
class Before:
    """A matter as it was before a step that counts."""

    seq: int
    """The entry of the step itself."""
    snapshot: bytes
    participants: Mapping[str, tuple[int, ...]]
    outcome: str | None


def find_before(session: Session, instance_id: int, element: str) -> Before | None:
    """Return the matter as it was before ``element`` was last completed; None if it never was.

    A completion that a send-back has undone does not count.
    """
    entries = session.execute(
        select(LedgerEntry.seq, LedgerEntry.kind, LedgerEntry.element, LedgerEntry.payload)
        .where(LedgerEntry.chain_id == instance_id)
        .order_by(LedgerEntry.seq)
    ).all()
    payloads = {entry.seq: json.loads(entry.payload or "{}") for entry in entries}
    undone = undone_entries(entries, payloads)
    step = next(
        (
            entry
            for entry in reversed(entries)
            if (entry.kind, entry.element) == (EntryKind.COMPLETED, element)
            and entry.seq not in undone
        ),
        None,
    )
    if step is None:
        return None
    snapshot = session.scalar(
        select(LedgerEntry.snapshot).where(
            LedgerEntry.chain_id == instance_id, LedgerEntry.seq == step.seq
        )
    )
    if snapshot is None:
        return None
    participants: dict[str, tuple[int, ...]] = {}
    outcome: str | None = None
    for entry in entries:
        if entry.seq < step.seq and entry.seq not in undone:
            payload = payloads[entry.seq]
            roles = payload.get("participants", {})
            participants |= {role: tuple(people) for role, people in roles.items()}
            outcome = payload.get("outcome", [outcome])[0]
    return Before(step.seq, bytes(snapshot), participants, outcome)
