"""Claim, unclaim, delegate: who holds a task, in whose inbox it stands, and what is recorded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from engine.database import db, unit_of_work
from engine.errors import (
    AlreadyClaimed,
    InvalidInput,
    NotAllowed,
    NotFound,
    NotRunning,
    StaleRevision,
    TaskClosed,
)
from engine.forms.drafts import load_draft, save_draft
from engine.runtime import operations
from tests.factories import Desk, Matter, UserTask, is_consistent, procedure, two_steps


@pytest.fixture
def matter(desk: Desk) -> Matter:
    return desk.start(two_steps())


def test_a_claimed_task_leaves_the_others_inboxes(desk: Desk, matter: Matter) -> None:
    assert (desk.inbox("secretary"), desk.inbox("deputy")) == (["apply"], ["apply"])
    matter.claim("apply")
    assert (desk.inbox("secretary"), desk.inbox("deputy")) == (["apply"], [])
    assert matter.kinds == ["started", "claimed"]
    assert matter.entries[-1].actor_id == desk.town.people["secretary"]
    is_consistent(matter.id, desk.clock)


def test_claiming_again_changes_nothing(desk: Desk, matter: Matter) -> None:
    matter.claim("apply")
    assert matter.claim("apply").replayed
    assert matter.kinds == ["started", "claimed"]


def test_what_another_has_claimed_cannot_be_claimed(desk: Desk, matter: Matter) -> None:
    matter.claim("apply")
    with pytest.raises(AlreadyClaimed):
        matter.claim("apply", by="deputy")
    assert matter.tasks[0].assignee_id == desk.town.people["secretary"]
    is_consistent(matter.id, desk.clock)


@pytest.mark.parametrize("name", ["stranger", "member", "superior", "administrator"])
def test_who_is_no_candidate_cannot_claim(desk: Desk, matter: Matter, name: str) -> None:
    with pytest.raises(NotAllowed):
        matter.claim("apply", by=name)
    assert matter.kinds == ["started"]


def test_a_task_that_does_not_exist_is_not_found(desk: Desk) -> None:
    with pytest.raises(NotFound):
        operations.claim_task(987654321, actor=desk.actor("secretary"), clock=desk.clock)


def test_unclaimed_it_stands_in_all_inboxes_again_and_the_draft_stays(
    desk: Desk, matter: Matter
) -> None:
    matter.claim("apply")
    task, person = matter.task("apply"), desk.town.people["secretary"]
    with unit_of_work() as session:
        save_draft(session, desk.clock, task_id=task, person_id=person, data={"note": "一半"})
    matter.unclaim("apply")
    assert (desk.inbox("secretary"), desk.inbox("deputy")) == (["apply"], ["apply"])
    assert load_draft(db.session(), task_id=task, person_id=person) is not None
    assert matter.kinds == ["started", "claimed", "unclaimed"]
    is_consistent(matter.id, desk.clock)


def test_a_head_may_put_back_what_a_colleague_holds_a_member_may_not(
    desk: Desk, matter: Matter
) -> None:
    matter.claim("apply", by="deputy")
    with pytest.raises(NotAllowed):
        matter.unclaim("apply", by="member")
    matter.unclaim("apply", by="secretary")
    assert matter.tasks[0].assignee_id is None


def test_delegated_it_stands_only_in_the_receiver_s_inbox(desk: Desk, matter: Matter) -> None:
    matter.delegate("apply", "member")
    assert desk.inbox("member") == ["apply"]
    assert (desk.inbox("secretary"), desk.inbox("deputy")) == ([], [])
    payload = matter.payload()
    assert payload["to"] == desk.town.people["member"]
    assert payload["reason"] == "出差"
    is_consistent(matter.id, desk.clock)
    with pytest.raises(AlreadyClaimed):
        matter.complete("apply", by="secretary")
    matter.complete("apply", by="member")
    assert matter.entries[-1].actor_id == desk.town.people["member"]


@pytest.mark.parametrize("reason", ["", "   ", "\n"])
def test_delegating_needs_a_reason(desk: Desk, matter: Matter, reason: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        matter.delegate("apply", "member", reason=reason)
    assert list(refused.value.fields) == ["reason"]
    assert matter.kinds == ["started"]


def test_a_task_is_not_delegated_to_an_outsider_or_nobody(desk: Desk, matter: Matter) -> None:
    with pytest.raises(InvalidInput) as refused:
        matter.delegate("apply", "stranger")
    assert list(refused.value.fields) == ["person"]
    with pytest.raises(InvalidInput) as refused:
        operations.delegate_task(
            matter.task("apply"),
            987654321,
            "出差",
            actor=desk.actor("secretary"),
            clock=desk.clock,
        )
    assert list(refused.value.fields) == ["person"]
    assert matter.kinds == ["started"]


def test_a_decision_is_not_given_out_of_the_lane(desk: Desk) -> None:
    package = procedure("decides", [UserTask("decide")], steps={"decide": "decision = true"})
    matter = desk.start(package)
    with pytest.raises(InvalidInput):
        matter.delegate("decide", "member")
    matter.delegate("decide", "deputy")
    assert desk.inbox("deputy") == ["decide"]


def test_every_change_of_hands_counts_the_task_s_revision(desk: Desk, matter: Matter) -> None:
    matter.claim("apply", revision=1)
    matter.unclaim("apply", revision=2)
    matter.delegate("apply", "member", revision=3)
    assert matter.tasks[0].revision == 4


Attempt = Callable[[Matter, dict[str, Any]], object]
ATTEMPTS: dict[str, Attempt] = {
    "claim": lambda matter, more: matter.claim("apply", **more),
    "unclaim": lambda matter, more: matter.unclaim("apply", **more),
    "delegate": lambda matter, more: matter.delegate("apply", "member", **more),
}


@pytest.mark.parametrize("name", ATTEMPTS)
def test_a_stale_revision_is_refused(desk: Desk, matter: Matter, name: str) -> None:
    if name == "unclaim":
        matter.claim("apply")
    before = matter.kinds
    with pytest.raises(StaleRevision):
        ATTEMPTS[name](matter, {"revision": 99})
    assert matter.kinds == before


@pytest.mark.parametrize("name", ATTEMPTS)
def test_nobody_changes_hands_in_a_suspended_matter(desk: Desk, matter: Matter, name: str) -> None:
    if name == "unclaim":
        matter.claim("apply")
    matter.suspend()
    with pytest.raises(NotRunning):
        ATTEMPTS[name](matter, {})
    assert desk.inbox("secretary") == desk.inbox("member") == []
    is_consistent(matter.id, desk.clock)


@pytest.mark.parametrize(
    "command",
    [
        lambda task, common: operations.claim_task(task, **common),
        lambda task, common: operations.unclaim_task(task, **common),
        lambda task, common: operations.delegate_task(task, 1, "出差", **common),
    ],
    ids=["claim", "unclaim", "delegate"],
)
def test_a_closed_task_says_so(
    desk: Desk, matter: Matter, command: Callable[[int, dict[str, Any]], object]
) -> None:
    task = matter.task("apply")
    matter.complete("apply")
    with pytest.raises(TaskClosed):
        command(task, {"actor": desk.actor("secretary"), "clock": desk.clock})
    assert matter.kinds == ["started", "completed"]


def test_a_claim_survives_suspension(desk: Desk, matter: Matter) -> None:
    matter.claim("apply")
    matter.suspend()
    matter.resume()
    assert (desk.inbox("secretary"), desk.inbox("deputy")) == (["apply"], [])
    is_consistent(matter.id, desk.clock)


def test_another_branch_of_the_matter_does_not_lose_its_holder(desk: Desk) -> None:
    from tests.factories import parallel

    matter = desk.start(parallel())
    matter.complete("apply")
    matter.claim("right", by="deputy")
    matter.complete("left")
    assert desk.inbox("deputy") == ["left_again", "right"]
    assert desk.inbox("secretary") == ["left_again"]
    is_consistent(matter.id, desk.clock)
