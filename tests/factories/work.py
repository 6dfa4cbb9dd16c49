"""Where people of the town start matters, and a matter to act on: tests read as sentences."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text

from engine.clock import FixedClock
from engine.database import db, unit_of_work
from engine.definitions.operations import deploy_package
from engine.definitions.package import Package
from engine.directory.actors import Actor, load_actor
from engine.ledger.models import LedgerEntry
from engine.runtime import operations
from engine.runtime.commands import Done
from engine.runtime.models import (
    Instance,
    OutboxMessage,
    Task,
    TaskCandidate,
    Timer,
)
from tests.factories.town import Town

FILE = "f" * 64


@dataclass
class Desk:
    """Where the people of the town start matters. Needs an application context."""

    town: Town
    clock: FixedClock
    deployed: set[str] = field(default_factory=set)

    def actor(self, name: str) -> Actor:
        """Return a person of the town as somebody who acts today."""
        return load_actor(db.session(), person_id=self.town.people[name], day=self.clock.today())

    def deploy(self, package: Package) -> str:
        """Deploy a package and return its key."""
        if package.sha256 not in self.deployed:
            with unit_of_work() as session:
                deploy_package(session, package, self.clock)
            self.deployed.add(package.sha256)
        return package.key

    def start(
        self,
        package: Package | str,
        *,
        by: str = "secretary",
        subject: str | None = None,
        data: Mapping[str, Any] | None = None,
        on: date | None = None,
        command_id: UUID | None = None,
        at: str = "branch",
    ) -> Matter:
        """Start a matter; with ``data`` its first step is completed as well."""
        key = package if isinstance(package, str) else self.deploy(package)
        done = operations.start_instance(
            key,
            data,
            organisation_id=self.town.organisations[at],
            subject_id=None if subject is None else self.town.people[subject],
            actor=self.actor(by),
            clock=self.clock,
            occurred_on=on,
            command_id=command_id,
        )
        return Matter(self, done.instance_id, done)

    def inbox(self, name: str) -> list[str]:
        """Return the steps in a person's inbox."""
        keys = sorted(self.actor(name).principals)
        rows = db.session().execute(
            select(Task.element)
            .join(TaskCandidate, TaskCandidate.task_id == Task.id)
            .where(TaskCandidate.principal.in_(keys))
            .distinct()
        )
        return sorted(row.element for row in rows)

    def jobs(self, name: str) -> list[dict[str, Any]]:
        """Return the arguments of the jobs of a kind that wait in the queue."""
        rows = db.session().execute(
            text(
                "SELECT args FROM procrastinate_jobs WHERE task_name = :name AND status = 'todo'"
                " ORDER BY id"
            ),
            {"name": name},
        )
        return [row.args for row in rows]

    def outbox(self) -> int:
        """Return how many messages have not arrived yet."""
        return int(db.session().scalar(select(func.count()).select_from(OutboxMessage)) or 0)


@dataclass
class Matter:
    """A matter and what can be done to it."""

    desk: Desk
    id: int
    started: Done | None = None

    # --- what stands in the database

    @property
    def row(self) -> Instance:
        """The matter's row as it is now."""
        found: Instance = (
            db.session()
            .execute(
                select(Instance)
                .where(Instance.id == self.id)
                .execution_options(populate_existing=True)
            )
            .scalar_one()
        )
        return found

    @property
    def tasks(self) -> Sequence[Task]:
        """The open tasks."""
        return (
            db.session()
            .scalars(
                select(Task)
                .where(Task.instance_id == self.id, Task.state == "open")
                .order_by(Task.id)
                .execution_options(populate_existing=True)
            )
            .all()
        )

    @property
    def open(self) -> list[str]:
        """The elements of the open tasks, sorted."""
        return sorted(task.element for task in self.tasks)

    def task(self, element: str) -> int:
        """Return the id of the open task of an element."""
        found = [task.id for task in self.tasks if task.element == element]
        assert found, f"{element} is not open, but {self.open}"
        return int(found[0])

    @property
    def timers(self) -> dict[str, Timer]:
        """The waiting timers by element."""
        rows = db.session().scalars(
            select(Timer)
            .where(Timer.instance_id == self.id)
            .execution_options(populate_existing=True)
        )
        return {row.element: row for row in rows}

    @property
    def entries(self) -> list[LedgerEntry]:
        """The ledger entries, oldest first."""
        return list(
            db.session().scalars(
                select(LedgerEntry).where(LedgerEntry.chain_id == self.id).order_by(LedgerEntry.seq)
            )
        )

    @property
    def kinds(self) -> list[str]:
        """The kinds of the ledger entries."""
        return [entry.kind for entry in self.entries]

    def payload(self, number: int = -1) -> Any:
        """Return what an entry recorded, the last one by default."""
        text = self.entries[number].payload
        assert text is not None
        return json.loads(text)

    # --- what people do to it

    def complete(
        self,
        element: str,
        data: Mapping[str, Any] | None = None,
        *,
        by: str = "secretary",
        on: date | None = None,
        **more: Any,
    ) -> Done:
        """Complete the open task of an element."""
        return operations.complete_task(
            self.task(element),
            data or {},
            actor=self.desk.actor(by),
            clock=self.desk.clock,
            occurred_on=on,
            **more,
        )

    def send_back(
        self, element: str, to: str, *, by: str = "secretary", reason: str = "请补正", **more: Any
    ) -> Done:
        """Send the matter back from the open task of an element."""
        return operations.send_back(
            self.task(element),
            to,
            reason,
            actor=self.desk.actor(by),
            clock=self.desk.clock,
            **more,
        )

    def claim(self, element: str, *, by: str = "secretary", **more: Any) -> Done:
        """Claim the open task of an element."""
        return operations.claim_task(
            self.task(element), actor=self.desk.actor(by), clock=self.desk.clock, **more
        )

    def unclaim(self, element: str, *, by: str = "secretary", **more: Any) -> Done:
        """Put the open task of an element back."""
        return operations.unclaim_task(
            self.task(element), actor=self.desk.actor(by), clock=self.desk.clock, **more
        )

    def delegate(
        self,
        element: str,
        to: str,
        *,
        by: str = "secretary",
        reason: str = "出差",
        **more: Any,
    ) -> Done:
        """Hand the open task of an element to another person."""
        return operations.delegate_task(
            self.task(element),
            self.desk.town.people[to],
            reason,
            actor=self.desk.actor(by),
            clock=self.desk.clock,
            **more,
        )

    def send(
        self,
        message: str,
        data: Mapping[str, Any] | None = None,
        *,
        by: str = "secretary",
        on: date | None = None,
        **more: Any,
    ) -> Done:
        """Send one of the package's messages to the matter."""
        return operations.send_message(
            self.id,
            message,
            data or {},
            actor=self.desk.actor(by),
            clock=self.desk.clock,
            occurred_on=on,
            **more,
        )

    def cancel(self, *, by: str = "secretary", reason: str = "不再办理", **more: Any) -> Done:
        """Cancel the matter."""
        return operations.cancel_instance(
            self.id, reason, actor=self.desk.actor(by), clock=self.desk.clock, **more
        )

    def suspend(self, *, by: str = "secretary", reason: str = "等待材料", **more: Any) -> Done:
        """Suspend the matter."""
        return operations.suspend_instance(
            self.id, reason, actor=self.desk.actor(by), clock=self.desk.clock, **more
        )

    def resume(self, *, by: str = "secretary", **more: Any) -> Done:
        """Resume the matter."""
        return operations.resume_instance(
            self.id, actor=self.desk.actor(by), clock=self.desk.clock, **more
        )

    def fire(self) -> int:
        """Let the due timers fire, as a worker would; return how often something fired."""
        fired = 0
        while operations.fire_timers(self.id, clock=self.desk.clock) is not None:
            fired += 1
        return fired
