"""The demo's year: what it holds on the odd days of the calendar, and that the plan agrees."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from engine.attachments.store import Store
from engine.ballots.models import BallotBox, BallotVoter
from engine.clock import FixedClock
from engine.compliance.models import Finding
from engine.definitions.operations import deploy_package
from engine.definitions.package import is_component
from engine.demo import filling, matters, year
from engine.demo.meetings import Meeting
from engine.demo.people import create_demo_directory
from engine.demo.stage import Place, Stage
from engine.directory.models import Account, Organisation
from engine.duties.models import DutyRow
from engine.notifications.models import Notice
from engine.runtime.models import Instance, Task
from engine.runtime.rectification.models import RectificationItem
from engine.settings import Settings
from tests.shipped import PROCESSES, deploy_shipped, package

NEW_YEAR, LEAP_DAY, AUTUMN = date(2027, 1, 1), date(2028, 2, 29), date(2026, 11, 23)


def at(day: date) -> FixedClock:
    return FixedClock(datetime(day.year, day.month, day.day, 2, tzinfo=UTC))


@pytest.mark.parametrize(
    ("day", "since"),
    [
        (NEW_YEAR, date(2026, 7, 1)),
        (LEAP_DAY, date(2027, 7, 1)),
        (date(2027, 3, 31), date(2026, 7, 1)),
        (date(2027, 4, 1), date(2027, 1, 1)),
        (AUTUMN, date(2026, 1, 1)),
    ],
)
def test_there_is_always_half_a_year_behind(day: date, since: date) -> None:
    assert year.begins(day) == since


@pytest.fixture
def stage(request: pytest.FixtureRequest, session: Session, tmp_path: Path) -> Stage:
    clock = at(request.param)
    for key in sorted(path.parent.name for path in PROCESSES.glob("*/process.toml")):
        if not is_component(PROCESSES / key):
            deploy_package(session, package(key), clock)
    deploy_shipped(session, clock)
    town = create_demo_directory(session, clock)
    session.flush()
    return filling.set_stage(town, clock, Store(tmp_path, 1_000_000))


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only two branches meet, and nobody joins: what else goes on is the same."""
    every = year.planned

    def some(stage: Stage) -> Iterator[tuple[Place, Meeting, Any]]:
        return (one for one in every(stage) if one[0].key in ("lianhe", "nongye"))

    monkeypatch.setattr(year, "planned", some)
    monkeypatch.setattr(matters, "plans", lambda *_: [])


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("stage", [NEW_YEAR, LEAP_DAY], indirect=True)
def test_the_town_has_a_past_on_any_day(
    stage: Stage, session: Session, settings: Settings, tmp_path: Path
) -> None:
    told: list[int] = []
    clock, own = FixedClock(stage.now), replace(settings, data_dir=tmp_path)
    wanted = filling.count(stage)
    filling.fill_town(stage, clock, Store(tmp_path, 1_000_000), own, progress=told.append)
    assert sum(told) == wanted

    places = {row.short_name: row.id for row in session.scalars(select(Organisation))}
    rows = session.scalars(select(DutyRow)).all()
    past = Counter(row.state for row in rows if row.due_on < stage.today)
    assert past.keys() <= {"done", "late", "made_up"} and past["done"] and past["late"]
    careless = [r for r in rows if r.organisation_id == places["个体私营经济联合党支部"]]
    assert {"late", "done"} <= {r.state for r in careless}
    late = {row.id for row in rows if row.state in ("late", "made_up")}
    found = select(Finding.duty_id).where(
        Finding.duty_id.is_not(None), Finding.outcome == "not_met"
    )
    assert set(session.scalars(found)) == late

    items = session.scalars(select(RectificationItem)).all()
    assert {item.state for item in items} == {"open", "closed"}
    assert any(item.state == "open" and item.due_on < stage.today for item in items)
    assert any(item.state == "open" and item.due_on > stage.today for item in items)

    box = session.scalars(select(BallotBox).where(BallotBox.state == "open")).one()
    roll = session.scalars(select(BallotVoter).where(BallotVoter.box_id == box.id)).all()
    waiting = {stage.town.people[login] for login in filling.VOTERS}
    voted = {voter.person_id for voter in roll if voter.way is not None}
    assert len(roll) / 3 < len(voted) < len(roll) and not voted & waiting

    examine = set(
        session.scalars(
            select(Task.item).where(Task.element == "self_examine", Task.state == "open")
        )
    )
    assert {f"p{stage.town.people[login]}" for login in filling.OPEN_FOR} <= examine
    assert session.scalar(select(func.count(Notice.id)).where(Notice.read_at.is_(None)))
    ahead = select(func.count(Instance.id)).where(Instance.started_on > stage.today)
    assert session.scalar(ahead) == 0


@pytest.mark.parametrize("stage", [AUTUMN], indirect=True)
def test_the_same_year_comes_every_time(stage: Stage, session: Session) -> None:
    once = [(place.key, meeting) for place, meeting, _ in year.planned(stage)]
    assert once == [(place.key, meeting) for place, meeting, _ in year.planned(stage)]
    assert year.count_meetings(stage) > 300
    assert len({key for key, _ in once}) == 15
    logins = set(session.scalars(select(Account.login)))
    assert logins >= {*filling.OPEN_FOR, *filling.VOTERS}
