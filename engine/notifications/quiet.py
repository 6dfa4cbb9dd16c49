"""Quiet hours and digests: when something may leave the house. Pure arithmetic."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Final

from engine.clock import ZONE

DIGEST_FROM: Final = time(8)
"""From this hour on the day's digest goes out."""
LIMITS_FROM: Final = time(6, 30)
"""From this hour on limits are looked at, before the digest that tells of them."""
PAUSE: Final = timedelta(minutes=10)
"""At least as long after one mail comes the next: what happens meanwhile goes together."""


def quiet_until(now: datetime, begin: time | None, end: time | None) -> datetime:
    """Return the first moment from ``now`` on that is not in the quiet hours.

    The hour they begin is quiet, the hour they end is not. They may go past midnight.
    """
    if begin is None or end is None or begin == end:
        return now
    local = now.astimezone(ZONE)
    at = local.time()
    over_night = begin > end
    quiet = (at >= begin or at < end) if over_night else begin <= at < end
    if not quiet:
        return now
    day = local.date() + timedelta(days=1 if over_night and at >= begin else 0)
    return datetime.combine(day, end, ZONE).astimezone(now.tzinfo)


def digest_time(now: datetime) -> bool:
    """Tell whether the hour of the day's digest has come."""
    return now.astimezone(ZONE).time() >= DIGEST_FROM


def limits_time(now: datetime) -> bool:
    """Tell whether the hour has come at which limits are looked at."""
    return now.astimezone(ZONE).time() >= LIMITS_FROM
