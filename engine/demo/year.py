"""The year of the invented branches: what they held in time, late, or not at all.

The plan counts from January; early in a year, when little lies behind, from the July before. Who
slips, and when, is the same on every run: a village is never always in time.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from typing import Final

from sqlalchemy import select

from engine.calendars.arithmetic import add_months
from engine.compliance.parameter_operations import set_parameter
from engine.database import db
from engine.demo.meetings import Meeting, hold
from engine.demo.people import SEED
from engine.demo.places import COUNTY, PLACES
from engine.demo.stage import Place, Stage, place_of
from engine.directory.codes import OrganisationKind as Kind
from engine.directory.models import Organisation
from engine.duties.parameters import SINCE

SPRING: Final = 3
"""Up to this month the plan of the demo begins in the year before."""

CARE: Final[Mapping[str, float]] = {
    "lianhe": 0.45,
    "xijie": 0.15,
    "qingxi": 0.12,
    "yuntai": 0.1,
    "liuwan": 0.08,
    "dongjie": 0.06,
}
"""How likely it is that a branch misses what it owes; the others nearly never do."""
USUAL_CARE: Final = 0.02
MADE_UP: Final = 0.5
"""How much of what was missed is made up in the month after."""
MEETINGS_IN_BRANCHES: Final = (Kind.BRANCH, Kind.JOINT_BRANCH, Kind.GROUP)


def begins(today: date) -> date:
    """Return the day from which the demo's duties count."""
    if today.month <= SPRING:
        return date(today.year - 1, 7, 1)
    return date(today.year, 1, 1)


def places(stage: Stage) -> list[Place]:
    """Return the branches and groups that meet."""
    session = db.session()
    committees = {
        row.id: row.has_committee
        for row in session.execute(select(Organisation.id, Organisation.has_committee))
    }
    return [
        place_of(session, stage.town, p.key, committees[stage.town.organisations[p.key]])
        for p in PLACES
        if p.kind in MEETINGS_IN_BRANCHES
    ]


def count_from(stage: Stage) -> None:
    """Let the county's organisation department say from which day duties are checked."""
    since = begins(stage.today)
    set_parameter(
        stage.clock(since),
        stage.actor(stage.town.people["xianwei.zuzhibu"]),
        organisation_id=stage.town.organisations[COUNTY],
        key=SINCE,
        value=since.isoformat(),
        since=since,
        reason="从这一天起用系统登记组织生活。",
    )


def hold_meetings(stage: Stage, *, progress: Callable[[int], object]) -> None:
    """Hold what the branches have held until today, one month after the other."""
    for place, meeting, lot in planned(stage):
        if meeting.day <= stage.today:
            hold(stage, place, meeting, lot)
            progress(1)


def count_meetings(stage: Stage) -> int:
    """Return how many meetings :func:`hold_meetings` holds."""
    return sum(1 for _, meeting, _ in planned(stage) if meeting.day <= stage.today)


def call_meetings(stage: Stage) -> None:
    """Call the meetings of the next days: the agenda is set, most have been announced."""
    for place, meeting, lot in planned(stage):
        if meeting.day > stage.today:
            hold(stage, place, meeting, lot)


# --- who meets when -----------------------------------------------------------------------------


def planned(stage: Stage) -> Iterator[tuple[Place, Meeting, random.Random]]:
    """Yield what is held until the end of the month, with the lot that decides its details."""
    for number, place in enumerate(places(stage)):
        for kind, months, day, votes in _habits(place, number):
            month = begins(stage.today)
            while month <= stage.today:
                if month.month % months == (2 if months == 3 and kind == "members_meeting" else 0):
                    lot = random.Random(f"{SEED} {place.key} {kind} {month}")  # noqa: S311
                    meeting = _meeting(kind, month, day, votes, lot, place)
                    if meeting is not None:
                        yield place, meeting, lot
                month = add_months(month, 1)


def _habits(place: Place, number: int) -> Iterator[tuple[str, int, int, bool]]:
    """Yield what a place holds: the kind, every how many months, on which day, with a vote."""
    if place.key.startswith("shiqiao") and place.key != "shiqiao":
        yield "group_meeting", 1, 17 + number, False
        return
    yield "theme_day", 1, 5 + number * 2 % 23, False
    if place.has_committee:
        yield "committee_meeting", 1, 2 + number // 2, number % 4 == 1
    yield "members_meeting", 3, 8 + number * 3 % 20, number % 2 == 0
    yield "party_lesson", 3, 4 + number, False


def _meeting(
    kind: str, month: date, day: int, votes: bool, lot: random.Random, place: Place
) -> Meeting | None:
    on = month.replace(day=day)
    if on.weekday() > 4 and kind == "committee_meeting":
        on += timedelta(days=7 - on.weekday())
    if lot.random() < CARE.get(place.key, USUAL_CARE):
        if lot.random() > MADE_UP:
            return None
        on = add_months(month, 1 if kind != "party_lesson" else 2).replace(day=min(day + 9, 28))
    return Meeting(
        kind,
        on,
        notice=0 if lot.random() < 0.03 else 3,
        signed=lot.choice((1, 2, 2, 3, 3, 12)) if lot.random() < 0.2 else 2,
        lecturer="secretary" if month.month < 7 else "member",
        votes=votes,
    )
