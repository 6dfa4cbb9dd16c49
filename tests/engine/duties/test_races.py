"""Two workers at once, and a process that is killed: nothing starts twice, nothing is lost."""

from __future__ import annotations

import signal
import subprocess
import sys
from datetime import date
from pathlib import Path

from sqlalchemy import func, select, text

from engine.database import unit_of_work
from engine.duties.catalogue import forget_catalogue
from engine.duties.models import DutyRow
from engine.duties.operations import run_duties
from engine.runtime.models import Instance
from tests.engine.conftest import Live
from tests.engine.duties.conftest import duty, meeting
from tests.races import at_once


def count(what: type[DutyRow] | type[Instance]) -> int:
    with unit_of_work() as session:
        return int(session.scalar(select(func.count()).select_from(what)) or 0)


def test_several_workers_at_once_plan_and_start_everything_once(live: Live) -> None:
    live.clock.set(date(2027, 1, 1))
    live.desk.deploy(meeting("race_a", duty("a", "month"), prefix="RA"))
    live.desk.deploy(meeting("race_b", duty("b", "month"), prefix="RB"))
    forget_catalogue()
    before = count(DutyRow), count(Instance)
    ran = at_once(live, *[lambda: run_duties(live.clock)] * 3)
    ours = live.desk.town.organisations.values()
    with unit_of_work() as session:
        mine = session.scalar(
            select(func.count()).select_from(DutyRow).where(DutyRow.organisation_id.in_(ours))
        )
    assert mine == 8
    assert sum(one.added for one in ran) == count(DutyRow) - before[0]
    live.clock.set(date(2027, 1, 25))
    ran = at_once(live, *[lambda: run_duties(live.clock)] * 3)
    assert sum(one.drafted for one in ran) == count(Instance) - before[1]
    with unit_of_work() as session:
        twice = session.execute(
            text(
                "SELECT organisation_id, version_id FROM instance i"
                " WHERE i.organisation_id = ANY(:ours)"
                " GROUP BY organisation_id, version_id HAVING count(*) > 1"
            ),
            {"ours": list(ours)},
        ).all()
    assert twice == []


_KILLED = """
import os, signal, sys
from datetime import date, datetime
from engine.application import create_core_app
from engine.clock import ZONE, FixedClock
from engine.duties import drafts
from engine.duties.operations import run_duties
from engine.settings import Settings

app = create_core_app(Settings.from_environment())
opened = drafts.open_by_plan

def killed(*given, **named):
    done = opened(*given, **named)
    os.kill(os.getpid(), signal.SIGKILL)  # the matter is made, its row does not name it yet
    return done

drafts.open_by_plan = killed
with app.app_context():
    run_duties(FixedClock(datetime(2027, 1, 25, 12, tzinfo=ZONE)))
"""


def test_killed_in_the_middle_of_a_draft_it_is_started_once_afterwards(live: Live) -> None:
    live.clock.set(date(2027, 1, 1))
    live.desk.deploy(meeting("race_k", duty("k", "month"), prefix="RK"))
    forget_catalogue()
    run_duties(live.clock)
    before = count(Instance)
    environment = {**live.environment(), "SECRET_KEY": "test-secret-key"}
    died = subprocess.run(
        [sys.executable, "-c", _KILLED], env=environment, check=False, cwd=Path.cwd()
    )
    assert died.returncode == -signal.SIGKILL
    assert count(Instance) == before
    live.clock.set(date(2027, 1, 25))
    ran = run_duties(live.clock)
    assert ran.drafted >= 2
    assert count(Instance) == before + ran.drafted
    assert run_duties(live.clock).drafted == 0


def test_a_step_that_nobody_counted_is_counted_by_the_next_run(live: Live) -> None:
    live.clock.set(date(2027, 1, 1))
    live.desk.deploy(meeting("race_l", duty("l", "month"), prefix="RL"))
    forget_catalogue()
    run_duties(live.clock)
    matter = live.desk.start("race_l", data={})
    matter.complete("hold")
    with unit_of_work() as session:  # as if the process had died right after its commit
        session.execute(text("DELETE FROM duty_event WHERE instance_id = :m"), {"m": matter.id})
        session.execute(text("DELETE FROM duty_matter WHERE instance_id = :m"), {"m": matter.id})
        session.execute(text("UPDATE duty SET state = 'due', done = 0, done_on = NULL"))
    run_duties(live.clock)
    with unit_of_work() as session:
        row = session.execute(
            select(DutyRow.state, DutyRow.done).where(
                DutyRow.key == "race_l.l",
                DutyRow.organisation_id == live.desk.town.branch,
                DutyRow.since == date(2027, 1, 1),
            )
        ).one()
    assert (row.state, row.done) == ("done", 1)
