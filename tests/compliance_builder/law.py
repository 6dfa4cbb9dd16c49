"""What a matter is judged by: the rules shipped, parameters, holidays."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Any

from engine.calendars.notices import shipped_years
from engine.calendars.working_days import Holiday, HolidayTable, HolidayYear
from engine.compliance.parameters import ParameterView, Setting, settings_by_place
from engine.compliance.reading import rule_book
from engine.compliance.regulation_reading import load_regulation_folder
from engine.compliance.regulations import Regulations
from engine.compliance.rules import RuleBook
from engine.definitions.package import load_folder
from engine.settings import ROOT

PROCESSES = ROOT / "processes"


def _year(year: int) -> HolidayYear:
    """Return a notice for a year to come: a holiday at New Year and one in October, no more."""
    return HolidayYear(
        year,
        "test",
        (
            Holiday("元旦", date(year, 1, 1), date(year, 1, 1)),
            Holiday("国庆", date(year, 10, 1), date(year, 10, 7)),
        ),
    )


SHIPPED = HolidayTable.of(shipped_years())
"""The notices at hand: 2023 to 2026."""
HOLIDAYS = HolidayTable.of([*shipped_years(), *map(_year, (2022, *range(2027, 2033)))])
"""With years before and to come."""


@cache
def regulations() -> Regulations:
    """Return the regulations shipped with the software."""
    return load_regulation_folder(PROCESSES / "regulations")


@cache
def book(key: str = "member_admission") -> RuleBook:
    """Return the rules of a procedure."""
    return rule_book(load_folder(PROCESSES / key), regulations())


def parameters(**values: Any) -> ParameterView:
    """Return the parameters with some set otherwise by the matter's own branch."""
    declared = book().parameters
    settings = [
        Setting(declared[name].key, 5, "测试支部", value, date(2000, 1, 1), None, "test")
        for name, value in values.items()
    ]
    return ParameterView(declared, settings_by_place(settings), (5, 3, 2))
