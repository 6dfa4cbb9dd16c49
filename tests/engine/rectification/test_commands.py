"""What people say of an item: by whom, once, and on record in the matter's own chain."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from engine.attachments.models import Attachment
from engine.attachments.operations import add_attachment
from engine.attachments.store import Store
from engine.compliance.models import Finding
from engine.database import db, unit_of_work
from engine.errors import Conflict, InvalidInput, NotAllowed, NotFound, StaleRevision
from engine.jobs import rejudge_below
from engine.rectification.queries import (
    evidence_of,
    items_of_matter,
    list_items,
    show_item,
    work_of,
)
from engine.rectification.views import ItemFilter
from engine.retention.copies import GONE
from engine.retention.operations import erase_payloads
from engine.runtime import operations
from engine.runtime.commands import ReusedCommand
from tests.engine.conftest import Live
from tests.factories import Desk, Matter
from tests.races import at_once
from tests.rectifying import days, found, item, items, life, notes, say


@pytest.fixture
def one(desk: Desk) -> Matter:
    """A matter with one item, of ``member``."""
    return found(desk, item(desk))


def state(matter: Matter) -> str:
    return items(matter)[0].state


def test_progress_then_done_then_closed_each_an_entry(desk: Desk, one: Matter) -> None:
    mine = items(one)[0].id
    say(desk, "report", mine, "已学两次", by="member")
    assert state(one) == "open"
    say(desk, "report", mine, "全部完成", by="member", done=True)
    assert state(one) == "done"
    say(desk, "close", mine, "核对属实", by="deputy")
    assert (state(one), items(one)[0].closed_on) == ("closed", desk.clock.today())
    assert one.kinds[-3:] == ["item_reported", "item_reported", "item_closed"]
    assert one.payload()["text"] == "核对属实"
    assert one.payload()["number"] == 1
    assert [n.text for n in notes(mine)] == ["已学两次", "全部完成", "核对属实"]
    say(desk, "reopen", mine, "又松懈了", by="superior", due=days(desk, 20))
    assert (state(one), items(one)[0].due_on) == ("open", days(desk, 20))


def test_items_go_on_after_the_matter_has_ended(desk: Desk, one: Matter) -> None:
    one.complete("conclude")
    assert one.row.status == "completed"
    say(desk, "close", items(one)[0].id, by="secretary")
    assert one.kinds[-1] == "item_closed"
    assert state(one) == "closed"


@pytest.mark.parametrize(
    ("command", "by", "refused"),
    [
        ("report", "other_member", NotFound),
        ("report", "stranger", NotFound),
        ("report", "superior", NotAllowed),
        ("extend", "member", NotAllowed),
        ("close", "member", NotAllowed),
        ("close", "stranger", NotFound),
        ("reopen", "secretary", Conflict),
        ("report", "administrator", NotFound),
    ],
)
def test_who_may_not(
    desk: Desk, one: Matter, command: str, by: str, refused: type[Exception]
) -> None:
    before = one.kinds
    with pytest.raises(refused):
        say(desk, command, items(one)[0].id, by=by, due=days(desk, 40))
    assert one.kinds == before


@pytest.mark.parametrize("by", ["secretary", "deputy", "superior"])
def test_leading_posts_close_and_the_committee_reports_for_the_owner(
    desk: Desk, one: Matter, by: str
) -> None:
    mine = items(one)[0].id
    if by != "superior":
        say(desk, "report", mine, by=by)
    say(desk, "extend", mine, by=by, due=days(desk, 31))
    say(desk, "close", mine, by=by)
    assert state(one) == "closed"


def test_a_leader_who_is_the_owner_does_not_close_alone_unless_the_procedure_lets_them(
    desk: Desk,
) -> None:
    strict = found(desk, item(desk, "secretary"))
    for command in ("close", "extend"):
        with pytest.raises(NotAllowed):
            say(desk, command, items(strict)[0].id, by="secretary", due=days(desk, 40))
    say(desk, "close", items(strict)[0].id, by="deputy")
    loose = found(desk, item(desk), package=life("loose_life", owner_closes=True))
    say(desk, "close", items(loose)[0].id, by="member")
    assert state(loose) == "closed"


def test_nothing_is_said_of_what_is_settled_or_withdrawn(desk: Desk, one: Matter) -> None:
    mine = items(one)[0].id
    say(desk, "close", mine, by="secretary")
    for command in ("report", "extend", "close"):
        with pytest.raises(Conflict):
            say(desk, command, mine, by="secretary", due=days(desk, 40))
    gone = found(desk, item(desk), package=life("gone_life"))
    gone.send_back("conclude", "find")
    with pytest.raises(Conflict):
        say(desk, "reopen", items(gone)[0].id, by="secretary", due=days(desk, 40))


@pytest.mark.parametrize(
    ("command", "words", "wrong"),
    [
        ("report", {"text": " "}, "text"),
        ("report", {"text": "字" * 4001}, "text"),
        ("report", {"occurred_on": 1}, "occurred_on"),
        ("report", {"occurred_on": -1}, "occurred_on"),
        ("extend", {}, "due"),
        ("extend", {"due": 30}, "due"),
        ("report", {"files": tuple(range(1, 12))}, "files"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    desk: Desk, one: Matter, command: str, words: dict[str, Any], wrong: str
) -> None:
    more: dict[str, Any] = {
        k: days(desk, v) if k in ("due", "occurred_on") else v for k, v in words.items()
    }
    with pytest.raises(InvalidInput) as refusal:
        say(desk, command, items(one)[0].id, more.pop("text", "内容"), by="secretary", **more)
    assert list(refusal.value.fields) == [wrong]


def test_the_limits_themselves_are_lawful(desk: Desk, one: Matter) -> None:
    mine = items(one)[0].id
    say(desk, "report", mine, "字" * 4000, by="member", occurred_on=desk.clock.today())
    say(desk, "extend", mine, by="secretary", due=days(desk, 31))
    say(desk, "close", mine, by="secretary")
    say(desk, "reopen", mine, by="secretary", due=desk.clock.today())
    assert items(one)[0].due_on == desk.clock.today()


def test_the_same_command_counts_once_and_another_does_not_pass_for_it(
    desk: Desk, one: Matter
) -> None:
    mine, command = items(one)[0].id, uuid4()
    say(desk, "close", mine, by="secretary", command_id=command)
    again = say(desk, "close", mine, by="secretary", command_id=command)
    assert again.replayed
    assert one.kinds.count("item_closed") == 1
    with pytest.raises(ReusedCommand):
        say(desk, "reopen", mine, by="deputy", command_id=command, due=days(desk, -1))


def test_who_saw_the_item_otherwise_is_told(desk: Desk, one: Matter) -> None:
    mine = items(one)[0]
    say(desk, "extend", mine.id, by="secretary", due=days(desk, 60), revision=mine.revision)
    with pytest.raises(StaleRevision):
        say(desk, "close", mine.id, by="deputy", revision=mine.revision - 1)


def test_evidence_belongs_to_the_item_and_is_for_those_who_see_it(
    desk: Desk, one: Matter, tmp_path: Path
) -> None:
    mine = items(one)[0].id
    store = Store(tmp_path, 10_000)
    path = tmp_path / "a.txt"
    path.write_text("学习记录")

    def upload(by: str) -> int:
        with path.open("rb") as stream:
            made: Attachment = add_attachment(
                desk.clock,
                store,
                stream,
                name="a.txt",
                document="",
                person_id=desk.town.people[by],
            )
        return made.id

    file, foreign = upload("member"), upload("stranger")
    with pytest.raises(InvalidInput):
        say(desk, "report", mine, by="member", files=(foreign,))
    say(desk, "report", mine, by="member", files=(file,))
    assert list(one.payload()["files"]) == [str(file)]
    assert db.session().scalar(select(Attachment.document).where(Attachment.id == file)) == (
        "整改佐证材料"
    )
    for who in ("member", "secretary", "superior"):
        assert evidence_of(db.session(), desk.actor(who), mine, file).name == "a.txt"
    for who, wanted in (("other_member", file), ("member", foreign)):
        with pytest.raises(NotFound):
            evidence_of(db.session(), desk.actor(who), mine, wanted)


# --- what is seen -------------------------------------------------------------------------------


def seen(desk: Desk, who: str, **wanted: Any) -> list[str]:
    rows, _ = list_items(db.session(), desk.actor(who), ItemFilter(**wanted), desk.clock.today())
    return [row.problem for row in rows]


def test_lists_show_own_items_and_those_of_own_organisations(desk: Desk) -> None:
    matter = found(desk, item(desk, problem="甲"), item(desk, "deputy", problem="乙"))
    assert seen(desk, "member") == ["甲"]
    assert seen(desk, "other_member") == []
    assert seen(desk, "stranger") == []
    assert sorted(seen(desk, "secretary")) == ["乙", "甲"]
    assert sorted(seen(desk, "superior")) == ["乙", "甲"]
    assert [r.problem for r in items_of_matter(db.session(), desk.actor("member"), matter.id)] == [
        "甲"
    ]
    with pytest.raises(NotFound):
        show_item(db.session(), desk.actor("other_member"), desk.clock, items(matter)[0].id)


def test_filters_and_pages(desk: Desk) -> None:
    late = item(desk, problem="迟", due=desk.clock.today().isoformat())
    found(desk, late, item(desk, problem="早"))
    desk.clock.set(days(desk, 1))
    assert seen(desk, "secretary", overdue=True) == ["迟"]
    assert seen(desk, "secretary", text="早") == ["早"]
    assert seen(desk, "secretary", text="100%") == []
    assert seen(desk, "secretary", process="other") == []
    assert seen(desk, "secretary", settled=True) == []
    assert len(seen(desk, "secretary", organisation_id=desk.town.branch)) == 2
    asked = (db.session(), desk.actor("secretary"), ItemFilter(), desk.clock.today())
    first, cursor = list_items(*asked, limit=1)
    second, end = list_items(*asked, limit=1, cursor=cursor)
    assert [row.problem for row in (*first, *second)] == ["迟", "早"]
    assert end is None
    with pytest.raises(InvalidInput):
        list_items(*asked, cursor="x")


def test_work_is_what_the_owner_does_and_what_others_close(desk: Desk) -> None:
    matter = found(desk, item(desk), item(desk, "secretary", problem="乙"))
    first, second = (i.id for i in items(matter))
    for ident, by in ((first, "member"), (second, "secretary")):
        say(desk, "report", ident, by=by, done=True)
    work = work_of(db.session(), desk.actor("secretary"))
    assert [r.id for r in work.mine] == [second]
    assert [r.id for r in work.to_close] == [first]
    assert {r.id for r in work_of(db.session(), desk.actor("deputy")).to_close} == {first, second}
    own = work_of(db.session(), desk.actor("member"))
    assert (own.mine_count, own.to_close) == (1, ())


# --- at night, and at once ----------------------------------------------------------------------


def test_the_night_finds_what_became_overdue_though_the_matter_has_ended(
    desk: Desk, one: Matter
) -> None:
    one.complete("conclude")
    desk.clock.set(days(desk, 31))
    rejudge_below(None, desk.clock)
    assert (
        db.session().scalar(
            select(Finding.outcome).where(Finding.instance_id == one.id, Finding.rule == "R-T-10")
        )
        == "not_met"
    )


def test_two_leaders_closing_at_once_close_it_once(live: Live) -> None:
    matter = found(live.desk, item(live.desk))
    mine = items(matter)[0].id
    db.session().rollback()
    results = at_once(
        live,
        lambda: say(live.desk, "close", mine, by="secretary"),
        lambda: say(live.desk, "close", mine, by="deputy"),
    )
    assert sorted(isinstance(result, Conflict) for result in results) == [False, True]
    assert matter.kinds.count("item_closed") == 1
    assert live.faults() == []


def test_a_double_click_at_once_counts_once(live: Live) -> None:
    matter = found(live.desk, item(live.desk))
    mine, command = items(matter)[0].id, uuid4()
    db.session().rollback()

    def click() -> Any:
        return say(live.desk, "report", mine, by="member", command_id=command)

    results = at_once(live, click, click)
    assert sorted(result.replayed for result in results) == [False, True]
    assert matter.kinds.count("item_reported") == 1


def test_the_meeting_answers_while_a_leader_closes_and_one_of_them_wins(live: Live) -> None:
    before = found(live.desk, item(live.desk))
    mine = items(before)[0].id
    meeting = live.desk.start(life())
    task = meeting.task("look")
    db.session().rollback()

    def answer() -> Any:
        return operations.complete_task(
            task,
            {"last_time": [{"item": mine, "answer": "done"}]},
            actor=live.desk.actor("deputy"),
            clock=live.clock,
        )

    results = at_once(live, answer, lambda: say(live.desk, "close", mine, by="secretary"))
    assert sum(isinstance(r, (Conflict, InvalidInput)) for r in results) == 1
    assert before.kinds.count("item_closed") == 1
    assert live.faults() == []


def test_dates_of_a_report_are_those_of_the_day_it_happened(desk: Desk, one: Matter) -> None:
    start: date = desk.clock.today()
    desk.clock.set(days(desk, 3))
    say(desk, "report", items(one)[0].id, by="member", occurred_on=start)
    assert one.entries[-1].occurred_on == start
    with unit_of_work():
        assert notes(items(one)[0].id)[-1].day == start


def test_what_is_erased_with_its_time_is_erased_here_too(desk: Desk, one: Matter) -> None:
    mine = items(one)[0].id
    say(desk, "close", mine, "当事人姓名", by="secretary")
    one.complete("conclude")
    seqs = [e.seq for e in one.entries if e.kind in ("completed", "item_closed")]
    erase_payloads(one.id, seqs, "保管期满", actor=desk.actor("superior"), clock=desk.clock)
    db.session().expire_all()
    gone = items(one)[0]
    assert (gone.problem, gone.measure, gone.state) == (GONE, GONE, "closed")
    assert notes(mine)[-1].text == GONE
