"""What the pure transitions ask of the world, answered from the database."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from sqlalchemy import text
from sqlalchemy.engine import Row
from sqlalchemy.orm import Session

from engine.calendars.functions import date_functions
from engine.calendars.operations import load_holiday_table
from engine.calendars.working_days import HolidayTable
from engine.clock import Clock
from engine.database import Record
from engine.definitions.package import Lane
from engine.definitions.versions import Definition, load_definition
from engine.directory.things import MatterView, TaskView
from engine.runtime.lanes import Candidates, find_candidates
from engine.runtime.matters import Matter, World
from engine.runtime.roles import people_of

HOLIDAYS_KEPT_SECONDS = 60.0
"""How long a process goes on with the holiday table it has read."""

_ANCESTORS = text(
    """
    SELECT o.id, o.parent_id, o.can_approve_members FROM organisation own
    JOIN organisation o ON starts_with(own.path, o.path)
    WHERE own.id = :id ORDER BY length(o.path) DESC
    """
)


@dataclass
class DatabaseLanes:
    """The organisations above a matter, read once a step and only when a lane asks."""

    session: Session
    _above: dict[int, list[Row[Any]]] = field(default_factory=dict)

    def approving(self, organisation_id: int) -> int | None:
        """Return the nearest organisation, itself or above, that may approve members."""
        return next((o.id for o in self._line(organisation_id) if o.can_approve_members), None)

    def parent(self, organisation_id: int) -> int | None:
        """Return the organisation directly above."""
        line = self._line(organisation_id)
        return line[0].parent_id if line else None

    def _line(self, organisation_id: int) -> list[Row[Any]]:
        if organisation_id not in self._above:
            self._above[organisation_id] = list(
                self.session.execute(_ANCESTORS, {"id": organisation_id})
            )
        return self._above[organisation_id]


class _Holidays:
    """The holiday table of this process, read again once a minute."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._table: HolidayTable | None = None
        self._read_at = 0.0

    def get(self, session: Session) -> HolidayTable:
        with self._lock:
            if self._table is None or time.monotonic() - self._read_at > HOLIDAYS_KEPT_SECONDS:
                self._table = load_holiday_table(session)
                self._read_at = time.monotonic()
            return self._table

    def forget(self) -> None:
        with self._lock:
            self._table = None


holidays = _Holidays()


def make_world(session: Session, clock: Clock) -> World:
    """Return the world as this transaction sees it."""
    return World(
        clock=clock,
        functions=date_functions(holidays.get(session), clock.today()),
        directory=DatabaseLanes(session),
    )


def matter_of(session: Session, row: Record) -> Matter:
    """Return the matter of a locked row, with its definition and its people."""
    return matter_by(session, row, load_definition(session, row.version_id))


def matter_by(session: Session, row: Record, definition: Definition) -> Matter:
    """Return the same by another definition than its own."""
    has_roles = bool(definition.package.participants)
    return Matter(
        definition=definition,
        organisation_id=row.organisation_id,
        subject_id=row.subject_id,
        started_on=row.started_on,
        participants=people_of(session, row) if has_roles else {},
        snapshot=bytes(row.snapshot) if row.snapshot is not None else b"",
    )


def matter_view(
    row: Record, matter: Matter, *, working: Iterable[str] = (), deciding: Iterable[str] = ()
) -> MatterView:
    """Return what the access policy wants to know of a matter."""
    return MatterView(
        instance_id=row.instance_id,
        organisation_id=row.organisation_id,
        path=row.path,
        subject_id=row.subject_id,
        participants=frozenset(p for people in matter.participants.values() for p in people),
        working=frozenset(working),
        deciding=frozenset(deciding),
        active=row.status == "active",
        superiors_begin=matter.definition.superiors_begin,
    )


def task_view(row: Record, matter: Matter) -> TaskView:
    """Return what the access policy wants to know of a task."""
    step = matter.definition.package.steps[row.element]
    candidates = frozenset(row.candidates)
    return TaskView(
        task_id=row.task_id,
        matter=matter_view(row, matter, working=candidates),
        candidates=candidates,
        assignee_id=row.assignee_id,
        organisation_id=row.task_organisation_id,
        open=row.state == "open",
        decision=step.decision,
        not_subject=matter.definition.lanes[row.element].not_subject,
    )


def lane_candidates(matter: Matter, lane: Lane, world: World) -> Candidates:
    """Return who may act in a lane of the matter."""
    return find_candidates(
        lane,
        matter.definition.package.lanes,
        organisation_id=matter.organisation_id,
        subject_id=matter.subject_id,
        participants=matter.participants,
        directory=world.directory,
    )


def deciding_principals(matter: Matter, world: World) -> frozenset[str]:
    """Return who acts in the lanes that hold a decision step: they read the sensitive files."""
    definition: Definition = matter.definition
    lanes = {
        definition.lanes[step.element].id: definition.lanes[step.element]
        for step in definition.package.steps.values()
        if step.decision and step.element in definition.lanes
    }
    return frozenset(
        principal
        for lane in lanes.values()
        for principal in lane_candidates(matter, lane, world).principals
    )
