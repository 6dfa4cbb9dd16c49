"""Handing in a form: what is taken, what is refused, and what the refusal says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.engine.forms.conftest import CHOICES, PEOPLE, PERSON, Make, one, refused


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


def test_people_of_a_list_made_before(form: Make, world: Any) -> None:
    listed = form(one("textfield", properties={**PEOPLE, "among": "graded"}))
    assert "graded" in listed.names
    world.variables = {"graded": [1, {"person": 2}]}
    assert listed.load({"a": [1, 2]}, world) == {"a": [1, 2]}
    assert refused(listed, {"a": [1, 3]}, world)["a"] == ["只能从前面定下的名单中选择，请另选。"]
    world.variables = {}
    assert listed.load({"a": [3]}, world) == {"a": [3]}


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
