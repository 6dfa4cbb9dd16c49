"""Moving running matters to another version: what moves, by which rules, and who may."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from engine.compliance.models import Finding
from engine.database import db, unit_of_work
from engine.errors import InvalidInput, NotAllowed, NotFound, StaleRevision
from engine.forms.drafts import load_draft, save_draft
from engine.ledger.checking import check_range
from engine.ledger.faults import Report
from engine.runtime import operations
from engine.runtime.migrating import look_ahead, move_matters, preview_move
from engine.runtime.queries.conformance import matter_conformance
from tests.factories import (
    Desk,
    Matter,
    UserTask,
    administrator_of_all,
    is_consistent,
    procedure,
)
from tests.factories.rules import at_least_three, in_time
from tests.migrating import END, PLAIN, RULES, WHY, begun, deploy, move, sizes, version

# --- what moves


def test_a_matter_goes_on_with_what_the_new_version_has_ahead(desk: Desk) -> None:
    matter = begun(desk, version())
    old, revision = matter.row.version_id, matter.row.revision
    task = matter.tasks[0]
    before = (task.id, task.uid, task.revision, task.candidates, task.due_on)
    longer = version([*PLAIN[:-1], UserTask("publish"), END], version="2")
    new = deploy(desk, longer)
    admin = administrator_of_all(desk.clock)
    outlook = preview_move(db.session(), desk.clock, admin, new)
    assert [m.number for m in outlook.moving] == [matter.row.number] and not outlook.staying
    assert matter.row.version_id == old, "looking changes nothing"
    assert sizes(move_matters(desk.clock, admin, new, reason=f" {WHY} ")) == (1, 0, 0)
    assert (matter.row.version_id, matter.row.revision) == (new, revision + 1)
    assert matter.kinds == ["started", "completed", "migrated"]
    told = matter.payload()
    assert (told["from"]["id"], told["to"]["id"], told["reason"]) == (old, new, WHY)
    assert told["to"]["sha256"] == longer.sha256 and told["to"]["version"] == "2"
    assert matter.entries[-1].actor_id == admin.person_id
    task = matter.tasks[0]
    assert (task.id, task.uid, task.revision, task.candidates, task.due_on) == before
    is_consistent(matter.id, desk.clock)
    matter.complete("approve")
    assert matter.open == ["publish"]
    matter.complete("publish")
    assert matter.row.status == "completed"
    is_consistent(matter.id, desk.clock)
    found = matter_conformance(db.session(), matter.id)
    assert found is not None and not found.deviations
    raw = db.session().connection().connection.driver_connection
    assert raw is not None
    assert not list(check_range(raw, matter.id, matter.id, Report()))  # type: ignore[arg-type]


def test_twice_moves_once_and_back_is_a_move_too(desk: Desk) -> None:
    matter = begun(desk, version())
    old = matter.row.version_id
    new = deploy(desk, version(version="2"))
    assert [len(move(desk, new).moving) for _ in range(2)] == [1, 0]
    assert len(move(desk, old).moving) == 1
    assert matter.kinds[2:] == ["migrated", "migrated"]
    assert matter.row.version_id == old
    matter.complete("approve")
    assert sizes(move(desk, new)) == (0, 0, 0), "what has ended is no running matter"


def test_only_those_on_the_version_asked_for_and_no_more_than_asked(desk: Desk) -> None:
    first = [begun(desk, version()) for _ in range(3)]
    second = begun(desk, version(version="2"))
    new = deploy(desk, version(version="3"))
    source = first[0].row.version_id
    assert sizes(move(desk, new, source=source, most=2)) == (2, 0, 1)
    assert look_ahead(db.session(), desk.clock, new, most=1).left == 1
    assert len(move(desk, new, source=source).moving) == 1
    assert second.row.version_id != new and first[2].row.version_id == new


def test_it_may_be_sent_back_to_a_step_done_before_the_move(desk: Desk) -> None:
    steps = {"approve": 'send_back = ["apply"]'}
    matter = begun(desk, version(steps=steps))
    new = deploy(desk, version(version="2", steps=steps, files={"NOTES.md": "2"}))
    assert len(move(desk, new).moving) == 1
    matter.send_back("approve", "apply")
    assert matter.open == ["apply"] and matter.row.version_id == new
    is_consistent(matter.id, desk.clock)
    matter.complete("apply")
    matter.complete("approve")
    assert matter.row.status == "completed"


def test_a_suspended_matter_moves_and_stays_suspended(desk: Desk) -> None:
    matter = begun(desk, version())
    secretary = desk.actor("secretary")
    operations.suspend_instance(matter.id, "等待", actor=secretary, clock=desk.clock)
    new = deploy(desk, version(version="2"))
    assert len(move(desk, new).moving) == 1
    assert matter.row.status == "suspended" and desk.inbox("secretary") == []
    operations.resume_instance(matter.id, actor=secretary, clock=desk.clock)
    assert desk.inbox("secretary") == ["approve"]
    is_consistent(matter.id, desk.clock)


def test_a_form_that_changed_keeps_its_draft_and_refuses_what_the_old_page_sends(
    desk: Desk,
) -> None:
    matter = begun(desk, version(), done=False)
    task, secretary = matter.tasks[0], desk.actor("secretary")
    shown = task.revision
    with unit_of_work() as unit:
        mine = {"task_id": task.id, "person_id": secretary.person_id}
        save_draft(unit, desk.clock, **mine, data={"note": "写了一半"})
    new = deploy(desk, version(version="2", without="amount"))
    assert len(move(desk, new).moving) == 1
    with pytest.raises(StaleRevision):
        matter.complete("apply", {"note": "写完"}, revision=shown)
    assert load_draft(db.session(), **mine) is not None
    with pytest.raises(InvalidInput):
        matter.complete("apply", {"amount": 3})
    matter.complete("apply", {"note": "写完"}, revision=shown + 1)


# --- rules


def test_a_moved_matter_is_measured_by_the_rules_of_its_new_version(desk: Desk) -> None:
    first = version(files={"rules.toml": RULES})
    matter = begun(desk, first, amount=1)
    old, day = matter.row.version_id, desk.clock.today()
    assert matter.tasks[0].due_on == day + timedelta(days=10)
    stricter = in_time("M-1", "approve", days=4) + at_least_three("M-2", "apply")
    new = deploy(desk, version(version="2", files={"rules.toml": stricter}))
    assert findings(matter) == {}
    assert len(move(desk, new).moving) == 1
    assert matter.tasks[0].due_on == day + timedelta(days=4)
    assert findings(matter) == {"M-2": "not_met"}
    is_consistent(matter.id, desk.clock)
    assert len(move(desk, old).moving) == 1
    assert matter.tasks[0].due_on == day + timedelta(days=10)
    assert findings(matter) == {"M-2": "not_applicable"}, "its old version has no such rule"
    desk.clock.set(day + timedelta(days=5))
    assert len(move(desk, new).moving) == 1
    matter.complete("approve")
    assert findings(matter) == {"M-1": "not_met", "M-2": "not_met"}


def findings(matter: Matter) -> dict[str, str]:
    rows = db.session().execute(
        select(Finding.rule, Finding.outcome).where(
            Finding.instance_id == matter.id, Finding.outcome != "pending"
        )
    )
    return {row.rule: row.outcome for row in rows}


# --- who may


def test_who_may_not_and_what_is_not_there(desk: Desk) -> None:
    matter = begun(desk, version())
    old = matter.row.version_id
    new = deploy(desk, version(version="2"))
    other = deploy(desk, procedure("another", [UserTask("apply")]))
    admin = administrator_of_all(desk.clock)
    for name in ("secretary", "superior", "member"):
        with pytest.raises(NotAllowed):
            preview_move(db.session(), desk.clock, desk.actor(name), new)
        with pytest.raises(NotAllowed):
            move_matters(desk.clock, desk.actor(name), new, reason=WHY)
    with pytest.raises(InvalidInput):
        move_matters(desk.clock, admin, new, reason="  ")
    for target, source in ((999_999_999, None), (new, 999_999_999), (new, other), (new, new)):
        with pytest.raises(NotFound):
            move_matters(desk.clock, admin, target, reason=WHY, source=source)
    assert matter.row.version_id == old
    assert sizes(move(desk, other)) == (0, 0, 0), "of its own procedure only"
