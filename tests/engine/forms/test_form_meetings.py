"""Handing in a meeting and its vote: who was there, what was counted, what is derived."""

from __future__ import annotations

import json
from typing import Any

from engine.forms import PersonChoice
from tests.engine.forms.conftest import MEETING, VOTE, Make, one, refused


def held(present: int, **vote: Any) -> dict[str, Any]:
    raw: dict[str, Any] = {"meeting": {"present": list(range(1, present + 1))}}
    return raw | ({"vote": vote} if vote else {})


def count(yes: int, no: int = 0, abstain: int = 0, **more: Any) -> dict[str, Any]:
    cast = yes + no + abstain
    return {"for": yes, "against": no, "abstain": abstain, "issued": cast, "collected": cast} | more


def test_a_meeting_with_its_vote(form: Make, world: Any) -> None:
    compiled = form(MEETING, VOTE)
    data = compiled.load(held(7, **count(5, 2, written={"for": 1})), world)
    assert data["meeting"] == {
        "due": 10,
        "present": 7,
        "present_people": [1, 2, 3, 4, 5, 6, 7],
        "excluded": [],
        "quorate": True,
        "needed": 6,
    }
    assert data["vote"]["outcome"] == "adopted"
    assert (data["vote"]["needed"], data["vote"]["due"]) == (6, 10)
    assert json.loads(json.dumps(data)) == data


def test_derived_figures_are_never_taken(form: Make, world: Any) -> None:
    compiled = form(MEETING, VOTE)
    raw = held(7, **count(5, 2))
    for forged in ("outcome", "needed", "due", "present", "invalid"):
        assert f"vote.{forged}" in refused(
            compiled, {**raw, "vote": {**raw["vote"], forged: 1}}, world
        )
    for forged in ("due", "quorate", "needed", "present_people"):
        meeting = {**raw["meeting"], forged: 1}
        assert f"meeting.{forged}" in refused(compiled, {**raw, "meeting": meeting}, world)


def test_without_quorum_the_ballots_stay_empty(form: Make, world: Any) -> None:
    compiled = form(MEETING, VOTE)
    data = compiled.load(held(5), world)
    assert data["meeting"]["quorate"] is False
    assert data["vote"]["outcome"] == "no_quorum"
    assert "不能表决" in refused(compiled, held(5, **count(5)), world)["vote"][0]


def test_mistakes_in_a_meeting_stand_where_they_were_made(form: Make, world: Any) -> None:
    compiled = form(MEETING, VOTE)
    raw = {
        "meeting": {"present": [1, 2, 42], "excluded": [{"person": 3, "reason": "busy"}]},
        "vote": count(3),
    }
    fields = refused(compiled, raw, world)
    assert set(fields) == {"meeting.42", "meeting.3", "meeting.excluded_approved", "vote"}
    assert fields["vote"] == ["请先登记到会情况，再填写票数。"]
    assert refused(compiled, {}, world) == {
        "meeting": ["请登记到会人员。"],
        "vote": ["请先登记到会情况。"],
    }
    assert set(refused(compiled, held(7), world)) == {
        f"vote.{name}" for name in ("issued", "collected", "for", "against", "abstain")
    }
    assert refused(compiled, held(7, **count(5) | {"for": "x"}), world) == {
        "vote.for": ["请填写数字。"]
    }
    assert "vote.against" in refused(compiled, held(7, **count(5) | {"against": -1}), world)


def test_an_optional_vote_may_be_put_off(form: Make, world: Any) -> None:
    compiled = form(MEETING, {**VOTE, "validate": {"required": False}})
    assert "vote" not in compiled.load(held(7), world)
    assert compiled.load(held(5), world)["vote"]["outcome"] == "no_quorum"


def test_an_optional_meeting_may_be_left_out(form: Make, world: Any) -> None:
    optional = {"validate": {"required": False}}
    compiled = form({**MEETING, **optional}, {**VOTE, **optional})
    assert compiled.load({}, world) == {}
    assert refused(compiled, {"vote": count(3)}, world)["vote"]


def test_a_committee_meets_by_its_own_roll(form: Make, world: Any) -> None:
    compiled = form(
        {**MEETING, "properties": {"domain": "attendance", "body": "committee", "quorum": "half"}}
    )
    assert compiled.load(held(2), world)["meeting"]["due"] == 3
    assert "meeting.4" in refused(compiled, held(4), world)


def test_large_meetings_are_taken(form: Make, world: Any) -> None:
    world.members = [PersonChoice(n, str(n)) for n in range(1, 1001)]
    data = form(MEETING, VOTE).load(held(501, **count(500, 1)), world)
    assert data["meeting"]["quorate"]
    assert data["vote"]["outcome"] == "lost"
    assert data["vote"]["needed"] == 501


def test_exclusions_as_a_program_sends_them(form: Make, world: Any) -> None:
    compiled = form(MEETING, VOTE)
    raw = held(5, **count(5))
    raw["meeting"]["excluded"] = [
        {"person": 10, "reason": "bedridden"},
        {"person": 9, "reason": "away"},
    ]
    assert "meeting.excluded_approved" in refused(compiled, raw, world)
    raw["meeting"]["exclusions_approved"] = True
    data = compiled.load(raw, world)
    assert data["meeting"]["due"] == 8
    assert [item["person"] for item in data["meeting"]["excluded"]] == [9, 10]
    assert data["vote"]["outcome"] == "adopted"


def test_fields_may_depend_on_the_outcome(form: Make, world: Any) -> None:
    decided = {
        **one("textfield"),
        "validate": {"required": True},
        "conditional": {"hide": '=vote["outcome"] != "adopted"'},
    }
    compiled = form(MEETING, VOTE, decided)
    assert set(refused(compiled, held(7, **count(6, 1)), world)) == {"a"}
    assert "a" not in compiled.load(
        held(
            7,
            **count(5, 2),
        )
        | {"a": "x"},
        world,
    )
    assert "a" not in compiled.load(held(5), world)


def test_the_meeting_speaks_while_one_types(form: Make, world: Any) -> None:
    compiled = form(MEETING, VOTE)
    due = "应到 10 人，实到 7 人，达到法定人数（须超过 5 人）"
    assert compiled.live({}, world) == [
        "应到 10 人，实到 0 人，未达到法定人数（须超过 5 人），会议无效"
    ]
    assert compiled.live(held(7), world) == [due, "赞成须 6 票，现 0 票，票数尚未填全"]
    assert compiled.live(held(7, **{"for": "5"}), world)[1] == (
        "赞成须 6 票，现 5 票，票数尚未填全"
    )
    assert compiled.live(held(7, **count(5, 2)), world) == [due, "赞成须 6 票，现 5 票，未通过"]
    assert compiled.live(held(7, **count(6, 1)), world)[1] == "赞成须 6 票，现 6 票，通过"
    assert (
        "合计 9 票，多于收回的 7 张"
        in compiled.live(held(7, **count(6, 3) | {"issued": 7, "collected": 7}), world)[1]
    )
    assert compiled.live(held(5), world)[1] == "未达到法定人数，不能表决"
    assert "名册" in compiled.live(held(42), world)[0]
    excluded = held(5)
    excluded["meeting"]["excluded"] = [{"person": 10, "reason": "away"}]
    assert "应到 9 人（名册 10 人，减去 1 人）" in compiled.live(excluded, world)[0]
    assert "有 1 人不计入" in compiled.live(excluded, world)[1]
    assert compiled.live({"meeting": "x", "vote": 5}, world)


def test_the_roll_is_asked_for_once(form: Make, world: Any) -> None:
    form(MEETING, VOTE).load(held(7, **count(5, 2)), world)
    assert world.rolls_asked == 1
