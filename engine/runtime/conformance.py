"""Replay a history against its procedure and say where it departs from it (符合性).

The real transitions are used, on a copy. A recorded step whose task is open is completed with what
was recorded. One that is not open is reached by the shortest way through the procedure: the steps
on that way are missing, or, when they stand later in the record, out of order. What cannot be
reached at all was repeated, or not possible.

The fitness is 1 less the share of departing steps: (steps recorded with a deviation + steps
missing) ÷ (steps recorded + steps missing). A step with several deviations counts once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import islice, product
from typing import Any, Final
from uuid import UUID

from engine.calendars.functions import date_functions
from engine.calendars.working_days import HolidayTable
from engine.clock import ZONE, FixedClock, start_of_day
from engine.coded import Coded
from engine.compliance.facts import Facts, Occurrence, Place
from engine.compliance.parameters import ParameterView
from engine.compliance.regulations import Regulations
from engine.definitions.package import At, Lane, Who
from engine.definitions.versions import Definition
from engine.errors import N_, EngineFault, InvalidInput, NotAllowed, TaskClosed, Translatable
from engine.forms.fields import Field, FieldKind, walk
from engine.runtime import transitions
from engine.runtime.lanes import LaneDirectory
from engine.runtime.matters import Matter, OpenedTask, Transition, World
from engine.runtime.spiff import PendingTimer

DEEPEST: Final = 8
"""Most steps that are looked for between one recorded step and the next."""
MOST_TRIALS: Final = 600
"""Most trials in one search."""
MOST_ANSWERS: Final = 8
"""Most combinations of answers that are tried at one step."""
MOST_TIMERS: Final = 50


class Departure(Coded):
    """How a history departs from its procedure."""

    MISSING = "missing", N_("缺少环节")
    OUT_OF_ORDER = "out_of_order", N_("顺序颠倒")
    REPEATED = "repeated", N_("重复办理")
    IMPOSSIBLE = "impossible", N_("不应办理")
    DAY_BEFORE = "day_before", N_("日期颠倒")
    TOO_EARLY = "too_early", N_("办理过早")
    WRONG_PLACE = "wrong_place", N_("办理组织不对")
    WRONG_EDITION = "wrong_edition", N_("适用版本不对")


@dataclass(frozen=True, slots=True)
class Deviation:
    """One point at which a history departs from its procedure."""

    departure: Departure
    element: str
    round: int
    """Which time that the element was done; of what is missing, which it would have been."""
    day: date | None
    sentence: Translatable
    seq: int | None = None
    """The record concerned; None: there is none."""


@dataclass(frozen=True, slots=True)
class Conformance:
    """What a replay came to."""

    deviations: tuple[Deviation, ...]
    recorded: int
    completed: bool
    """The procedure came to its end."""
    outcome: str | None
    ended_on: date | None

    @property
    def fitness(self) -> float:
        """How far the history follows the procedure, from 0 to 1; see the module."""
        missing = sum(d.seq is None for d in self.deviations)
        departing = len({d.seq for d in self.deviations if d.seq is not None})
        steps = self.recorded + missing
        return 1.0 if steps == 0 else 1 - (departing + missing) / steps


def replay(
    definition: Definition,
    facts: Facts,
    *,
    holidays: HolidayTable,
    directory: LaneDirectory,
    regulations: Regulations | None = None,
    parameters: ParameterView | None = None,
    editions: Mapping[int, str] | None = None,
) -> Conformance:
    """Replay a history. ``editions``: by seq, the edition that a record says it followed."""
    return _Replay(
        definition, facts, holidays, directory, regulations, parameters, editions or {}
    ).run()


@dataclass(frozen=True)
class _State:
    """Where the copy of the matter stands."""

    matter: Matter
    open: Mapping[UUID, OpenedTask]
    timers: tuple[PendingTimer, ...]
    clock: date
    completed: bool = False
    outcome: str | None = None

    def task(self, element: str) -> OpenedTask | None:
        return next((task for task in self.open.values() if task.element == element), None)

    @property
    def marking(self) -> frozenset[tuple[str, str]]:
        """What waits, whatever was entered on the way here."""
        tasks = (("task", task.element) for task in self.open.values())
        timers = (("timer", timer.element) for timer in self.timers)
        return frozenset((*tasks, *timers))


@dataclass(frozen=True)
class _Move:
    """Something that was not recorded where the procedure has it."""

    element: str
    day: date
    timer: bool = False


@dataclass
class _Replay:
    definition: Definition
    facts: Facts
    holidays: HolidayTable
    directory: LaneDirectory
    regulations: Regulations | None
    parameters: ParameterView | None
    editions: Mapping[int, str]
    found: list[Deviation] = field(default_factory=list)
    done: dict[str, int] = field(default_factory=dict)
    """How often each element was done so far."""
    ahead: set[int] = field(default_factory=set)
    """Records used before their turn: they are out of order."""
    approving: set[int] = field(default_factory=set)

    def run(self) -> Conformance:
        """Replay everything."""
        state = self._begin()
        for index, occurrence in enumerate(self.facts.occurrences):
            if occurrence.seq in self.ahead:
                self._count(occurrence)
            else:
                state = self._step(state, occurrence, self.facts.occurrences[index + 1 :])
            self._check_place(occurrence)
            self._check_edition(occurrence)
        if not state.completed and self.facts.outcome:  # cancelled, a matter has no outcome
            state = self._to_the_end(state)
        days = [o.occurred_on for o in self.facts.occurrences]
        return Conformance(
            tuple(self.found),
            len(self.facts.occurrences),
            state.completed,
            state.outcome,
            max(days, default=None) if state.completed else None,
        )

    # --- moving on ------------------------------------------------------------------------------

    def _begin(self) -> _State:
        day = self.facts.started_on
        begun = transitions.begin(
            self.definition,
            organisation_id=self.facts.organisation.organisation_id or 0,
            subject_id=self.facts.subject,
            started_on=day,
            world=self._world(day),
        )
        return self._after(None, begun, day)

    def _step(self, state: _State, occurrence: Occurrence, later: Sequence[Occurrence]) -> _State:
        element = occurrence.element
        state = self._let_pass(replace(state, clock=max(state.clock, occurrence.occurred_on)))
        if element in self.definition.package.messages:
            return self._message(state, occurrence)
        if state.task(element) is None:
            again = self.done.get(element, 0) > 0
            way = self._way(state, element, occurrence.occurred_on, later, 1 if again else DEEPEST)
            if way is None:
                kind = Departure.REPEATED if again else Departure.IMPOSSIBLE
                text = (
                    N_("%(step)s已经办理过，按流程不能再次办理。")
                    if again
                    else N_("按流程此时不能办理%(step)s。")
                )
                self._note(kind, occurrence, text)
                self._count(occurrence)
                return state
            moves, state = way
            self._note_way(moves, occurrence, later)
        state = self._complete_recorded(state, occurrence)
        self._count(occurrence)
        return state

    def _complete_recorded(self, state: _State, occurrence: Occurrence) -> _State:
        """Complete an open task with what was recorded, on the nearest day that is possible."""
        task = state.task(occurrence.element)
        assert task is not None
        day = occurrence.occurred_on
        early = any(d.seq == occurrence.seq for d in self.found)
        if task.not_before is not None and day < task.not_before:
            if not early:
                self._note(
                    Departure.DAY_BEFORE,
                    occurrence,
                    N_("%(step)s的日期 %(day)s 早于前一环节的日期 %(before)s。"),
                    before=task.not_before.isoformat(),
                )
            day, early = task.not_before, True
        if task.earliest_on is not None and day < task.earliest_on:
            if not early:
                self._note_early(occurrence, task.earliest_on)
            day = task.earliest_on
        state = replace(state, clock=max(state.clock, day))
        moved = self._complete(state, task, occurrence.data, day)
        if moved is None:
            # What was recorded leads nowhere: go on as if it had been answered.
            moved = next(self._answered(state, task, day), None)
        return state if moved is None else moved

    def _message(self, state: _State, occurrence: Occurrence) -> _State:
        action = self.definition.package.messages[occurrence.element]
        moved = None
        try:
            moved = transitions.deliver(
                state.matter,
                action.name,
                occurrence.data,
                occurrence.occurred_on,
                self._world(state.clock),
            )
        except (InvalidInput, EngineFault):
            moved = None
        self._count(occurrence)
        if moved is None:
            self._note(Departure.IMPOSSIBLE, occurrence, N_("按流程此时不能办理%(step)s。"))
            return state
        return self._after(state, moved, state.clock)

    def _complete(
        self, state: _State, task: OpenedTask, data: Mapping[str, Any], day: date
    ) -> _State | None:
        world = self._world(max(state.clock, day))
        try:
            moved = transitions.complete(state.matter, task.uid, data, day, world)
        except (InvalidInput, EngineFault, TaskClosed, NotAllowed):
            return None
        return self._let_pass(self._after(state, moved, max(state.clock, day), without=task.uid))

    def _after(
        self, state: _State | None, moved: Transition, clock: date, without: UUID | None = None
    ) -> _State:
        kept = {} if state is None else state.open
        still = {uid: kept[uid] for uid in moved.still_open if uid in kept and uid != without}
        outcome = moved.outcome.code if moved.outcome else state.outcome if state else None
        return _State(
            moved.matter,
            {**still, **{task.uid: task for task in moved.opened}},
            moved.timers,
            clock,
            moved.completed,
            outcome,
        )

    def _let_pass(self, state: _State) -> _State:
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

    # --- what is missing ------------------------------------------------------------------------

    def _way(
        self,
        state: _State,
        element: str | None,
        day: date,
        later: Sequence[Occurrence],
        deepest: int,
    ) -> tuple[tuple[_Move, ...], _State] | None:
        """Return the shortest way to where ``element`` is open, or to the end (None)."""
        row: list[tuple[tuple[_Move, ...], _State]] = [((), state)]
        seen = {state.marking}
        trials = 0
        while row:
            following: list[tuple[tuple[_Move, ...], _State]] = []
            for moves, at in row:
                for move, reached in self._moves(at, day, later):
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

    def _moves(
        self, state: _State, day: date, later: Sequence[Occurrence]
    ) -> Iterator[tuple[_Move, _State]]:
        if state.completed:
            return
        for task in state.open.values():
            at = max(filter(None, (task.not_before, task.earliest_on)), default=day)
            recorded = next(
                (o for o in later if o.element == task.element and o.seq not in self.ahead), None
            )
            if recorded is not None:
                known = max(at, min(recorded.occurred_on, day))
                moved = self._complete(state, task, recorded.data, known)
                if moved is not None:
                    yield _Move(task.element, known), moved
            for moved in self._answered(state, task, at):
                yield _Move(task.element, at), moved
        if state.timers:
            due = min(map(_due, state.timers))
            if due > state.clock:
                passed = self._let_pass(replace(state, clock=due))
                first = min(state.timers, key=_due)
                yield _Move(first.element, due, timer=True), passed

    def _answered(self, state: _State, task: OpenedTask, day: date) -> Iterator[_State]:
        """Complete a task with each of the answers on which the way can depend."""
        form = self.definition.form_of(task.element)
        kept = self.definition.kept[task.step.form]
        asked = [f for f in walk(form.fields) if f.key in kept and f.takes_input]
        answers = product(*(_answers(one) for one in asked))
        for row in islice(answers, MOST_ANSWERS):
            data = {f.key: value for f, value in zip(asked, row, strict=True) if value is not None}
            moved = self._complete(state, task, data, day)
            if moved is not None:
                yield moved

    def _note_way(
        self, moves: Sequence[_Move], before: Occurrence | None, later: Sequence[Occurrence]
    ) -> None:
        """Note what was not recorded where it belongs, unless the edition does not ask for it."""
        silent = False
        for move in moves:
            if move.timer:
                if not silent and before is not None:
                    self._note_early(before, move.day)
                continue
            recorded = next(
                (o for o in later if o.element == move.element and o.seq not in self.ahead), None
            )
            silent = recorded is None and not self._asked_for(move.element, move.day)
            if silent:
                continue
            if recorded is not None and before is not None:
                self.ahead.add(recorded.seq)
                self._note(
                    Departure.OUT_OF_ORDER,
                    recorded,
                    N_("%(step)s应当在%(next)s之前办理，却记录在其后。"),
                    next=self._title(before.element),
                )
                continue
            text = N_("没有%(step)s的记录，就办结了事项。")
            params: dict[str, Any] = {"step": self._title(move.element)}
            if before is not None:
                text = N_("没有%(step)s的记录，就办理了%(next)s。")
                params["next"] = self._title(before.element)
            round = self.done.get(move.element, 0) + 1
            self.found.append(
                Deviation(Departure.MISSING, move.element, round, None, Translatable(text, params))
            )

    def _to_the_end(self, state: _State) -> _State:
        day = max(state.clock, self.facts.ended_on or state.clock)
        way = self._way(replace(state, clock=day), None, day, (), DEEPEST)
        if way is None:
            for task in state.open.values():
                self._note_way([_Move(task.element, task.not_before or day)], None, ())
            return state
        moves, reached = way
        self._note_way(moves, None, ())
        return reached

    def _asked_for(self, element: str, day: date) -> bool:
        """Tell whether the edition in force on a day asks for a step."""
        step = self.definition.package.steps[element]
        if not step.only_in or not step.basis or self.regulations is None:
            return True
        edition = self._edition(step.basis[0].regulation, day)
        return edition is None or edition in step.only_in

    def _edition(self, name: str, day: date) -> str | None:
        if self.regulations is None:
            return None
        regulation = self.regulations.find(name)
        found = regulation.edition_on(day, self.parameters) if regulation else None
        return found.id if found else None

    # --- where and under what -------------------------------------------------------------------

    def _check_place(self, occurrence: Occurrence) -> None:
        """Compare where a step was done with whose business it is, as things were that day."""
        lane, place = self.definition.lanes.get(occurrence.element), occurrence.place
        if lane is None or place is None:
            return
        lanes = [lane, *(self.definition.package.lanes[key] for key in lane.also)]
        if any(self._suits(one, place) for one in lanes):
            if lane.who is Who.POSTS and lane.at is At.APPROVING and place.organisation_id:
                self.approving.add(place.organisation_id)
            return
        self._note(
            Departure.WRONG_PLACE,
            occurrence,
            N_("%(step)s应当由%(lane)s办理，记录的不是。"),
            lane=Translatable(lane.title),
        )

    def _suits(self, lane: Lane, place: Place) -> bool:
        own = self.facts.organisation.organisation_id
        if lane.who is not Who.POSTS:
            return lane.who is Who.PARTICIPANTS or place.organisation_id == own
        match lane.at:
            case At.ORGANISATION:
                return place.organisation_id == own
            case At.APPROVING:
                return place.approves
            case At.PARENT:
                return place.organisation_id != own
            case At.ABOVE_APPROVING:
                return place.organisation_id != own and place.organisation_id not in self.approving

    def _check_edition(self, occurrence: Occurrence) -> None:
        given = self.editions.get(occurrence.seq)
        step = self.definition.package.steps.get(occurrence.element)
        if given is None or step is None or not step.basis:
            return
        in_force = self._edition(step.basis[0].regulation, occurrence.occurred_on)
        if in_force is not None and in_force != given:
            self._note(
                Departure.WRONG_EDITION,
                occurrence,
                N_("%(step)s于 %(day)s 办理，应当适用 %(right)s 年版，记录的是 %(given)s 年版。"),
                right=in_force,
                given=given,
            )

    # --- words ----------------------------------------------------------------------------------

    def _note_early(self, occurrence: Occurrence, earliest: date) -> None:
        self._note(
            Departure.TOO_EARLY,
            occurrence,
            N_("%(step)s于 %(day)s 办理，按流程最早应当在 %(earliest)s。"),
            earliest=earliest.isoformat(),
        )

    def _note(self, kind: Departure, occurrence: Occurrence, text: str, **params: Any) -> None:
        self.found.append(
            Deviation(
                kind,
                occurrence.element,
                self.facts.round_of(occurrence),
                occurrence.occurred_on,
                Translatable(
                    text,
                    {
                        "step": self._title(occurrence.element),
                        "day": occurrence.occurred_on.isoformat(),
                        **params,
                    },
                ),
                occurrence.seq,
            )
        )

    def _title(self, element: str) -> Translatable:
        step = self.definition.package.steps.get(element)
        if step is not None:
            return Translatable(f"“{step.title}”")
        return Translatable(f"“{self.definition.package.messages[element].title}”")

    def _count(self, occurrence: Occurrence) -> None:
        self.done[occurrence.element] = self.done.get(occurrence.element, 0) + 1


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


__all__ = ["Conformance", "Departure", "Deviation", "replay"]
