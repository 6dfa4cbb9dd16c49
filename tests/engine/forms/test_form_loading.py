"""Handing in a form: what is taken, what is refused, and what the refusal says."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import InvalidInput
from engine.forms import FormSchema, PersonChoice, compile_form

Make = Callable[..., FormSchema]


def refused(form: FormSchema, raw: Any, world: Any) -> dict[str, list[str]]:
    with pytest.raises(InvalidInput) as caught:
        form.load(raw, world)
    return caught.value.fields


def one(kind: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "key": "a", "label": "甲", **more}


CHOICES = [{"value": "x", "label": "一"}, {"value": "y", "label": "二"}]
PERSON = {"domain": "person", "status": "full", "not_subject": "true"}
PEOPLE = {"domain": "people", "status": "full", "not_subject": "true"}
MEETING = {
    "type": "group",
    "path": "meeting",
    "label": "到会",
    "properties": {"domain": "attendance"},
}
VOTE = {
    "type": "group",
    "path": "vote",
    "label": "表决",
    "properties": {"domain": "vote", "written_opinions": "true"},
}


# --- single values ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("component", "given_value", "kept"),
    [
        (one("textfield"), "  李一 ", "李一"),
        (one("textfield", validate={"maxLength": 2}), "李一", "李一"),
        (one("textfield", validate={"minLength": 2}), "李一", "李一"),
        (one("textfield", validate={"pattern": "^[0-9]{3}$"}), "123", "123"),
        (one("textfield"), "字" * 10_000, "字" * 10_000),
        (one("textarea"), "一\r\n二\r三\n", "一\n二\n三"),
        (one("number"), 5, 5),
        (one("number"), "5", 5),
        (one("number"), " ５ ", 5),
        (one("number"), 5.0, 5),
        (one("number"), "-3", -3),
        (one("number", validate={"min": 3, "max": 5}), 3, 3),
        (one("number", validate={"min": 3, "max": 5}), "5", 5),
        (one("number", decimalDigits=2), "12.50", 12.5),
        (one("number", decimalDigits=2), "12.00", 12),
        (one("number", decimalDigits=1), 0.1, 0.1),
        (one("number"), 10**15, 10**15),
        (one("datetime", subtype="date"), "2026-06-10", "2026-06-10"),
        (one("datetime", subtype="date"), "2024-02-29", "2024-02-29"),
        (one("datetime", subtype="date"), "２０２６-06-10", "2026-06-10"),
        (one("checkbox"), True, True),
        (one("checkbox"), "true", True),
        (one("checkbox"), False, False),
        (one("checkbox"), None, False),
        (one("radio", values=CHOICES), "x", "x"),
        (one("select", values=CHOICES), "y", "y"),
        (one("checklist", values=CHOICES), ["y", "x", "y"], ["x", "y"]),
        (one("taglist", values=CHOICES), [], []),
        (one("filepicker"), [501], [501]),
        (one("filepicker", multiple=True), ["502", 501], [502, 501]),
        (one("textfield", properties=PERSON), "3", 3),
        (one("textfield", properties=PEOPLE), [3, "4", 3], [3, 4]),
        (one("textfield", properties={"domain": "organisation"}), 7, 7),
    ],
)
def test_kept_values(
    form: Make, world: Any, component: Mapping[str, Any], given_value: Any, kept: Any
) -> None:
    data = form(component).load({"a": given_value}, world)
    assert data == {"a": kept}
    assert type(data["a"]) is type(kept)


@pytest.mark.parametrize(
    ("component", "given_value", "said"),
    [
        (one("textfield", validate={"maxLength": 2}), "李一一", "最多 2 个字，现有 3 个字"),
        (one("textfield", validate={"minLength": 3}), "李一", "至少 3 个字，现有 2 个字"),
        (one("textfield", validate={"pattern": "^[0-9]{3}$"}), "12a", "格式不对"),
        (one("textfield", validate={"pattern": "^a"}), "a" * 201, "最多 200 个字"),
        (one("textfield"), "字" * 10_001, "最多 10000 个字，现有 10001 个字"),
        (one("textfield"), "a\x00b", "特殊字符"),
        (one("textfield"), "a\x07b", "特殊字符"),
        (one("textfield"), "a\ud800", "特殊字符"),
        (one("textfield"), "a\nb", "一行"),
        (one("textarea"), "a\x00b", "特殊字符"),
        (one("textfield"), 5, "请填写文字"),
        (one("textfield"), ["a"], "请填写文字"),
        (one("number"), "5.5", "须为整数，现为 5.5"),
        (one("number"), 5.5, "须为整数"),
        (one("number"), "five", "请填写数字"),
        (one("number"), "1e3", "请填写数字"),
        (one("number"), "9" * 50, "请填写数字"),
        (one("number"), True, "请填写数字"),
        (one("number"), float("nan"), "请填写数字"),
        (one("number"), float("inf"), "请填写数字"),
        (one("number"), 10**15 + 1, "过大"),
        pytest.param(one("number"), 10**5000, "过大", id="huge"),
        (one("number", validate={"min": 3}), 2, "不能小于 3，现为 2"),
        (one("number", validate={"max": 5}), 6, "不能大于 5，现为 6"),
        (one("number", decimalDigits=2), "1.234", "最多 2 位小数"),
        (one("datetime", subtype="date"), "2026-02-29", "实际存在的日期"),
        (one("datetime", subtype="date"), "2026-6-1", "实际存在的日期"),
        (one("datetime", subtype="date"), "20260610", "实际存在的日期"),
        (one("datetime", subtype="date"), 20260610, "实际存在的日期"),
        (one("datetime", subtype="date"), "0026-06-10", "不合常理"),
        (one("checkbox"), "maybe", "勾选"),
        (one("checkbox"), 1, "勾选"),
        (one("radio", values=CHOICES), "z", "选项"),
        (one("select", values=CHOICES), ["x"], "选项"),
        (one("checklist", values=CHOICES), ["x", "z"], "选项"),
        (one("checklist", values=CHOICES), {"x": 1}, "选项"),
        (one("filepicker"), [501, 502], "只能上传 1 个文件，现有 2 个"),
        (one("filepicker", multiple=True), [501, 999], "第 2 个文件已失效"),
        (one("filepicker"), ["a"], "无法识别"),
        (one("filepicker", multiple=True), list(range(1, 300)), "最多 200 项，现有 299 项"),
        (one("textfield", properties=PERSON), 42, "须为2026-06-10 当日本支部的正式党员"),
        (one("textfield", properties=PERSON), 99, "当事人本人"),
        (one("textfield", properties=PERSON), "3.5", "无法识别"),
        (one("textfield", properties=PERSON), True, "无法识别"),
        (one("textfield", properties=PERSON), -1, "无法识别"),
        (one("textfield", properties=PERSON), {"id": 3}, "无法识别"),
        (one("textfield", properties=PEOPLE), [3, 42], "第 2 人不符合要求"),
        (one("textfield", properties={"domain": "organisation"}), 8, "不能选择这个组织"),
    ],
)
def test_refused_values(
    form: Make, world: Any, component: Mapping[str, Any], given_value: Any, said: str
) -> None:
    sentences = refused(form(component), {"a": given_value}, world)["a"]
    assert said in "".join(sentences)


@pytest.mark.parametrize(
    ("component", "said"),
    [
        (one("textfield"), "请填写甲"),
        (one("number"), "请填写甲"),
        (one("datetime", subtype="date"), "请填写甲"),
        (one("select", values=CHOICES), "请选择甲"),
        (one("checklist", values=CHOICES), "请选择甲"),
        (one("checkbox"), "请确认后勾选"),
        (one("filepicker", properties={"document": "入党申请书"}), "请上传入党申请书"),
        (one("textfield", properties=PERSON), "请选择甲"),
        (one("textfield", properties=PEOPLE), "请选择甲"),
        (one("textfield", properties={"domain": "organisation"}), "请选择甲"),
        ({**one("dynamiclist"), "components": []}, "至少填写 1 行，现有 0 行"),
    ],
)
@pytest.mark.parametrize("raw", [{}, {"a": None}, {"a": ""}])
def test_what_is_required_is_asked_for(
    form: Make, world: Any, component: dict[str, Any], said: str, raw: dict[str, Any]
) -> None:
    required = form({**component, "validate": {"required": True}})
    if raw.get("a") == "" and component["type"] in ("checklist", "filepicker", "dynamiclist"):
        raw = {"a": []}
    if raw.get("a") == "" and component.get("properties", {}).get("domain") == "people":
        raw = {"a": []}
    assert said in refused(required, raw, world)["a"][0]
    optional = form(component).load(raw, world)
    assert optional.get("a") in (None, [], False)


def test_the_number_of_people(form: Make, world: Any) -> None:
    two = form(one("textfield", properties={**PEOPLE, "min": "2", "max": "2"}))
    assert two.load({"a": [1, 2]}, world) == {"a": [1, 2]}
    assert refused(two, {"a": [1]}, world)["a"] == ["须选择 2 人，现为 1 人。"]
    assert refused(two, {"a": [1, 2, 3]}, world)["a"] == ["须选择 2 人，现为 3 人。"]
    some = form(one("textfield", properties={**PEOPLE, "min": "2", "max": "3"}))
    assert refused(some, {"a": [1]}, world)["a"] == ["至少选择 2 人，现为 1 人。"]
    assert refused(some, {"a": [1, 2, 3, 4]}, world)["a"] == ["最多选择 3 人，现为 4 人。"]


# --- structure ----------------------------------------------------------------------------------


def test_groups_and_rows(form: Make, world: Any) -> None:
    compiled = form(
        {"type": "group", "path": "talk", "components": [one("textfield")]},
        {"type": "group", "components": [{**one("textfield"), "key": "flat"}]},
        {
            "type": "dynamiclist",
            "path": "rows",
            "label": "走访",
            "properties": {"max": "2"},
            "components": [
                {**one("textfield"), "validate": {"required": True}},
                {**one("number"), "key": "n"},
            ],
        },
    )
    raw = {"talk": {"a": "话"}, "flat": "平", "rows": [{"a": "一", "n": "1"}, {"a": "二"}]}
    kept = {"talk": {"a": "话"}, "flat": "平", "rows": [{"a": "一", "n": 1}, {"a": "二"}]}
    assert compiled.load(raw, world) == kept
    assert compiled.load({}, world) == {"talk": {}, "rows": []}
    fields = refused(compiled, {"rows": [{"a": "一"}, {"n": "x"}, {}]}, world)
    assert fields["rows-1.n"] == ["请填写数字。"]
    assert fields["rows-1.a"] == ["请填写甲。"]
    assert fields["rows-2.a"] == ["请填写甲。"]
    assert fields["rows"] == ["最多填写 2 行，现有 3 行。"]
    assert compiled.label("rows-1.a") == "走访第 2 行：甲"
    assert compiled.label("talk.a") == "talk：甲"
    assert compiled.label("flat") == "甲"


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ({"b": 1}, "b"),
        ({"talk": {"b": 1}}, "talk.b"),
        ({"rows": [{"b": 1}]}, "rows-0.b"),
        ({"talk": "x"}, "talk"),
        ({"talk": [1]}, "talk"),
        ({"rows": "x"}, "rows"),
        ({"rows": {"a": 1}}, "rows"),
        ({"rows": ["x"]}, "rows-0"),
        ({"rows": [{}] * 201}, "rows"),
        ("x", ""),
        (None, ""),
        ([], ""),
    ],
)
def test_a_structure_that_the_form_does_not_have(
    form: Make, world: Any, raw: Any, name: str
) -> None:
    compiled = form(
        {"type": "group", "path": "talk", "components": [one("textfield")]},
        {"type": "dynamiclist", "path": "rows", "components": [one("textfield")]},
    )
    assert refused(compiled, raw, world)[name]


def test_every_mistake_is_said_at_once(form: Make, world: Any) -> None:
    compiled = form(
        {**one("textfield"), "validate": {"required": True}},
        {**one("number"), "key": "n"},
        {**one("textfield", properties=PERSON), "key": "who"},
    )
    assert set(refused(compiled, {"n": "x", "who": 42, "foo": 1}, world)) == {
        "a",
        "n",
        "who",
        "foo",
    }


def test_read_only_fields_are_shown_but_not_taken(form: Make, world: Any) -> None:
    compiled = form(
        {**one("textfield"), "readonly": True, "properties": {"prefill": "subject_name"}},
        {**one("textfield"), "key": "b", "disabled": True, "defaultValue": "乙"},
    )
    world.variables = {"subject_name": "李一"}
    assert compiled.prefill(world) == {"a": "李一", "b": "乙"}
    assert compiled.load({"a": "forged", "b": "forged"}, world) == {}
    assert compiled.keys == frozenset()
    assert compiled.to_html({"a": "李一"}) == {"a": ["李一"]}


# --- visibility ---------------------------------------------------------------------------------


def test_hidden_fields_are_dropped_and_not_required(form: Make, world: Any) -> None:
    compiled = form(
        {**one("select", values=CHOICES)},
        {
            **one("textfield"),
            "key": "why",
            "validate": {"required": True},
            "conditional": {"hide": '=a != "x"'},
        },
    )
    assert compiled.load({"a": "y", "why": "dropped"}, world) == {"a": "y"}
    assert refused(compiled, {"a": "x"}, world)["why"] == ["请填写甲。"]
    assert compiled.load({"a": "x", "why": "理由"}, world) == {"a": "x", "why": "理由"}
    assert compiled.hidden({"a": "y"}, world) == {"why"}
    assert compiled.hidden({"a": "x"}, world) == frozenset()


def test_what_is_hidden_hides_what_depends_on_it(form: Make, world: Any) -> None:
    compiled = form(
        {**one("checkbox"), "key": "first"},
        {**one("checkbox"), "key": "second", "conditional": {"hide": "not first"}},
        {**one("textfield"), "key": "third", "conditional": {"hide": "not second"}},
    )
    raw = {"first": False, "second": True, "third": "x"}
    assert compiled.hidden(raw, world) == {"second", "third"}
    assert compiled.load(raw, world) == {"first": False}


def test_a_hidden_group_hides_all_of_its_fields(form: Make, world: Any) -> None:
    inner = {**one("textfield"), "validate": {"required": True}}
    compiled = form(
        {**one("checkbox"), "key": "more"},
        {"type": "group", "path": "g", "components": [inner], "conditional": {"hide": "not more"}},
        {
            "type": "group",
            "components": [{**inner, "key": "flat"}, {"type": "separator"}],
            "conditional": {"hide": "not more"},
        },
        {"type": "text", "text": "说明", "conditional": {"hide": "more"}},
    )
    assert compiled.load({"more": False, "g": {"a": "x"}}, world) == {"more": False}
    assert {"g", "g.a", "flat"} <= compiled.hidden({"more": False}, world)
    assert set(refused(compiled, {"more": True}, world)) == {"g.a", "flat"}
    text = compiled.fields[-1]
    assert compiled.hidden({"more": "on"}, world) == {text.slot}


def test_rows_hide_their_own_fields(form: Make, world: Any) -> None:
    compiled = form(
        {
            "type": "dynamiclist",
            "path": "rows",
            "components": [
                {**one("select", values=CHOICES)},
                {
                    **one("textfield"),
                    "key": "why",
                    "validate": {"required": True},
                    "conditional": {"hide": '=a != "x"'},
                },
            ],
        }
    )
    raw = {"rows": [{"a": "y", "why": "dropped"}, {"a": "x", "why": "kept"}]}
    assert compiled.hidden(raw, world) == {"rows-0.why"}
    assert compiled.load(raw, world) == {"rows": [{"a": "y"}, {"a": "x", "why": "kept"}]}


def test_conditions_read_facts_of_the_matter_and_dates(form: Make, world: Any) -> None:
    compiled = form(
        {**one("textfield"), "conditional": {"hide": "=add_years(started, 1) > today()"}}
    )
    world.variables = {"started": "2026-01-01"}
    assert compiled.hidden({}, world) == {"a"}
    world.variables = {"started": "2025-01-01"}
    assert compiled.hidden({}, world) == frozenset()


def test_a_condition_that_cannot_be_told_yet_shows_the_field(form: Make, world: Any) -> None:
    compiled = form(
        {**one("number")}, {**one("textfield"), "key": "b", "conditional": {"hide": "a < 3"}}
    )
    assert compiled.hidden({}, world) == frozenset()
    assert compiled.hidden({"a": "x"}, world) == frozenset()
    assert compiled.hidden({"a": "2"}, world) == {"b"}


def test_conditions_in_a_circle_come_to_an_end(form: Make, world: Any) -> None:
    compiled = form(
        {**one("checkbox"), "key": "p", "conditional": {"hide": "not q"}},
        {**one("checkbox"), "key": "q", "conditional": {"hide": "p"}},
    )
    compiled.load({"p": True, "q": True}, world)


# --- prefill and texts --------------------------------------------------------------------------


def test_prefill_takes_what_is_known_and_else_the_default(form: Make, world: Any) -> None:
    compiled = form(
        {**one("textfield"), "properties": {"prefill": "name"}, "defaultValue": "无"},
        {**one("number"), "key": "n", "properties": {"prefill": "len(contacts)"}},
        {**one("textfield", properties={**PEOPLE, "prefill": "contacts"}), "key": "who"},
        {**one("select", values=CHOICES), "key": "s", "properties": {"prefill": "unknown_choice"}},
        {**one("datetime", subtype="date"), "key": "d", "properties": {"prefill": "today()"}},
        {**one("textfield"), "key": "late", "properties": {"prefill": "on['x']"}},
        {
            "type": "group",
            "path": "g",
            "components": [{**one("textfield"), "key": "in_g", "properties": {"prefill": "a"}}],
        },
    )
    world.variables = {"name": "李一", "contacts": [1, 2], "unknown_choice": "z", "on": {}}
    assert compiled.prefill(world) == {
        "a": "李一",
        "n": 2,
        "who": [1, 2],
        "d": "2026-11-22",
        "g": {"in_g": "李一"},
    }
    world.variables = {}
    assert compiled.prefill(world)["a"] == "无"


def test_texts_fill_their_places(form: Make, world: Any) -> None:
    compiled = form({"type": "text", "text": "{{name}}：{{a}}，{{on['x']}}。"}, one("textfield"))
    world.variables = {"name": "李一"}
    assert compiled.text(compiled.fields[0], {"a": "<b>"}, world) == "李一：<b>，—。"


# --- meetings -----------------------------------------------------------------------------------


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


# --- properties ---------------------------------------------------------------------------------

FULL = compile_form(
    {
        "type": "default",
        "components": [
            one("textfield"),
            {**one("textarea"), "key": "b"},
            {**one("number", decimalDigits=2), "key": "n"},
            {**one("datetime", subtype="date"), "key": "d"},
            {**one("checkbox"), "key": "c"},
            {**one("checklist", values=CHOICES), "key": "l"},
            {**one("textfield", properties=PEOPLE), "key": "p"},
            {"type": "group", "path": "g", "components": [one("textfield")]},
            {
                "type": "dynamiclist",
                "path": "r",
                "components": [one("textfield"), one("number", key="m")],
            },
            {**MEETING, "validate": {"required": False}},
            {**VOTE, "validate": {"required": False}},
            {**one("textfield"), "key": "h", "conditional": {"hide": "c or n > 3"}},
        ],
    },
    file="full.form",
)

keys = st.sampled_from([*sorted(FULL.keys), "x", "for", "present", "excluded", "written"])
any_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 20)
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["x", "2026-06-10", "5", "\x00", "\ud800"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=5),
    max_leaves=15,
)


@given(st.dictionaries(keys, any_json, max_size=8) | any_json)
def test_any_json_gives_clean_data_or_sentences(new_world: Callable[[], Any], raw: Any) -> None:
    world = new_world()
    try:
        data = FULL.load(raw, world)
    except InvalidInput as refusal:
        assert refusal.fields
        assert all(sentences for sentences in refusal.fields.values())
        return
    text = json.dumps(data, allow_nan=False, ensure_ascii=False)
    assert json.loads(text) == data
    text.encode("utf-8")
    assert "\\u0000" not in text
    assert FULL.load(FULL.raw_of(data), world) == data


@given(any_json)
def test_looking_at_any_json_never_fails(new_world: Callable[[], Any], raw: Any) -> None:
    if isinstance(raw, dict):
        FULL.hidden(raw, new_world())
        FULL.live(raw, new_world())
        FULL.to_html(raw)
