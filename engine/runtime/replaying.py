"""Move a copy of a matter through its procedure: with what was recorded, or by trying.

The transitions are those of real matters; nothing is written. A search is bounded in depth and in
trials, and what waits in the same places is looked at once only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from itertools import islice, product
from typing import Any, Final
from uuid import UUID

from engine.calendars.functions import date_functions
from engine.calendars.working_days import HolidayTable
from engine.clock import ZONE, FixedClock, start_of_day
from engine.compliance.facts import Facts, Occurrence
from engine.definitions.versions import Definition
from engine.errors import EngineFault, InvalidInput, NotAllowed, TaskClosed
from engine.forms.fields import Field, FieldKind, walk
from engine.runtime import transitions
from engine.runtime.lanes import LaneDirectory
from engine.runtime.matters import Matter, OpenedTask, Transition, World
from engine.runtime.values import PendingTimer

DEEPEST: Final = 8
"""Most steps that are looked for between one recorded step and the next."""
MOST_TRIALS: Final = 600
"""Most trials in one search."""
MOST_ANSWERS: Final = 8
"""Most combinations of answers that are tried at one step."""
MOST_TIMERS: Final = 50

Recorded = Callable[[str], Occurrence | None]
"""Finds a record of an element that has not had its turn yet."""


@dataclass(frozen=True)
class State:
    """Where the copy of the matter stands."""

    matter: Matter
    open: Mapping[UUID, OpenedTask]
    timers: tuple[PendingTimer, ...]
    clock: date
    completed: bool = False
    outcome: str | None = None

    def task(self, element: str) -> OpenedTask | None:
        """Return the open task of an element."""
        return next((task for task in self.open.values() if task.element == element), None)

    @property
    def marking(self) -> frozenset[tuple[str, str]]:
        """What waits, whatever was entered on the way here."""
        tasks = (("task", task.element) for task in self.open.values())
        timers = (("timer", timer.element) for timer in self.timers)
        return frozenset((*tasks, *timers))


@dataclass(frozen=True)
class Move:
    """Something that was not recorded where the procedure has it."""

    element: str
    day: date
    timer: bool = False


@dataclass(frozen=True)
class Ground:
    """Where a copy is moved: the procedure and what it asks of the world."""

    definition: Definition
    holidays: HolidayTable
    directory: LaneDirectory

    def begin(self, facts: Facts) -> State:
        """Start a copy on the day that the matter began."""
        day = facts.started_on
        begun = transitions.begin(
            self.definition,
            organisation_id=facts.organisation.organisation_id or 0,
            subject_id=facts.subject,
            started_on=day,
            world=self._world(day),
        )
        return self._after(None, begun, day)

    def complete(
        self, state: State, task: OpenedTask, data: Mapping[str, Any], day: date
    ) -> State | None:
        """Complete an open task; None when the procedure refuses."""
        world = self._world(max(state.clock, day))
        try:
            moved = transitions.complete(state.matter, task.uid, data, day, world)
        except (InvalidInput, EngineFault, TaskClosed, NotAllowed):
            return None
        return self.let_pass(self._after(state, moved, max(state.clock, day), without=task.uid))

    def message(self, state: State, occurrence: Occurrence) -> State | None:
        """Hand over a recorded message; None when the matter does not wait for it."""
        name = self.definition.package.messages[occurrence.element].name
        day, world = occurrence.occurred_on, self._world(state.clock)
        try:
            moved = transitions.deliver(state.matter, name, occurrence.data, day, world)
        except (InvalidInput, EngineFault):
            return None
        return None if moved is None else self._after(state, moved, state.clock)

    def _after(
        self, state: State | None, moved: Transition, clock: date, without: UUID | None = None
    ) -> State:
        kept = {} if state is None else state.open
        open_still = moved.still_open
        still = {
            uid: task for uid, task in kept.items() if uid.bytes in open_still and uid != without
        }
        outcome = moved.outcome.code if moved.outcome else state.outcome if state else None
        return State(
            moved.matter,
            {**still, **{task.uid: task for task in moved.opened}},
            moved.timers,
            clock,
            moved.completed,
            outcome,
        )

    def let_pass(self, state: State) -> State:
        """Let the timers fire that are due on the day of the clock."""
        for _ in range(MOST_TIMERS):
            if state.completed or not any(_due(t) <= state.clock for t in state.timers):
                break
            moved = transitions.fire(state.matter, self._world(state.clock))
            if moved is None:
                break
            state = self._after(state, moved, state.clock)
        return state

    def _world(self, day: date) -> World:
        clock = FixedClock(start_of_day(day))
        return World(clock, date_functions(self.holidays, day), self.directory)

    def way(
        self,
        state: State,
        element: str | None,
        day: date,
        recorded: Recorded,
        deepest: int = DEEPEST,
    ) -> tuple[tuple[Move, ...], State] | None:
        """Return the shortest way to where ``element`` is open, or to the end (None)."""
        row: list[tuple[tuple[Move, ...], State]] = [((), state)]
        seen = {state.marking}
        trials = 0
        while row:
            following: list[tuple[tuple[Move, ...], State]] = []
            for moves, at in row:
                for move, reached in self._moves(at, day, recorded):
                    trials += 1
                    way = (*moves, move)
                    there = reached.completed if element is None else reached.task(element)
                    if there:
                        return way, reached
                    if trials >= MOST_TRIALS:
                        return None
                    if len(way) < deepest and reached.marking not in seen:
                        seen.add(reached.marking)
                        following.append((way, reached))
            row = following
        return None

    def _moves(self, state: State, day: date, recorded: Recorded) -> Iterator[tuple[Move, State]]:
        if state.completed:
            return
        for task in state.open.values():
            at = max(filter(None, (task.not_before, task.earliest_on)), default=day)
            if (record := recorded(task.element)) is not None:
                known = max(at, min(record.occurred_on, day))
                moved = self.complete(state, task, record.data, known)
                if moved is not None:
                    yield Move(task.element, known), moved
            for answered in self.answered(state, task, at):
                yield Move(task.element, at), answered
        if state.timers:
            due = min(map(_due, state.timers))
            if due > state.clock:
                passed = self.let_pass(replace(state, clock=due))
                first = min(state.timers, key=_due)
                yield Move(first.element, due, timer=True), passed

    def answered(self, state: State, task: OpenedTask, day: date) -> Iterator[State]:
        """Complete a task with each of the answers on which the way can depend."""
        form = self.definition.form_of(task.element)
        kept = self.definition.kept[task.step.form]
        asked = [f for f in walk(form.fields) if f.key in kept and f.takes_input]
        answers = product(*(_answers(one) for one in asked))
        for row in islice(answers, MOST_ANSWERS):
            data = {f.key: value for f, value in zip(asked, row, strict=True) if value is not None}
            moved = self.complete(state, task, data, day)
            if moved is not None:
                yield moved


def _due(timer: PendingTimer) -> date:
    return timer.due_at.astimezone(ZONE).date()


def _answers(one: Field) -> tuple[Any, ...]:
    """Return the answers to a field on which the way of a matter can depend, the usual first."""
    match one.kind:
        case FieldKind.RADIO | FieldKind.SELECT:
            return tuple(option.value for option in one.options)
        case FieldKind.CHECKBOX:
            return (True, False)
        case FieldKind.NUMBER:
            return (int(one.limits.min or 1),)
        case FieldKind.VOTE:
            return ({"outcome": "adopted"}, {"outcome": "lost"})
        case FieldKind.ATTENDANCE:
            return ({"quorate": True}, {"quorate": False})
    return (None,)
