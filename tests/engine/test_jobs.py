"""Workers: due timers fire and messages arrive, whatever happened to the worker before."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from sqlalchemy import text

from engine.clock import SystemClock
from engine.database import db, unit_of_work
from engine.jobs import build_worker, run_worker, sweep_all
from tests.bpmn_builder import Catch, Task, Xor, date_timer
from tests.engine.conftest import Live
from tests.engine.working import run_jobs, start_process, wait_for
from tests.factories import Matter, is_consistent, procedure, receiver, sender, waiting


@pytest.fixture(autouse=True)
def no_other_jobs(live: Live) -> Iterator[None]:
    """Leave the queue to the test."""
    clear_queue()
    yield
    clear_queue()


def clear_queue() -> None:
    with unit_of_work() as session:
        session.execute(text("DELETE FROM procrastinate_jobs"))
        session.execute(text("DELETE FROM procrastinate_workers"))
        session.execute(text("DELETE FROM message_outbox"))
        session.execute(text("DELETE FROM timer"))


def jobs(status: str = "todo") -> list[Any]:
    db.session.rollback()
    return list(
        db.session.execute(
            text(
                "SELECT id, task_name, attempts FROM procrastinate_jobs WHERE status = :status"
                " AND task_name IN ('fire_timers', 'deliver_message') ORDER BY id"
            ),
            {"status": status},
        )
    )


def run_due_jobs(live: Live) -> None:
    """Let a worker of this process run what can be run now."""
    with unit_of_work() as session:
        session.execute(
            text("UPDATE procrastinate_jobs SET scheduled_at = NULL WHERE scheduled_at <= :now"),
            {"now": live.clock.now()},
        )
    db.session.remove()
    run_worker(live.app, live.where.app, concurrency=1, wait=False, clock=live.clock)


def all_jobs_are_due() -> None:
    with unit_of_work() as session:
        session.execute(text("UPDATE procrastinate_jobs SET scheduled_at = NULL"))
    db.session.remove()


def waiting_matters(live: Live, count: int) -> list[Matter]:
    matters = [live.desk.start(waiting()) for _ in range(count)]
    for matter in matters:
        matter.complete("apply")
    return matters


def test_a_worker_fires_what_is_due_and_leaves_the_rest(live: Live) -> None:
    (due,) = waiting_matters(live, 1)
    live.clock.set(date(2026, 11, 30))
    (later,) = waiting_matters(live, 1)
    live.clock.set(date(2026, 12, 3))
    run_due_jobs(live)
    assert due.open == ["approve"]
    assert later.open == []
    assert len(jobs()) == 1  # that of the later one
    is_consistent(due.id, live.clock)


def test_a_worker_delivers_messages(live: Live) -> None:
    waits, sends = live.desk.start(receiver()), live.desk.start(sender())
    waits.complete("ready")
    sends.complete("prepare")
    run_due_jobs(live)
    assert waits.open == ["accept"]
    assert jobs() == []


def test_each_job_may_run_twice(live: Live) -> None:
    (matter,) = waiting_matters(live, 1)
    live.clock.set(date(2026, 12, 3))
    with unit_of_work() as session:
        for _ in range(3):
            session.execute(
                text(
                    "INSERT INTO procrastinate_jobs (queue_name, task_name, args, status, priority,"
                    " attempts) SELECT queue_name, task_name, args, 'todo', priority, 0"
                    " FROM procrastinate_jobs WHERE task_name = 'fire_timers' LIMIT 1"
                )
            )
    run_due_jobs(live)
    assert matter.kinds == ["started", "completed", "timer_fired"]


def test_a_worker_that_starts_late_finds_what_has_no_job(live: Live) -> None:
    (matter,) = waiting_matters(live, 1)
    with unit_of_work() as session:
        session.execute(text("DELETE FROM procrastinate_jobs"))
    live.clock.set(date(2026, 12, 3))
    run_due_jobs(live)
    assert matter.open == ["approve"]


def test_a_job_whose_time_has_come_for_the_queue_but_not_for_us_is_not_lost(live: Live) -> None:
    (matter,) = waiting_matters(live, 1)
    with unit_of_work() as session:  # the database's clock is ahead of ours
        session.execute(text("UPDATE procrastinate_jobs SET scheduled_at = NULL"))
    run_due_jobs(live)
    assert matter.open == []
    assert jobs() == []
    live.clock.set(date(2026, 12, 3))
    sweep_all(live.clock)
    run_due_jobs(live)
    assert matter.open == ["approve"]


def test_a_worker_killed_in_the_middle_of_firing_leaves_the_rest_to_the_next(live: Live) -> None:
    matters = waiting_matters(live, 5)
    live.clock.set(date(2026, 12, 3))
    now = live.clock.now().isoformat()
    all_jobs_are_due()
    assert wait_for(start_process(run_jobs, live.where.app, now, 3)) == -signal.SIGKILL
    fired = [matter for matter in matters if matter.open]
    assert len(fired) == 2  # the third had written everything, and committed nothing
    for matter in matters:
        is_consistent(matter.id, live.clock)
    with unit_of_work() as session:  # a minute without a sign of life
        session.execute(
            text("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '2 minutes'")
        )
    assert wait_for(start_process(run_jobs, live.where.app, now)) == 0
    assert [matter.open for matter in matters] == [["approve"]] * 5
    assert all(matter.kinds.count("timer_fired") == 1 for matter in matters)
    for matter in matters:
        is_consistent(matter.id, live.clock)
    assert live.faults() == []


def test_two_workers_share_the_work_and_nothing_fires_twice(live: Live) -> None:
    matters = waiting_matters(live, 12)
    live.clock.set(date(2026, 12, 3))
    all_jobs_are_due()
    now = live.clock.now().isoformat()
    running = [start_process(run_jobs, live.where.app, now) for _ in range(2)]
    assert [wait_for(process) for process in running] == [0, 0]
    assert all(matter.kinds.count("timer_fired") == 1 for matter in matters)
    assert [matter.open for matter in matters] == [["approve"]] * 12


def test_a_job_that_fails_is_tried_again_later(live: Live) -> None:
    late = procedure(
        "fails_in_job",
        [
            Catch("wait", date_timer("add_days(started_on, 1)")),
            Xor([("100 // (days_between(started_on, today()) - 1) > 0", [Task("a")]), (None, [])]),
        ],
    )
    matter = live.desk.start(late)
    live.clock.set(date(2026, 11, 23))
    run_due_jobs(live)
    (job,) = jobs()
    assert job.attempts == 1
    assert list(matter.timers) == ["wait"]
    live.clock.set(date(2026, 11, 25))
    with unit_of_work() as session:
        session.execute(text("UPDATE procrastinate_jobs SET scheduled_at = NULL"))
    run_due_jobs(live)
    assert matter.open == ["a"]


def test_the_worker_knows_its_jobs(live: Live) -> None:
    names = set(build_worker(live.app, live.where.app, clock=SystemClock()).tasks)
    assert {"fire_timers", "deliver_message", "sweep", "rescue_stalled"} <= names
