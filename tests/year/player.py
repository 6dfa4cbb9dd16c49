"""Carries the diary out: day by day, with the night's work of the worker between the days."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta

from engine.clock import ZONE
from engine.jobs import rejudge_below, run_worker
from engine.notifications.sweeping import sweep_notices
from tests.year.desk import Desk
from tests.year.meetings import Days

NIGHT = time(2, 30)


def play(desk: Desk, stories: Iterable[Days], until: date) -> int:
    """Let everything of the diary happen on its day, up to ``until``; return how many nights."""
    waiting: list[tuple[date, int, Days]] = []
    for number, story in enumerate(stories):
        heapq.heappush(waiting, (next(story), number, story))
    nights = 0
    while waiting and waiting[0][0] <= until:
        day = waiting[0][0]
        if day != desk.today:
            nights += pass_nights(desk, day)
            desk.morning_of(day)
        _, number, story = heapq.heappop(waiting)
        following = next(story, None)
        if following is not None:
            assert following >= day, f"{story} goes back from {day} to {following}"
            heapq.heappush(waiting, (following, number, story))
    assert not waiting, f"the diary goes on after {until}: {waiting[0]}"
    nights += pass_nights(desk, until)
    desk.morning_of(until)
    return nights


def pass_nights(desk: Desk, until: date) -> int:
    """Let the worker do its nightly work: at the beginning of each month and before ``until``."""
    nights = 0
    day = desk.today + timedelta(days=1)
    while day <= until:
        if day.day == 1 or day == until:
            night(desk, day)
            nights += 1
        day += timedelta(days=1)
    return nights


def night(desk: Desk, day: date) -> None:
    """Do what the worker's clock does in a night: queue, timers, plan, findings, notices, seal."""
    desk.clock.set(datetime.combine(day, NIGHT, ZONE))
    run_worker(desk.app, desk.where.app, wait=False, clock=desk.clock)
    rejudge_below(None, desk.clock)
    sweep_notices(desk.app.extensions["guicheng"], desk.clock)
