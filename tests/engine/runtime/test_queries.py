"""The reading side: inboxes, matters and tasks as those see them who may."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import update

from engine.database import db, unit_of_work
from engine.errors import Conflict, InvalidInput, NotAllowed, NotFound
from engine.forms.drafts import save_draft
from engine.ledger.kinds import EntryKind
from engine.runtime import queries
from engine.runtime.models import Instance, Task
from engine.runtime.views import Bucket, Inbox, MatterStatus, Progress
from tests.bpmn_builder import Catch, Xor, date_timer
from tests.factories import (
    Desk,
    Matter,
    UserTask,
    parallel,
    procedure,
    round_trip,
    two_steps,
    waiting,
    withdrawable,
)

TODAY = date(2026, 11, 22)
LIMITED = 'due = "add_days(started_on, {})"'


def limited(days: int | None) -> str:
    return "" if days is None else LIMITED.format(days)


def inbox(desk: Desk, name: str, **wanted: object) -> Inbox:
    return queries.inbox(db.session(), desk.actor(name), desk.clock, **wanted)  # type: ignore[arg-type]


def elements(page: Inbox) -> list[str]:
    return [row.element for row in page.rows]


# --- the inbox -------------------------------------------------------------------------------


def test_the_most_urgent_stands_first_and_the_counts_agree(desk: Desk) -> None:
    for name, days in (("none", None), ("later", 40), ("soon", 5), ("late", 1)):
        desk.start(
            procedure(f"limit_{name}", [UserTask(name)], steps={name: limited(days)}),
            on=date(2026, 11, 18),
        )
    page = inbox(desk, "secretary")
    assert elements(page) == ["late", "soon", "later", "none"]
    assert page.counts == {"overdue": 1, "soon": 1, "todo": 4}
    assert elements(inbox(desk, "secretary", bucket=Bucket.OVERDUE)) == ["late"]
    assert elements(inbox(desk, "secretary", bucket=Bucket.SOON)) == ["soon"]
    assert [row.due_on for row in page.rows][-1] is None
    assert elements(inbox(desk, "stranger")) == []


@pytest.mark.parametrize(
    ("days", "bucket"),
    [(-1, Bucket.OVERDUE), (0, Bucket.SOON), (10, Bucket.SOON), (11, Bucket.TODO)],
)
def test_the_borders_of_the_buckets(desk: Desk, days: int, bucket: Bucket) -> None:
    package = procedure("border", [UserTask("work")], steps={"work": limited(days)})
    desk.start(package, on=TODAY)
    for one in (Bucket.OVERDUE, Bucket.SOON):
        assert elements(inbox(desk, "secretary", bucket=one)) == (["work"] if one is bucket else [])


def test_pages_follow_one_another_without_gap_or_double(desk: Desk) -> None:
    package = two_steps()
    ids = [desk.start(package).id for _ in range(7)]
    seen: list[int] = []
    cursor = None
    for _ in range(10):
        page = inbox(desk, "secretary", cursor=cursor, limit=3)
        seen += [row.instance_id for row in page.rows]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == ids


@pytest.mark.parametrize("bucket", [Bucket.TODO, Bucket.WAITING, Bucket.DONE])
@pytest.mark.parametrize("cursor", ["x", "2026-01-01", "2026-13-01.1", "2026-01-01." + "9" * 30])
def test_a_cursor_that_we_did_not_give_is_refused(desk: Desk, bucket: Bucket, cursor: str) -> None:
    with pytest.raises(InvalidInput):
        inbox(desk, "secretary", bucket=bucket, cursor=cursor)


def test_filters_by_procedure_organisation_and_words(desk: Desk) -> None:
    matter = desk.start(two_steps(prefix="SS"))
    desk.start(parallel())
    assert len(inbox(desk, "secretary", process="parallel").rows) == 1
    branch = desk.town.branch
    assert len(inbox(desk, "secretary", organisation_id=branch).rows) == 2
    assert len(inbox(desk, "secretary", organisation_id=branch + 1).rows) == 0
    found = inbox(desk, "secretary", text_wanted=matter.row.number)
    assert [row.instance_id for row in found.rows] == [matter.id]
    for words in ("%", "\\", "'; DROP TABLE task"):
        assert inbox(desk, "secretary", text_wanted=words).rows == ()
    assert len(inbox(desk, "secretary", text_wanted="\x00").rows) == 2  # nothing is looked for


@pytest.mark.parametrize("serial", [7, 9999, 10000, 123456])
def test_a_matter_is_found_by_its_number_however_long(desk: Desk, serial: int) -> None:
    matter = desk.start(two_steps(prefix="LN"))
    with unit_of_work() as session:
        session.execute(update(Instance).where(Instance.id == matter.id).values(serial=serial))
    number = f"LN-2026-{serial:04d}"
    assert matter.row.number == number
    assert len(inbox(desk, "secretary", text_wanted=number).rows) == 1
    rows, _ = queries.matters(db.session(), desk.actor("secretary"), desk.clock, text_wanted=number)
    assert [row.id for row in rows] == [matter.id]


def test_what_waits_for_others_and_what_is_done(desk: Desk) -> None:
    matter = desk.start(two_steps("levels", lanes={"approve": "superior"}))
    matter.complete("apply")
    assert elements(inbox(desk, "secretary")) == []
    assert elements(inbox(desk, "secretary", bucket=Bucket.WAITING)) == ["approve"]
    assert elements(inbox(desk, "secretary", bucket=Bucket.DONE)) == ["apply"]
    assert elements(inbox(desk, "stranger", bucket=Bucket.WAITING)) == []


def test_a_task_offered_twice_stands_once(desk: Desk) -> None:
    from engine.directory.models import Post

    with unit_of_work() as session:
        session.add(
            Post(
                person_id=desk.town.people["secretary"],
                organisation_id=desk.town.branch,
                kind="deputy_secretary",
                since=date(2020, 1, 1),
            )
        )
    desk.start(two_steps())
    page = inbox(desk, "secretary")
    assert elements(page) == ["apply"]
    assert page.counts["todo"] == 1


def test_suspended_matters_stand_in_no_list_of_work(desk: Desk) -> None:
    matter = desk.start(two_steps())
    matter.suspend()
    for bucket in (Bucket.TODO, Bucket.WAITING):
        assert elements(inbox(desk, "secretary", bucket=bucket)) == []


# --- a task ------------------------------------------------------------------------------------


def test_a_task_page_says_what_may_be_done(desk: Desk) -> None:
    matter = desk.start(two_steps())
    matter.complete("apply", {"note": "第一稿"})
    task = matter.task("approve")
    view = queries.task_view(db.session(), desk.actor("secretary"), desk.clock, task)
    assert view.may == {"complete", "claim", "delegate", "send_back"}
    assert [target for target, _ in view.send_back_targets] == ["apply"]
    assert view.row.revision == 1
    assert [record.element for record in view.previous] == ["apply"]
    matter.claim("approve")
    view = queries.task_view(db.session(), desk.actor("deputy"), desk.clock, task)
    assert "complete" not in view.may
    view = queries.task_view(db.session(), desk.actor("secretary"), desk.clock, task)
    assert view.may == {"complete", "unclaim", "delegate", "send_back"}


def test_what_was_undone_is_offered_as_no_target(desk: Desk) -> None:
    package = procedure(
        "either_way",
        [
            UserTask("apply"),
            Xor([('decision == "long"', [UserTask("review")]), (None, [UserTask("glance")])]),
            UserTask("approve"),
        ],
        steps={"approve": 'send_back = ["review", "glance", "apply"]'},
    )
    matter = desk.start(package)
    matter.complete("apply", {"decision": "long"})
    matter.complete("review")
    matter.send_back("approve", "apply", reason="走短的")
    view = queries.task_view(
        db.session(), desk.actor("secretary"), desk.clock, matter.task("apply")
    )
    assert view.send_back_reason is not None
    assert "走短的" in view.send_back_reason
    matter.complete("apply", {"decision": "short"})
    matter.complete("glance")
    view = queries.task_view(
        db.session(), desk.actor("secretary"), desk.clock, matter.task("approve")
    )
    assert [target for target, _ in view.send_back_targets] == ["glance", "apply"]


def test_a_draft_is_shown_to_its_writer_alone(desk: Desk) -> None:
    matter = desk.start(two_steps())
    task, person = matter.task("apply"), desk.town.people["secretary"]
    with unit_of_work() as session:
        save_draft(session, desk.clock, task_id=task, person_id=person, data={"note": "一半"})
    mine = queries.task_view(db.session(), desk.actor("secretary"), desk.clock, task)
    assert mine.values["note"] == "一半"
    others = queries.task_view(db.session(), desk.actor("deputy"), desk.clock, task)
    assert "note" not in others.values or not others.values["note"]


def test_what_was_sent_back_is_not_typed_again(desk: Desk) -> None:
    matter = desk.start(two_steps())
    matter.complete("apply", {"note": "第一稿"})
    matter.send_back("approve", "apply", by="deputy", reason="材料不全")
    task = matter.task("apply")
    may = queries.task_view(db.session(), desk.actor("secretary"), desk.clock, task)
    assert (may.values["note"], may.draft_saved_at) == ("第一稿", None)
    matter.complete("apply", {"note": "第二稿"})
    assert matter.payload()["data"]["note"] == "第二稿"
    matter.send_back("approve", "apply", by="deputy", reason="再看看")
    again = queries.task_view(
        db.session(), desk.actor("secretary"), desk.clock, matter.task("apply")
    )
    assert again.values["note"] == "第二稿"


@pytest.mark.parametrize("name", ["stranger", "member", "administrator"])
def test_a_task_is_not_there_for_those_who_may_not_know(desk: Desk, name: str) -> None:
    matter = desk.start(two_steps())
    with pytest.raises(NotFound):
        queries.task_view(db.session(), desk.actor(name), desk.clock, matter.task("apply"))
    with pytest.raises(NotFound):
        queries.matter_view(db.session(), desk.actor(name), desk.clock, matter.id)


def test_a_closed_task_can_still_be_looked_at(desk: Desk) -> None:
    matter = desk.start(two_steps())
    task = matter.task("apply")
    matter.complete("apply")
    matter.complete("approve")
    view = queries.task_view(db.session(), desk.actor("secretary"), desk.clock, task)
    assert view.row.state == "completed"
    assert "complete" not in view.may


# --- a matter ----------------------------------------------------------------------------------


def test_a_matter_s_page_shows_steps_waits_and_history(desk: Desk) -> None:
    matter = desk.start(waiting())
    matter.complete("apply", {"note": "说明"})
    view = queries.matter_view(db.session(), desk.actor("secretary"), desk.clock, matter.id)
    assert [(w.element, w.until) for w in view.timers] == [("wait", date(2026, 12, 2))]
    assert [entry.kind for entry in view.history] == ["completed", "started"]
    states = {step.element: step.state for stage in view.stages for step in stage.steps}
    assert states["apply"] is Progress.DONE
    assert "approve" not in states  # a step without number shows once it is there
    assert {"cancel", "suspend"} <= view.may
    assert "resume" not in view.may


@pytest.mark.parametrize(
    ("act", "status", "may"),
    [("suspend", MatterStatus.SUSPENDED, {"resume", "cancel"}),
     ("cancel", MatterStatus.CANCELLED, set())],
)  # fmt: skip
def test_a_steered_matter_offers_what_fits(
    desk: Desk, act: str, status: MatterStatus, may: set[str]
) -> None:
    matter = desk.start(two_steps())
    getattr(matter, act)()
    view = queries.matter_view(db.session(), desk.actor("secretary"), desk.clock, matter.id)
    assert view.row.status is status
    assert view.may & {"cancel", "suspend", "resume"} == may


def test_rounds_of_a_loop_are_all_shown(desk: Desk) -> None:
    matter = desk.start(round_trip())
    for _ in range(3):
        matter.complete("work", {"decision": "again"})
    view = queries.matter_view(db.session(), desk.actor("secretary"), desk.clock, matter.id)
    (work,) = (s for stage in view.stages for s in stage.steps if s.element == "work")
    assert len(work.records) == 3
    assert work.state is Progress.NOW


def test_lists_of_matters_follow_the_right_to_see(desk: Desk) -> None:
    package = two_steps()
    mine, other = desk.start(package), desk.start(package, by="stranger", at="other")
    ended = desk.start(package)
    ended.cancel()

    def seen(name: str, **wanted: object) -> list[int]:
        rows, _ = queries.matters(db.session(), desk.actor(name), desk.clock, **wanted)  # type: ignore[arg-type]
        return [row.id for row in rows]

    assert seen("secretary") == [ended.id, mine.id]
    assert seen("secretary", status=MatterStatus.ACTIVE) == [mine.id]
    assert seen("stranger") == [other.id]
    assert seen("superior") == [ended.id, other.id, mine.id]
    assert seen("member") == []
    assert seen("superior", cursor=str(ended.id)) == [other.id, mine.id]
    with pytest.raises(InvalidInput):
        seen("superior", cursor="x")


def test_the_page_of_a_message_is_there_while_the_matter_waits_for_it(desk: Desk) -> None:
    matter = desk.start(withdrawable())
    actor = desk.actor("secretary")
    form = queries.message_view(db.session(), actor, desk.clock, matter.id, "withdraw")
    assert form.form is not None
    with pytest.raises(NotFound):
        queries.message_view(db.session(), actor, desk.clock, matter.id, "nothing")
    with pytest.raises((NotAllowed, NotFound)):
        queries.message_view(
            db.session(), desk.actor("stranger"), desk.clock, matter.id, "withdraw"
        )
    matter.send("withdraw")
    with pytest.raises(Conflict):
        queries.message_view(db.session(), actor, desk.clock, matter.id, "withdraw")


# --- starting ----------------------------------------------------------------------------------


def test_the_page_of_a_start(desk: Desk) -> None:
    key = desk.deploy(two_steps())
    view = queries.start_view(db.session(), desk.actor("secretary"), desk.clock, key)
    assert view.step_title == "apply"  # a step without number has none in its title
    assert view.organisation_id == desk.town.branch
    with pytest.raises(NotAllowed):
        queries.start_view(db.session(), desk.actor("member"), desk.clock, key)
    with pytest.raises(NotFound):
        queries.start_view(db.session(), desk.actor("secretary"), desk.clock, "nothing")
    choices = {c.key: c for c in queries.startable(db.session(), desk.actor("member"), desk.clock)}
    assert choices[key].why_not


def test_a_procedure_that_begins_with_a_wait_has_no_start_page(desk: Desk) -> None:
    key = desk.deploy(
        procedure("waits", [Catch("wait", date_timer("add_days(started_on, 3)")), UserTask("a")])
    )
    with pytest.raises(Conflict):
        queries.start_view(db.session(), desk.actor("secretary"), desk.clock, key)


def test_reading_does_not_write(desk: Desk) -> None:
    matter: Matter = desk.start(two_steps())
    before = (matter.row.revision, matter.row.chain_length)
    for _ in range(2):
        inbox(desk, "secretary")
        queries.matter_view(db.session(), desk.actor("secretary"), desk.clock, matter.id)
        queries.task_view(db.session(), desk.actor("secretary"), desk.clock, matter.task("apply"))
    assert (matter.row.revision, matter.row.chain_length) == before
    assert matter.kinds == [EntryKind.STARTED]
    assert db.session().get_one(Task, matter.task("apply")).state == "open"
