"""Timers: rows with due times, jobs in the step's own transaction, and nothing is ever lost."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import text

from engine.clock import ZONE
from engine.database import db, unit_of_work
from engine.directory.membership import timeline
from engine.errors import EngineFault
from engine.jobs import sweep_timers
from engine.runtime import operations
from tests.bpmn_builder import Boundary, Catch, Fork, Task, Throw, Xor, cycle, date_timer, duration
from tests.factories import FAULTY, Desk, Matter, is_consistent, procedure, two_steps, waiting


def schedule() -> list[tuple[str | None, datetime | None, int]]:
    """Return lock, time and matter of the jobs that look at timers."""
    rows = db.session().execute(
        text(
            "SELECT lock, scheduled_at, (args->>'instance_id')::bigint AS matter"
            " FROM procrastinate_jobs WHERE task_name = 'fire_timers' ORDER BY id"
        )
    )
    return [(row.lock, row.scheduled_at, row.matter) for row in rows]


def forget_jobs() -> None:
    with unit_of_work() as session:
        session.execute(text("DELETE FROM procrastinate_jobs"))


def jobs_that_could_run(moment: datetime) -> list[int]:
    """Return the jobs that Procrastinate itself would hand out at ``moment``."""
    with unit_of_work() as session:
        session.execute(
            text(
                "UPDATE procrastinate_jobs SET scheduled_at ="
                " CASE WHEN scheduled_at <= :moment THEN now() - interval '1 hour'"
                " ELSE now() + interval '1 year' END"
            ),
            {"moment": moment},
        )
        found = []
        while True:
            job = session.execute(
                text("SELECT id FROM procrastinate_fetch_job_v2(NULL, NULL)")
            ).scalar()
            if job is None:
                return found
            found.append(int(job))


def both_waits(desk: Desk) -> Matter:
    """Return a matter that waits for a year and beside that for three days."""
    package = procedure(
        "both_waits",
        [
            Task("apply"),
            Fork(
                [
                    [Catch("year", date_timer('add_years(on["apply"], 1)')), Task("after_year")],
                    [Task("talk"), Catch("days", date_timer('add_days(on["talk"], 3)')),
                     Task("after_days")],
                ]
            ),
        ],
    )  # fmt: skip
    matter = desk.start(package)
    matter.complete("apply")
    matter.complete("talk")
    return matter


# --- arming ----------------------------------------------------------------------------------


def test_a_timer_is_a_row_with_its_moment_and_a_job_for_it(desk: Desk) -> None:
    matter = desk.start(waiting())
    matter.complete("apply")
    due = datetime(2026, 12, 2, tzinfo=ZONE)
    assert matter.timers["wait"].due_at == due
    assert [(at, number) for _, at, number in schedule()] == [(due, matter.id)]
    is_consistent(matter.id, desk.clock)


def test_the_job_is_undone_with_the_step(desk: Desk) -> None:
    package = procedure(
        "fails_beside",
        [
            Task("apply"),
            Fork(
                [
                    [Catch("wait", date_timer('add_days(on["apply"], 5)')), Task("after")],
                    [Xor([(FAULTY, [Task("other")]), (None, [])])],
                ]
            ),
        ],
    )
    matter = desk.start(package)
    with pytest.raises(EngineFault):
        matter.complete("apply")
    assert matter.timers == {}
    assert schedule() == []


def test_a_wait_counts_from_the_day_it_happened(desk: Desk) -> None:
    matter = desk.start(waiting(), on=date(2026, 11, 1))
    matter.complete("apply", on=date(2026, 11, 18))
    assert matter.timers["wait"].due_at == datetime(2026, 11, 28, tzinfo=ZONE)


def test_a_timer_of_next_year_does_not_hold_up_one_of_next_week(desk: Desk) -> None:
    matter = both_waits(desk)
    later = datetime(2026, 11, 26, tzinfo=UTC)
    assert len(jobs_that_could_run(later)) == 1
    desk.clock.at = later
    assert matter.fire() == 1
    assert matter.open == ["after_days"]


def test_resuming_is_not_held_up_by_a_timer_of_next_year_either(desk: Desk) -> None:
    matter = both_waits(desk)
    matter.suspend()
    forget_later = datetime(2026, 11, 26, tzinfo=UTC)
    desk.clock.at = forget_later
    matter.resume()
    assert len(jobs_that_could_run(forget_later)) == 1  # the job for now, or that of the timer


# --- firing ----------------------------------------------------------------------------------


def test_not_a_moment_too_early(desk: Desk) -> None:
    matter = desk.start(waiting())
    matter.complete("apply")
    midnight = datetime(2026, 12, 2, tzinfo=ZONE)
    desk.clock.at = midnight - timedelta(microseconds=1)
    assert matter.fire() == 0
    assert matter.open == []
    desk.clock.at = midnight
    assert matter.fire() == 1
    assert matter.open == ["approve"]
    assert matter.timers == {}
    is_consistent(matter.id, desk.clock)


def test_firing_again_does_no_harm(desk: Desk) -> None:
    matter = desk.start(waiting())
    matter.complete("apply")
    desk.clock.set(date(2026, 12, 5))
    assert matter.fire() == 1
    for _ in range(3):
        assert operations.fire_timers(matter.id, clock=desk.clock) is None
    assert matter.kinds == ["started", "completed", "timer_fired"]


def test_firing_where_there_is_nothing_does_no_harm(desk: Desk) -> None:
    assert operations.fire_timers(987654321, clock=desk.clock) is None
    matter = desk.start(two_steps())
    assert operations.fire_timers(matter.id, clock=desk.clock) is None
    matter.cancel()
    assert operations.fire_timers(matter.id, clock=desk.clock) is None


def test_the_entry_bears_the_day_on_which_it_was_due(desk: Desk) -> None:
    matter = desk.start(waiting())
    matter.complete("apply")
    desk.clock.set(date(2027, 2, 1))  # the worker is two months late
    matter.fire()
    entry = matter.entries[-1]
    assert (entry.kind, entry.element) == ("timer_fired", "wait")
    assert entry.occurred_on == date(2026, 12, 2)
    assert entry.recorded_at == desk.clock.now()


def test_the_clock_set_back_and_forward_again_loses_nothing_and_fires_once(desk: Desk) -> None:
    matter = desk.start(waiting())
    matter.complete("apply")
    for day in (date(2026, 11, 1), date(2020, 1, 1), date(2026, 11, 30)):
        desk.clock.set(day)
        assert matter.fire() == 0
        assert sweep_timers(desk.clock) == 0
    desk.clock.set(date(2026, 12, 2))
    assert matter.fire() == 1
    desk.clock.set(date(2026, 11, 1))
    assert matter.fire() == 0
    desk.clock.set(date(2026, 12, 2))
    assert matter.fire() == 0
    assert matter.kinds.count("timer_fired") == 1
    is_consistent(matter.id, desk.clock)


def test_a_late_worker_catches_up_in_the_order_of_the_moments(desk: Desk) -> None:
    package = procedure(
        "three_waits",
        [
            Task("apply"),
            Fork(
                [
                    [Catch("third", date_timer('add_days(on["apply"], 30)')), Throw("pass_c")],
                    [Catch("first", date_timer('add_days(on["apply"], 10)')), Throw("pass_a")],
                    [Catch("second", date_timer('add_days(on["apply"], 20)')), Throw("pass_b")],
                ]
            ),
            Task("last"),
        ],
    )
    matter = desk.start(package)
    matter.complete("apply")
    desk.clock.set(date(2027, 3, 1))
    matter.fire()
    assert matter.open == ["last"]
    fired = [name for e in range(2, len(matter.entries)) for name in matter.payload(e)["passed"]]
    order = [name for name in fired if name.startswith("pass_")]
    assert order == ["pass_a", "pass_b", "pass_c"]
    assert matter.tasks[0].not_before == date(2026, 12, 22)


def test_waits_one_after_the_other_add_up_however_late_the_worker_is(desk: Desk) -> None:
    package = procedure(
        "chain",
        [
            Task("apply"),
            Catch("ten", duration("P10D")),
            Catch("month", duration("P1M")),
            Task("approve"),
        ],
    )
    matter = desk.start(package, on=date(2026, 1, 1))
    matter.complete("apply", on=date(2026, 1, 1))  # a paper case
    matter.fire()
    assert matter.open == ["approve"]
    assert matter.tasks[0].not_before == date(2026, 2, 11)


def test_every_round_of_a_late_cycle_happens_in_order(desk: Desk) -> None:
    remind = Boundary("remind", cycle("R4/P1M"), [Throw("reminded")], interrupting=False)
    matter = desk.start(procedure("reminders", [Task("work", [remind])]))
    assert matter.timers["remind"].due_at == datetime(2026, 12, 22, tzinfo=ZONE)
    desk.clock.set(date(2027, 3, 1))  # three of four rounds are due
    matter.fire()
    rounds = [
        name for e in range(1, len(matter.entries)) for name in matter.payload(e)["passed"]
    ].count("reminded")
    assert rounds == 3
    assert matter.open == ["work"]
    assert matter.timers["remind"].due_at == datetime(2027, 3, 22, tzinfo=ZONE)
    is_consistent(matter.id, desk.clock)
    desk.clock.set(date(2027, 12, 1))
    matter.fire()
    assert matter.timers == {}
    assert matter.complete("work").ended


def test_an_interrupting_timer_closes_the_task_and_its_inbox(desk: Desk) -> None:
    late = Boundary("late", date_timer("add_days(started_on, 3)"), [Task("explain")])
    matter = desk.start(procedure("interrupts", [Task("work", [late])]))
    matter.claim("work")
    desk.clock.set(date(2026, 11, 26))
    matter.fire()
    assert matter.open == ["explain"]
    assert desk.inbox("secretary") == ["explain"]
    is_consistent(matter.id, desk.clock)


def test_who_was_in_time_takes_the_timer_away(desk: Desk) -> None:
    late = Boundary("late", date_timer("add_days(started_on, 3)"), [Task("explain")])
    matter = desk.start(procedure("in_time", [Task("work", [late]), Task("after")]))
    matter.complete("work")
    assert matter.timers == {}
    desk.clock.set(date(2026, 11, 30))
    assert matter.fire() == 0
    assert matter.open == ["after"]


def test_what_a_late_timer_causes_counts_from_the_day_it_was_due(desk: Desk) -> None:
    package = procedure(
        "late_effects",
        [
            Task("apply"),
            Catch("ten", duration("P10D")),
            Throw("become"),
            Catch("month", duration("P1M")),
            Throw("become_more"),
            Task("last"),
        ],
        subject="person",
        more='[[effect]]\nafter = "become"\nset_status = "applicant"\n'
        '[[effect]]\nafter = "become_more"\nset_status = "activist"\n',
    )
    matter = desk.start(package, subject="applicant", on=date(2026, 3, 1))
    matter.complete("apply", on=date(2026, 3, 1))
    matter.fire()
    changes = timeline(db.session(), desk.town.people["applicant"])
    assert [(c.status, c.since) for c in changes if c.source_chain == matter.id] == [
        ("applicant", date(2026, 3, 11)),
        ("activist", date(2026, 4, 11)),
    ]


# --- the sweep -------------------------------------------------------------------------------


def test_the_sweep_finds_a_timer_whose_job_is_gone(desk: Desk) -> None:
    matter = desk.start(waiting())
    matter.complete("apply")
    forget_jobs()
    desk.clock.set(date(2026, 12, 5))
    assert sweep_timers(desk.clock) == 1
    assert [(at, number) for _, at, number in schedule()] == [(None, matter.id)]
    assert sweep_timers(desk.clock) == 0  # it has one now


def test_the_sweep_leaves_alone_what_is_not_due(desk: Desk) -> None:
    desk.start(waiting()).complete("apply")
    forget_jobs()
    assert sweep_timers(desk.clock) == 0


def test_a_job_for_a_later_timer_does_not_count(desk: Desk) -> None:
    both_waits(desk)
    with unit_of_work() as session:
        session.execute(text("DELETE FROM procrastinate_jobs WHERE scheduled_at < '2027-01-01'"))
    desk.clock.set(date(2026, 11, 26))
    assert sweep_timers(desk.clock) == 1


def test_a_job_that_waits_for_its_next_attempt_counts(desk: Desk) -> None:
    desk.start(waiting()).complete("apply")
    with unit_of_work() as session:
        session.execute(text("UPDATE procrastinate_jobs SET attempts = 3"))
    desk.clock.set(date(2026, 12, 5))
    assert sweep_timers(desk.clock) == 0


def test_many_that_wait_for_their_next_attempt_do_not_keep_others_from_the_sweep(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.jobs.SWEEP_BATCH", 2)
    package = waiting()
    for _ in range(3):
        desk.start(package).complete("apply")
    with unit_of_work() as session:
        session.execute(text("UPDATE procrastinate_jobs SET attempts = 3"))
    desk.start(package).complete("apply")
    with unit_of_work() as session:
        session.execute(text("DELETE FROM procrastinate_jobs WHERE attempts = 0"))
    desk.clock.set(date(2026, 12, 5))
    assert sweep_timers(desk.clock) == 1
