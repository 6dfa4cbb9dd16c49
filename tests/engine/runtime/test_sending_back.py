"""Sending back: the procedure stands exactly where it stood, and the record of it stays."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest

from engine.database import db
from engine.definitions.versions import load_definition
from engine.directory.membership import status_on
from engine.errors import InvalidInput, NotAllowed, NotRunning, StaleRevision, TaskClosed
from engine.ledger.kinds import EntryKind
from engine.runtime.queries.records import read_trail, step_records
from engine.runtime.roles import read_people
from tests.bpmn_builder import Catch, Fork, Task, Throw, Xor, date_timer
from tests.factories import (
    CONTACTS,
    Desk,
    Matter,
    is_consistent,
    parallel,
    procedure,
    round_trip,
    two_steps,
    waiting,
)

TODAY = date(2026, 11, 22)


def standing(matter: Matter) -> Mapping[str, Any]:
    """Return all that a send-back has to restore."""
    row = matter.row
    return {
        "snapshot": bytes(row.snapshot or b""),
        "open": [
            (t.uid, t.element, sorted(t.candidates), t.not_before, t.earliest_on, t.due_on)
            for t in sorted(matter.tasks, key=lambda task: task.element)
        ],
        "timers": {name: timer.due_at for name, timer in matter.timers.items()},
        "participants": read_people(db.session(), matter.id),
        "outcome": row.outcome,
        "status": row.status,
    }


def test_everything_is_as_it_was_before_the_step(desk: Desk) -> None:
    matter = desk.start(two_steps())
    before = standing(matter)
    matter.complete("apply", {"note": "第一稿"})
    done = matter.send_back("approve", "apply", by="deputy", reason="材料不全")
    assert standing(matter) == before
    assert list(done.opened.values()) == ["apply"]
    assert matter.tasks[0].returned
    assert desk.inbox("secretary") == ["apply"]
    is_consistent(matter.id, desk.clock)


def test_the_record_stays_and_says_who_sent_back_and_why(desk: Desk) -> None:
    matter = desk.start(two_steps())
    matter.complete("apply", {"note": "第一稿"})
    matter.send_back("approve", "apply", by="deputy", reason="材料不全")
    assert matter.kinds == ["started", "completed", "sent_back"]
    entry, payload = matter.entries[-1], matter.payload()
    assert (entry.element, entry.actor_id) == ("approve", desk.town.people["deputy"])
    assert (payload["target"], payload["reason"]) == ("apply", "材料不全")
    assert matter.payload(1)["data"]["note"] == "第一稿"


def test_the_step_can_be_done_again_and_sent_back_again(desk: Desk) -> None:
    matter = desk.start(two_steps())
    for number in range(4):
        matter.complete("apply", {"note": f"第 {number} 稿"})
        matter.send_back("approve", "apply")
    matter.complete("apply")
    assert matter.complete("approve").ended
    is_consistent(matter.id, desk.clock)


@pytest.mark.parametrize("reason", ["", " ", "\n\t"])
def test_a_reason_is_needed(desk: Desk, reason: str) -> None:
    matter = desk.start(two_steps())
    matter.complete("apply")
    with pytest.raises(InvalidInput) as refused:
        matter.send_back("approve", "apply", reason=reason)
    assert list(refused.value.fields) == ["reason"]
    assert matter.open == ["approve"]


@pytest.mark.parametrize("target", ["approve", "no_such_step", "start"])
def test_only_the_targets_of_the_package_are_allowed(desk: Desk, target: str) -> None:
    matter = desk.start(two_steps())
    matter.complete("apply")
    with pytest.raises(NotAllowed):
        matter.send_back("approve", target)
    assert matter.kinds == ["started", "completed"]
    is_consistent(matter.id, desk.clock)


def test_a_step_without_targets_sends_back_nowhere(desk: Desk) -> None:
    matter = desk.start(two_steps("no_targets", steps={}))
    matter.complete("apply")
    with pytest.raises(NotAllowed):
        matter.send_back("approve", "apply")


def test_a_step_that_was_never_done_is_no_target(desk: Desk) -> None:
    package = procedure(
        "either",
        [
            Task("apply"),
            Xor([('decision == "long"', [Task("review")]), (None, [Task("glance")])]),
            Task("approve"),
        ],
        steps={"approve": 'send_back = ["review", "glance", "apply"]'},
    )
    matter = desk.start(package)
    matter.complete("apply", {"decision": "short"})
    matter.complete("glance")
    with pytest.raises(NotAllowed):
        matter.send_back("approve", "review")
    matter.send_back("approve", "glance")
    assert matter.open == ["glance"]


def test_a_completion_that_was_undone_is_no_target(desk: Desk) -> None:
    package = procedure(
        "undone",
        [
            Task("apply"),
            Xor([('decision == "long"', [Task("review")]), (None, [Task("glance")])]),
            Task("approve"),
        ],
        steps={"approve": 'send_back = ["review", "glance", "apply"]'},
    )
    matter = desk.start(package)
    matter.complete("apply", {"decision": "long"})
    matter.complete("review")
    matter.send_back("approve", "apply")
    matter.complete("apply", {"decision": "short"})
    matter.complete("glance")
    before = standing(matter)
    with pytest.raises(NotAllowed):
        matter.send_back("approve", "review")  # of a way that was given up
    assert standing(matter) == before
    matter.send_back("approve", "apply")
    assert matter.open == ["apply"]
    trail = read_trail(
        db.session(), load_definition(db.session(), matter.row.version_id), matter.id
    )
    done = {e.seq for e in trail.entries if e.kind == EntryKind.COMPLETED}
    assert done <= trail.undone
    assert all(record.undone for record in step_records(trail, with_data=False))


def test_the_earlier_of_two_rounds_is_not_reached_by_one_send_back(desk: Desk) -> None:
    matter = desk.start(round_trip())
    matter.complete("work", {"decision": "again"})
    second = standing(matter)
    matter.complete("work", {"decision": "enough"})
    matter.send_back("finish", "work")
    assert standing(matter) == second


def test_out_of_a_parallel_branch_the_whole_matter_goes_back(desk: Desk) -> None:
    matter = desk.start(parallel())
    matter.complete("apply")
    before = standing(matter)
    matter.claim("right", by="deputy")
    matter.complete("left")
    matter.send_back("left_again", "left")
    assert standing(matter) == before
    assert [task.returned for task in matter.tasks if task.element == "right"] == [False]
    assert desk.inbox("deputy") == ["left", "right"]  # what was claimed stays claimed
    is_consistent(matter.id, desk.clock)


def test_out_of_a_parallel_branch_to_before_the_fork(desk: Desk) -> None:
    matter = desk.start(parallel())
    before = standing(matter)
    matter.complete("apply")
    matter.complete("left")
    matter.send_back("left_again", "apply")
    assert standing(matter) == before
    is_consistent(matter.id, desk.clock)
    for step in ("apply", "right", "left", "left_again", "conclude"):
        matter.complete(step)
    assert matter.row.status == "completed"


def test_work_of_the_other_branch_done_since_is_open_again(desk: Desk) -> None:
    matter = desk.start(parallel())
    matter.complete("apply")
    before = standing(matter)
    matter.complete("left")
    matter.complete("right")
    matter.send_back("left_again", "left")
    assert standing(matter) == before
    assert matter.kinds.count("completed") == 3  # the record of it stays
    is_consistent(matter.id, desk.clock)


def test_membership_changes_made_since_are_revoked_and_made_anew(desk: Desk) -> None:
    package = procedure(
        "revokes",
        [Task("apply"), Throw("become"), Task("approve")],
        subject="person",
        steps={"approve": 'send_back = ["apply"]'},
        more='[[effect]]\nafter = "become"\nset_status = "applicant"\n',
    )
    matter = desk.start(package, subject="applicant", on=date(2026, 11, 1))
    person = desk.town.people["applicant"]

    def status() -> str:
        return status_on(db.session(), person, TODAY)

    matter.complete("apply", on=date(2026, 11, 5))
    assert status() == "applicant"
    matter.send_back("approve", "apply")
    assert status() == "none"
    matter.complete("apply", on=date(2026, 11, 9))
    assert status() == "applicant"
    assert status_on(db.session(), person, date(2026, 11, 8)) == "none"


def test_people_of_the_matter_are_those_of_before(desk: Desk) -> None:
    package = procedure(
        "people",
        [Task("assign"), Task("examine"), Task("approve")],
        lanes={"examine": "contacts"},
        steps={
            "examine": 'send_back = ["assign"]',
            "approve": 'send_back = ["assign", "examine"]',
        },
        more=CONTACTS.format("assign"),
    )
    matter = desk.start(package)
    people = desk.town.people
    nobody = standing(matter)
    matter.complete("assign", {"contacts": [people["member"]]})
    assert desk.inbox("member") == ["examine"]
    first = standing(matter)
    matter.complete("examine", by="member")
    matter.send_back("approve", "examine")
    assert standing(matter) == first
    matter.complete("examine", by="member")
    matter.send_back("approve", "assign")
    assert standing(matter) == nobody
    assert read_people(db.session(), matter.id) == {}
    matter.complete("assign", {"contacts": [people["other_member"]]})
    assert desk.inbox("member") == []
    assert desk.inbox("other_member") == ["examine"]
    is_consistent(matter.id, desk.clock)


def test_with_the_role_undone_the_task_goes_to_the_lane_that_stands_in(desk: Desk) -> None:
    package = procedure(
        "stands_in",
        [Task("examine"), Task("assign"), Task("approve")],
        lanes={"examine": "contacts"},
        steps={"approve": 'send_back = ["examine"]'},
        more=CONTACTS.format("assign"),
    )
    matter = desk.start(package)
    assert desk.inbox("secretary") == ["examine"]
    matter.complete("examine")
    matter.complete("assign", {"contacts": [desk.town.people["member"]]})
    matter.send_back("approve", "examine")
    assert desk.inbox("secretary") == ["examine"]
    assert desk.inbox("member") == []


def test_the_outcome_is_that_of_before(desk: Desk) -> None:
    package = procedure(
        "outcome",
        [Task("apply"), Task("decide"), Task("approve")],
        steps={"approve": 'send_back = ["decide", "apply"]'},
        more='[[effect]]\nafter = "apply"\noutcome = "applied"\noutcome_title = "已申请"\n'
        '[[effect]]\nafter = "decide"\noutcome = "agreed"\noutcome_title = "同意"\n',
    )
    matter = desk.start(package)
    matter.complete("apply")
    matter.complete("decide")
    assert matter.row.outcome == "agreed"
    matter.send_back("approve", "decide")
    assert matter.row.outcome == "applied"
    matter.complete("decide")
    matter.send_back("approve", "apply")
    assert matter.row.outcome is None


def test_a_timer_is_armed_again_as_it_was(desk: Desk) -> None:
    package = procedure(
        "rearms",
        [
            Task("apply"),
            Fork(
                [
                    [Catch("wait", date_timer('add_days(on["apply"], 10)')), Task("after_wait")],
                    [Task("talk"), Task("report")],
                ]
            ),
        ],
        steps={"report": 'send_back = ["talk"]'},
    )
    matter = desk.start(package)
    matter.complete("apply")
    armed = standing(matter)
    matter.complete("talk")
    desk.clock.set(date(2026, 12, 10))
    matter.fire()
    assert matter.open == ["after_wait", "report"]
    matter.send_back("report", "talk")
    assert standing(matter) == armed
    assert matter.fire() == 1  # it is due all the same
    assert matter.open == ["after_wait", "talk"]
    assert len(desk.jobs("fire_timers")) >= 2
    is_consistent(matter.id, desk.clock)


def test_over_a_wait_that_was_over(desk: Desk) -> None:
    matter = desk.start(waiting())
    before = standing(matter)
    matter.complete("apply")
    desk.clock.set(date(2026, 12, 10))
    matter.fire()
    matter.send_back("approve", "apply")
    assert standing(matter) == before
    is_consistent(matter.id, desk.clock)
    matter.complete("apply", on=date(2026, 12, 10))
    assert matter.fire() == 0
    assert matter.timers["wait"].due_at.isoformat() == "2026-12-19T16:00:00+00:00"


def test_conflicts_are_clear(desk: Desk) -> None:
    matter = desk.start(two_steps())
    matter.complete("apply")
    task = matter.task("approve")
    with pytest.raises(StaleRevision):
        matter.send_back("approve", "apply", revision=7)
    with pytest.raises(NotAllowed):
        matter.send_back("approve", "apply", by="stranger")
    matter.suspend()
    with pytest.raises(NotRunning):
        matter.send_back("approve", "apply")
    matter.resume()
    matter.complete("approve")
    from engine.runtime import operations

    with pytest.raises(TaskClosed):
        operations.send_back(task, "apply", "晚了", actor=desk.actor("secretary"), clock=desk.clock)
