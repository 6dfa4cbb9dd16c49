"""The facts of a matter, read from its ledger entries and from nothing else."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.clock import ZONE
from engine.compliance.facts import NOTHING, Coming, Facts, Occurrence, Place, read_witness
from engine.compliance.items import ITEM_KINDS, RAISED, corrected, raised_by, with_item_entry
from engine.ledger.kinds import EntryKind
from engine.ledger.models import LedgerEntry
from engine.ledger.standing import undone_entries


@dataclass(frozen=True, slots=True)
class Told:
    """What an entry tells; ``payload`` is empty when it was erased."""

    seq: int
    kind: str
    recorded_at: datetime
    occurred_on: date | None
    actor_id: int | None
    element: str | None
    payload: Mapping[str, Any]


def read_facts(session: Session, instance_id: int) -> Facts | None:
    """Return the facts of a matter; None when nothing is recorded of it."""
    return facts_of(read_told(session, instance_id))


def read_told(session: Session, instance_id: int) -> list[Told]:
    """Return what the entries of a matter tell, in order."""
    rows = session.execute(
        select(
            LedgerEntry.seq,
            LedgerEntry.kind,
            LedgerEntry.recorded_at,
            LedgerEntry.occurred_on,
            LedgerEntry.actor_id,
            LedgerEntry.element,
            LedgerEntry.payload,
        )
        .where(LedgerEntry.chain_id == instance_id)
        .order_by(LedgerEntry.seq)
    )
    return [Told(**{**row._asdict(), "payload": json.loads(row.payload or "{}")}) for row in rows]


def facts_of(entries: Iterable[Told]) -> Facts | None:
    """Return the facts that the entries of one matter, in their order, come to."""
    told = list(entries)
    undone = undone_entries(told, {entry.seq: entry.payload for entry in told})
    facts: Facts | None = None
    for entry in told:
        if facts is None:
            if entry.kind == EntryKind.STARTED and entry.occurred_on is not None:
                facts = _started(entry, entry.occurred_on)
        else:
            facts = with_entry(facts, entry, undone)
    return facts


def occurrence_of(entry: Told, reads: Mapping[str, Collection[str]] | None = None) -> Occurrence:
    """Return the step that a ``completed`` entry records, with the fields that rules read."""
    assert entry.element is not None and entry.occurred_on is not None
    payload = entry.payload
    data = payload.get("data", NOTHING)
    if reads is not None:
        fields = reads.get(entry.element, ())
        data = {name: value for name, value in data.items() if name in fields}
    return Occurrence(
        element=entry.element,
        occurred_on=entry.occurred_on,
        recorded_on=entry.recorded_at.astimezone(ZONE).date(),
        data=data,
        seq=entry.seq,
        actor=entry.actor_id,
        by_timer=entry.actor_id is None,
        statuses=tuple(
            (code, date.fromisoformat(since)) for code, since in payload.get("status", ())
        ),
        item=payload.get("item"),
        **_seen(payload.get("witness", NOTHING)),
    )


def _seen(witness: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was witnessed of a step."""
    found: dict[str, Any] = {}
    if place := witness.get("place"):
        found["place"] = Place(*place)
    if people := witness.get("people"):
        found["people"] = {int(who): read_witness(said) for who, said in people.items()}
    if rolls := witness.get("rolls"):
        found["rolls"] = {name: tuple(due) for name, due in rolls.items()}
    if others := witness.get("others"):
        found["others"] = {rule: tuple(matters) for rule, matters in others.items()}
    return found


def _started(entry: Told, day: date) -> Facts:
    payload = entry.payload
    place = payload.get("place", [payload.get("organisation"), ""])
    return Facts(
        key=payload.get("key", ""),
        organisation=Place(*place),
        subject=payload.get("subject"),
        started_on=day,
    )


def with_entry(
    facts: Facts,
    entry: Told,
    undone: Collection[int] = (),
    reads: Mapping[str, Collection[str]] | None = None,
) -> Facts:
    """Return the facts with one more entry, of a step only the fields that rules read (``reads``).

    What people said of a step stays true when a send-back comes between, unless the step itself was
    undone by it: done again it is another step.
    """
    payload = entry.payload
    if entry.kind == EntryKind.COMPLETED:
        return facts if entry.seq in undone else _followed(_done(facts, entry, reads), entry)
    match entry.kind if payload else None:  # what was erased says nothing any more
        case EntryKind.OVERRIDDEN:
            allowed = (payload["rule"], payload["element"])
            return replace(facts, allowed=facts.allowed | {allowed})
        case EntryKind.WAIVED if payload["seq"] not in undone:
            key = (payload["rule"], payload["element"], payload["round"])
            return replace(facts, waived={**facts.waived, key: payload["reason"]})
        case EntryKind.CORRECTED:
            facts = replace(facts, occurrences=tuple(_corrected(facts.occurrences, payload)))
            return _items_corrected(facts, payload) if RAISED in payload else facts
        case kind if kind in ITEM_KINDS:
            # It stands unless the step that raised the item was undone; then there is no item.
            day = entry.occurred_on or entry.recorded_at.astimezone(ZONE).date()
            items = with_item_entry(facts.items, str(kind), day, payload)
            return replace(facts, items=items)
    if entry.seq in undone:
        return facts
    if entry.kind in _COMING and payload:
        facts = replace(facts, coming=(*facts.coming, _coming(entry)))
    return _followed(facts, entry)


def _done(facts: Facts, entry: Told, reads: Mapping[str, Collection[str]] | None) -> Facts:
    """Return the facts with a step done, and what it raised."""
    facts = facts.plus(occurrence_of(entry, reads))
    if raised := entry.payload.get(RAISED):
        found = raised_by(str(entry.element), entry.seq, entry.payload["data"], raised)
        facts = replace(facts, items=(*facts.items, *found))
    return facts


def _followed(facts: Facts, entry: Told) -> Facts:
    """Return the facts with what an entry says of how the matter stands afterwards."""
    payload = entry.payload
    if outcome := payload.get("outcome"):
        facts = replace(facts, outcome=outcome[0])
    if entry.kind == EntryKind.CANCELLED or payload.get("ended"):
        day = entry.occurred_on or entry.recorded_at.astimezone(ZONE).date()
        facts = replace(facts, ended_on=day)
    return facts


_COMING = (EntryKind.PARTICIPANT_ADDED, EntryKind.PARTICIPANT_REMOVED)


def _coming(entry: Told) -> Coming:
    assert entry.element is not None
    day = entry.occurred_on or entry.recorded_at.astimezone(ZONE).date()
    left = entry.kind == EntryKind.PARTICIPANT_REMOVED
    return Coming(entry.element, entry.payload["person"], day, left, entry.seq)


def _items_corrected(facts: Facts, payload: Mapping[str, Any]) -> Facts:
    """Put right the items of a corrected step."""
    step = next((o for o in facts.occurrences if o.seq == payload["seq"]), None)
    if step is None:
        return facts
    items = corrected(facts.items, step.element, step.seq, payload["data"], payload[RAISED])
    return replace(facts, items=items)


def _corrected(
    occurrences: Iterable[Occurrence], correction: Mapping[str, Any]
) -> Iterable[Occurrence]:
    """Put right the step that a correction names. What stood there stays in the ledger."""
    for occurrence in occurrences:
        if occurrence.seq != correction["seq"]:
            yield occurrence
            continue
        witness = correction.get("witness", {})
        day = correction.get("occurred_on")
        yield replace(
            occurrence,
            occurred_on=date.fromisoformat(day) if day else occurrence.occurred_on,
            data={**occurrence.data, **correction.get("data", {})},
            people={
                **occurrence.people,
                **{int(who): read_witness(said) for who, said in witness.get("people", {}).items()},
            },
            rolls={
                **occurrence.rolls,
                **{name: tuple(people) for name, people in witness.get("rolls", {}).items()},
            },
        )
