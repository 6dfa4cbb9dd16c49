"""Replay a history against its procedure and say where it departs from it (符合性).

The real transitions are used, on a copy. A recorded step whose task is open is completed with what
was recorded. One that is not open is reached by the shortest way through the procedure: the steps
on that way are missing, or, when they stand later in the record, out of order. What cannot be
reached at all was repeated, or not possible.

The fitness is 1 less the share of departing steps: (steps recorded with a deviation + steps
missing) ÷ (steps recorded + steps missing). A step with several deviations counts once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from engine.calendars.working_days import HolidayTable
from engine.coded import Coded
from engine.compliance.facts import Facts, Occurrence, Place
from engine.compliance.parameters import ParameterView
from engine.compliance.regulations import Regulations
from engine.definitions.package import At, Lane, Who
from engine.definitions.versions import Definition
from engine.errors import N_, Translatable
from engine.runtime.lanes import LaneDirectory
from engine.runtime.replaying import DEEPEST, Ground, Move, State


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
    ground = Ground(definition, holidays, directory)
    return _Replay(definition, facts, ground, regulations, parameters, editions or {}).run()


@dataclass
class _Replay:
    definition: Definition
    facts: Facts
    ground: Ground
    regulations: Regulations | None
    parameters: ParameterView | None
    editions: Mapping[int, str]
    found: list[Deviation] = field(default_factory=list)
    done: dict[str, int] = field(default_factory=dict)
    """How often each element was done so far."""
    ahead: set[int] = field(default_factory=set)
    """Records used before their turn: they are out of order."""
    later: Sequence[Occurrence] = ()
    """What was recorded after the record that has its turn."""
    approving: set[int] = field(default_factory=set)
    """Organisations that acted as the approving one."""

    def run(self) -> Conformance:
        """Replay everything."""
        state = self.ground.begin(self.facts)
        for index, occurrence in enumerate(self.facts.occurrences):
            self.later = self.facts.occurrences[index + 1 :]
            if occurrence.seq not in self.ahead:
                state = self._step(state, occurrence)
            self.done[occurrence.element] = self.done.get(occurrence.element, 0) + 1
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

    def _step(self, state: State, occurrence: Occurrence) -> State:
        element, day = occurrence.element, occurrence.occurred_on
        state = self.ground.let_pass(replace(state, clock=max(state.clock, day)))
        if element in self.definition.package.messages:
            moved = self.ground.message(state, occurrence)
            if moved is None:
                self._note(Departure.IMPOSSIBLE, occurrence, N_("按流程此时不能办理“%(step)s”。"))
            return moved or state
        if state.task(element) is None:
            again = element in self.done
            way = self.ground.way(state, element, day, self._recorded, 1 if again else DEEPEST)
            if way is None:
                if again:
                    text = N_("“%(step)s”已经办理过，按流程不能再次办理。")
                    self._note(Departure.REPEATED, occurrence, text)
                else:
                    text = N_("按流程此时不能办理“%(step)s”。")
                    self._note(Departure.IMPOSSIBLE, occurrence, text)
                return state
            moves, state = way
            self._note_way(moves, occurrence)
        return self._complete_recorded(state, occurrence)

    def _recorded(self, element: str) -> Occurrence | None:
        """Return the next record of an element, if it has not been used before its turn."""
        following = (o for o in self.later if o.element == element and o.seq not in self.ahead)
        return next(following, None)

    def _complete_recorded(self, state: State, occurrence: Occurrence) -> State:
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
                    N_("“%(step)s”的日期 %(day)s 早于前一环节的日期 %(before)s。"),
                    before=task.not_before.isoformat(),
                )
            day, early = task.not_before, True
        if task.earliest_on is not None and day < task.earliest_on:
            if not early:
                self._note_early(occurrence, task.earliest_on)
            day = task.earliest_on
        state = replace(state, clock=max(state.clock, day))
        moved = self.ground.complete(state, task, occurrence.data, day)
        if moved is None:
            # What was recorded leads nowhere: go on as if it had been answered.
            moved = next(self.ground.answered(state, task, day), None)
        return state if moved is None else moved

    # --- what is missing ------------------------------------------------------------------------

    def _note_way(self, moves: Sequence[Move], before: Occurrence | None) -> None:
        """Note what was not recorded where it belongs, unless the edition does not ask for it."""
        silent = False
        for move in moves:
            if move.timer:
                if not silent and before is not None:
                    self._note_early(before, move.day)
                continue
            recorded = self._recorded(move.element)
            silent = recorded is None and not self._asked_for(move.element, move.day)
            if silent:
                continue
            if recorded is not None and before is not None:
                self.ahead.add(recorded.seq)
                self._note(
                    Departure.OUT_OF_ORDER,
                    recorded,
                    N_("“%(step)s”应当在“%(next)s”之前办理，却记录在其后。"),
                    next=self._title(before.element),
                )
                continue
            text = N_("没有“%(step)s”的记录，就办结了事项。")
            params: dict[str, Any] = {"step": self._title(move.element)}
            if before is not None:
                text = N_("没有“%(step)s”的记录，就办理了“%(next)s”。")
                params["next"] = self._title(before.element)
            round = self.done.get(move.element, 0) + 1
            self.found.append(
                Deviation(Departure.MISSING, move.element, round, None, Translatable(text, params))
            )

    def _to_the_end(self, state: State) -> State:
        day = max(state.clock, self.facts.ended_on or state.clock)
        way = self.ground.way(replace(state, clock=day), None, day, self._recorded)
        if way is None:
            for task in state.open.values():
                self._note_way([Move(task.element, task.not_before or day)], None)
            return state
        moves, reached = way
        self._note_way(moves, None)
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
        also = self.definition.package.steps[occurrence.element].also_at
        if any(self._suits(one, place) for one in lanes) or any(self._is(at, place) for at in also):
            if lane.who is Who.POSTS and lane.at is At.APPROVING and place.organisation_id:
                self.approving.add(place.organisation_id)
            return
        self._note(
            Departure.WRONG_PLACE,
            occurrence,
            N_("“%(step)s”应当由%(lane)s办理，记录的不是。"),
            lane=Translatable(lane.title),
        )

    def _suits(self, lane: Lane, place: Place) -> bool:
        if lane.who is Who.POSTS:
            return self._is(lane.at, place)
        return lane.who is Who.PARTICIPANTS or self._is(At.ORGANISATION, place)

    def _is(self, at: At, place: Place) -> bool:
        own = self.facts.organisation.organisation_id
        match at:
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
                N_("“%(step)s”于 %(day)s 办理，应当适用 %(right)s 年版，记录的是 %(given)s 年版。"),
                right=in_force,
                given=given,
            )

    # --- words ----------------------------------------------------------------------------------

    def _note_early(self, occurrence: Occurrence, earliest: date) -> None:
        self._note(
            Departure.TOO_EARLY,
            occurrence,
            N_("“%(step)s”于 %(day)s 办理，按流程最早应当在 %(earliest)s。"),
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
        package = self.definition.package
        step = package.steps.get(element) or package.messages[element]
        return Translatable(step.title)
