"""Cancel, suspend, resume: a matter steered from outside its procedure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from engine.database import db, unit_of_work
from engine.definitions.package import load_package
from engine.errors import (
    Conflict,
    InvalidInput,
    NotAllowed,
    NotFound,
    NotRunning,
    StaleRevision,
)
from engine.forms.drafts import save_draft
from engine.jobs import sweep_timers
from engine.runtime import operations
from engine.runtime.models import Task
from engine.runtime.queries import matter_view
from tests.bpmn_builder import Boundary, Catch, Fork, date_timer, message
from tests.factories import (
    Desk,
    Matter,
    UserTask,
    is_consistent,
    parallel,
    procedure,
    receiver,
    two_steps,
    waiting,
    withdrawable,
)

Steer = Callable[..., Any]
STEERING: dict[str, Steer] = {
    "cancel": lambda matter, **more: matter.cancel(**more),
    "suspend": lambda matter, **more: matter.suspend(**more),
    "resume": lambda matter, **more: matter.resume(**more),
}


def test_cancelling_closes_all_tasks_timers_and_subscriptions(desk: Desk) -> None:
    package = procedure(
        "wide",
        [
            UserTask("apply"),
            Fork(
                [
                    [UserTask("left", [Boundary("late", date_timer('add_days(on["apply"], 9)'))])],
                    [UserTask("right")],
                    [Catch("catch", message("news")), UserTask("accept")],
                    [Catch("wait", date_timer('add_days(on["apply"], 5)')), UserTask("check")],
                ]
            ),
        ],
    )
    matter = desk.start(package)
    matter.complete("apply")
    assert matter.open == ["left", "right"]
    assert sorted(matter.timers) == ["late", "wait"]
    with unit_of_work() as session:
        save_draft(
            session, desk.clock, task_id=matter.task("left"), person_id=1, data={"note": "一半"}
        )
    done = matter.cancel(reason="组织撤销")
    assert done.ended
    row = matter.row
    assert (row.status, row.ended_on) == ("cancelled", date(2026, 11, 22))
    assert matter.open == []
    assert matter.timers == {}
    assert desk.inbox("secretary") == []
    assert matter.payload()["reason"] == "组织撤销"
    states = db.session().scalars(
        select(Task.state).where(Task.instance_id == matter.id).order_by(Task.id)
    )
    assert list(states) == ["completed", "cancelled", "cancelled"]
    is_consistent(matter.id, desk.clock)
    desk.clock.set(date(2027, 1, 1))
    assert matter.fire() == 0
    assert sweep_timers(desk.clock) == 0


def test_suspended_the_tasks_leave_the_inboxes_and_resumed_they_come_back(desk: Desk) -> None:
    matter = desk.start(parallel())
    matter.complete("apply")
    matter.claim("left")
    before = [(t.id, t.uid, t.revision) for t in matter.tasks]
    matter.suspend()
    assert desk.inbox("secretary") == desk.inbox("deputy") == []
    assert matter.row.status == "suspended"
    is_consistent(matter.id, desk.clock)
    matter.resume()
    assert desk.inbox("secretary") == ["left", "right"]
    assert desk.inbox("deputy") == ["right"]
    assert [(t.id, t.uid, t.revision) for t in matter.tasks] == before
    assert matter.kinds[-2:] == ["suspended", "resumed"]
    is_consistent(matter.id, desk.clock)


def test_timers_wait_while_the_matter_is_suspended_and_fire_when_it_is_resumed(
    desk: Desk,
) -> None:
    matter = desk.start(waiting())
    matter.complete("apply")
    matter.suspend()
    desk.clock.set(date(2027, 1, 1))
    assert matter.fire() == 0
    assert sweep_timers(desk.clock) == 0
    assert matter.open == []
    before = len(desk.jobs("fire_timers"))
    matter.resume()
    assert len(desk.jobs("fire_timers")) == before + 1
    assert matter.fire() == 1
    assert matter.open == ["approve"]
    assert matter.entries[-1].occurred_on == date(2026, 12, 2)  # when it was due
    is_consistent(matter.id, desk.clock)


def test_a_message_does_not_reach_a_suspended_matter(desk: Desk) -> None:
    matter = desk.start(withdrawable())
    matter.suspend()
    with pytest.raises(NotRunning):
        matter.send("withdraw")
    matter.resume()
    assert matter.send("withdraw").ended


def test_a_suspended_matter_may_be_cancelled(desk: Desk) -> None:
    matter = desk.start(receiver())
    matter.complete("ready")
    matter.suspend()
    matter.cancel()
    assert matter.row.status == "cancelled"
    is_consistent(matter.id, desk.clock)


@pytest.mark.parametrize("reason", ["", "  "])
@pytest.mark.parametrize("name", ["cancel", "suspend"])
def test_a_reason_is_needed(desk: Desk, name: str, reason: str) -> None:
    matter = desk.start(two_steps())
    with pytest.raises(InvalidInput) as refused:
        STEERING[name](matter, reason=reason)
    assert list(refused.value.fields) == ["reason"]
    assert matter.kinds == ["started"]


@pytest.mark.parametrize("name", STEERING)
@pytest.mark.parametrize("person", ["member", "stranger", "administrator"])
def test_only_heads_steer(desk: Desk, name: str, person: str) -> None:
    matter = desk.start(two_steps())
    if name == "resume":
        matter.suspend()
    with pytest.raises(NotAllowed):
        STEERING[name](matter, by=person)


def test_the_superior_steers_too_but_nobody_their_own_matter(desk: Desk) -> None:
    package = two_steps("own", subject="person")
    matter = desk.start(package, subject="secretary", by="deputy")
    for name in ("cancel", "suspend"):
        with pytest.raises(NotAllowed):
            STEERING[name](matter, by="secretary")
    matter.suspend(by="superior")
    matter.resume(by="superior")


def test_what_only_a_superior_begins_is_not_ended_from_below(desk: Desk) -> None:
    files = dict(two_steps("assessed").files)
    manifest = files["process.toml"].decode()
    manifest = manifest.replace(
        'lanes = ["branch", "applicant"]', 'lanes = ["superior"]\nkinds = ["branch"]'
    ).replace('at = "approving"', 'at = "parent"')
    package = load_package({**files, "process.toml": manifest.encode()})
    matter = desk.start(package, by="superior")
    for steer in (matter.cancel, matter.suspend):
        with pytest.raises(NotAllowed, match="由上级党组织发起"):
            steer(by="secretary")
    view = matter_view(db.session(), desk.actor("secretary"), desk.clock, matter.id)
    assert not view.may & STEERING.keys()
    matter.suspend(by="superior")
    with pytest.raises(NotAllowed, match="由上级党组织发起"):
        matter.resume(by="secretary")
    matter.resume(by="superior")
    matter.cancel(by="superior")


@pytest.mark.parametrize("name", STEERING)
def test_a_stale_revision_is_a_clear_conflict(desk: Desk, name: str) -> None:
    matter = desk.start(two_steps())
    if name == "resume":
        matter.suspend()
    seen = matter.row.revision
    with pytest.raises(StaleRevision):
        STEERING[name](matter, revision=seen - 1)
    STEERING[name](matter, revision=seen)
    assert matter.row.revision == seen + 1


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ([], "resume"),
        (["suspend"], "suspend"),
        (["cancel"], "cancel"),
        (["cancel"], "suspend"),
        (["cancel"], "resume"),
    ],
)
def test_what_does_not_fit_the_state_is_a_conflict(desk: Desk, first: list[str], then: str) -> None:
    matter = desk.start(two_steps())
    for name in first:
        STEERING[name](matter)
    before = matter.kinds
    with pytest.raises(Conflict):
        STEERING[then](matter)
    assert matter.kinds == before
    is_consistent(matter.id, desk.clock)


def test_a_completed_matter_cannot_be_steered(desk: Desk) -> None:
    matter = desk.start(two_steps())
    matter.complete("apply")
    matter.complete("approve")
    for name in STEERING:
        with pytest.raises(NotRunning):
            STEERING[name](matter)
    assert matter.row.status == "completed"


def test_a_matter_that_does_not_exist_is_not_found(desk: Desk) -> None:
    with pytest.raises(NotFound):
        operations.cancel_instance(
            987654321, "终止", actor=desk.actor("secretary"), clock=desk.clock
        )


def test_a_matter_keeps_its_place_in_the_tree(desk: Desk) -> None:
    matter: Matter = desk.start(two_steps())
    assert matter.row.path.endswith(f"/{desk.town.branch}/")
