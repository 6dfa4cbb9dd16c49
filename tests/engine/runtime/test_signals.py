"""Signals go out once a step is committed, and what hears them never undoes it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from engine import signals
from engine.database import unit_of_work
from engine.errors import EngineFault
from tests.factories import Desk, faulty, is_consistent, two_steps

NAMES = ["instance_started", "instance_ended", "task_created", "task_completed", "task_sent_back"]


@pytest.fixture
def heard() -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """Everything that is announced while the test runs."""
    found: list[tuple[str, dict[str, Any]]] = []
    listeners = []
    for name in NAMES:

        def listen(sender: object, *, _name: str = name, **about: Any) -> None:
            with unit_of_work():  # by then the step's own transaction is over
                found.append((_name, about))

        getattr(signals, name).connect(listen)
        listeners.append((name, listen))
    yield found
    for name, listen in listeners:
        getattr(signals, name).disconnect(listen)


def test_a_matter_from_start_to_end(desk: Desk, heard: list[tuple[str, dict[str, Any]]]) -> None:
    matter = desk.start(two_steps())
    first = matter.task("apply")
    matter.complete("apply")
    second = matter.task("approve")
    matter.send_back("approve", "apply")
    again = matter.task("apply")
    matter.complete("apply")
    matter.complete("approve")
    assert [name for name, _ in heard] == [
        "instance_started",
        "task_created",
        "task_completed",
        "task_created",
        "task_sent_back",
        "task_created",
        "task_completed",
        "task_created",
        "task_completed",
        "instance_ended",
    ]
    sent_back = {"instance_id": matter.id, "task_id": second, "element": "approve"}
    assert heard[4][1] == {**sent_back, "target": "apply"}
    assert heard[2][1] == {"instance_id": matter.id, "task_id": first, "element": "apply"}
    assert heard[5][1]["task_id"] == again
    assert heard[-1][1] == {"instance_id": matter.id, "status": "completed", "outcome": None}


def test_a_cancelled_matter_says_so(desk: Desk, heard: list[tuple[str, dict[str, Any]]]) -> None:
    desk.start(two_steps()).cancel()
    assert heard[-1][0] == "instance_ended"
    assert heard[-1][1]["status"] == "cancelled"


def test_what_failed_is_not_announced(desk: Desk, heard: list[tuple[str, dict[str, Any]]]) -> None:
    matter = desk.start(faulty())
    before = len(heard)
    with pytest.raises(EngineFault):
        matter.complete("apply")
    assert len(heard) == before


def test_a_listener_that_fails_undoes_nothing(desk: Desk) -> None:
    def broken(sender: object, **about: Any) -> None:
        raise ZeroDivisionError

    with signals.task_completed.connected_to(broken):
        matter = desk.start(two_steps())
        matter.complete("apply")
    assert matter.open == ["approve"]
    is_consistent(matter.id, desk.clock)
