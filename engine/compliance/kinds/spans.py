"""Lengths of time, the day from which they run, and the words for both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final, NamedTuple

from engine.calendars.arithmetic import add_days, add_months, add_years, parse_day
from engine.calendars.working_days import MAX_WORKDAYS
from engine.compliance.case import Case
from engine.compliance.facts import Occurrence
from engine.compliance.results import joined
from engine.compliance.rules import Amount, Condition, Element
from engine.errors import N_, ExpressionFault, Translatable
from engine.expressions import Expression

UNITS: Final = ("years", "months", "days", "workdays")
"""Units of a length, in the order in which they are added."""

_LONGEST: Final = 10_000

_WORDS: Final[Mapping[str, str]] = {
    "years": N_("%(n)s 年"),
    "months": N_("%(n)s 个月"),
    "days": N_("%(n)s 天"),
    "workdays": N_("%(n)s 个工作日"),
}


@dataclass(frozen=True, slots=True)
class Length:
    """Calendar years, calendar months, plain days and working days, added in this order."""

    years: Amount | None = None
    months: Amount | None = None
    days: Amount | None = None
    workdays: Amount | None = None
    _given: tuple[tuple[str, Amount], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        given = ((unit, getattr(self, unit)) for unit in UNITS)
        object.__setattr__(self, "_given", tuple((u, a) for u, a in given if a is not None))

    def resolve(self, case: Case) -> Mapping[str, int]:
        """Return the amounts by unit, without those that are nothing."""
        return {unit: number for unit, given in self._given if (number := case.amount(given))}


def words_of(amounts: Mapping[str, int]) -> Translatable:
    """Return a length in words: ``1 年 6 个月``."""
    if not amounts:
        return Translatable(_WORDS["days"], {"n": 0})
    return joined([Translatable(_WORDS[unit], {"n": n}) for unit, n in amounts.items()])


def after(day: date, amounts: Mapping[str, int], case: Case, *, notice: bool = False) -> date:
    """Return the day that lies a length after ``day``; marks the case when it is provisional.

    The units are added one after the other: a year and six months from 29 February 2024 end on
    28 August 2025. The starting day is not counted, but for the working days of a ``notice`` where
    the parameter ``notice_start_day_counts`` says so.
    """
    at = day
    if years := amounts.get("years"):
        at = add_years(at, min(years, _LONGEST // 12))
    if months := amounts.get("months"):
        at = add_months(at, min(months, _LONGEST))
    if days := amounts.get("days"):
        at = add_days(at, min(days, _LONGEST))
    if workdays := min(amounts.get("workdays", 0), MAX_WORKDAYS):
        counts = False
        if notice and START_DAY_COUNTS in case.frame.parameters.declared:
            counts = case.parameter(START_DAY_COUNTS) is True
        reckoned = case.frame.holidays.reckon_workdays_after(at, workdays, start_day_counts=counts)
        case.frame.provisional |= reckoned.provisional
        at = reckoned.day
    return at


START_DAY_COUNTS: Final = "notice_start_day_counts"
"""National parameter: whether the day of posting is itself the first working day."""


@dataclass(frozen=True, slots=True)
class Start:
    """The day from which a length runs: when one of the elements was last done, or a day named."""

    elements: tuple[Element, ...]
    where: Condition | None = None
    """Which of the times count."""
    day: Expression | None = None
    """Another day than that of the element, such as the end of probation."""
    name: str = ""
    """What happened on that day, in words; otherwise the title of the step."""


class Begun(NamedTuple):
    """A start that has happened."""

    occurrence: Occurrence
    day: date
    name: str
    """What happened, in words of the package."""


def begun(case: Case, start: Start) -> Begun | None:
    """Return when a length began to run for this case; None when it has not."""
    anchor = case.earlier(start.elements, start.where)
    if anchor is None:
        return None
    day = anchor.occurred_on
    if start.day is not None:
        try:
            day = parse_day(str(case.evaluate(start.day)))
        except (ExpressionFault, ValueError):
            return None
    return Begun(anchor, day, start.name or case.title(anchor.element))


def still_to_do(case: Case, anchor: Occurrence) -> bool:
    """Tell whether the step was not done, so that it counts, since ``anchor``."""
    return not any(o.seq > anchor.seq for o in case.counted(case.element))
