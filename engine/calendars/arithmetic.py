"""Calendar arithmetic on days: a year is a calendar year, a month a calendar month, never 30 days.

The same day of the target month is meant; where that month has no such day, its last day. The day
from which a limit runs is not counted: one month from 31 January 2026 ends on 28 February 2026.
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date, timedelta
from typing import NamedTuple

_ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def parse_day(text: str) -> date:
    """Read a day written exactly as ``2026-06-10``. Raises ValueError for anything else."""
    if not _ISO_DAY.fullmatch(text):
        raise ValueError("a day is written as 2026-06-10")
    return date.fromisoformat(text)


class Period(NamedTuple):
    """A span of days, both ends included."""

    first: date
    last: date

    def __contains__(self, day: object) -> bool:
        return isinstance(day, date) and self.first <= day <= self.last


def add_days(day: date, days: int) -> date:
    """Return the day ``days`` plain days later (earlier if negative). Raises OverflowError."""
    return day + timedelta(days=days)


def add_months(day: date, months: int) -> date:
    """Return the same day of the month ``months`` later, or that month's last day.

    Raises OverflowError outside the years 1 to 9999.
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if not date.min.year <= year <= date.max.year:
        raise OverflowError("date value out of range")
    if day.day <= 28:  # every month has it
        return date(year, month + 1, day.day)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def add_years(day: date, years: int) -> date:
    """Return the same day ``years`` later; 29 February becomes 28 in a common year."""
    return add_months(day, years * 12)


def next_day(day: date) -> date:
    """Return the day after."""
    return add_days(day, 1)


def days_between(start: date, end: date) -> int:
    """Return the plain days from ``start`` to ``end``, negative if ``end`` comes first."""
    return (end - start).days


def months_between(start: date, end: date) -> int:
    """Return the full calendar months that have passed from ``start`` to ``end``.

    The largest ``n`` with ``add_months(start, n) <= end``; negative if ``end`` comes first.
    """
    if end < start:
        return -months_between(end, start)
    months = (end.year - start.year) * 12 + end.month - start.month
    # Compared through add_months, so that 31 January to 28 February is a full month.
    return months if add_months(start, months) <= end else months - 1


def age_on(birth: date, day: date) -> int:
    """Return the full years of age (周岁) on ``day``; negative before birth.

    Someone born on 29 February comes of age on 28 February in a common year.
    """
    years = day.year - birth.year
    return years if add_years(birth, years) <= day else years - 1


def month_of(day: date) -> Period:
    """Return the calendar month that ``day`` lies in."""
    return Period(day.replace(day=1), day.replace(day=monthrange(day.year, day.month)[1]))


def quarter_of(day: date) -> Period:
    """Return the calendar quarter (季度) that ``day`` lies in."""
    start = date(day.year, (day.month - 1) // 3 * 3 + 1, 1)
    return Period(start, month_of(add_months(start, 2)).last)


def half_year_of(day: date) -> Period:
    """Return the calendar half-year that ``day`` lies in."""
    start = date(day.year, 1 if day.month <= 6 else 7, 1)
    return Period(start, month_of(add_months(start, 5)).last)


def year_of(day: date) -> Period:
    """Return the calendar year that ``day`` lies in."""
    return Period(date(day.year, 1, 1), date(day.year, 12, 31))
