"""What a step finds becomes items, and they go with the step: undone, corrected, answered later."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from engine.compliance.findings import load_facts
from engine.compliance.from_ledger import read_facts
from engine.compliance.models import Finding
from engine.database import db
from engine.errors import InvalidInput
from engine.ledger.kinds import EntryKind
from engine.runtime.correcting import correct_entry
from engine.runtime.rejudging import rejudge_matter
from tests.factories import Desk, Matter
from tests.rectifying import days, found, item, items, life, notes, say


def outcome(matter: Matter) -> str | None:
    """Return what the rule on rectification says of a matter; what it keeps no row of is met."""
    return db.session().scalar(
        select(Finding.outcome).where(Finding.instance_id == matter.id, Finding.rule == "R-T-10")
    )


def same_facts(matter: Matter) -> None:
    """Assert that what is kept for the rules is what the ledger tells."""
    kept = load_facts(db.session(), matter.id)
    read = read_facts(db.session(), matter.id)
    assert kept is not None
    assert read is not None
    assert kept.items == read.items


def test_rows_become_items_in_the_step_itself(desk: Desk) -> None:
    second = item(desk, "secretary", problem="谈心不够", due=days(desk, 10).isoformat())
    matter = found(desk, item(desk), second)
    one, two = items(matter)
    assert (one.number, one.problem, one.measure) == (1, "学习不够经常", "每月组织一次集中学习")
    assert one.owner_id == desk.town.people["member"]
    assert (one.state, one.raised_on, one.due_on) == ("open", desk.clock.today(), days(desk, 30))
    assert (two.number, two.process_key, two.element) == (2, "review_life", "find")
    assert two.seq == matter.entries[-1].seq
    assert matter.payload()["raised"] == {"items": [1, 2]}
    same_facts(matter)
    assert outcome(matter) == "pending"


def test_an_empty_list_raises_nothing(desk: Desk) -> None:
    matter = found(desk)
    assert items(matter) == []
    assert "raised" not in matter.payload()


@pytest.mark.parametrize("missing", ["problem", "owner", "measure", "due"])
def test_every_item_has_problem_owner_measure_and_day(desk: Desk, missing: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        found(desk, {**item(desk), missing: ""})
    assert list(refusal.value.fields) == [f"items-0.{missing}"]


def test_nothing_is_to_be_put_right_before_it_was_found(desk: Desk) -> None:
    with pytest.raises(InvalidInput) as refusal:
        found(desk, item(desk, due=days(desk, -1).isoformat()))
    assert list(refusal.value.fields) == ["items-0.due"]
    assert len(items(found(desk, item(desk, due=days(desk, 0).isoformat())))) == 1


def test_a_send_back_takes_the_items_of_the_undone_step(desk: Desk) -> None:
    matter = found(desk, item(desk))
    matter.send_back("conclude", "find")
    assert [one.state for one in items(matter)] == ["withdrawn"]
    same_facts(matter)
    assert outcome(matter) is None
    matter.complete("find", {"items": [item(desk, problem="换了说法")]})
    assert [(one.number, one.state) for one in items(matter)] == [(1, "withdrawn"), (2, "open")]
    same_facts(matter)
    assert outcome(matter) == "pending"


def correct(desk: Desk, matter: Matter, rows: list[dict[str, Any]]) -> None:
    seq = next(e.seq for e in matter.entries if (e.kind, e.element) == ("completed", "find"))
    correct_entry(
        matter.id,
        seq,
        {"items": rows},
        "记录有误",
        actor=desk.actor("deputy"),
        clock=desk.clock,
    )


def test_a_correction_keeps_the_items_that_are_still_there(desk: Desk) -> None:
    matter = found(
        desk, item(desk, problem="甲"), item(desk, problem="乙"), item(desk, problem="丙")
    )
    one, _, three = items(matter)
    say(desk, "report", three.id, by="member")
    correct(
        desk,
        matter,
        [
            item(desk, problem="丙", due=days(desk, 5).isoformat()),
            item(desk, "deputy", problem="甲"),
        ],
    )
    first, second, third = items(matter)
    assert (first.id, first.problem, first.owner_id) == (one.id, "甲", desk.town.people["deputy"])
    assert second.state == "withdrawn"
    assert (third.due_on, third.first_due_on) == (days(desk, 5), days(desk, 5))
    assert len(notes(third.id)) == 1
    same_facts(matter)


def test_a_corrected_row_takes_the_number_left_over_and_a_new_row_a_new_one(desk: Desk) -> None:
    matter = found(desk, item(desk, problem="甲"))
    correct(desk, matter, [item(desk, problem="甲（改写）"), item(desk, problem="乙")])
    assert [(i.number, i.problem, i.state) for i in items(matter)] == [
        (1, "甲（改写）", "open"),
        (2, "乙", "open"),
    ]
    same_facts(matter)


# --- the next meeting ---------------------------------------------------------------------------


def next_meeting(desk: Desk, *rows: dict[str, Any]) -> Matter:
    matter = desk.start(life())
    matter.complete("look", {"last_time": list(rows)})
    return matter


def test_the_next_meeting_answers_what_is_open(desk: Desk) -> None:
    before = found(
        desk, item(desk, problem="甲"), item(desk, problem="乙"), item(desk, problem="丙")
    )
    before.complete("conclude")
    a, b, c = (one.id for one in items(before))
    later = days(desk, 90).isoformat()
    meeting = next_meeting(
        desk,
        {"item": a, "answer": "done"},
        {"item": b, "answer": "extended", "due": later, "reason": "场地未定"},
        {"item": c, "problem": "别人写的", "answer": "carried", "due": later, "reason": "长期坚持"},
    )
    assert [one.state for one in items(before)] == ["closed", "extended", "carried"]
    assert [one.due_on for one in items(before)][1:] == [days(desk, 90)] * 2
    told = notes(b)[-1]
    assert (told.told_by, told.told_seq, told.text) == (
        meeting.id,
        meeting.entries[-1].seq,
        "场地未定",
    )
    assert before.kinds[-3:] == ["item_closed", "item_extended", "item_carried"]
    assert before.payload()["told"] == {"matter": meeting.row.number, "seq": told.told_seq}
    # The record says what was answered in the words of the item.
    assert meeting.payload()["data"]["last_time"][2]["problem"] == "丙"
    same_facts(before)


def test_every_open_item_is_answered_and_nothing_else(desk: Desk) -> None:
    before = found(desk, item(desk))
    mine = items(before)[0].id
    with pytest.raises(InvalidInput) as refusal:
        next_meeting(desk)
    assert list(refusal.value.fields) == ["last_time"]
    for rows, field in (
        ([{"item": mine}], "last_time-0.answer"),
        (
            [{"item": mine, "answer": "extended", "due": days(desk, 9).isoformat()}],
            "last_time-0.reason",
        ),
        ([{"item": mine, "answer": "carried", "reason": "慢"}], "last_time-0.due"),
        (
            [{"item": mine, "answer": "carried", "reason": "慢", "due": days(desk, 0).isoformat()}],
            "last_time-0.due",
        ),
        ([{"item": mine, "answer": "done"}, {"item": mine, "answer": "done"}], "last_time-1.item"),
        (
            [{"item": mine, "answer": "done"}, {"item": 999_999, "answer": "done"}],
            "last_time-1.item",
        ),
    ):
        with pytest.raises(InvalidInput) as refusal:
            next_meeting(desk, *rows)
        assert list(refusal.value.fields) == [field]
    assert items(before)[0].state == "open"


def test_what_is_settled_or_of_another_kind_or_place_is_not_asked(desk: Desk) -> None:
    closed = found(desk, item(desk))
    say(desk, "close", items(closed)[0].id, by="secretary")
    other_kind = desk.start(life("other_life"))
    other_kind.complete("look", {"last_time": []})
    other_kind.complete("find", {"items": [item(desk)]})
    next_meeting(desk)  # nothing is left to answer


def test_a_meeting_sent_back_takes_its_answers_back(desk: Desk) -> None:
    before = found(desk, item(desk))
    mine = items(before)[0].id
    say(desk, "report", mine, by="member", done=True)
    meeting = next_meeting(desk, {"item": mine, "answer": "done"})
    assert items(before)[0].state == "closed"
    meeting.complete("find", {"items": []})
    meeting.send_back("conclude", "look", reason="会议记录不实")
    (item_now,) = items(before)
    assert (item_now.state, item_now.closed_on) == ("done", None)
    last = notes(mine)[-1]
    assert (last.kind, last.text) == (EntryKind.ITEM_REOPENED, "会议记录不实")
    same_facts(before)
    # Answered anew, and sent back anew, it stands as before once more.
    meeting.complete(
        "look",
        {
            "last_time": [
                {
                    "item": mine,
                    "answer": "extended",
                    "due": days(desk, 60).isoformat(),
                    "reason": "雨季",
                }
            ]
        },
    )
    assert items(before)[0].due_on == days(desk, 60)
    meeting.complete("find", {"items": []})
    meeting.send_back("conclude", "look")
    assert (items(before)[0].state, items(before)[0].due_on) == ("done", days(desk, 30))
    same_facts(before)


def test_answers_cannot_be_corrected_in_the_record(desk: Desk) -> None:
    before = found(desk, item(desk))
    mine = items(before)[0].id
    meeting = next_meeting(desk, {"item": mine, "answer": "done"})
    seq = meeting.entries[-1].seq
    row = {
        "item": mine,
        "answer": "carried",
        "due": days(desk, 60).isoformat(),
        "reason": "没有完成",
    }
    with pytest.raises(InvalidInput) as refusal:
        correct_entry(
            meeting.id,
            seq,
            {"last_time": [row]},
            "记录有误",
            actor=desk.actor("deputy"),
            clock=desk.clock,
        )
    assert list(refusal.value.fields) == ["last_time"]


# --- the rule -----------------------------------------------------------------------------------


def test_the_last_day_is_in_time_and_the_day_after_is_not(desk: Desk) -> None:
    matter = found(desk, item(desk))
    matter.complete("conclude")  # the rule goes on when the matter has ended
    desk.clock.set(days(desk, 30))
    rejudge_matter(matter.id, desk.clock)
    assert outcome(matter) == "pending"
    desk.clock.set(days(desk, 1))
    rejudge_matter(matter.id, desk.clock)
    assert outcome(matter) == "not_met"


def test_closed_in_time_it_is_met_and_closed_late_it_is_not(desk: Desk) -> None:
    in_time = found(desk, item(desk))
    late = found(desk, item(desk), package=life("late_life"))
    desk.clock.set(days(desk, 30))
    say(desk, "close", items(in_time)[0].id, by="secretary")
    assert outcome(in_time) is None
    desk.clock.set(days(desk, 1))
    say(desk, "close", items(late)[0].id, by="secretary")
    assert outcome(late) == "not_met"
    # What is recorded late but happened in time is in time.
    slow = item(desk, due=days(desk, 1).isoformat())
    recorded_late = found(desk, slow, package=life("slow_life"))
    desk.clock.set(days(desk, 5))
    say(desk, "close", items(recorded_late)[0].id, by="secretary", occurred_on=days(desk, -4))
    assert outcome(recorded_late) is None


def test_an_extension_before_the_day_moves_it_and_one_after_does_not_excuse(desk: Desk) -> None:
    matter = found(desk, item(desk), item(desk, problem="乙"))
    one, two = (i.id for i in items(matter))
    desk.clock.set(days(desk, 30))
    say(desk, "extend", one, by="secretary", due=days(desk, 10))
    say(desk, "close", two, by="secretary")
    desk.clock.set(days(desk, 10))
    rejudge_matter(matter.id, desk.clock)
    assert outcome(matter) == "pending"
    desk.clock.set(days(desk, 1))
    say(desk, "extend", one, by="secretary", due=days(desk, 10))
    assert outcome(matter) == "not_met"
    say(desk, "close", one, by="secretary")
    assert outcome(matter) == "not_met"
    same_facts(matter)
