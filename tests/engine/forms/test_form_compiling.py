"""Compiling form-js files: what is understood, and what is refused with file, place and cure."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import PackageProblem, Problem
from engine.forms import FieldKind, FormSchema, compile_form, walk

Make = Callable[..., FormSchema]


def problems_of(*components: Any) -> list[Problem]:
    with pytest.raises(PackageProblem) as caught:
        compile_form({"type": "default", "components": list(components)}, file="forms/a.form")
    return list(caught.value.problems)


TEXT = {"type": "textfield", "key": "name", "label": "姓名"}


def test_a_form_as_an_editor_writes_it(form: Make) -> None:
    compiled = form(
        {"type": "text", "text": "说明 **{{n + 1}}** 项"},
        {
            "type": "textfield",
            "key": "name",
            "id": "Field_1",
            "label": "姓名",
            "description": "与身份证一致",
            "layout": {"row": "Row_1", "columns": 8},
            "validate": {"required": True, "minLength": 2, "maxLength": 30},
            "properties": {"prefill": "subject_name"},
            "conditional": {"hide": "=known == True"},
        },
        {"type": "datetime", "subtype": "date", "key": "day", "dateLabel": "日期"},
        {"type": "number", "key": "hours", "label": "学时", "decimalDigits": 1},
        {
            "type": "group",
            "path": "talk",
            "label": "谈话",
            "components": [{"type": "textarea", "key": "view", "label": "认识"}],
        },
        {"type": "group", "label": "一组", "components": [{**TEXT, "key": "flat"}]},
        {"type": "dynamiclist", "path": "visits", "components": [{**TEXT, "key": "who"}]},
        {"type": "separator"},
        {"type": "filepicker", "key": "files", "label": "材料", "multiple": True, "accept": ".pdf"},
    )
    assert compiled.keys == {"name", "day", "hours", "talk", "flat", "visits", "files"}
    by_path = {field.path: field for field in walk(compiled.fields)}
    name = by_path["name"]
    assert (name.label, name.hint, name.required) == ("姓名", "与身份证一致", True)
    assert (name.limits.min_length, name.limits.max_length) == (2, 30)
    assert (name.layout.row, name.layout.columns) == ("Row_1", 8)
    assert by_path["day"].label == "日期"
    assert by_path["hours"].limits.decimals == 1
    assert by_path["talk.view"].kind is FieldKind.TEXTAREA
    assert by_path["visits.who"].key == "who"
    assert by_path["files"].flag("multiple")
    assert by_path["#1"].kind is FieldKind.TEXT
    assert {e.source.strip() for e in compiled.expressions()} == {
        "n + 1",
        "subject_name",
        "known == True",
    }


def test_domain_fields_are_standard_components_with_a_property(form: Make) -> None:
    compiled = form(
        {**TEXT, "key": "one", "properties": {"domain": "person", "status": "full"}},
        {**TEXT, "key": "some", "properties": {"domain": "people", "min": "2", "max": "2"}},
        {**TEXT, "key": "unit", "properties": {"domain": "organisation"}},
        {"type": "group", "path": "meeting", "properties": {"domain": "attendance"}},
        {"type": "group", "path": "vote", "properties": {"domain": "vote"}},
    )
    kinds = [field.kind.value for field in compiled.fields]
    assert kinds == ["person", "people", "organisation", "attendance", "vote"]
    meeting, vote = compiled.fields[3:]
    assert meeting.props["quorum"] == "more_than_half"
    assert vote.props["threshold"] == "more_than_half_of_due"
    assert meeting.required
    assert vote.required


def test_a_meeting_may_be_optional_if_the_author_says_so(form: Make) -> None:
    compiled = form(
        {
            "type": "group",
            "path": "meeting",
            "properties": {"domain": "attendance"},
            "validate": {"required": False},
        }
    )
    assert not compiled.fields[0].required


@pytest.mark.parametrize(
    ("component", "code", "said"),
    [
        ({"type": "html", "key": "a"}, "form_type", "html"),
        ({"type": "button", "key": "a"}, "form_type", "button"),
        ({"type": "person", "key": "a"}, "form_type", "person"),
        ({"type": "date", "key": "a"}, "form_type", "date"),
        ({"key": "a"}, "form_type", "None"),
        ({"type": ["textfield"], "key": "a"}, "form_type", "textfield"),
        ({"type": "datetime", "subtype": "time", "key": "a"}, "form_type", "time"),
        ({"type": "textfield"}, "form_key", "键"),
        ({"type": "textfield", "key": "Name"}, "form_key", "Name"),
        ({"type": "textfield", "key": "a.b"}, "form_key", "a.b"),
        ({"type": "textfield", "key": "_a"}, "form_key", "_a"),
        ({"type": "textfield", "key": "today"}, "form_key", "today"),
        ({"type": "textfield", "key": "present"}, "form_key", "present"),
        ({"type": "textfield", "key": "class"}, "form_key", "class"),
        ({"type": "textfield", "key": 5}, "form_key", "5"),
        ({"type": "dynamiclist", "components": []}, "form_key", "键"),
        ({"type": "select", "key": "a"}, "form_options", "没有选项"),
        ({"type": "select", "key": "a", "values": []}, "form_options", "没有选项"),
        ({"type": "radio", "key": "a", "values": [{"value": 1, "label": "x"}]}, "form_options", ""),
        (
            {
                "type": "checklist",
                "key": "a",
                "values": [{"value": "x", "label": "甲"}, {"value": "x", "label": "乙"}],
            },
            "form_options",
            "重复",
        ),
        ({"type": "select", "key": "a", "valuesKey": "b"}, "form_attribute", "valuesKey"),
        ({**TEXT, "validate": {"validationType": "email"}}, "form_validate", "validationType"),
        ({**TEXT, "validate": {"min": 3}}, "form_validate", "min"),
        ({**TEXT, "validate": {"required": "true"}}, "form_validate", "required"),
        ({**TEXT, "validate": {"maxLength": "3"}}, "form_validate", "maxLength"),
        ({**TEXT, "validate": {"pattern": "("}}, "form_validate", "pattern"),
        ({**TEXT, "validate": {"pattern": "(a+)+$"}}, "form_validate", "极慢"),
        ({**TEXT, "validate": [1]}, "form_validate", "validate"),
        ({"type": "number", "key": "a", "decimalDigits": 7}, "form_validate", "decimalDigits"),
        ({**TEXT, "conditional": {"hide": "=a.b"}}, "form_expression", "点号"),
        ({**TEXT, "conditional": {"hide": 5}}, "form_expression", "文字"),
        ({**TEXT, "conditional": {"show": "a"}}, "form_expression", "hide"),
        ({**TEXT, "properties": {"prefill": "f("}}, "form_expression", "prefill"),
        ({"type": "text", "text": "{{ a. }}"}, "form_expression", "text"),
        ({**TEXT, "properties": {"prefil": "a"}}, "form_property", "prefil"),
        ({**TEXT, "properties": {"min": 2}}, "form_property", "文字"),
        ({**TEXT, "properties": {"domain": "persons"}}, "form_domain", "persons"),
        ({**TEXT, "properties": {"domain": "attendance"}}, "form_domain", "group"),
        ({**TEXT, "properties": {"domain": "people", "min": "two"}}, "form_property", "min"),
        ({**TEXT, "properties": {"domain": "person", "scope": "world"}}, "form_property", "scope"),
        ({**TEXT, "properties": {"domain": "person", "status": "ful"}}, "form_property", "ful"),
        (
            {"type": "group", "path": "m", "properties": {"domain": "attendance", "quorum": "1/2"}},
            "form_property",
            "quorum",
        ),
        (
            {
                "type": "group",
                "path": "m",
                "components": [TEXT],
                "properties": {"domain": "attendance"},
            },
            "form_domain",
            "下级项目",
        ),
        (
            {"type": "group", "path": "v", "properties": {"domain": "vote"}},
            "form_domain",
            "没有对应的到会登记",
        ),
        (
            {"type": "group", "path": "v", "properties": {"domain": "vote", "threshold": "most"}},
            "form_property",
            "most",
        ),
        (
            {
                "type": "dynamiclist",
                "path": "rows",
                "components": [
                    {"type": "group", "path": "m", "properties": {"domain": "attendance"}}
                ],
            },
            "form_domain",
            "列表或分组",
        ),
        ("textfield", "form_json", "对象"),
        ({"type": "group", "path": "g", "components": "x"}, "form_json", "列表"),
    ],
)
def test_refused_components(component: Any, code: str, said: str) -> None:
    found = problems_of(component)
    problem = next(problem for problem in found if problem.code == code)
    assert said in problem.message
    assert problem.file == "forms/a.form"
    assert problem.cure


def test_all_problems_are_found_at_once() -> None:
    found = problems_of({"type": "html"}, TEXT, TEXT, {**TEXT, "key": "X"})
    assert {problem.code for problem in found} == {
        "form_type",
        "form_duplicate_key",
        "form_key",
    }
    duplicate = next(problem for problem in found if problem.code == "form_duplicate_key")
    assert duplicate.element == "name"


def test_a_group_without_key_shares_the_names_of_its_parent(form: Make) -> None:
    found = problems_of(TEXT, {"type": "group", "components": [TEXT]})
    assert [problem.code for problem in found] == ["form_duplicate_key"]
    form(TEXT, {"type": "group", "path": "inner", "components": [TEXT]})


def test_inside_a_group_any_name_can_be_read(form: Make) -> None:
    assert form({"type": "group", "path": "g", "components": [{**TEXT, "key": "for"}]}).keys == {
        "g"
    }


@pytest.mark.parametrize(
    ("source", "line"),
    [
        (b"", 1),
        (b'{\n"type": }', 2),
        (b"[]", None),
        (b'{"type": "default"}', None),
        (b'{"components": []}', None),
        (b"\xff\xfe", 1),
        ("[" * 100_000, None),
        ("x" * 600_000, None),
    ],
)
def test_files_that_are_no_forms(source: bytes | str, line: int | None) -> None:
    with pytest.raises(PackageProblem) as caught:
        compile_form(source, file="forms/a.form")
    (problem,) = caught.value.problems
    assert problem.code == "form_json"
    assert problem.line == line


def test_forms_too_large_or_too_deep_are_refused() -> None:
    many = [{**TEXT, "key": f"k{n}"} for n in range(301)]
    assert problems_of(*many)[0].code == "form_size"
    deep: dict[str, Any] = {"type": "group", "path": "g", "components": []}
    for _ in range(7):
        deep = {"type": "group", "path": "g", "components": [deep]}
    assert problems_of(deep)[0].code == "form_depth"


def test_the_same_text_is_compiled_once() -> None:
    source = json.dumps({"type": "default", "components": [TEXT]})
    assert compile_form(source, file="a") is compile_form(source, file="a")


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
attributes = st.sampled_from(
    ["type", "key", "path", "components", "validate", "values", "properties", "conditional",
     "layout", "text", "label", "decimalDigits", "defaultValue"]
)  # fmt: skip
types = st.sampled_from([kind.value for kind in FieldKind] + ["datetime", "html"])


@given(
    st.lists(
        st.dictionaries(attributes, anything).flatmap(
            lambda part: types.map(lambda kind: {**part, "type": kind})
        ),
        max_size=4,
    )
)
def test_any_json_compiles_or_is_refused_with_problems(components: list[Any]) -> None:
    try:
        compile_form({"type": "default", "components": components}, file="a")
    except PackageProblem as refusal:
        assert refusal.problems
