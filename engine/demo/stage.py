"""Who acts in the demo, and the commands by which they do: one call a step, on the day it happened.

Here the answers are given whole, in the words of the place. The stories of scenarios, which fill in
what a form hides, are told by :mod:`engine.demo.playing`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.clock import Clock, FixedClock
from engine.database import db
from engine.demo.people import DemoDirectory
from engine.demo.playing import hand_in
from engine.directory.actors import Actor, load_actor
from engine.directory.codes import PostKind
from engine.directory.models import Person, Post
from engine.directory.voting import Body, roll
from engine.duties.models import DutyRow
from engine.errors import GuichengError
from engine.runtime import operations
from engine.runtime.models import Task

Data = Mapping[str, Any]


@dataclass(frozen=True)
class Place:
    """An organisation and who runs its meetings."""

    key: str
    id: int
    has_committee: bool
    secretary: int
    commissioner: int
    """Who writes things up: the organisation commissioner, or the secretary where none is."""


@dataclass
class Stage:
    """The town and its clock. What is done happens on the day that is given with it."""

    town: DemoDirectory
    now: datetime
    sha256: str
    """The file that is handed in wherever a paper is asked for; it has to be in the store."""
    _actors: dict[int, Actor] = field(default_factory=dict)
    _rolls: dict[tuple[int, Body, date], list[int]] = field(default_factory=dict)

    @cached_property
    def today(self) -> date:
        """The day on which the demo is made."""
        return FixedClock(self.now).today()

    @cached_property
    def names(self) -> Mapping[int, str]:
        """Everybody's name."""
        rows = db.session.execute(select(Person.id, Person.name))
        return {row.id: row.name for row in rows}

    def clock(self, day: date) -> Clock:
        """Return a clock that stands at noon of a day, or at this moment."""
        clock = FixedClock(self.now)
        if day != self.today:
            clock.set(day)
        return clock

    def actor(self, person_id: int) -> Actor:
        """Return somebody as they are today; nobody's post changes while the demo is made."""
        if person_id not in self._actors:
            found = load_actor(db.session(), self.today, person_id=person_id)
            self._actors[person_id] = found
        return self._actors[person_id]

    def roll(self, place: Place, body: Body, day: date) -> list[int]:
        """Return who is due at a meeting."""
        key = (place.id, body, day)
        if key not in self._rolls:
            self._rolls[key] = [v.id for v in roll(db.session(), place.id, body, day)]
        return self._rolls[key]

    # --- commands ------------------------------------------------------------------------------

    def start(self, key: str, data: Data, *, at: Place, by: int, on: date) -> dict[str, int]:
        """Start a matter with its first step; return the open tasks by element.

        Where the plan of the year has opened a draft for it that nobody has used, that one is
        taken.
        """
        draft = self._draft(key, at.id)
        if draft is not None:
            return self.complete(draft, data, by=by, on=on)
        done = operations.start_instance(
            key,
            data,
            organisation_id=at.id,
            subject_id=None,
            actor=self.actor(by),
            clock=self.clock(on),
            occurred_on=on,
        )
        return {element: task for task, element in done.opened.items()}

    def complete(
        self, task_id: int, data: Data, *, by: int, on: date, files: Mapping[str, str] | None = None
    ) -> dict[str, int]:
        """Complete a task; ``files`` are fields with the name of the paper to hand in there."""
        raw = {
            **data,
            **{
                f: [hand_in(n, self.sha256, by, task_id, self.now)]
                for f, n in (files or {}).items()
            },
        }
        try:
            done = operations.complete_task(
                task_id, raw, actor=self.actor(by), clock=self.clock(on), occurred_on=on
            )
        except GuichengError as refused:
            element = db.session.get_one(Task, task_id).element
            raise RuntimeError(f"the demo stops at {element} on {on}: {refused!r}") from refused
        return {element: task for task, element in done.opened.items()}

    def wait(self, instance_id: int, day: date) -> dict[str, int]:
        """Let the timers fire that are due on a day; return the open tasks by element."""
        while operations.fire_timers(instance_id, clock=self.clock(day)) is not None:
            pass
        return {element: tasks[0].id for element, tasks in self.open_tasks(instance_id).items()}

    def open_tasks(self, instance_id: int) -> dict[str, list[Task]]:
        """Return the open tasks of a matter by element, in order."""
        found: dict[str, list[Task]] = {}
        for task in db.session.scalars(
            select(Task)
            .where(Task.instance_id == instance_id, Task.state == "open")
            .order_by(Task.id)
            .execution_options(populate_existing=True)
        ):
            found.setdefault(task.element, []).append(task)
        return found

    def matter_of(self, task_id: int) -> int:
        """Return the matter of a task."""
        return db.session.get_one(Task, task_id).instance_id

    def _draft(self, key: str, place_id: int) -> int | None:
        """Return the first task of an unused draft."""
        return db.session.scalar(
            select(Task.id)
            .join(DutyRow, DutyRow.instance_id == Task.instance_id)
            .where(
                DutyRow.organisation_id == place_id,
                DutyRow.key.startswith(f"{key}."),
                DutyRow.state == "due",
                DutyRow.done == 0,
                Task.state == "open",
            )
            .order_by(Task.id)
            .limit(1)
        )


def place_of(session: Session, town: DemoDirectory, key: str, has_committee: bool) -> Place:
    """Return an organisation with those who run it; of a group, its leader does everything."""
    rows = session.execute(
        select(Post.kind, Post.person_id)
        .where(Post.organisation_id == town.organisations[key], Post.until.is_(None))
        .order_by(Post.id.desc())
    )
    posts = {row.kind: row.person_id for row in rows}
    head = posts.get(PostKind.SECRETARY) or posts[PostKind.GROUP_LEADER]
    second = posts.get(PostKind.ORGANISATION_COMMISSIONER, head)
    return Place(key, town.organisations[key], has_committee, head, second)
