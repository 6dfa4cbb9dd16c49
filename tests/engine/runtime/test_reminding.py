"""A word to all who are missing in a step with a task for each."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from engine.errors import NotAllowed, TaskClosed
from engine.runtime.participants import RemindedAlready
from engine.signals import people_reminded
from tests.factories import Desk, Matter, is_consistent
from tests.gathering import gathered, gathering, remind, say

TODAY = date(2026, 11, 22)


@pytest.fixture
def matter(desk: Desk) -> Matter:
    matter = desk.start(gathering())
    return gathered(matter, "member", "other_member", "deputy")


def test_all_who_are_missing_are_reminded_once_a_day(desk: Desk, matter: Matter) -> None:
    heard: list[Any] = []

    def hear(_: object, **about: Any) -> None:
        heard.append(about)

    say(matter, "member")
    with people_reminded.connected_to(hear):
        remind(matter)
    missing = tuple(task.id for task in matter.tasks)
    assert len(missing) == 2
    assert heard == [{"instance_id": matter.id, "task_ids": missing}]
    assert matter.kinds[-1] == "reminded"
    with pytest.raises(RemindedAlready):
        remind(matter)
    desk.clock.set(TODAY + timedelta(days=1))
    remind(matter, by="superior")
    with pytest.raises(NotAllowed):
        remind(matter, by="member")
    is_consistent(matter.id, desk.clock)


def test_nobody_is_reminded_when_nobody_is_missing(desk: Desk, matter: Matter) -> None:
    for name in ("member", "other_member", "deputy"):
        say(matter, name)
    with pytest.raises(TaskClosed):
        remind(matter)
    assert "reminded" not in matter.kinds


def test_one_does_not_remind_oneself(desk: Desk, matter: Matter) -> None:
    say(matter, "member")
    say(matter, "other_member")
    with pytest.raises(TaskClosed):
        remind(matter, by="deputy")
