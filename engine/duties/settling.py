"""Put the steps of an organisation to the periods in which they count, and say how each stands."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any, Final

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
from engine.duties.tallies import tallies

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
    if known.duty.tally is not None:
        return _settle_tally(session, known, rows, events, clock)
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
    _write(session, moved, standing)
    return [one["_id"] for one in standing]


def _settle_tally(
    session: Session, known: KnownDuty, rows: Sequence[Any], events: Sequence[Any], clock: Clock
) -> list[int]:
    """Put the steps to their periods; a period that is over is done if nobody lacks anything.

    Until its last day has passed nobody is behind. One that was judged before is judged again, for
    what was entered late counts by the day on which it happened.
    """
    today = clock.today()
    moved = []
    for event in events:
        put = next(
            (
                row.id
                for row in rows
                if row.organisation_id == event.organisation_id
                and row.since <= event.day <= row.until
            ),
            None,
        )
        if put != event.duty_id:
            moved.append({"_m": event.instance_id, "_s": event.seq, "_k": known.key, "put": put})
    over: dict[tuple[date, date], list[Any]] = defaultdict(list)
    standing = []
    for row in rows:
        if row.state == DutyState.LAPSED:
            continue
        if today > row.due_on:
            over[row.since, row.until].append(row)
        elif row.state not in (DutyState.PLANNED, DutyState.DUE):
            standing.append(_tallied(row, None, state_of(row, None, today), clock))
    for (since, until), ended in over.items():
        found = tallies(session, known, [row.organisation_id for row in ended], since, until)
        for row in ended:
            short = found[row.organisation_id].short
            state = DutyState.LATE if short else DutyState.DONE
            standing.append(_tallied(row, None if short else until, state, clock))
    _write(session, moved, standing)
    return [one["_id"] for one in standing]


def _tallied(row: Any, done_on: date | None, state: DutyState, clock: Clock) -> dict[str, Any]:
    return {
        "_id": row.id,
        "state": str(state),
        "done": 0 if done_on is None else row.times,
        "done_on": done_on,
        "draft_on": row.draft_on,
        "changed_at": clock.now(),
    }


def _write(
    session: Session, moved: Sequence[dict[str, Any]], standing: Sequence[dict[str, Any]]
) -> None:
    if moved:
        session.connection().execute(_PUT, moved)
    if standing:
        session.connection().execute(_STAND, standing)


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


JUDGED_AGAIN: Final = timedelta(days=92)
"""For so long after its period a tally is judged again once a day: the directory may be mended."""

_ENDED = text(
    """
    SELECT DISTINCT organisation_id, key FROM duty
    WHERE key = ANY(:keys) AND state IN ('late', 'done') AND until < :today AND until >= :oldest
        AND changed_at < :before
    """
)


def ended_tallies(session: Session, known: Catalogue, clock: Clock) -> set[tuple[int, str]]:
    """Return the tallies of periods that ended lately and were not judged today."""
    keys = [key for key, one in known.duties.items() if one.duty.tally is not None]
    if not keys:
        return set()
    rows = session.execute(
        _ENDED,
        {
            "keys": keys,
            "today": clock.today(),
            "oldest": clock.today() - JUDGED_AGAIN,
            "before": clock.now() - timedelta(days=1),
        },
    )
    return {(row.organisation_id, row.key) for row in rows}


def tallies_of(session: Session, known: Catalogue, ids: Sequence[int]) -> set[tuple[int, str]]:
    """Return where those of these duties that are tallies are owed: their time is over now."""
    keys = [key for key, one in known.duties.items() if one.duty.tally is not None]
    if not keys or not ids:
        return set()
    rows = session.execute(
        select(DutyRow.organisation_id, DutyRow.key).where(
            DutyRow.id.in_(ids), DutyRow.key.in_(keys)
        )
    )
    return {(row.organisation_id, row.key) for row in rows}


def still_late(session: Session, ids: Sequence[int]) -> list[int]:
    """Return those of these duties that are late, now that all was counted."""
    rows = session.scalars(
        select(DutyRow.id)
        .where(DutyRow.id.in_(ids), DutyRow.state == DutyState.LATE)
        .order_by(DutyRow.id)
    )
    return list(rows)


_LOOSE = text(
    "SELECT DISTINCT organisation_id, key FROM duty_event WHERE also OR duty_id IS NULL"
    " AND day >= :oldest"
)


def loose_pairs(session: Session, oldest: date) -> set[tuple[int, str]]:
    """Return where a parameter or a new plan may have changed what steps count for."""
    rows = session.execute(_LOOSE, {"oldest": oldest})
    return {(row.organisation_id, row.key) for row in rows}
