"""Working days: Monday to Friday, less public holidays, plus make-up working days (调休).

The State Council's yearly notice says which days these are. A year whose notice is not at hand
counts Monday to Friday, and every result that touches it is *provisional* (暂算): it may guide
people but must not prove anything.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final, NamedTuple

MAX_WORKDAYS: Final = 1_000
"""Most working days that are counted off in one go."""

_SPILL: Final = (12, 25)
"""From this day on the next year's notice may speak too (29 December 2018 was a make-up day)."""

_ONE_DAY: Final = timedelta(days=1)


@dataclass(frozen=True)
class Holiday:
    """One item of a notice: the days off, both ends included, and the days worked instead."""

    name: str
    first: date
    last: date
    make_up: tuple[date, ...] = ()


@dataclass(frozen=True)
class HolidayYear:
    """The notice for one year."""

    year: int
    source: str
    holidays: tuple[Holiday, ...]

    @property
    def days_off(self) -> frozenset[date]:
        """Every day off that the notice names, weekends inside a holiday included."""
        return frozenset(
            holiday.first + timedelta(days=n)
            for holiday in self.holidays
            for n in range((holiday.last - holiday.first).days + 1)
        )

    @property
    def make_up_days(self) -> frozenset[date]:
        """Every Saturday or Sunday that the notice makes a working day."""
        return frozenset(day for holiday in self.holidays for day in holiday.make_up)


class Reckoned(NamedTuple):
    """A reckoned day, and whether it rests on a year without a notice."""

    day: date
    provisional: bool


class Counted(NamedTuple):
    """A number of working days, and whether it rests on a year without a notice."""

    days: int
    provisional: bool


@dataclass(frozen=True, eq=False)
class HolidayTable:
    """All notices at hand. Immutable: an import makes a new table. Compared by identity."""

    years: Mapping[int, HolidayYear]
    _off: frozenset[date] = field(init=False, repr=False)
    _on: frozenset[date] = field(init=False, repr=False)
    _off_weekdays: tuple[date, ...] = field(init=False, repr=False)
    _on_weekends: tuple[date, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        off = frozenset[date]().union(*(year.days_off for year in self.years.values()))
        on = frozenset[date]().union(*(year.make_up_days for year in self.years.values()))
        object.__setattr__(self, "years", dict(self.years))
        object.__setattr__(self, "_off", off)
        object.__setattr__(self, "_on", on)
        object.__setattr__(
            self, "_off_weekdays", tuple(sorted(day for day in off - on if day.weekday() < 5))
        )
        object.__setattr__(
            self, "_on_weekends", tuple(sorted(day for day in on if day.weekday() >= 5))
        )

    @classmethod
    def of(cls, years: Iterable[HolidayYear]) -> HolidayTable:
        """Make a table; of two notices for the same year the later in the row counts."""
        return cls({year.year: year for year in years})

    def known(self, year: int) -> bool:
        """Tell whether the notice for ``year`` is at hand."""
        return year in self.years

    def certain(self, day: date) -> bool:
        """Tell whether it is settled that ``day`` is or is not a working day.

        The last week of December is settled only by the next year's notice as well.
        """
        if not self.known(day.year):
            return False
        return (day.month, day.day) < _SPILL or self.known(day.year + 1)

    def is_workday(self, day: date) -> bool:
        """Tell whether people work on ``day``; Monday to Friday where no notice says otherwise."""
        if day in self._on:
            return True
        return day.weekday() < 5 and day not in self._off

    def workdays_after(self, day: date, count: int) -> date:
        """Return the ``count``-th working day after ``day``, which is not counted itself.

        ``count`` 0 gives ``day``. Raises ValueError for a negative or huge ``count`` and
        OverflowError past the year 9999.
        """
        return self.reckon_workdays_after(day, count).day

    def reckon_workdays_after(
        self, day: date, count: int, *, start_day_counts: bool = False
    ) -> Reckoned:
        """Return the ``count``-th working day after ``day`` and whether it is provisional.

        With ``start_day_counts`` a working ``day`` is itself the first (``notice_start_day_counts``
        of domain practice; off by default, since excluding it satisfies both readings).
        """
        if not 0 <= count <= MAX_WORKDAYS:
            raise ValueError(f"a count of working days lies between 0 and {MAX_WORKDAYS}")
        certain = True
        left = count
        at = day
        if start_day_counts and left:
            certain = self.certain(at)
            left -= self.is_workday(at)
        while left:
            at += _ONE_DAY
            certain = certain and self.certain(at)
            left -= self.is_workday(at)
        return Reckoned(at, not certain)

    def workdays_between(self, start: date, end: date) -> Counted:
        """Count the working days after ``start`` up to and including ``end``.

        Negative, counting back, if ``end`` comes first: the days a limit was overrun by.
        """
        if end < start:
            overrun = self.workdays_between(end, start)
            return Counted(-overrun.days, overrun.provisional)
        days = _weekdays_to(end) - _weekdays_to(start)
        days -= _inside(self._off_weekdays, start, end)
        days += _inside(self._on_weekends, start, end)
        if start == end:
            return Counted(0, False)
        first = (start + _ONE_DAY).year
        certain = self.certain(end) and all(map(self.known, range(first, end.year + 1)))
        return Counted(days, not certain)


def _weekdays_to(day: date) -> int:
    """Count the Mondays to Fridays from the beginning of the calendar to ``day``, included."""
    weeks, rest = divmod(day.toordinal(), 7)  # 1 January of year 1 was a Monday
    return weeks * 5 + min(rest, 5)


def _inside(days: tuple[date, ...], start: date, end: date) -> int:
    return bisect_right(days, end) - bisect_right(days, start)
