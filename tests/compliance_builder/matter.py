"""A matter that is being made up, step by step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from engine.calendars.arithmetic import add_months
from engine.compliance.facts import Facts, Occurrence, Place, Witness
from tests.compliance_builder.cast import (
    BRANCH,
    COMMITTEE,
    COUNTY,
    MEMBERS,
    ORGANISER,
    SUBJECT,
    SUPERIOR,
)


@dataclass
class Step:
    """One time that a step was done; a test may change anything."""

    element: str
    day: date
    data: dict[str, Any] = field(default_factory=dict)
    recorded: date | None = None
    people: dict[int, Witness] | None = None
    rolls: dict[str, tuple[int, ...]] = field(default_factory=dict)
    place: Place | None = None
    actor: int | None = 41
    by_timer: bool = False
    statuses: tuple[tuple[str, date], ...] | None = None
    """None: those that lawfully follow."""


@dataclass
class Matter:
    """A matter that is being made up."""

    steps: list[Step]
    ended_on: date | None = None
    outcome: str | None = None
    allowed: frozenset[tuple[str, str]] = frozenset()
    waived: Mapping[tuple[str, str, int], str] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    def step(self, element: str, number: int = 1) -> Step:
        """Return the step done for the ``number``-th time; -1 is the last."""
        found = [step for step in self.steps if step.element == element]
        return found[number - 1 if number > 0 else number]

    def on(self, element: str, day: date | str, number: int = 1) -> Matter:
        """Let a step happen on another day."""
        self.step(element, number).day = date.fromisoformat(day) if isinstance(day, str) else day
        return self

    def change(self, element: str, number: int = 1, **data: Any) -> Matter:
        """Change what was entered; None removes a field."""
        entered = self.step(element, number).data
        entered.update(data)
        for name in [name for name, value in entered.items() if value is None]:
            del entered[name]
        return self

    def drop(self, element: str) -> Matter:
        """Leave a step out, every time."""
        self.steps = [step for step in self.steps if step.element != element]
        return self

    def insert(self, after: str, step: Step) -> Matter:
        """Put a step after the last time that another was done."""
        index = max(n for n, one in enumerate(self.steps) if one.element == after)
        self.steps.insert(index + 1, step)
        return self

    def until(self, element: str) -> Matter:
        """Go no further than the first time that ``element`` was done."""
        index = next(n for n, one in enumerate(self.steps) if one.element == element)
        self.steps = self.steps[: index + 1]
        self.ended_on = self.outcome = None
        return self

    def day(self, element: str, number: int = -1) -> date:
        """Return the day on which a step happened."""
        return self.step(element, number).day

    def facts(self) -> Facts:
        """Return the matter as rules see it."""
        return Facts(
            key="member_admission",
            organisation=BRANCH,
            subject=SUBJECT,
            started_on=self.steps[0].day,
            occurrences=tuple(self._occurrence(n, s) for n, s in enumerate(self.steps, 2)),
            ended_on=self.ended_on,
            outcome=self.outcome,
            allowed=self.allowed,
            waived=dict(self.waived),
        )

    def _occurrence(self, seq: int, step: Step) -> Occurrence:
        place = COMMITTEE if step.element in SUPERIOR else BRANCH
        people = step.people
        if people is None:
            people = {person: Witness("full") for person in MEMBERS}
            people[ORGANISER] = Witness("full", posts=("organiser",))
        return Occurrence(
            element=step.element,
            occurred_on=step.day,
            recorded_on=step.recorded or step.day,
            data=dict(step.data),
            seq=seq,
            actor=step.actor,
            place=step.place or (COUNTY if step.element == "file_admission" else place),
            people=people,
            rolls=step.rolls,
            by_timer=step.by_timer,
            statuses=self._statuses(step) if step.statuses is None else step.statuses,
        )

    def _statuses(self, step: Step) -> tuple[tuple[str, date], ...]:
        if not any(one.element == "hold_admission_meeting" for one in self.steps):
            return ()
        if step.element == "approve_admission" and step.data["approval_decision"] == "approve":
            return (("probationary", self.day("hold_admission_meeting")),)
        if step.element == "approve_conversion":
            end = add_months(self.day("hold_admission_meeting"), 12)
            if any(one.element == "approve_extension" for one in self.steps):
                end = add_months(end, self.step("approve_extension").data["extension_months"])
            return (("full", end),)
        return ()
