"""Every kind of field on a page: how it is drawn, and how it comes back from a plain form."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest
from flask import Flask, render_template_string

from engine.forms.fields import Field, OrganisationChoice, PersonChoice
from engine.forms.schema import FormSchema, compile_form
from web.forms.page import FormPage, field_view, form_page
from web.forms.posted import read_posted

COMPONENTS: list[dict[str, Any]] = [
    {"type": "text", "text": "请**如实**填写 <b>"},
    {"type": "textfield", "key": "place", "label": "地点", "validate": {"required": True}},
    {"type": "textarea", "key": "note", "label": "说明", "description": "写清经过"},
    {"type": "number", "key": "hours", "label": "学时"},
    {"type": "datetime", "subtype": "date", "key": "begun", "dateLabel": "起"},
    {"type": "checkbox", "key": "sure", "label": "属实"},
    {
        "type": "radio",
        "key": "opinion",
        "label": "意见",
        "values": [{"value": "yes", "label": "同意"}, {"value": "no", "label": "不同意"}],
    },
    {
        "type": "checklist",
        "key": "ways",
        "label": "方式",
        "values": [{"value": "talk", "label": "谈话"}, {"value": "visit", "label": "走访"}],
    },
    {
        "type": "textfield",
        "key": "why",
        "label": "理由",
        "conditional": {"hide": "=opinion != 'no'"},
        "validate": {"required": True},
    },
    {"type": "textfield", "key": "one", "label": "人", "properties": {"domain": "person"}},
    {"type": "textfield", "key": "many", "label": "人们", "properties": {"domain": "people"}},
    {"type": "textfield", "key": "unit", "label": "组织", "properties": {"domain": "organisation"}},
    {
        "type": "dynamiclist",
        "path": "visits",
        "label": "走访",
        "components": [{"type": "textfield", "key": "whom", "label": "对象"}],
    },
    {
        "type": "group",
        "path": "meeting",
        "label": "到会",
        "components": [],
        "properties": {"domain": "attendance"},
    },
    {
        "type": "group",
        "path": "vote",
        "label": "表决",
        "components": [],
        "properties": {"domain": "vote", "written_opinions": "true"},
    },
    {"type": "filepicker", "key": "papers", "label": "材料", "multiple": True},
]
DRAWN = """{% import "forms/fields.html" as forms with context %}
{{ forms.summary(form.errors) }}{% for f in form.fields %}{{ forms.field(f) }}{% endfor %}"""


@dataclass
class Context:
    """Three people, two organisations, nothing else."""

    occurred_on: date = date(2026, 11, 22)
    variables: Mapping[str, Any] = field(default_factory=dict)
    functions: Mapping[str, Any] = field(default_factory=dict)
    subject_id: int | None = None
    people = (PersonChoice(1, "王一", "书记"), PersonChoice(2, "李二"), PersonChoice(3, "张三"))

    def find_person(self, person_id: int, field: Field) -> PersonChoice | None:
        return next((p for p in self.people if p.id == person_id), None)

    def people_choices(self, field: Field) -> Sequence[PersonChoice]:
        return self.people

    def organisation_choices(self, field: Field) -> Sequence[OrganisationChoice]:
        return [OrganisationChoice(7, "第一党支部"), OrganisationChoice(8, "第二党支部")]

    def roll(self, body: str, day: date) -> Sequence[PersonChoice]:
        return self.people

    def usable(self, files: Sequence[int]) -> Sequence[int]:
        return files


@pytest.fixture(scope="module")
def schema() -> FormSchema:
    source = {"schemaVersion": 16, "type": "default", "id": "all", "components": COMPONENTS}
    return compile_form(source, file="all.form")


@pytest.fixture
def page(app: Flask) -> Iterator[None]:
    with app.test_request_context():
        yield


def drawn(schema: FormSchema, values: dict[str, Any], **more: Any) -> tuple[FormPage, str]:
    page = form_page(schema, Context(), values, occurred_on=date(2026, 11, 22), **more)
    return page, render_template_string(DRAWN, form=page, form_action="/again")


def test_every_kind_is_drawn_with_label_and_name(schema: FormSchema, page: None) -> None:
    _, html = drawn(schema, {"visits": [{"whom": "赵四"}], "many": [2], "sure": True})
    for name in (
        "place",
        "note",
        "hours",
        "begun",
        "sure",
        "opinion",
        "ways",
        "one",
        "many",
        "unit",
    ):
        assert f'name="{name}"' in html
    assert 'name="visits-0.whom"' in html
    assert 'name="vote.written.for"' in html
    assert 'name="meeting.2"' in html
    assert 'name="_file.papers"' in html
    assert "<strong>如实</strong>" in html
    assert "&lt;b&gt;" in html
    ids = re.findall(r' id="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'<label for="([^"]+)"', html)) <= set(ids)


def test_hidden_fields_are_drawn_hidden(schema: FormSchema, page: None) -> None:
    form, html = drawn(schema, {"opinion": "yes"})
    assert "why" in form.hidden
    assert re.search(r'data-field="why"[^>]* hidden', html)
    form, html = drawn(schema, {"opinion": "no"})
    assert "why" not in form.hidden


def test_errors_stand_at_the_field_and_link_from_the_top(schema: FormSchema, page: None) -> None:
    form, html = drawn(
        schema,
        {},
        errors={"place": ["请填写地点。"], "vote.for": ["合计不符。"], "": ["整体有误。"]},
    )
    assert [e.target for e in form.errors] == ["f-place", "f-vote", ""]
    assert 'aria-describedby="f-place-wrong"' in html
    assert 'aria-invalid="true"' in html


def test_what_a_browser_sends_comes_back_as_raw_data(app: Flask, schema: FormSchema) -> None:
    sent = {
        "_occurred_on": "2026-11-20",
        "place": "活动室",
        "sure": "true",
        "ways": ["talk", "visit"],
        "visits-0.whom": "赵四",
        "visits-1.whom": "钱五",
        "meeting.1": ["present", "absent"],
        "meeting.2": ["absent"],
        "meeting.3": ["excluded:abroad"],
        "meeting.excluded_approved": "true",
        "vote.for": "1",
    }
    with app.test_request_context(method="POST", data=sent):
        posted = read_posted(schema, with_files=False)
    assert posted.occurred_on == date(2026, 11, 20)
    assert posted.raw["visits"] == [{"whom": "赵四"}, {"whom": "钱五"}]
    assert posted.raw["ways"] == ["talk", "visit"]
    assert posted.raw["meeting"] == {
        "present": [1],
        "excluded": [{"person": 3, "reason": "abroad"}],
        "exclusions_approved": True,
    }


@pytest.mark.parametrize(
    ("button", "rows"),
    [
        ({"_add": "visits"}, ["赵四", "钱五", None]),
        ({"_remove": "visits-0"}, ["钱五"]),
        ({"_remove": "visits-9"}, ["赵四", "钱五"]),
        ({"_add": "nonsense.deep"}, ["赵四", "钱五"]),
    ],
)
def test_rows_are_added_and_removed_by_plain_buttons(
    app: Flask, schema: FormSchema, button: dict[str, str], rows: list[str | None]
) -> None:
    sent = {"visits-0.whom": "赵四", "visits-1.whom": "钱五", **button}
    with app.test_request_context(method="POST", data=sent):
        posted = read_posted(schema, with_files=False)
    assert [row.get("whom") for row in posted.raw["visits"]] == rows


def test_meetings_say_what_the_numbers_mean(schema: FormSchema, page: None) -> None:
    form, _ = drawn(schema, {})
    assert "应到会 3 人" in said(form, "meeting")
    assert "登记到会人员后" in said(form, "vote")
    present = {"present": [1, 2], "excluded": []}
    form, _ = drawn(schema, {"meeting": present})
    assert "应到 3 人，实到 2 人，达到法定人数" in said(form, "meeting")
    assert "赞成须达到 2 票（应到会 3 人，须超过半数）" in said(form, "vote")
    form, _ = drawn(schema, {"meeting": present, "vote": {"for": "1"}})
    assert "现 1 票，还需 1 票" in said(form, "vote")
    votes = {"issued": "2", "collected": "2", "for": "1", "against": "1", "abstain": "0"}
    form, _ = drawn(schema, {"meeting": present, "vote": votes})
    assert "赞成须 2 票，现 1 票，未通过。还差 1 票（应到会 3 人，须超过半数）" in said(
        form, "vote"
    )
    form, _ = drawn(schema, {"meeting": {"present": [1], "excluded": []}})
    assert "不能表决" in said(form, "vote")
    assert "还需 1 人到会" in said(form, "meeting")


def said(form: FormPage, path: str) -> str:
    view = field_view(form, path)
    assert view is not None
    assert view.say is not None
    return view.say.words
