"""Periods in which something is owed: months, quarters, half years, years. Pure calendar."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from engine.calendars.arithmetic import Period, add_days, add_months
from engine.definitions.duties import DutyPeriod


def period_of(kind: DutyPeriod, day: date, starts_in: int = 1) -> Period:
    """Return the period that ``day`` lies in; ``starts_in`` is the month in which years begin."""
    months = kind.months
    index = day.year * 12 + day.month - 1
    offset = (starts_in - 1) % months
    first = (index - offset) // months * months + offset
    since = date(first // 12, first % 12 + 1, 1)
    return Period(since, add_days(add_months(since, months), -1))


def next_period(kind: DutyPeriod, period: Period) -> Period:
    """Return the period that follows."""
    since = add_days(period.last, 1)
    return Period(since, add_days(add_months(since, kind.months), -1))


def periods_between(
    kind: DutyPeriod, first: date, last: date, starts_in: int = 1
) -> Iterator[Period]:
    """Yield the periods from the one that ``first`` lies in to the one that ``last`` lies in."""
    period = period_of(kind, first, starts_in)
    while period.first <= last:
        yield period
        period = next_period(kind, period)


def last_day(period: Period, carry_over_months: int) -> date:
    """Return the last day in time: the end of the period, or that of a month after it."""
    return add_days(add_months(add_days(period.last, 1), carry_over_months), -1)


def prepared_from(since: date) -> date:
    """Return the first day that a draft's steps may bear: a month before its period begins.

    What takes place in the first days of a period is planned, and people are invited, before it.
    """
    return add_months(since, -1)


def draft_day(period: Period, times: int, done: int, days: int) -> date:
    """Return the day on which the draft of the next time is started.

    What is owed several times in a period is spread over it evenly; each draft comes ``days``
    before the end of its share.
    """
    length = (period.last - period.first).days + 1
    share = min(done + 1, times)
    end = period.first + timedelta(days=length * share // times - 1)
    return max(period.first, end - timedelta(days=days))
