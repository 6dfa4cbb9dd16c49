"""Which step counts for which period. Pure: the same steps always come to the same plan.

A matter that was started for a period counts for it, so what was missed can be made up. All other
steps count by the calendar: for the earliest period that they lie in and that still lacks one. What
is left over makes up for the earliest that was missed, if it is not too long ago.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from engine.calendars.arithmetic import add_months


@dataclass(frozen=True, slots=True)
class Owed:
    """What is owed in a period."""

    id: int
    since: date
    until: date
    due_on: date
    times: int
    instance_id: int | None = None
    make_up_months: int = 0

    def makes_up(self, day: date) -> bool:
        """Tell whether what happened on ``day`` can make up for it."""
        return self.due_on < day <= add_months(self.due_on, self.make_up_months)


@dataclass(frozen=True, slots=True)
class Held:
    """A step that counts."""

    instance_id: int
    seq: int
    day: date


@dataclass(frozen=True, slots=True)
class Fulfilled:
    """How far something owed is done."""

    days: tuple[date, ...]
    """The days that count, in order."""

    def done_on(self, times: int) -> date | None:
        """Return the day on which it was done as often as is owed."""
        return self.days[times - 1] if len(self.days) >= times else None


def allot(owed: Iterable[Owed], held: Iterable[Held]) -> Mapping[tuple[int, int], int]:
    """Return what each step counts for: the id of what is owed, by matter and entry."""
    duties = sorted(owed, key=lambda duty: duty.since)
    steps = sorted(held, key=lambda step: (step.day, step.instance_id, step.seq))
    lacking = {duty.id: duty.times for duty in duties}
    found: dict[tuple[int, int], int] = {}

    def put(step: Held, duty: Owed) -> None:
        found[step.instance_id, step.seq] = duty.id
        lacking[duty.id] -= 1

    started = {duty.instance_id: duty for duty in duties if duty.instance_id is not None}
    for step in steps:
        duty = started.get(step.instance_id)
        if duty is None or not lacking[duty.id]:
            continue
        if duty.since <= step.day <= duty.due_on or duty.makes_up(step.day):
            put(step, duty)
    for step in steps:
        if (step.instance_id, step.seq) not in found:
            duty = _first(duties, lacking, lambda d, day=step.day: d.since <= day <= d.due_on)
            if duty is not None:
                put(step, duty)
    for step in steps:
        if (step.instance_id, step.seq) not in found:
            duty = _first(duties, lacking, lambda d, day=step.day: d.makes_up(day))
            if duty is not None:
                put(step, duty)
    for step in steps:  # more than is owed: shown where it happened
        if (step.instance_id, step.seq) not in found:
            at = next((d for d in reversed(duties) if d.since <= step.day <= d.until), None)
            if at is not None:
                found[step.instance_id, step.seq] = at.id
    return found


def _first(duties: Sequence[Owed], lacking: Mapping[int, int], fits: object) -> Owed | None:
    assert callable(fits)
    return next((duty for duty in duties if lacking[duty.id] and fits(duty)), None)


def fulfilled(
    held: Iterable[Held], allotted: Mapping[tuple[int, int], int]
) -> dict[int, Fulfilled]:
    """Return, for everything owed, the days that count for it."""
    days: dict[int, list[date]] = {}
    for step in held:
        duty = allotted.get((step.instance_id, step.seq))
        if duty is not None:
            days.setdefault(duty, []).append(step.day)
    return {duty: Fulfilled(tuple(sorted(found))) for duty, found in days.items()}
