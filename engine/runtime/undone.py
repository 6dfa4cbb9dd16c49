"""A matter as it was before an earlier step: what a send-back restores."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import LargeBinary, func, literal, select
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
    changes: tuple[Change, ...] = ()
    """Who came and left since, in the order in which it was recorded."""


@dataclass(frozen=True)
class Change:
    """Somebody joined or left a step with a task for each of a list of people."""

    kind: str
    element: str
    person_id: int
    day: date
    reason: str


def find_before(
    session: Session,
    instance_id: int,
    element: str,
    *,
    activity: Callable[[bytes], bytes] | None = None,
) -> Before | None:
    """Return the matter as it was before ``element`` was last completed; None if it never was.

    A completion that a send-back has undone does not count. ``activity``: the step has a task for
    each of a list of people, and finds in a snapshot the id of the activity that holds them; then
    it is the matter before the first of them completed theirs.
    """
    entries = session.execute(
        select(
            LedgerEntry.seq,
            LedgerEntry.kind,
            LedgerEntry.element,
            LedgerEntry.occurred_on,
            LedgerEntry.payload,
        )
        .where(LedgerEntry.chain_id == instance_id)
        .order_by(LedgerEntry.seq)
    ).all()
    payloads = {entry.seq: json.loads(entry.payload or "{}") for entry in entries}
    undone = undone_entries(entries, payloads)
    done = [
        entry.seq
        for entry in entries
        if (entry.kind, entry.element) == (EntryKind.COMPLETED, element) and entry.seq not in undone
    ]
    if not done:
        return None
    last = done[-1]
    snapshot = _snapshot(session, instance_id, last)
    if snapshot is not None and activity is not None:
        last = _first_with(session, instance_id, done, activity(snapshot))
        snapshot = _snapshot(session, instance_id, last)
    if snapshot is None:
        return None
    participants: dict[str, tuple[int, ...]] = {}
    outcome: str | None = None
    for entry in entries:
        if entry.seq < last and entry.seq not in undone:
            payload = payloads[entry.seq]
            roles = payload.get("participants", {})
            participants |= {role: tuple(people) for role, people in roles.items()}
            outcome = payload.get("outcome", [outcome])[0]
    changes = (
        Change(
            entry.kind,
            entry.element,
            payloads[entry.seq]["person"],
            entry.occurred_on,
            payloads[entry.seq]["reason"],
        )
        for entry in entries
        if entry.seq > last and entry.kind in _COMING and entry.seq not in undone
    )
    return Before(last, snapshot, participants, outcome, tuple(changes))


_COMING = (EntryKind.PARTICIPANT_ADDED, EntryKind.PARTICIPANT_REMOVED)


def _snapshot(session: Session, instance_id: int, seq: int) -> bytes | None:
    """Return the state of the matter before an entry."""
    found = session.scalar(
        select(LedgerEntry.snapshot).where(
            LedgerEntry.chain_id == instance_id, LedgerEntry.seq == seq
        )
    )
    return None if found is None else bytes(found)


def _first_with(session: Session, instance_id: int, seqs: list[int], activity: bytes) -> int:
    """Return the first of the entries before which this very activity was open already.

    Its id is random and stands in every snapshot as it is; so an earlier round is another one.
    """
    found: int | None = session.scalar(
        select(func.min(LedgerEntry.seq)).where(
            LedgerEntry.chain_id == instance_id,
            LedgerEntry.seq.in_(seqs),
            func.position(literal(activity, LargeBinary).op("IN")(LedgerEntry.snapshot)) > 0,
        )
    )
    return seqs[-1] if found is None else found
