"""What a run needs and what it shows, as values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from engine.clock import Clock
from engine.definitions.branches import Data


@dataclass(frozen=True)
class Environment:
    """What a run needs to know of the world."""

    clock: Clock
    functions: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    """The date functions of expressions."""
    step_budget: int = 20_000
    """How many automatic activities one step may run."""
    dates: frozenset[str] = frozenset()
    """Elements whose days are remembered besides those that the diagram asks for."""
    variables: frozenset[str] = frozenset()
    """Variables that are kept besides those that the diagram reads."""


@dataclass(frozen=True, slots=True)
class OpenTask:
    """A task that waits for a person."""

    uid: UUID
    """Stays the same until the task ends."""
    element: str
    lane: str | None
    """The id of the lane."""
    lane_name: str | None
    variables: Data
    """What its branch knows: process variables, and ``on``."""
    item: int | str | None
    """The index or key in the collection, for an instance of a multi-instance."""
    value: Any
    """The item of the collection itself, where the diagram names it."""
    not_before: date | None
    """The latest day on which a step happened that this one follows."""


@dataclass(frozen=True, slots=True)
class PendingTimer:
    """A timer that is armed."""

    uid: UUID
    element: str
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Subscription:
    """An event that is waited for."""

    uid: UUID
    element: str
    name: str
    kind: Literal["message", "signal"] = "message"


@dataclass(frozen=True, slots=True)
class Message:
    """A message or signal that nobody in the instance waited for."""

    name: str
    payload: Data
    kind: Literal["message", "signal"] = "message"


@dataclass(frozen=True, slots=True)
class Passed:
    """An element that was completed in this step."""

    element: str
    kind: str
    variables: Data
    """What its branch knew right after, with ``on``."""
    flows: tuple[str, ...]
    """The flows that were taken from it."""
    instance: bool = False
    """It is one instance (or round) of an activity that is passed as a whole later."""
