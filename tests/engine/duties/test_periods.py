"""Periods are calendar months, quarters, half years and years."""

from __future__ import annotations

from datetime import date

import pytest

from engine.calendars.arithmetic import Period
from engine.definitions.duties import DutyPeriod
from engine.duties.periods import draft_day, last_day, next_period, period_of, periods_between


@pytest.mark.parametrize(
    ("kind", "day", "first", "last"),
    [
        ("month", date(2028, 2, 29), date(2028, 2, 1), date(2028, 2, 29)),
        ("quarter", date(2027, 3, 31), date(2027, 1, 1), date(2027, 3, 31)),
        ("quarter", date(2027, 4, 1), date(2027, 4, 1), date(2027, 6, 30)),
        ("half_year", date(2027, 6, 30), date(2027, 1, 1), date(2027, 6, 30)),
        ("half_year", date(2027, 7, 1), date(2027, 7, 1), date(2027, 12, 31)),
        ("year", date(2027, 12, 31), date(2027, 1, 1), date(2027, 12, 31)),
    ],
)
def test_a_day_lies_in_its_calendar_period(kind: str, day: date, first: date, last: date) -> None:
    assert period_of(DutyPeriod(kind), day) == Period(first, last)


def test_a_year_may_begin_in_another_month() -> None:
    assert period_of(DutyPeriod.YEAR, date(2027, 3, 31), 4) == Period(
        date(2026, 4, 1), date(2027, 3, 31)
    )
    assert period_of(DutyPeriod.YEAR, date(2027, 4, 1), 4).first == date(2027, 4, 1)


def test_periods_follow_each_other_without_a_gap() -> None:
    found = list(periods_between(DutyPeriod.QUARTER, date(2026, 11, 5), date(2027, 4, 1)))
    assert [p.first for p in found] == [date(2026, 10, 1), date(2027, 1, 1), date(2027, 4, 1)]
    assert next_period(DutyPeriod.MONTH, period_of(DutyPeriod.MONTH, date(2027, 1, 31))) == Period(
        date(2027, 2, 1), date(2027, 2, 28)
    )


def test_what_carries_over_ends_with_a_month() -> None:
    year = period_of(DutyPeriod.YEAR, date(2027, 5, 1))
    assert last_day(year, 0) == date(2027, 12, 31)
    assert last_day(year, 2) == date(2028, 2, 29)
    assert last_day(year, 3) == date(2028, 3, 31)


def test_drafts_of_several_times_are_spread_over_the_period() -> None:
    year = period_of(DutyPeriod.YEAR, date(2027, 5, 1))
    days = [draft_day(year, 4, done, 20) for done in range(4)]
    assert days == [date(2027, 3, 12), date(2027, 6, 11), date(2027, 9, 10), date(2027, 12, 11)]
    assert draft_day(period_of(DutyPeriod.MONTH, date(2027, 2, 1)), 1, 0, 60) == date(2027, 2, 1)
