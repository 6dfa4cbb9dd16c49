"""Quiet hours and the hour of the digest, to the second."""

from __future__ import annotations

from datetime import UTC, datetime, time

import pytest

from engine.clock import ZONE
from engine.notifications.quiet import digest_time, limits_time, quiet_until

NIGHT = time(22), time(7)


def at(words: str) -> datetime:
    return datetime.fromisoformat(words).replace(tzinfo=ZONE)


@pytest.mark.parametrize(
    ("now", "goes"),
    [
        ("2026-11-22 21:59:59", "2026-11-22 21:59:59"),
        ("2026-11-22 22:00:00", "2026-11-23 07:00:00"),
        ("2026-11-22 23:59:59", "2026-11-23 07:00:00"),
        ("2026-11-23 00:00:00", "2026-11-23 07:00:00"),
        ("2026-11-23 06:59:59", "2026-11-23 07:00:00"),
        ("2026-11-23 07:00:00", "2026-11-23 07:00:00"),
    ],
)
def test_a_night_goes_past_midnight(now: str, goes: str) -> None:
    assert quiet_until(at(now), *NIGHT) == at(goes)


@pytest.mark.parametrize(
    ("now", "goes"),
    [
        ("2026-11-22 11:59:59", "2026-11-22 11:59:59"),
        ("2026-11-22 12:00:00", "2026-11-22 14:00:00"),
        ("2026-11-22 13:59:59", "2026-11-22 14:00:00"),
        ("2026-11-22 14:00:00", "2026-11-22 14:00:00"),
    ],
)
def test_so_does_a_rest_at_noon_within_the_day(now: str, goes: str) -> None:
    assert quiet_until(at(now), time(12), time(14)) == at(goes)


def test_hours_are_those_of_shanghai_whatever_zone_is_asked_in() -> None:
    now = datetime(2026, 11, 22, 14, 30, tzinfo=UTC)  # 22:30 in Shanghai
    later = quiet_until(now, *NIGHT)
    assert later == at("2026-11-23 07:00:00")
    assert later.tzinfo is UTC


def test_without_hours_nothing_waits() -> None:
    now = at("2026-11-22 23:00:00")
    assert quiet_until(now, None, None) == now
    assert quiet_until(now, time(9), time(9)) == now


def test_the_digest_goes_from_eight_and_limits_are_looked_at_before() -> None:
    assert not digest_time(at("2026-11-22 07:59:59"))
    assert digest_time(at("2026-11-22 08:00:00"))
    assert not limits_time(at("2026-11-22 06:29:59"))
    assert limits_time(at("2026-11-22 06:30:00"))
