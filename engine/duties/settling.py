"""Put the steps of an organisation to the periods in which they count, and say how each stands."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from sqlalchemy import bindparam, select, text, update
from sqlalchemy.orm import Session

from engine.calendars.arithmetic import Period
from engine.clock import Clock
from engine.compliance.parameter_store import all_settings
from engine.compliance.parameters import ancestry_of
from engine.directory.models import Organisation
from engine.duties.allotting import Fulfilled, Held, Owed, allot, fulfilled
from engine.duties.catalogue import Catalogue, KnownDuty
from engine.duties.codes import DutyState
from engine.duties.models import DutyEvent, DutyRow
from engine.duties.parameters import MAKE_UP, Local, view_at
from engine.duties.periods import draft_day

BATCH = 500
"""Organisations that are settled with one set of statements."""
Pairs = Iterable[tuple[int, str]]
"""Organisations and keys of duties."""


def settle(session: Session, known: Catalogue, pairs: Pairs, clock: Clock) -> list[int]:
    """Count the steps of organisations anew; return the duties whose standing has changed.

    The rows are locked first: of two steps that are recorded at once, the second counts both.
    """
    wanted: dict[str, list[int]] = defaultdict(list)
    for place, key in sorted(set(pairs)):
        if key in known.duties:
            wanted[key].append(place)
    changed: list[int] = []
    for key, places in wanted.items():
        for at in range(0, len(places), BATCH):
            some = places[at : at + BATCH]
            changed += _settle(session, known.duties[key], some, clock)
    return changed


def _settle(session: Session, known: KnownDuty, places: Sequence[int], clock: Clock) -> list[int]:
    rows = session.execute(
        select(
            DutyRow.id,
            DutyRow.organisation_id,
            DutyRow.since,
            DutyRow.until,
            DutyRow.due_on,
            DutyRow.draft_on,
            DutyRow.times,
            DutyRow.done,
            DutyRow.done_on,
            DutyRow.state,
            DutyRow.instance_id,
        )
        .where(DutyRow.key == known.key, DutyRow.organisation_id.in_(places))
        .order_by(DutyRow.id)
        .with_for_update()
    ).all()
    events = session.execute(
        select(
            DutyEvent.organisation_id,
            DutyEvent.instance_id,
            DutyEvent.seq,
            DutyEvent.day,
            DutyEvent.also,
            DutyEvent.duty_id,
        ).where(DutyEvent.key == known.key, DutyEvent.organisation_id.in_(places))
    ).all()
    local = _locals(session, known, places, clock.today())
    due: dict[int, list[Any]] = defaultdict(list)
    held: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        due[row.organisation_id].append(row)
    for event in events:
        held[event.organisation_id].append(event)
    standing: list[dict[str, Any]] = []
    moved: list[dict[str, Any]] = []
    for place in places:
        here = local[place]
        counted = [
            Held(event.instance_id, event.seq, event.day)
            for event in held[place]
            if not event.also or bool(here.value(known.duty.also_if))
        ]
        make_up = here.amount(MAKE_UP)
        owed = [
            Owed(r.id, r.since, r.until, r.due_on, r.times, r.instance_id, make_up)
            for r in due[place]
        ]
        allotted = allot(owed, counted)
        far = fulfilled(counted, allotted)
        for row in due[place]:
            now = _standing(row, far.get(row.id, Fulfilled(())), clock.today())
            if now is not None:
                standing.append({**now, "_id": row.id, "changed_at": clock.now()})
        for event in held[place]:
            put = allotted.get((event.instance_id, event.seq))
            if put != event.duty_id:
                moved.append(
                    {"_m": event.instance_id, "_s": event.seq, "_k": known.key, "put": put}
                )
    if moved:
        session.connection().execute(_PUT, moved)
    if standing:
        session.connection().execute(_STAND, standing)
    return [one["_id"] for one in standing]


_PUT = (
    update(DutyEvent)
    .where(
        DutyEvent.instance_id == bindparam("_m"),
        DutyEvent.seq == bindparam("_s"),
        DutyEvent.key == bindparam("_k"),
    )
    .values(duty_id=bindparam("put"))
)

_STAND = (
    update(DutyRow)
    .where(DutyRow.id == bindparam("_id"))
    .values(
        state=bindparam("state"),
        done=bindparam("done"),
        done_on=bindparam("done_on"),
        draft_on=bindparam("draft_on"),
        changed_at=bindparam("changed_at"),
    )
)


def _standing(row: Any, far: Fulfilled, today: date) -> dict[str, Any] | None:
    """Return how a duty stands now, None when nothing has changed."""
    done_on = far.done_on(row.times)
    done = len(far.days)
    draft_on = row.draft_on
    if done != row.done:
        # The first draft says how long before the end of its share a draft comes.
        period = Period(row.since, row.until)
        before = draft_day(period, row.times, row.done, 0) - row.draft_on
        draft_on = max(row.since, draft_day(period, row.times, done, 0) - before)
    now = {
        "state": str(state_of(row, done_on, today)),
        "done": done,
        "done_on": done_on,
        "draft_on": draft_on,
    }
    was = {name: getattr(row, name) for name in now}
    return None if now == was else now


def state_of(row: Any, done_on: date | None, today: date) -> DutyState:
    """Return the state of a duty that was done as often as owed on ``done_on``, or not yet."""
    if done_on is not None:
        return DutyState.DONE if done_on <= row.due_on else DutyState.MADE_UP
    if row.state == DutyState.LAPSED:
        return DutyState.LAPSED
    if today > row.due_on:
        return DutyState.LATE
    return DutyState.DUE if row.since <= today else DutyState.PLANNED


def _locals(
    session: Session, known: KnownDuty, places: Sequence[int], day: date
) -> dict[int, Local]:
    settings = all_settings(session)
    rows = session.execute(
        select(Organisation.id, Organisation.path).where(Organisation.id.in_(places))
    )
    return {
        row.id: Local(view_at(known.declared, settings, ancestry_of(row.path)), day) for row in rows
    }


_LOOSE = text(
    "SELECT DISTINCT organisation_id, key FROM duty_event WHERE also OR duty_id IS NULL"
    " AND day >= :oldest"
)


def loose_pairs(session: Session, oldest: date) -> set[tuple[int, str]]:
    """Return where a parameter or a new plan may have changed what steps count for."""
    rows = session.execute(_LOOSE, {"oldest": oldest})
    return {(row.organisation_id, row.key) for row in rows}
