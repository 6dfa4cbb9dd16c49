"""Matters and what happens to them, as frozen values; see ``engine.runtime.transitions``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from engine.clock import Clock
from engine.definitions.package import Lane, Step
from engine.definitions.versions import Definition
from engine.runtime.lanes import Candidates, LaneDirectory
from engine.runtime.values import Message, Passed, PendingTimer, Subscription

STEP_BUDGET = 20_000
"""Most automatic activities in one step."""


@dataclass(frozen=True, slots=True)
class World:
    """What a step may ask of the world around its matter."""

    clock: Clock
    functions: Mapping[str, Callable[..., Any]]
    """The date functions of :func:`engine.calendars.functions.date_functions`, for today."""
    directory: LaneDirectory
    step_budget: int = STEP_BUDGET


@dataclass(frozen=True, slots=True)
class Matter:
    """A matter (办理事项) as far as its procedure is concerned."""

    definition: Definition
    organisation_id: int
    subject_id: int | None
    started_on: date
    participants: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """The people of the matter by role."""
    snapshot: bytes = b""


@dataclass(frozen=True, slots=True)
class OpenedTask:
    """A task that has become open, with who may do it and when."""

    uid: UUID
    element: str
    step: Step
    lane: Lane
    candidates: Candidates
    not_before: date | None
    """The latest day of the steps it follows: it cannot have happened earlier."""
    earliest_on: date | None
    """The first lawful day."""
    due_on: date | None
    """The last lawful day."""
    item: str | None
    """Which one it is, when there is one task for each item of a list; of a person ``p<id>``."""
    person_id: int | None = None
    """Whose task it is, where there is one for each of a list of people."""


@dataclass(frozen=True, slots=True)
class StatusChange:
    """The person of the matter gets a membership status."""

    person_id: int
    status: str
    since: date
    element: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """The matter gets its outcome."""

    code: str
    title: str
    element: str


@dataclass(frozen=True, slots=True)
class Transition:
    """Everything that follows from one thing done to a matter."""

    matter: Matter
    """The matter as it is afterwards."""
    opened: tuple[OpenedTask, ...]
    still_open: frozenset[bytes]
    """Tasks that were open before and are, by the bytes of their uid."""
    closed: tuple[UUID, ...]
    """Tasks that the procedure took back; the completed task itself is not among them."""
    timers: tuple[PendingTimer, ...]
    """All timers that wait now."""
    subscriptions: tuple[Subscription, ...]
    """All messages waited for now."""
    messages: tuple[Message, ...]
    """Messages thrown, to be delivered to other matters."""
    passed: tuple[Passed, ...]
    """Elements passed in this step, in order."""
    effects: tuple[StatusChange | Outcome, ...]
    participants: Mapping[str, tuple[int, ...]]
    """The roles that changed hands, with who holds them now."""
    stage: str | None
    completed: bool
    occurred_on: date | None = None
    """The day of the last thing that happened: of a timer that fired late, the day it was due."""

    @property
    def outcome(self) -> Outcome | None:
        """Return the outcome that this step gave the matter, the last one if several."""
        return next((e for e in reversed(self.effects) if isinstance(e, Outcome)), None)

    @property
    def status_changes(self) -> tuple[StatusChange, ...]:
        """Return the membership changes of this step, in order."""
        return tuple(e for e in self.effects if isinstance(e, StatusChange))
