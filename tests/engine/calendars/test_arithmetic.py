"""Calendar months and years: the worked checks of practice, and what holds for all days."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.calendars.arithmetic import (
    add_days,
    add_months,
    add_years,
    age_on,
    days_between,
    half_year_of,
    month_of,
    months_between,
    next_day,
    quarter_of,
    year_of,
)

days = st.dates(date(1900, 1, 1), date(2100, 12, 31))


def on(text: str) -> date:
    return date.fromisoformat(text)


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        ("2026-01-31", 1, "2026-02-28"),
        ("2024-01-31", 1, "2024-02-29"),
        ("2026-11-30", 3, "2027-02-28"),
        ("2023-11-30", 3, "2024-02-29"),
        ("2026-08-31", 6, "2027-02-28"),
        ("2026-12-31", 2, "2027-02-28"),
        ("2026-03-31", -1, "2026-02-28"),
        ("2026-01-15", -1, "2025-12-15"),
        ("2026-06-10", 0, "2026-06-10"),
        ("2026-06-10", 12, "2027-06-10"),
        ("2026-06-10", 18, "2027-12-10"),
    ],
)
def test_months_end_on_the_same_day_or_the_last(start: str, months: int, end: str) -> None:
    assert add_months(on(start), months) == on(end)


@pytest.mark.parametrize(
    ("start", "years", "end"),
    [
        ("2024-02-29", 1, "2025-02-28"),
        ("2024-02-29", 4, "2028-02-29"),
        ("2026-06-10", 1, "2027-06-10"),
        ("2025-08-31", 1, "2026-08-31"),
        ("2026-02-28", 2, "2028-02-28"),
    ],
)
def test_years_end_on_the_same_day_or_28_february(start: str, years: int, end: str) -> None:
    assert add_years(on(start), years) == on(end)


def test_talk_is_due_one_month_after_the_application() -> None:
    assert add_months(on("2026-01-31"), 1) == on("2026-02-28")


def test_probation_that_starts_on_31_august_ends_on_31_august() -> None:
    assert add_years(on("2026-08-31"), 1) == on("2027-08-31")
    assert add_months(on("2027-08-31"), 6) == on("2028-02-29")


@pytest.mark.parametrize(
    ("start", "end", "months"),
    [
        ("2026-01-31", "2026-02-27", 0),
        ("2026-01-31", "2026-02-28", 1),
        ("2026-01-31", "2026-03-30", 1),
        ("2026-01-31", "2026-03-31", 2),
        ("2026-06-10", "2027-06-09", 11),
        ("2026-06-10", "2027-06-10", 12),
        ("2026-06-10", "2026-06-10", 0),
        ("2026-06-10", "2026-05-10", -1),
        ("2026-06-10", "2026-05-11", 0),
    ],
)
def test_full_months_between(start: str, end: str, months: int) -> None:
    assert months_between(on(start), on(end)) == months


@pytest.mark.parametrize(
    ("birth", "day", "age"),
    [
        ("2008-05-01", "2026-04-30", 17),
        ("2008-05-01", "2026-05-01", 18),
        ("2008-02-29", "2026-02-27", 17),
        ("2008-02-29", "2026-02-28", 18),
        ("2008-05-01", "2008-05-01", 0),
        ("2008-05-01", "2009-04-30", 0),
        ("2008-05-01", "2008-04-30", -1),
    ],
)
def test_age_in_full_years(birth: str, day: str, age: int) -> None:
    assert age_on(on(birth), on(day)) == age


def test_plain_days() -> None:
    assert next_day(on("2026-12-31")) == on("2027-01-01")
    assert add_days(on("2026-03-01"), -1) == on("2026-02-28")
    assert days_between(on("2026-02-28"), on("2026-03-01")) == 1
    assert days_between(on("2026-03-01"), on("2026-02-28")) == -1


@pytest.mark.parametrize(
    ("day", "first", "last"),
    [
        ("2026-01-01", "2026-01-01", "2026-03-31"),
        ("2026-03-31", "2026-01-01", "2026-03-31"),
        ("2026-04-01", "2026-04-01", "2026-06-30"),
        ("2026-12-31", "2026-10-01", "2026-12-31"),
    ],
)
def test_quarters_change_at_their_borders(day: str, first: str, last: str) -> None:
    assert quarter_of(on(day)) == (on(first), on(last))


def test_other_periods() -> None:
    assert month_of(on("2024-02-10")) == (on("2024-02-01"), on("2024-02-29"))
    assert half_year_of(on("2026-06-30")) == (on("2026-01-01"), on("2026-06-30"))
    assert half_year_of(on("2026-07-01")) == (on("2026-07-01"), on("2026-12-31"))
    assert year_of(on("2026-07-01")) == (on("2026-01-01"), on("2026-12-31"))


@pytest.mark.parametrize(("months", "start"), [(1, date.max), (-1, date.min), (10**9, date.min)])
def test_days_past_the_calendar_are_refused(months: int, start: date) -> None:
    with pytest.raises(OverflowError):
        add_months(start, months)


@given(days, st.integers(-600, 600))
def test_a_month_step_lands_in_the_right_month(day: date, months: int) -> None:
    end = add_months(day, months)
    assert (end.year * 12 + end.month) - (day.year * 12 + day.month) == months
    assert end.day == day.day or (end.day < day.day and (end + timedelta(1)).day == 1)


@given(days, days, st.integers(0, 120))
def test_later_starts_never_end_earlier(a: date, b: date, months: int) -> None:
    first, second = sorted((a, b))
    assert add_months(first, months) <= add_months(second, months)


@given(days, days)
def test_months_between_is_the_largest_that_fits(a: date, b: date) -> None:
    start, end = sorted((a, b))
    months = months_between(start, end)
    assert add_months(start, months) <= end < add_months(start, months + 1)
    assert months_between(end, start) == -months


@given(days, st.integers(0, 600))
def test_adding_and_counting_months_agree(day: date, months: int) -> None:
    assert months_between(day, add_months(day, months)) == months


@given(days, days)
def test_age_grows_on_the_birthday(a: date, b: date) -> None:
    birth, day = sorted((a, b))
    age = age_on(birth, day)
    assert add_years(birth, age) <= day < add_years(birth, age + 1)


@given(days)
def test_every_day_lies_in_its_periods(day: date) -> None:
    assert day in month_of(day)
    assert day in quarter_of(day)
    assert day in half_year_of(day)
    assert day in year_of(day)
    assert quarter_of(quarter_of(day).last + timedelta(1)) != quarter_of(day)
