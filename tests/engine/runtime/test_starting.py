"""Starting a matter."""

from __future__ import annotations

from tests.factories import Desk, is_consistent, two_steps


def test_a_matter_starts_with_its_first_task(desk: Desk) -> None:
    matter = desk.start(two_steps())
    assert matter.open == ["apply"]
    assert matter.kinds == ["started"]
    is_consistent(matter.id, desk.clock)
