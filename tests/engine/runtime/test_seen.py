"""A task claimed as a list showed it: the same as a claim with a look, and never on old news."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from engine.database import Record, db
from engine.errors import AlreadyClaimed, NotAllowed, NotRunning, StaleRevision, TaskClosed
from engine.ledger.chain import entry_digest
from engine.runtime import operations
from engine.runtime.commands import Done
from engine.runtime.queries.inbox import list_mine
from engine.runtime.seen import Seen, seen
from tests.engine.conftest import Live
from tests.engine.runtime.test_races import at_once, one_winner
from tests.factories import Desk, Matter, is_consistent, two_steps


@pytest.fixture
def matter(desk: Desk) -> Matter:
    return desk.start(two_steps())


def line(matter: Matter, by: str = "secretary") -> Record:
    """Return the line of the matter's open task as a list shows it, and forget it again."""
    list_mine(db.session(), matter.desk.actor(by), matter.desk.clock)
    found = seen.take(matter.tasks[0].id)
    assert found is not None
    return found


def claim(matter: Matter, shown: Record, by: str = "secretary", **more: Any) -> Done:
    seen.keep([shown])
    return operations.claim_task(
        shown.id, actor=matter.desk.actor(by), clock=matter.desk.clock, **more
    )


def test_it_is_recorded_like_any_other_claim(desk: Desk, matter: Matter) -> None:
    done = claim(matter, line(matter))
    assert not done.replayed
    assert (desk.inbox("secretary"), desk.inbox("deputy")) == (["apply"], [])
    assert matter.kinds == ["started", "claimed"]
    entry = matter.entries[-1]
    assert entry.actor_id == desk.town.people["secretary"]
    assert entry.previous == matter.entries[0].digest
    assert entry.digest == entry_digest(vars(entry))
    is_consistent(matter.id, desk.clock)


def test_a_line_serves_once(matter: Matter) -> None:
    claim(matter, line(matter))
    assert seen.take(matter.tasks[0].id) is None


Meanwhile = Callable[[Matter], Any]


@pytest.mark.parametrize(
    ("meanwhile", "answer"),
    [
        (lambda m: m.claim("apply", by="deputy"), AlreadyClaimed),
        (lambda m: m.complete("apply"), TaskClosed),
        (lambda m: operations.suspend_instance(
            m.id, "等待", actor=m.desk.actor("secretary"), clock=m.desk.clock), NotRunning),
        (lambda m: m.delegate("apply", "deputy"), AlreadyClaimed),
    ],
)  # fmt: skip
def test_what_happened_meanwhile_counts(
    matter: Matter, meanwhile: Meanwhile, answer: type[Exception]
) -> None:
    shown = line(matter)
    meanwhile(matter)
    before = matter.kinds
    with pytest.raises(answer):
        claim(matter, shown)
    assert matter.kinds == before


def test_claimed_and_put_back_it_is_looked_at_anew(desk: Desk, matter: Matter) -> None:
    shown = line(matter)
    matter.claim("apply", by="deputy")
    matter.unclaim("apply", by="deputy")
    claim(matter, shown)
    assert matter.kinds == ["started", "claimed", "unclaimed", "claimed"]
    is_consistent(matter.id, desk.clock)


def test_who_may_not_is_refused_though_the_line_was_shown_to_another(matter: Matter) -> None:
    with pytest.raises(NotAllowed):
        claim(matter, line(matter), by="member")
    assert matter.kinds == ["started"]


def test_a_revision_that_is_not_the_shown_one_is_stale(matter: Matter) -> None:
    with pytest.raises(StaleRevision):
        claim(matter, line(matter), revision=7)
    assert matter.kinds == ["started"]


def test_the_same_command_twice_is_one_claim(matter: Matter) -> None:
    shown, command = line(matter), uuid4()
    claim(matter, shown, command_id=command)
    assert claim(matter, shown, command_id=command).replayed
    assert matter.kinds == ["started", "claimed"]


@pytest.mark.parametrize("attempt", range(5))
def test_two_people_with_the_same_line_get_one_winner(live: Live, attempt: int) -> None:
    matter = live.desk.start(two_steps())
    shown = line(matter)
    people = [live.desk.actor("secretary"), live.desk.actor("deputy")]

    def taking(actor: Any) -> Done:
        seen.keep([shown])  # each in a process of his own, so to speak
        return operations.claim_task(shown.id, actor=actor, clock=live.clock)

    results = at_once(live, *(lambda actor=actor: taking(actor) for actor in people))
    one_winner(results, AlreadyClaimed)
    assert matter.kinds == ["started", "claimed"]
    is_consistent(matter.id, live.clock)


def test_only_so_many_lines_are_kept(matter: Matter) -> None:
    shown = line(matter)
    kept = Seen(most=2)
    lines = [shown._replace(id=number) for number in (1, 2, 3)]
    kept.keep(lines)
    assert [kept.take(number) for number in (1, 2, 3)] == [None, *lines[1:]]
