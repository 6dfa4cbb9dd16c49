"""Killed at any moment, everything is consistent; any commands in any order keep it so."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from engine.clock import FixedClock
from engine.database import db
from engine.directory.actors import load_actor
from engine.errors import GuichengError, InvalidInput
from engine.jobs import sweep_all
from engine.ledger.verify import Report, verify
from engine.runtime import completing, operations
from engine.runtime.models import Task
from tests.bpmn_builder import Boundary, Catch, Fork, Loop, Sub, Throw, cycle, date_timer, message
from tests.bpmn_builder import Task as UserTask
from tests.engine.conftest import Live
from tests.engine.working import SECONDS, start_process, take_steps, wait_for
from tests.factories import CONTACTS, Desk, create_town, is_consistent, parallel, procedure

KILLS = 10


def matters() -> list[int]:
    db.session.rollback()
    return [int(number) for number in db.session.scalars(text("SELECT id FROM instance"))]


def entries() -> int:
    db.session.rollback()
    return int(db.session.execute(text("SELECT count(*) FROM ledger_entry")).scalar_one())


def until_more_is_written(before: int) -> None:
    """Wait, however busy the machine, until somebody has done something since."""
    end = time.monotonic() + SECONDS
    while entries() <= before:
        assert time.monotonic() < end, "the processes do nothing"
        time.sleep(0.05)


def test_a_process_killed_in_the_middle_of_its_steps_leaves_nothing_half_done(
    live: Live,
) -> None:
    """Two processes take steps and are killed by turns, at moments nobody chose."""
    key = live.desk.deploy(parallel())
    people, branch = live.desk.town.people, live.desk.town.branch
    chance = random.Random(20261122)
    db.session.remove()

    def start(name: str) -> Any:
        now = live.clock.now().isoformat()
        return start_process(take_steps, live.where.app, people[name], branch, key, now)

    known = set(matters())
    running = [start("secretary"), start("deputy")]
    written = [entries()]
    try:
        for number in range(KILLS):
            until_more_is_written(written[-1])
            time.sleep(0.5 + chance.random() * 0.5)
            running[number % 2].kill()
            assert wait_for(running[number % 2]) == -signal.SIGKILL
            written.append(entries())
            running[number % 2] = start("secretary" if number % 2 == 0 else "deputy")
    finally:
        for process in running:
            process.kill()
            wait_for(process)
    assert written[-1] > written[0] + KILLS, "the processes have hardly done anything"
    for matter in set(matters()) - known:
        is_consistent(matter, live.clock)
    assert live.faults() == []
    sending_back = text("SELECT count(*) FROM ledger_entry WHERE kind = 'sent_back'")
    assert db.session.scalar(sending_back), "nothing was sent back, so that was not tried"


# --- any commands in any order --------------------------------------------------------------


def everything(key: str = "everything") -> Any:
    """Return a procedure with all that may go wrong together."""
    late = Boundary("late", date_timer('add_days(on["assign"], 6)'))
    inner = Sub(
        "stage",
        [
            UserTask("assign"),
            Fork(
                [
                    [UserTask("examine", [late])],
                    [Catch("wait", date_timer('add_days(on["assign"], 4)')), UserTask("check")],
                    [Loop([UserTask("work")], 'decision == "again"')],
                ]
            ),
            Throw("become"),
        ],
        boundary=[Boundary("withdrawn", message("withdraw"), [UserTask("explain")])],
    )
    remind = Boundary("remind", cycle("R3/P2D"), [UserTask("hurry")], interrupting=False)
    return procedure(
        key,
        [UserTask("apply", [remind]), inner, Throw("told", message("done")), UserTask("approve")],
        subject="person",
        lanes={"examine": "contacts"},
        steps={
            "check": 'send_back = ["assign", "apply"]',
            "work": 'send_back = ["assign"]\ndue = "add_days(on[\'assign\'], 3)"',
            "approve": 'send_back = ["work", "assign", "apply"]',
        },
        more=CONTACTS.format("assign")
        + '[messages.withdraw]\ntitle = "撤回"\nlanes = ["branch"]\nname = "withdraw"\n'
        '[[effect]]\nafter = "become"\nset_status = "applicant"\n'
        '[[effect]]\nafter = "approve"\noutcome = "agreed"\noutcome_title = "同意"\n',
    )  # fmt: skip


PEOPLE = ["secretary", "deputy", "member", "stranger", "superior", "applicant"]
COMMANDS = [
    *["complete"] * 9, "claim", "unclaim", "delegate",
    "send_back", "send_back", "message", "suspend", "resume", "resume", "cancel", "fire", "fire",
    "days", "repeat",
]  # fmt: skip

actions = st.lists(
    st.tuples(
        st.sampled_from(COMMANDS),
        st.sampled_from(PEOPLE[:2] * 4 + PEOPLE),
        st.integers(0, 5),
        st.integers(-3, 2),
    ),
    min_size=20,
    max_size=40,
)


class Office:
    """Carries out random commands; whatever is refused changes nothing."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.key = desk.deploy(everything())
        self.matter = desk.start(self.key, subject="applicant")
        self.last: Any = None
        self.refused = 0

    def act(self, command: str, person: str, number: int, days: int) -> None:
        """Try a command; afterwards everything has to be consistent."""
        try:
            if number:  # an ended matter is tried now and then, and followed by a new one
                self.do_start(person, number, days)
            getattr(self, f"do_{command}")(person, number, days)
        except GuichengError:
            self.refused += 1
        is_consistent(self.matter.id, self.desk.clock)

    def task(self, number: int) -> Task:
        """Return one of the open tasks."""
        tasks = self.matter.tasks
        if not tasks:
            raise InvalidInput({})
        return tasks[number % len(tasks)]

    def element(self, number: int) -> str:
        """Return the element of one of the open tasks."""
        return self.task(number).element

    def do_complete(self, person: str, number: int, days: int) -> None:
        task = self.task(number)
        data: dict[str, Any] = {"decision": "again" if number % 3 == 0 else "enough"}
        if task.element == "assign":
            data["contacts"] = [self.desk.town.people["member"]]
        # Mostly today and somebody who may; now and then any day, and anybody.
        on = self.desk.clock.today() + timedelta(days=days if number == 5 else 0)
        who = self.desk.town.people[person]
        if number != 4:
            allowed = [key for key in task.candidates if key.startswith("p")]
            who = task.assignee_id or (int(allowed[0][1:]) if allowed else who)
        actor = load_actor(db.session(), person_id=who, day=self.desk.clock.today())
        run = partial(
            operations.complete_task,
            task.id,
            data,
            actor=actor,
            clock=self.desk.clock,
            occurred_on=on,
            command_id=uuid4(),
        )
        run()
        self.last = run

    def do_claim(self, person: str, number: int, days: int) -> None:
        self.matter.claim(self.element(number), by=person)

    def do_unclaim(self, person: str, number: int, days: int) -> None:
        self.matter.unclaim(self.element(number), by=person)

    def do_delegate(self, person: str, number: int, days: int) -> None:
        self.matter.delegate(self.element(number), PEOPLE[number], by=person)

    def do_send_back(self, person: str, number: int, days: int) -> None:
        tasks = [t for t in self.matter.tasks if t.element in ("check", "work", "approve")]
        if tasks:
            target = ["assign", "apply", "work"][number % 3]
            self.matter.send_back(tasks[number % len(tasks)].element, target, by=person)

    def do_message(self, person: str, number: int, days: int) -> None:
        if number == 0:  # not too often: it ends most of the matter
            self.matter.send("withdraw", by=person)

    def do_suspend(self, person: str, number: int, days: int) -> None:
        if number < 2:
            self.matter.suspend(by=person)

    def do_resume(self, person: str, number: int, days: int) -> None:
        self.matter.resume(by="superior")

    def do_cancel(self, person: str, number: int, days: int) -> None:
        if number == 0:
            self.matter.cancel(by=person)

    def do_fire(self, person: str, number: int, days: int) -> None:
        self.matter.fire()
        sweep_all(self.desk.clock)

    def do_days(self, person: str, number: int, days: int) -> None:
        self.desk.clock.at += timedelta(days=days if number == 0 else number)

    def do_repeat(self, person: str, number: int, days: int) -> None:
        if self.last is not None:
            before = self.matter.kinds
            assert self.last().replayed
            assert self.matter.kinds == before

    def do_start(self, person: str, number: int, days: int) -> None:
        if self.matter.row.status in ("completed", "cancelled"):
            is_consistent(self.matter.id, self.desk.clock)
            self.matter = self.desk.start(self.key, subject="applicant")
            self.last = None


@settings(
    max_examples=10,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(plan=actions)
def test_any_sequence_of_commands_keeps_rows_and_ledger_true(app: Flask, plan: Any) -> None:
    with app.app_context():
        engines = db._app_engines[app]
        engine = engines[None]
        with engine.connect() as connection:
            outer = connection.begin()
            engines[None] = connection  # type: ignore[assignment]
            try:
                clock = FixedClock(_noon(date(2026, 11, 22)))
                office = Office(Desk(create_town(clock), clock))
                for action in plan:
                    office.act(*action)
                driver: Any = connection.connection.driver_connection
                assert list(verify_inside(driver)) == []
            finally:
                db.session.remove()
                engines[None] = engine
                outer.rollback()


def verify_inside(connection: Any) -> Any:
    """Verify what the transaction at hand has written."""
    return verify(_Inside(connection), Report())  # type: ignore[arg-type]


class _Inside:
    """A connection that leaves the isolation of the surrounding transaction alone."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def execute(self, statement: Any, *arguments: Any) -> Any:
        if str(statement).startswith("SET TRANSACTION"):
            return None
        return self._connection.execute(statement, *arguments)


def _noon(day: date) -> Any:
    clock = FixedClock(None)  # type: ignore[arg-type]
    clock.set(day)
    return clock.at


@contextmanager
def after_its_writes(act: Callable[[], object]) -> Iterator[None]:
    """Let every step do something when it has written everything and committed nothing."""
    real = completing.apply

    def apply(*arguments: Any, **more: Any) -> Any:
        result = real(*arguments, **more)
        act()
        return result

    completing.apply = apply  # type: ignore[attr-defined]
    try:
        yield
    finally:
        completing.apply = real  # type: ignore[attr-defined]


class PowerCut(BaseException):
    """Nobody catches this one."""


def cut_power() -> None:
    raise PowerCut


def test_a_block_that_fails_after_its_writes_writes_nothing(desk: Desk) -> None:
    matter = desk.start(parallel())
    before = (matter.kinds, matter.row.revision)
    with after_its_writes(cut_power), pytest.raises(PowerCut):
        matter.complete("apply")
    assert (matter.kinds, matter.row.revision) == before
    is_consistent(matter.id, desk.clock)
    matter.complete("apply")  # the session is fit for use


def test_a_connection_cut_before_the_commit_leaves_nothing_and_the_command_can_be_repeated(
    live: Live,
) -> None:
    matter = live.desk.start(parallel())
    task, actor, command_id = matter.task("apply"), live.desk.actor("secretary"), uuid4()
    before = (matter.kinds, matter.row.revision)
    db.session.remove()

    def complete() -> Any:
        return operations.complete_task(
            task, {"note": "一次"}, actor=actor, clock=live.clock, command_id=command_id
        )

    def cut() -> None:
        with psycopg.connect(live.where.owner, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    with after_its_writes(cut), pytest.raises((OperationalError, psycopg.OperationalError)):
        complete()
    db.session.remove()
    for _ in range(20):  # the connections that lay in the pool are dead as well
        try:
            done = complete()
            break
        except (OperationalError, psycopg.OperationalError):
            db.session.remove()
    assert not done.replayed
    assert before == (["started"], 1)
    assert matter.kinds == ["started", "completed"]
    assert complete().replayed
    is_consistent(matter.id, live.clock)
    assert live.faults() == []
