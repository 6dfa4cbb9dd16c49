"""Two people at once: one winner, one clear message, and nothing is lost."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import text

from engine.database import db, unit_of_work
from engine.errors import AlreadyClaimed, Conflict, GuichengError, StaleRevision, TaskClosed
from engine.runtime import operations, store
from engine.runtime.commands import Done
from tests.engine.conftest import Live
from tests.engine.working import complete_once, start_process, wait_for
from tests.factories import (
    Fork,
    UserTask,
    is_consistent,
    parallel,
    procedure,
    round_trip,
    two_steps,
)
from tests.races import SECONDS, Command, at_once, one_winner


@pytest.mark.parametrize("attempt", range(5))
def test_two_people_completing_one_task_get_one_winner(live: Live, attempt: int) -> None:
    matter = live.desk.start(two_steps())
    task = matter.task("apply")
    people = [live.desk.actor("secretary"), live.desk.actor("deputy")]
    results = at_once(
        live,
        *(
            lambda actor=actor: operations.complete_task(
                task, {"note": actor.name}, actor=actor, clock=live.clock
            )
            for actor in people
        ),
    )
    one_winner(results, TaskClosed)
    assert matter.kinds == ["started", "completed"]
    assert matter.open == ["approve"]
    is_consistent(matter.id, live.clock)


@pytest.mark.parametrize("attempt", range(5))
def test_two_people_claiming_one_task_get_one_winner(live: Live, attempt: int) -> None:
    matter = live.desk.start(two_steps())
    task = matter.task("apply")
    people = [live.desk.actor("secretary"), live.desk.actor("deputy")]
    results = at_once(
        live,
        *(
            lambda actor=actor: operations.claim_task(task, actor=actor, clock=live.clock)
            for actor in people
        ),
    )
    one_winner(results, AlreadyClaimed)
    winner = people[[isinstance(result, Done) for result in results].index(True)]
    assert matter.tasks[0].assignee_id == winner.person_id
    assert matter.kinds == ["started", "claimed"]
    is_consistent(matter.id, live.clock)


def while_another_holds(live: Live, matter_id: int, change: Command, late: Command) -> Any:
    """Start ``late`` while another transaction holds the matter, which then makes a change.

    This is the worst moment: ``late`` has looked at the rows before they changed.
    """
    with ThreadPoolExecutor(1) as pool:
        with unit_of_work() as session:
            store.lock_instance(session, matter_id)

            def run() -> Any:
                with live.app.app_context():
                    try:
                        return late()
                    except GuichengError as error:
                        return error

            waiting = pool.submit(run)
            _until_somebody_waits(live)
            change()
        return waiting.result(SECONDS)


def _until_somebody_waits(live: Live) -> None:
    with psycopg.connect(live.where.owner, autocommit=True) as connection:
        for _ in range(600):
            row = connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND wait_event_type = 'Lock'"
            ).fetchone()
            if row and row[0]:
                return
            time.sleep(0.02)
    raise AssertionError("nobody waits for the matter")


def _as_claimed_by(matter_id: int, task_id: int, person_id: int) -> None:
    """Do to the rows what a claim does, in the transaction at hand."""
    session = db.session()
    session.execute(
        text("UPDATE instance SET revision = revision + 1, watch = watch WHERE id = :id"),
        {"id": matter_id},
    )
    session.execute(
        text("UPDATE task SET assignee_id = :who, revision = revision + 1 WHERE id = :id"),
        {"id": task_id, "who": person_id},
    )


@pytest.mark.parametrize("command", ["claim", "complete", "delegate", "send_back"])
def test_who_waited_for_the_matter_sees_the_claim_that_was_made_meanwhile(
    live: Live, command: str
) -> None:
    matter = live.desk.start(two_steps())
    matter.complete("apply")
    task = matter.task("approve")
    secretary, deputy = live.desk.actor("secretary"), live.desk.actor("deputy")
    member = live.desk.town.people["member"]
    common: dict[str, Any] = {"actor": deputy, "clock": live.clock, "revision": 1}
    late: dict[str, Command] = {
        "claim": lambda: operations.claim_task(task, **common),
        "complete": lambda: operations.complete_task(task, {}, **common),
        "delegate": lambda: operations.delegate_task(task, member, "出差", **common),
        "send_back": lambda: operations.send_back(task, "apply", "请补正", **common),
    }
    result = while_another_holds(
        live,
        matter.id,
        lambda: _as_claimed_by(matter.id, task, secretary.person_id),
        late[command],
    )
    assert isinstance(result, (AlreadyClaimed, StaleRevision)), result
    assert matter.tasks[0].assignee_id == secretary.person_id


def test_a_claim_and_a_completion_at_once_both_hold_or_one_is_refused(live: Live) -> None:
    for _ in range(5):
        matter = live.desk.start(two_steps())
        task = matter.task("apply")
        secretary, deputy = live.desk.actor("secretary"), live.desk.actor("deputy")
        results = at_once(
            live,
            partial(operations.claim_task, task, actor=secretary, clock=live.clock),
            partial(operations.complete_task, task, {}, actor=deputy, clock=live.clock),
        )
        one_winner(results, TaskClosed, AlreadyClaimed)
        is_consistent(matter.id, live.clock)


def test_parallel_tasks_completed_at_once_lose_nothing(live: Live) -> None:
    for _ in range(8):
        matter = live.desk.start(parallel())
        matter.complete("apply")
        tasks = [matter.task("left"), matter.task("right")]
        actors = [live.desk.actor("secretary"), live.desk.actor("deputy")]
        results = at_once(
            live,
            *(
                lambda task=task, actor=actor: operations.complete_task(
                    task, {"note": actor.name}, actor=actor, clock=live.clock
                )
                for task, actor in zip(tasks, actors, strict=True)
            ),
        )
        assert all(isinstance(result, Done) for result in results), results
        assert matter.open == ["left_again"]
        assert len(matter.entries) == 4
        is_consistent(matter.id, live.clock)
        matter.complete("left_again")
        assert matter.open == ["conclude"]
    assert live.faults() == []


def test_eight_writers_on_one_matter_lose_nothing(live: Live) -> None:
    names = [f"part_{number}" for number in range(8)]
    package = procedure("wide", [Fork([[UserTask(name)] for name in names]), UserTask("last")])
    matter = live.desk.start(package)
    actor = live.desk.actor("secretary")
    ids = {name: matter.task(name) for name in names}
    results = at_once(
        live,
        *(
            lambda task=task: operations.complete_task(task, {}, actor=actor, clock=live.clock)
            for task in ids.values()
        ),
    )
    assert all(isinstance(result, Done) for result in results), results
    assert Counter(matter.kinds) == {"started": 1, "completed": 8}
    assert matter.open == ["last"]
    is_consistent(matter.id, live.clock)
    assert live.faults() == []


def test_a_loop_driven_from_two_sides_keeps_every_round(live: Live) -> None:
    matter = live.desk.start(round_trip())
    done = 0
    for _ in range(6):
        task = matter.task("work")
        actors = [live.desk.actor("secretary"), live.desk.actor("deputy")]
        results = at_once(
            live,
            *(
                lambda actor=actor, task=task: operations.complete_task(
                    task, {"decision": "again"}, actor=actor, clock=live.clock
                )
                for actor in actors
            ),
        )
        one_winner(results, TaskClosed)
        done += 1
    assert Counter(matter.kinds) == {"started": 1, "completed": done}
    is_consistent(matter.id, live.clock)


@pytest.mark.parametrize("attempt", range(3))
def test_the_same_command_twice_at_once_is_carried_out_once(live: Live, attempt: int) -> None:
    matter = live.desk.start(round_trip())
    task, command_id = matter.task("work"), uuid4()
    actor = live.desk.actor("secretary")
    results = at_once(
        live,
        *(
            lambda: operations.complete_task(
                task,
                {"decision": "again"},
                actor=actor,
                clock=live.clock,
                command_id=command_id,
            ),
        )
        * 3,
    )
    assert all(isinstance(result, Done) for result in results), results
    assert sorted(result.replayed for result in results) == [False, True, True]
    assert {tuple(result.opened.values()) for result in results} == {("work",)}
    assert matter.kinds == ["started", "completed"]


def test_the_same_command_in_three_processes_is_carried_out_once(live: Live) -> None:
    matter = live.desk.start(round_trip())
    person, task = live.desk.town.people["secretary"], matter.task("work")
    arguments = (live.where.app, person, task, str(uuid4()), live.clock.now().isoformat())
    running = [start_process(complete_once, *arguments) for _ in range(3)]
    assert sorted(str(wait_for(process)) for process in running) == ["0", "0", "1"]
    assert matter.kinds == ["started", "completed"]
    is_consistent(matter.id, live.clock)


@pytest.mark.parametrize("attempt", range(3))
def test_the_same_start_twice_at_once_makes_one_matter(live: Live, attempt: int) -> None:
    key, command_id = live.desk.deploy(two_steps()), uuid4()
    actor, branch = live.desk.actor("secretary"), live.desk.town.branch
    results = at_once(
        live,
        *(
            lambda: operations.start_instance(
                key,
                {"note": "同一次提交"},
                organisation_id=branch,
                subject_id=None,
                actor=actor,
                clock=live.clock,
                command_id=command_id,
            ),
        )
        * 3,
    )
    assert all(isinstance(result, Done) for result in results), results
    assert len({result.instance_id for result in results}) == 1
    assert live.faults() == []  # no number is missing either


def test_two_matters_for_one_person_are_not_started_at_once(live: Live) -> None:
    key = live.desk.deploy(two_steps("about_a_person", subject="person"))
    applicant = live.desk.town.people["applicant"]
    results = at_once(
        live,
        *(
            lambda actor=actor: operations.start_instance(
                key,
                None,
                organisation_id=live.desk.town.branch,
                subject_id=applicant,
                actor=actor,
                clock=live.clock,
            )
            for actor in (live.desk.actor("secretary"), live.desk.actor("deputy"))
        ),
    )
    one_winner(results, Conflict)


def test_completing_and_cancelling_at_once_leave_one_story(live: Live) -> None:
    for _ in range(5):
        matter = live.desk.start(two_steps())
        task, actor = matter.task("apply"), live.desk.actor("secretary")
        results = at_once(
            live,
            partial(operations.complete_task, task, {}, actor=actor, clock=live.clock),
            partial(operations.cancel_instance, matter.id, "终止", actor=actor, clock=live.clock),
        )
        assert any(isinstance(result, Done) for result in results)
        assert matter.row.status == "cancelled"
        assert matter.kinds[-1] == "cancelled"
        is_consistent(matter.id, live.clock)


def test_numbers_given_out_at_once_have_no_gap_and_no_double(live: Live) -> None:
    key = live.desk.deploy(two_steps("numbered", prefix="NR"))
    actor = live.desk.actor("secretary")
    results = at_once(
        live,
        *(
            lambda: operations.start_instance(
                key,
                None,
                organisation_id=live.desk.town.branch,
                subject_id=None,
                actor=actor,
                clock=live.clock,
            ),
        )
        * 6,
    )
    assert all(isinstance(result, Done) for result in results), results
    serials = db.session().scalars(
        text("SELECT serial FROM instance WHERE prefix = 'NR' ORDER BY serial")
    )
    assert list(serials) == [1, 2, 3, 4, 5, 6]
    assert live.faults() == []
