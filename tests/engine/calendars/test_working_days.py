"""Working days in China: the notices as shipped, the counting, and what is only provisional."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.calendars.notices import shipped_table, shipped_years
from engine.calendars.working_days import MAX_WORKDAYS, HolidayTable

TABLE = shipped_table()
EMPTY = HolidayTable({})

days = st.dates(date(2022, 6, 1), date(2028, 6, 1))


def on(text: str) -> date:
    return date.fromisoformat(text)


def count_one_by_one(table: HolidayTable, start: date, end: date) -> int:
    return sum(table.is_workday(start + timedelta(n)) for n in range(1, (end - start).days + 1))


# --- the notices --------------------------------------------------------------------------------


def test_the_years_2023_to_2026_are_shipped() -> None:
    assert [notice.year for notice in shipped_years()] == [2023, 2024, 2025, 2026]


@pytest.mark.parametrize("notice", shipped_years(), ids=lambda notice: str(notice.year))
def test_make_up_days_are_weekend_days_and_holidays_do_not_overlap(notice) -> None:  # type: ignore[no-untyped-def]
    assert all(day.weekday() >= 5 for day in notice.make_up_days)
    assert not notice.make_up_days & notice.days_off
    total = sum((item.last - item.first).days + 1 for item in notice.holidays)
    assert total == len(notice.days_off)
    assert {"元旦", "春节", "清明节", "劳动节", "端午节"} <= {item.name for item in notice.holidays}


@pytest.mark.parametrize(("year", "statutory"), [(2023, 11), (2024, 11), (2025, 13), (2026, 13)])
def test_what_is_swapped_adds_up_to_the_statutory_holidays(year: int, statutory: int) -> None:
    # Every weekday off is either a statutory day, or one moved off a weekend, or worked elsewhere:
    # weekdays off minus make-up days can never exceed the statutory number of days.
    first, last = date(year, 1, 1), date(year, 12, 31)
    usual = count_one_by_one(EMPTY, first - timedelta(1), last)
    worked = count_one_by_one(TABLE, first - timedelta(1), last)
    assert statutory - 1 <= usual - worked <= statutory


@pytest.mark.parametrize(
    ("day", "works"),
    [
        ("2023-01-02", False),
        ("2023-01-28", True),
        ("2023-04-23", True),
        ("2023-06-25", True),
        ("2023-10-07", True),
        ("2023-10-09", True),
        ("2024-02-04", True),
        ("2024-02-09", True),
        ("2024-02-16", False),
        ("2024-02-18", True),
        ("2024-09-14", True),
        ("2024-10-12", True),
        ("2025-01-01", False),
        ("2025-01-26", True),
        ("2025-02-08", True),
        ("2025-06-02", False),
        ("2025-10-08", False),
        ("2025-10-11", True),
        ("2026-01-02", False),
        ("2026-01-04", True),
        ("2026-02-14", True),
        ("2026-02-16", False),
        ("2026-02-23", False),
        ("2026-02-24", True),
        ("2026-02-28", True),
        ("2026-05-09", True),
        ("2026-06-19", False),
        ("2026-09-20", True),
        ("2026-09-25", False),
        ("2026-10-10", True),
        ("2026-06-06", False),
        ("2026-06-05", True),
    ],
)
def test_days_of_the_notices(day: str, works: bool) -> None:
    assert TABLE.is_workday(on(day)) is works


# --- counting -----------------------------------------------------------------------------------


def test_notice_posted_on_2_june_2026_ends_on_9_june() -> None:
    posted = on("2026-06-02")
    counted = [TABLE.workdays_after(posted, n) for n in range(1, 6)]
    assert counted == [on(f"2026-06-{day}") for day in ("03", "04", "05", "08", "09")]
    assert TABLE.reckon_workdays_after(posted, 5) == (on("2026-06-09"), False)


def test_a_posting_day_may_be_counted_by_local_practice() -> None:
    reckoned = TABLE.reckon_workdays_after(on("2026-06-02"), 5, start_day_counts=True)
    assert reckoned == (on("2026-06-08"), False)
    saturday = TABLE.reckon_workdays_after(on("2026-06-06"), 1, start_day_counts=True)
    assert saturday == (on("2026-06-08"), False)


def test_notice_across_spring_festival_counts_the_make_up_saturdays() -> None:
    # Posted Thu 12 Feb 2026: Fri 13, Sat 14 (make-up), then 15 to 23 off, 24, 25, 26.
    assert TABLE.workdays_after(on("2026-02-12"), 5) == on("2026-02-26")
    # Posted Thu 26 Feb: Fri 27, Sat 28 (make-up), Mon 2 Mar …
    assert TABLE.workdays_after(on("2026-02-26"), 3) == on("2026-03-02")


def test_zero_working_days_later_is_the_day_itself() -> None:
    assert TABLE.workdays_after(on("2026-02-16"), 0) == on("2026-02-16")


@pytest.mark.parametrize("count", [-1, MAX_WORKDAYS + 1])
def test_counts_out_of_range_are_refused(count: int) -> None:
    with pytest.raises(ValueError, match="working days"):
        TABLE.workdays_after(on("2026-02-16"), count)


def test_the_largest_count_is_counted() -> None:
    assert TABLE.workdays_after(on("2023-01-01"), MAX_WORKDAYS) > on("2026-12-01")


def test_a_limit_overrun_is_negative() -> None:
    assert TABLE.workdays_between(on("2026-06-09"), on("2026-06-02")) == (-5, False)
    assert TABLE.workdays_between(on("2026-06-09"), on("2026-06-09")) == (0, False)


# --- provisional --------------------------------------------------------------------------------


def test_a_year_without_notice_counts_monday_to_friday_and_says_so() -> None:
    assert not TABLE.known(2027)
    assert TABLE.is_workday(on("2027-02-08"))
    assert TABLE.reckon_workdays_after(on("2027-03-01"), 5) == (on("2027-03-08"), True)
    assert TABLE.workdays_between(on("2027-03-01"), on("2027-03-08")) == (5, True)


def test_a_count_that_only_ends_in_an_unknown_year_is_provisional() -> None:
    assert TABLE.reckon_workdays_after(on("2026-12-17"), 5) == (on("2026-12-24"), False)
    assert TABLE.reckon_workdays_after(on("2026-12-30"), 5).provisional
    assert TABLE.workdays_between(on("2026-12-30"), on("2027-01-08")).provisional
    assert not TABLE.workdays_between(on("2026-06-30"), on("2026-12-24")).provisional


def test_the_last_week_of_december_waits_for_the_next_notice() -> None:
    assert TABLE.certain(on("2026-12-24"))
    assert not TABLE.certain(on("2026-12-25"))
    assert TABLE.certain(on("2025-12-31"))
    assert not TABLE.certain(on("2022-12-31"))


# --- properties ---------------------------------------------------------------------------------


@given(days, st.integers(1, 60))
def test_the_nth_working_day_is_one_and_n_lie_up_to_it(day: date, count: int) -> None:
    end = TABLE.workdays_after(day, count)
    assert TABLE.is_workday(end)
    assert count_one_by_one(TABLE, day, end) == count
    assert TABLE.workdays_between(day, end).days == count


@given(days, days)
def test_counting_by_formula_agrees_with_counting_one_by_one(a: date, b: date) -> None:
    start, end = sorted((a, b))
    assert TABLE.workdays_between(start, end).days == count_one_by_one(TABLE, start, end)
    assert TABLE.workdays_between(end, start).days == -count_one_by_one(TABLE, start, end)


@given(days, st.integers(0, 20), st.integers(0, 20))
def test_counting_on_is_counting_together(day: date, first: int, second: int) -> None:
    assert TABLE.workdays_after(TABLE.workdays_after(day, first), second) == (
        TABLE.workdays_after(day, first + second)
    )


@given(days, st.integers(0, 40))
def test_excluding_the_posting_day_is_never_shorter(day: date, count: int) -> None:
    counted_in = TABLE.reckon_workdays_after(day, count, start_day_counts=True)
    assert counted_in.day <= TABLE.workdays_after(day, count)


@given(days, st.integers(1, 30))
def test_a_certain_result_rests_on_certain_days_only(day: date, count: int) -> None:
    end, provisional = TABLE.reckon_workdays_after(day, count)
    rests_on = [day + timedelta(n) for n in range(1, (end - day).days + 1)]
    assert provisional is not all(map(TABLE.certain, rests_on))
