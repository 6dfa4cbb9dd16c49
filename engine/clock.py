"""The one source of "now". Functions take a clock; nobody asks the system for the time."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Protocol
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Asia/Shanghai")
"""The zone in which days begin and end. Limits are counted in days of this zone (domain/15)."""


class Clock(Protocol):
    """What tells the time."""

    def now(self) -> datetime:
        """Return the present moment, aware, in UTC."""
        ...

    def today(self) -> date:
        """Return the present day in :data:`ZONE`."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def today(self) -> date:
        return self.now().astimezone(ZONE).date()


@dataclass
class FixedClock:
    """A clock that stands still until it is set: for tests, scenarios and what-if questions."""

    at: datetime

    def now(self) -> datetime:
        return self.at.astimezone(UTC)

    def today(self) -> date:
        return self.at.astimezone(ZONE).date()

    def set(self, at: datetime | date) -> None:
        """Move to a moment, or to noon of a day."""
        if not isinstance(at, datetime):
            at = datetime(at.year, at.month, at.day, 12, tzinfo=ZONE)
        self.at = at


def start_of_day(day: date) -> datetime:
    """Return midnight of ``day`` in :data:`ZONE` as an aware UTC moment."""
    return datetime(day.year, day.month, day.day, tzinfo=ZONE).astimezone(UTC)
