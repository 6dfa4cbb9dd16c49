"""The plan: one row for each organisation, duty and period, made in bulk and never twice.

The present period and the next are planned; one that has passed only where the organisation was in
the plan before (nobody ran the job for a while), or where a parameter says from when the plan
counts. So a directory or a procedure that is entered late makes nobody late.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from engine.calendars.arithmetic import Period
from engine.clock import Clock
from engine.compliance.parameter_store import all_settings
from engine.compliance.parameters import Settings, ancestry_of
from engine.directory.models import Organisation
from engine.duties.catalogue import Catalogue, KnownDuty
from engine.duties.parameters import MAKE_UP, OWED, PART, Local, view_at
from engine.duties.periods import draft_day, last_day, next_period, period_of, periods_between

LOOK_BACK: Final = timedelta(days=800)
"""How far back a missed period is still filled in."""

_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('duty plan', 0))")

_ADD = text(
    """
    INSERT INTO duty (organisation_id, path, key, process_key, rule, since, until, due_on, draft_on,
        remind_on, times, state, changed_at)
    SELECT o.id, o.path, :key, :process_key, :rule, :since, :until, :due_on, :draft_on, :remind_on,
        :times, 'planned', :now
    FROM organisation o
    WHERE o.id = ANY(:places) AND o.kind = ANY(:kinds)
        AND (CAST(:committee AS boolean) IS NULL OR o.has_committee = :committee)
        AND (o.founded_on IS NULL OR o.founded_on <= :founded)
        AND (o.dissolved_on IS NULL OR o.dissolved_on > :due_on)
        AND NOT EXISTS (
            SELECT FROM duty d WHERE d.organisation_id = o.id AND d.key = :key AND d.since = :since
        )
        AND (:anew OR EXISTS (
            SELECT FROM duty d WHERE d.organisation_id = o.id AND d.key = :key AND d.since < :since
        ))
    ON CONFLICT DO NOTHING
    """
)

_ADJUST = text(
    """
    UPDATE duty SET times = :times, due_on = :due_on, draft_on = CASE WHEN done = 0
            THEN :draft_on ELSE draft_on END, remind_on = :remind_on, changed_at = :now
    WHERE key = :key AND since = :since AND state IN ('planned', 'due')
        AND organisation_id = ANY(:places)
        AND (times, due_on, remind_on, CASE WHEN done = 0 THEN draft_on END) IS DISTINCT FROM
            (CAST(:times AS smallint), CAST(:due_on AS date), CAST(:remind_on AS date),
            CASE WHEN done = 0 THEN CAST(:draft_on AS date) END)
    RETURNING organisation_id
    """
)

_GONE = """o.kind <> ALL(:kinds) OR o.has_committee <> coalesce(:committee, o.has_committee)
    OR o.dissolved_on <= d.due_on OR o.founded_on > d.until"""

# What was late before the organisation ended stays late; what its end came before never was.
_LAPSE = text(
    f"""
    UPDATE duty d SET state = 'lapsed', changed_at = :now FROM organisation o
    WHERE o.id = d.organisation_id AND d.key = :key AND (
        (d.state IN ('planned', 'due') AND ({_GONE}))
        OR (d.state = 'late' AND o.dissolved_on <= d.due_on)
    )
    RETURNING d.id
    """  # noqa: S608 - a constant of this module; values are bound
)

_REVIVE = text(
    f"""
    UPDATE duty d SET state = 'planned', changed_at = :now FROM organisation o
    WHERE o.id = d.organisation_id AND d.key = :key AND d.state = 'lapsed' AND d.since >= :oldest
        AND ({_GONE}) IS NOT TRUE
    """  # noqa: S608
)

_DROP = text(
    """
    UPDATE duty SET state = 'lapsed', changed_at = :now
    WHERE state IN ('planned', 'due') AND key <> ALL(:keys)
    """
)

_MOVE = text(
    """
    UPDATE duty d SET path = o.path, changed_at = :now FROM organisation o
    WHERE o.id = d.organisation_id AND d.state IN ('planned', 'due') AND d.path <> o.path
    """
)

_BEGIN = text(
    "UPDATE duty SET state = 'due', changed_at = :now WHERE state = 'planned' AND since <= :today"
)

_LATE = text(
    """
    UPDATE duty SET state = 'late', late_at = :now, changed_at = :now
    WHERE state IN ('planned', 'due') AND due_on < :today
    RETURNING id
    """
)


@dataclass(frozen=True)
class Planned:
    """What a run of the plan did."""

    added: int
    late: tuple[int, ...]
    """The duties that have become late."""
    settle: frozenset[tuple[int, str]]
    """Organisations and keys whose steps have to be put to periods anew."""
    lapsed: tuple[int, ...] = ()


def make_plan(session: Session, known: Catalogue, clock: Clock) -> Planned:
    """Plan the present and the next period of every duty; what is planned stays as it is.

    Safe to call at any time, any number of times, by any number of workers: they wait for each
    other, and the later ones find nothing left to do.
    """
    session.execute(_LOCK)
    now, today = clock.now(), clock.today()
    added, settle = 0, set()
    places = _places(session)
    settings = all_settings(session)
    groups = _groups(places, settings)
    last = _last_planned(session)
    for duty in known.duties.values():
        for ancestry, ids in groups.items():
            local = Local(view_at(duty.declared, settings, ancestry), today)
            for period, anew in _periods(duty, local, last.get(duty.key), today):
                values = _values(duty, local, period)
                common = {"key": duty.key, "places": ids, "now": now, **values}
                made = session.execute(
                    _ADD,
                    {
                        **common,
                        "process_key": duty.duty.process,
                        "rule": duty.duty.rule,
                        "until": period.last,
                        "kinds": list(duty.duty.kinds),
                        "committee": duty.duty.committee,
                        "founded": period.last if _part_owed(local) else period.first,
                        "anew": anew,
                    },
                ).rowcount  # type: ignore[attr-defined]
                changed = session.scalars(_ADJUST, common).all()
                settle |= {(place, duty.key) for place in changed}
                if made:
                    added += made
                    settle |= _with_steps(session, duty.key, ids)
    lapsed: list[int] = []
    for duty in known.duties.values():
        common = {
            "key": duty.key,
            "kinds": list(duty.duty.kinds),
            "committee": duty.duty.committee,
            "now": now,
        }
        lapsed += session.scalars(_LAPSE, common)
        session.execute(_REVIVE, {**common, "oldest": today - LOOK_BACK})
    session.execute(_DROP, {"keys": list(known.duties), "now": now})
    session.execute(_MOVE, {"now": now})
    session.execute(_BEGIN, {"now": now, "today": today})
    late = tuple(session.scalars(_LATE, {"now": now, "today": today}))
    return Planned(added, late, frozenset(settle), tuple(lapsed))


def make_up_months(known: KnownDuty, settings: Settings, path: str, day: date) -> int:
    """Return for how many months after the last day a duty can be made up."""
    return Local(view_at(known.declared, settings, ancestry_of(path)), day).amount(MAKE_UP)


def _places(session: Session) -> Sequence[Any]:
    return session.execute(select(Organisation.id, Organisation.path)).all()


def _groups(places: Sequence[Any], settings: Settings) -> Mapping[tuple[int, ...], list[int]]:
    """Return organisations by those on their path that have set any parameter, nearest first.

    All of a group have the same parameters, so a statement serves the whole group.
    """
    deciding = {organisation_id for _, organisation_id in settings}
    groups: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for place in places:
        groups[tuple(id for id in ancestry_of(place.path) if id in deciding)].append(place.id)
    return groups


def _last_planned(session: Session) -> Mapping[str, date]:
    rows = session.execute(text("SELECT key, max(since) AS last FROM duty GROUP BY key"))
    return {row.key: row.last for row in rows}


def _periods(
    known: KnownDuty, local: Local, last: date | None, today: date
) -> Iterator[tuple[Period, bool]]:
    """Yield the periods to plan; the flag says whether also for those new in the plan."""
    kind, starts_in = known.duty.period, known.duty.starts_in
    now = period_of(kind, today, starts_in)
    following = next_period(kind, now)
    said = local.since()
    begins = said or known.since
    first = now.first if last is None else min(now.first, last)
    first = max(min(first, said or first), today - LOOK_BACK)
    for period in periods_between(kind, first, following.last, starts_in):
        if begins <= (period.last if _part_owed(local) else period.first):
            yield period, period.first >= now.first or said is not None


def _part_owed(local: Local) -> bool:
    return local.value(PART) == OWED


def _values(known: KnownDuty, local: Local, period: Period) -> dict[str, Any]:
    duty = known.duty
    times = max(1, local.amount(duty.times))
    due_on = last_day(period, local.amount(duty.carry_over_months))
    remind_on = due_on - timedelta(days=local.amount(duty.remind_days))
    return {
        "since": period.first,
        "times": times,
        "due_on": due_on,
        "draft_on": draft_day(period, times, 0, local.amount(duty.draft_days)),
        "remind_on": max(period.first, remind_on),
    }


def _with_steps(session: Session, key: str, places: Sequence[int]) -> set[tuple[int, str]]:
    rows = session.scalars(
        text(
            "SELECT DISTINCT organisation_id FROM duty_event"
            " WHERE key = :key AND organisation_id = ANY(:places)"
        ),
        {"key": key, "places": places},
    )
    return {(place, key) for place in rows}
