"""A procedure with like tasks for several people: ask, then talk (or decide), both by the head."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import uuid4

from engine.database import unit_of_work
from engine.definitions.operations import deploy_package
from engine.directory.models import Person
from engine.runtime.models import Task
from engine.runtime.operations import start_instance
from tests.bpmn_builder import Task as UserTask
from tests.factories import procedure
from tests.web.conftest import Browser, World

TALK = "\n".join(
    (
        "due = \"add_days(on['ask'], 10)\"",
        "earliest = \"add_days(on['ask'], 2)\"",
    )
)


class Talks:
    """Matters in which the leader has to talk to somebody, two days after asking at the soonest."""

    def __init__(self, world: World) -> None:
        self.world = world
        packages = [
            procedure(
                key,
                [UserTask("ask"), UserTask("talk")],
                subject="person",
                prefix=prefix,
                steps={"talk": TALK + more},
            )
            for key, prefix, more in (
                ("talks", "TA", ""),
                ("verdicts", "VE", "\ndecision = true"),
            )
        ]
        with unit_of_work() as session:
            for package in packages:
                deploy_package(session, package, world.clock)

    def newcomer(self, name: str) -> str:
        """Enter another person of the office and return the name by which he is known here."""
        with unit_of_work() as session:
            person = Person(
                name=name, organisation_id=self.world.office, created_at=self.world.clock.now()
            )
            session.add(person)
            session.flush()
            self.world.people[name] = person.id
        return name

    def start(self, who: str, *, key: str = "talks", on: date = date(2026, 11, 15)) -> int:
        """Ask somebody on a day; return the task of talking."""
        done = start_instance(
            key,
            {},
            organisation_id=self.world.office,
            subject_id=self.world.people[who],
            actor=self.world.actor("leader"),
            clock=self.world.clock,
            occurred_on=on,
            command_id=uuid4(),
        )
        return next(iter(done.opened))

    def task(self, task_id: int) -> Task:
        """Return the task as it is stored now."""
        self.world.session.expire_all()
        found = self.world.session.get(Task, task_id)
        assert found is not None
        return found

    def states(self, *tasks: int) -> list[str]:
        """Return the states of tasks."""
        return [self.task(task).state for task in tasks]

    def posts(self, browser: Browser, *tasks: int, **more: Any) -> dict[str, Any]:
        """Return what the bulk page posts for these tasks."""
        return {
            "_command": browser.hidden("_command"),
            "_task": [f"{task}:{self.task(task).revision}" for task in tasks],
            "_occurred_on": "2026-11-22",
            "note": "谈了五个方面",
            **more,
        }
