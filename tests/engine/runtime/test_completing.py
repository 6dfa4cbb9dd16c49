"""Completing a task: days, rights, drafts, files, and what the ledger keeps."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy.dialects.postgresql import insert

from engine.attachments.models import Attachment, Blob
from engine.database import db, unit_of_work
from engine.directory.membership import status_on, timeline
from engine.errors import (
    AlreadyClaimed,
    GuichengError,
    InvalidInput,
    NotAllowed,
    NotFound,
    NotRunning,
    StaleRevision,
    TaskClosed,
)
from engine.forms.drafts import load_draft, save_draft
from engine.runtime import operations
from tests.bpmn_builder import Catch, Fork, Loop, Task, Throw, Xor, date_timer
from tests.factories import (
    FILE,
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
DAY = timedelta(days=1)


def upload(desk: Desk, by: str, matter: Matter | None = None) -> int:
    """Upload a file and return its id."""
    with unit_of_work() as session:
        session.execute(
            insert(Blob)
            .values(sha256=FILE, size=1, media_type="application/pdf", created_at=desk.clock.now())
            .on_conflict_do_nothing()
        )
        attachment = Attachment(
            instance_id=matter.id if matter else None,
            task_id=None,
            document="材料",
            name="材料.pdf",
            sha256=FILE,
            uploaded_by=desk.town.people[by],
            uploaded_at=desk.clock.now(),
        )
        session.add(attachment)
        session.flush()
        return int(attachment.id)


def unchanged_after(matter: Matter, error: type[GuichengError], **attempt: Any) -> GuichengError:
    """Assert that completing is refused with this error and leaves the matter as it was."""
    before = (matter.row.revision, bytes(matter.row.snapshot or b""), matter.kinds, matter.open)
    with pytest.raises(error) as refused:
        matter.complete(**attempt)
    now = (matter.row.revision, bytes(matter.row.snapshot or b""), matter.kinds, matter.open)
    assert now == before
    is_consistent(matter.id, matter.desk.clock)
    return refused.value


# --- what is written -------------------------------------------------------------------------


def test_a_step_writes_one_entry_with_both_dates_and_the_state_before(desk: Desk) -> None:
    matter = desk.start(two_steps())
    before = bytes(matter.row.snapshot or b"")
    day = TODAY - 2 * DAY
    started = matter.row
    assert started.started_on == TODAY
    with pytest.raises(InvalidInput):
        matter.complete("apply", on=day)  # before the matter began
    matter.complete("apply", {"note": "说明"})
    entry = matter.entries[-1]
    assert (entry.kind, entry.element) == ("completed", "apply")
    assert entry.occurred_on == TODAY
    assert entry.recorded_at == desk.clock.now()
    assert entry.actor_id == desk.town.people["secretary"]
    assert bytes(entry.snapshot or b"") == before
    payload = matter.payload()
    assert payload["data"]["note"] == "说明"
    assert payload["opened"] == ["approve"]
    assert payload["post"] == f"o{desk.town.branch}:secretary"


def test_the_last_step_ends_the_matter(desk: Desk) -> None:
    matter = desk.start(two_steps())
    matter.complete("apply")
    done = matter.complete("approve", by="deputy")
    assert done.ended
    row = matter.row
    assert (row.status, row.ended_on, row.snapshot) == ("completed", TODAY, None)
    assert row.ended_at == desk.clock.now()
    is_consistent(matter.id, desk.clock)


def test_the_two_axes_are_kept_apart(desk: Desk) -> None:
    matter = desk.start(two_steps(), on=date(2026, 11, 2))
    matter.complete("apply", on=date(2026, 11, 3))
    desk.clock.set(date(2026, 11, 25))
    matter.complete("approve", on=date(2026, 11, 20))
    days = [(e.occurred_on, e.recorded_at) for e in matter.entries]
    assert [day for day, _ in days] == [
        date(2026, 11, 2),
        date(2026, 11, 3),
        date(2026, 11, 20),
    ]
    assert days[-1][1] == desk.clock.now()
    assert matter.row.ended_on == date(2026, 11, 20)


# --- days --------------------------------------------------------------------------------------


def test_today_is_accepted_and_tomorrow_is_not(desk: Desk) -> None:
    matter = desk.start(two_steps())
    error = unchanged_after(matter, InvalidInput, element="apply", on=TODAY + DAY)
    assert isinstance(error, InvalidInput)
    assert list(error.fields) == ["occurred_on"]
    assert matter.complete("apply", on=TODAY)


def test_the_day_of_the_previous_step_is_accepted_and_the_day_before_is_not(desk: Desk) -> None:
    matter = desk.start(two_steps(), on=date(2026, 11, 1))
    matter.complete("apply", on=date(2026, 11, 10))
    assert matter.tasks[0].not_before == date(2026, 11, 10)
    unchanged_after(matter, InvalidInput, element="approve", on=date(2026, 11, 9))
    assert matter.complete("approve", on=date(2026, 11, 10)).ended


def test_nothing_happened_before_the_matter_began(desk: Desk) -> None:
    matter = desk.start(two_steps(), on=date(2026, 11, 1))
    unchanged_after(matter, InvalidInput, element="apply", on=date(2026, 10, 31))
    assert matter.complete("apply", on=date(2026, 11, 1))


def test_after_a_join_the_later_branch_counts(desk: Desk) -> None:
    matter = desk.start(parallel(), on=date(2026, 11, 1))
    matter.complete("apply", on=date(2026, 11, 1))
    matter.complete("right", on=date(2026, 11, 15))
    matter.complete("left", on=date(2026, 11, 3))  # the other branch is not held up by it
    matter.complete("left_again", on=date(2026, 11, 4))
    assert matter.tasks[0].not_before == date(2026, 11, 15)
    unchanged_after(matter, InvalidInput, element="conclude", on=date(2026, 11, 14))
    assert matter.complete("conclude", on=date(2026, 11, 15)).ended


def test_the_earliest_lawful_day_is_a_border_with_two_sides(desk: Desk) -> None:
    steps = {"approve": "earliest = \"add_days(on['apply'], 5)\""}
    matter = desk.start(two_steps("with_earliest", steps=steps), on=date(2026, 11, 1))
    matter.complete("apply", on=date(2026, 11, 10))
    assert matter.tasks[0].earliest_on == date(2026, 11, 15)
    unchanged_after(matter, InvalidInput, element="approve", on=date(2026, 11, 14))
    assert matter.complete("approve", on=date(2026, 11, 15)).ended


def test_the_limit_is_shown_and_a_late_step_is_still_accepted(desk: Desk) -> None:
    steps = {"approve": "due = \"add_months(on['apply'], 1)\""}
    matter = desk.start(two_steps("with_due", steps=steps), on=date(2026, 1, 31))
    matter.complete("apply", on=date(2026, 1, 31))
    assert matter.tasks[0].due_on == date(2026, 2, 28)
    assert matter.complete("approve").ended


@pytest.mark.parametrize(("days", "marked"), [(0, False), (7, False), (8, True), (400, True)])
def test_what_is_recorded_more_than_seven_days_late_is_marked(
    desk: Desk, days: int, marked: bool
) -> None:
    day = TODAY - timedelta(days=days)
    matter = desk.start(two_steps(), on=day)
    matter.complete("apply", on=day)
    assert matter.row.backfilled is marked
    assert matter.payload().get("backfilled", False) is marked


def test_the_mark_stays_for_ever(desk: Desk) -> None:
    matter = desk.start(two_steps(), on=date(2026, 1, 1))
    matter.complete("apply", on=date(2026, 1, 1))
    matter.complete("approve")
    assert matter.row.backfilled
    assert "backfilled" not in matter.payload()


def test_a_day_begins_in_shanghai(desk: Desk) -> None:
    from datetime import UTC, datetime

    matter = desk.start(two_steps())
    desk.clock.at = datetime(2026, 11, 22, 16, 30, tzinfo=UTC)  # 00:30 of the 23rd in Shanghai
    assert matter.complete("apply", on=date(2026, 11, 23))
    matter.complete("approve")
    assert matter.row.ended_on == date(2026, 11, 23)


# --- who -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["stranger", "member", "applicant"])
def test_who_has_nothing_to_do_with_it_is_refused(desk: Desk, name: str) -> None:
    matter = desk.start(two_steps())
    unchanged_after(matter, NotAllowed, element="apply", by=name)


def test_a_task_that_does_not_exist_is_not_found(desk: Desk) -> None:
    with pytest.raises(NotFound):
        operations.complete_task(987654321, {}, actor=desk.actor("secretary"), clock=desk.clock)


def test_a_task_of_the_superior_is_not_for_the_branch(desk: Desk) -> None:
    matter = desk.start(two_steps("two_levels", lanes={"approve": "superior"}))
    matter.complete("apply")
    assert desk.inbox("secretary") == []
    assert desk.inbox("superior") == ["approve"]
    unchanged_after(matter, NotAllowed, element="approve", by="secretary")
    assert matter.complete("approve", by="superior").ended


def test_nobody_decides_on_their_own_matter(desk: Desk) -> None:
    package = procedure(
        "decision",
        [Task("apply"), Task("approve")],
        subject="person",
        steps={"approve": "decision = true"},
    )
    matter = desk.start(package, subject="secretary", by="deputy")
    matter.complete("apply", by="deputy")
    unchanged_after(matter, NotAllowed, element="approve", by="secretary")
    assert matter.complete("approve", by="deputy").ended


def test_a_claimed_task_is_for_who_claimed_it(desk: Desk) -> None:
    matter = desk.start(two_steps())
    matter.claim("apply")
    unchanged_after(matter, AlreadyClaimed, element="apply", by="deputy")
    assert matter.complete("apply")


def test_a_closed_task_says_so(desk: Desk) -> None:
    matter = desk.start(two_steps())
    task = matter.task("apply")
    matter.complete("apply")
    with pytest.raises(TaskClosed):
        operations.complete_task(task, {}, actor=desk.actor("deputy"), clock=desk.clock)


def test_a_stale_revision_is_a_clear_conflict(desk: Desk) -> None:
    matter = desk.start(two_steps())
    matter.claim("apply")
    matter.unclaim("apply")
    assert matter.tasks[0].revision == 3
    unchanged_after(matter, StaleRevision, element="apply", revision=1)
    assert matter.complete("apply", revision=3)


def test_a_suspended_or_ended_matter_takes_no_step(desk: Desk) -> None:
    matter = desk.start(two_steps())
    task = matter.task("apply")
    matter.suspend()
    unchanged_after(matter, NotRunning, element="apply")
    matter.cancel()
    with pytest.raises((NotRunning, TaskClosed)):
        operations.complete_task(task, {}, actor=desk.actor("secretary"), clock=desk.clock)


# --- forms, drafts, files -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        {"note": "x" * 100_000},
        {"amount": "viel"},
        {"amount": 1.5},
        {"contacts": ["nobody"]},
        {"contacts": [987654321]},
        {"files": [987654321]},
        {"files": "all"},
        {"note": {"a": 1}},
        {"note": "\x00"},
        {"nothing": 1},
    ],
    ids=str,
)
def test_bad_input_is_refused_at_its_field_and_changes_nothing(
    desk: Desk, data: dict[str, Any]
) -> None:
    matter = desk.start(two_steps())
    error = unchanged_after(matter, InvalidInput, element="apply", data=data)
    assert isinstance(error, InvalidInput)
    assert any(name.split(".")[0] in data for name in error.fields), error.fields


def test_drafts_go_with_their_task(desk: Desk) -> None:
    matter = desk.start(parallel())
    matter.complete("apply")
    tasks = {name: matter.task(name) for name in ("left", "right")}
    person = desk.town.people["secretary"]
    with unit_of_work() as session:
        for task in tasks.values():
            save_draft(session, desk.clock, task_id=task, person_id=person, data={"note": "草稿"})
    matter.complete("left")
    session = db.session()
    assert load_draft(session, task_id=tasks["left"], person_id=person) is None
    assert load_draft(session, task_id=tasks["right"], person_id=person) is not None
    matter.cancel()
    assert load_draft(session, task_id=tasks["right"], person_id=person) is None


def test_a_file_of_one_s_own_becomes_the_matter_s(desk: Desk) -> None:
    matter = desk.start(two_steps())
    file = upload(desk, "secretary")
    matter.complete("apply", {"files": [file]})
    attachment = db.session().get_one(Attachment, file, populate_existing=True)
    assert attachment.instance_id == matter.id


def test_a_file_of_another_matter_or_person_is_refused(desk: Desk) -> None:
    package = two_steps()
    matter, other = desk.start(package), desk.start(package)
    for file in (upload(desk, "secretary", other), upload(desk, "deputy")):
        unchanged_after(matter, InvalidInput, element="apply", data={"files": [file]})
        attachment = db.session().get_one(Attachment, file, populate_existing=True)
        assert attachment.instance_id in (None, other.id)


def test_a_file_that_was_used_elsewhere_is_refused(desk: Desk) -> None:
    package = two_steps()
    first, second = desk.start(package), desk.start(package)
    file = upload(desk, "secretary")
    first.complete("apply", {"files": [file]})
    unchanged_after(second, InvalidInput, element="apply", data={"files": [file]})
    first.complete("approve", {"files": [file]})  # in its own matter it may be named again


# --- ways through the procedure ----------------------------------------------------------------


def test_a_choice_sees_what_was_entered(desk: Desk) -> None:
    package = procedure(
        "choice",
        [Task("apply"), Xor([('decision == "yes"', [Task("approve")]), (None, [Task("refuse")])])],
    )
    for word, opened in (("yes", "approve"), ("no", "refuse"), ("", "refuse")):
        matter = desk.start(package)
        matter.complete("apply", {"decision": word} if word else {})
        assert matter.open == [opened]


def test_a_loop_of_many_rounds_keeps_the_cost_of_a_step(desk: Desk) -> None:
    matter = desk.start(round_trip())
    matter.complete("work", {"decision": "again"})
    small = len(matter.row.snapshot or b"")
    for _ in range(30):
        matter.complete("work", {"decision": "again"})
    assert len(matter.row.snapshot or b"") == small
    assert matter.complete("work", {"decision": "enough"}).opened
    assert matter.open == ["finish"]
    is_consistent(matter.id, desk.clock)


def test_a_variable_left_empty_in_a_later_round_is_forgotten(desk: Desk) -> None:
    package = procedure("forgets", [Loop([Task("work")], "amount == 1"), Task("finish")])
    matter = desk.start(package)
    matter.complete("work", {"amount": 1})
    assert matter.open == ["work"]
    matter.complete("work", {})
    assert matter.open == ["finish"]


def test_effects_change_the_membership_once_and_say_where_from(desk: Desk) -> None:
    package = procedure(
        "admits",
        [Task("apply"), Throw("become"), Task("approve")],
        subject="person",
        more='[[effect]]\nafter = "become"\nset_status = "applicant"\n'
        '[[effect]]\nafter = "approve"\noutcome = "agreed"\noutcome_title = "同意"\n',
    )
    matter = desk.start(package, subject="applicant", on=date(2026, 11, 1))
    matter.complete("apply", on=date(2026, 11, 5))
    person = desk.town.people["applicant"]
    session = db.session()
    assert status_on(session, person, date(2026, 11, 4)) == "none"
    assert status_on(session, person, date(2026, 11, 5)) == "applicant"
    last = timeline(session, person)[-1]
    assert (last.source_chain, last.source_seq) == (matter.id, 2)
    assert matter.payload()["status"] == [["applicant", "2026-11-05"]]
    matter.complete("approve")
    assert matter.row.outcome == "agreed"


def test_an_effect_after_a_join_counts_from_the_later_branch(desk: Desk) -> None:
    package = procedure(
        "joined",
        [Fork([[Task("left")], [Task("right")]]), Throw("become"), Task("last")],
        subject="person",
        more='[[effect]]\nafter = "become"\nset_status = "applicant"\n',
    )
    matter = desk.start(package, subject="applicant", on=date(2026, 11, 1))
    matter.complete("left", on=date(2026, 11, 15))
    matter.complete("right", on=date(2026, 11, 3))  # recorded last, happened first
    assert matter.payload()["status"] == [["applicant", "2026-11-15"]]


def test_an_effect_after_a_wait_of_a_paper_case_counts_from_the_end_of_the_wait(
    desk: Desk,
) -> None:
    package = procedure(
        "waits_then_admits",
        [
            Task("apply"),
            Catch("wait", date_timer('add_days(on["apply"], 10)')),
            Throw("become"),
        ],
        subject="person",
        more='[[effect]]\nafter = "become"\nset_status = "applicant"\n',
    )
    matter = desk.start(package, subject="applicant", on=date(2026, 3, 1))
    matter.complete("apply", on=date(2026, 3, 1))
    matter.fire()
    assert matter.row.status == "completed"
    last = timeline(db.session(), desk.town.people["applicant"])[-1]
    assert (last.status, last.since) == ("applicant", date(2026, 3, 11))
    assert matter.row.ended_on == date(2026, 3, 11)


def test_a_step_after_a_wait_did_not_happen_before_its_end(desk: Desk) -> None:
    matter = desk.start(waiting(days=10), on=date(2026, 3, 1))
    matter.complete("apply", on=date(2026, 3, 1))
    matter.fire()
    unchanged_after(matter, InvalidInput, element="approve", on=date(2026, 3, 10))
    assert matter.complete("approve", on=date(2026, 3, 11)).ended
