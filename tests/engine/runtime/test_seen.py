"""Claimed as listed, completed as claimed: the same as with a look, and never on old news."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from engine.database import Record, db
from engine.errors import AlreadyClaimed, NotAllowed, NotRunning, StaleRevision, TaskClosed
from engine.ledger.chain import entry_digest
from engine.runtime import operations, store
from engine.runtime.commands import Done
from engine.runtime.queries.inbox import list_mine
from engine.runtime.seen import Seen, claimed, listed
from tests.engine.conftest import Live
from tests.factories import Desk, Matter, is_consistent, two_steps
from tests.races import at_once, one_winner


@pytest.fixture
def matter(desk: Desk) -> Matter:
    return desk.start(two_steps())


def line(matter: Matter, by: str = "secretary") -> Record:
    """Return the line of the matter's open task as a list shows it, and forget it again."""
    list_mine(db.session(), matter.desk.actor(by), matter.desk.clock)
    found = listed.take(matter.tasks[0].id)
    assert found is not None
    return found


def claim(matter: Matter, shown: Record, by: str = "secretary", **more: Any) -> Done:
    listed.keep([shown])
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
    assert listed.take(matter.tasks[0].id) is None


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
        listed.keep([shown])  # each in a process of his own, so to speak
        return operations.claim_task(shown.id, actor=actor, clock=live.clock)

    results = at_once(live, *(lambda actor=actor: taking(actor) for actor in people))
    one_winner(results, AlreadyClaimed)
    assert matter.kinds == ["started", "claimed"]
    is_consistent(matter.id, live.clock)


def test_only_so_many_lines_are_kept(matter: Matter) -> None:
    shown = line(matter)
    kept = Seen("id", most=2)
    lines = [shown._replace(id=number) for number in (1, 2, 3)]
    kept.keep(lines)
    assert [kept.take(number) for number in (1, 2, 3)] == [None, *lines[1:]]


# --- completing as the claim left it


def claimed_row(matter: Matter, by: str = "secretary") -> Record:
    """Claim the matter's open task as listed; return what is kept of it, and forget it again."""
    claim(matter, line(matter, by), by)
    found = claimed.take(matter.tasks[0].id)
    assert found is not None
    return found


def complete(matter: Matter, row: Record, by: str = "secretary", **more: Any) -> Done:
    claimed.keep([row])
    actor, clock = matter.desk.actor(by), matter.desk.clock
    return operations.complete_task(row.task_id, {}, actor=actor, clock=clock, **more)


def test_a_claim_leaves_what_locking_would_find(matter: Matter) -> None:
    row = claimed_row(matter)
    locked = store.lock_task(db.session(), row.task_id)
    assert locked is not None
    found = locked._asdict()
    assert not found.pop("waited")
    assert (found.pop("facts"), found.pop("standing")) == (None, None)
    assert {name: getattr(row, name) for name in found} == found


def test_completed_as_claimed_it_is_recorded_like_any_other(desk: Desk, matter: Matter) -> None:
    done = complete(matter, claimed_row(matter))
    assert not done.replayed
    assert list(done.opened.values()) == ["approve"]
    assert matter.kinds == ["started", "claimed", "completed"]
    is_consistent(matter.id, desk.clock)
    assert claimed.take(matter.entries[-1].task_id or 0) is None


@pytest.mark.parametrize(
    ("meanwhile", "answer"),
    [
        (lambda m: m.complete("apply"), TaskClosed),
        (lambda m: m.delegate("apply", "deputy"), AlreadyClaimed),
        (lambda m: operations.suspend_instance(
            m.id, "等待", actor=m.desk.actor("secretary"), clock=m.desk.clock), NotRunning),
        (lambda m: (m.unclaim("apply"), m.claim("apply", by="deputy")), AlreadyClaimed),
    ],
)  # fmt: skip
def test_what_happened_since_the_claim_counts(
    matter: Matter, meanwhile: Meanwhile, answer: type[Exception]
) -> None:
    row = claimed_row(matter)
    meanwhile(matter)
    before = matter.kinds
    with pytest.raises(answer):
        complete(matter, row)
    assert matter.kinds == before


def test_put_back_and_claimed_again_it_is_completed_all_the_same(
    desk: Desk, matter: Matter
) -> None:
    row = claimed_row(matter)
    matter.unclaim("apply")
    matter.claim("apply")
    complete(matter, row)
    assert matter.kinds[-3:] == ["unclaimed", "claimed", "completed"]
    is_consistent(matter.id, desk.clock)


def test_another_person_may_not_complete_from_what_was_kept(matter: Matter) -> None:
    with pytest.raises(AlreadyClaimed):
        complete(matter, claimed_row(matter), by="deputy")
    with pytest.raises(StaleRevision):
        complete(matter, claimed_row_again(matter), revision=7)
    assert matter.kinds[-1] == "claimed"


def claimed_row_again(matter: Matter) -> Record:
    """Return the kept row of a task that its holder has put back and claimed once more."""
    matter.unclaim("apply")
    return claimed_row(matter)


def test_the_same_completion_twice_is_one(matter: Matter) -> None:
    row, command = claimed_row(matter), uuid4()
    first = complete(matter, row, command_id=command)
    again = complete(matter, row, command_id=command)
    assert again.replayed
    assert again.opened == first.opened
    assert matter.kinds == ["started", "claimed", "completed"]


@pytest.mark.parametrize("attempt", range(5))
def test_completing_twice_at_once_is_one_step(live: Live, attempt: int) -> None:
    matter = live.desk.start(two_steps())
    row = claimed_row(matter)
    actor = live.desk.actor("secretary")

    def completing() -> Done:
        claimed.keep([row])
        return operations.complete_task(row.task_id, {}, actor=actor, clock=live.clock)

    results = at_once(live, completing, completing, completing)
    one_winner(results, TaskClosed)
    assert matter.kinds == ["started", "claimed", "completed"]
    is_consistent(matter.id, live.clock)
