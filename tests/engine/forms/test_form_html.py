"""HTML posts and back, and the record in words."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from engine.errors import InvalidInput
from engine.forms import FormSchema, attendance_options, compile_form, vote_inputs

Make = Callable[..., FormSchema]

CHOICES = [{"value": "x", "label": "一"}, {"value": "y", "label": "二"}]
PERSON = {"type": "textfield"}
FORM = compile_form(
    {
        "type": "default",
        "components": [
            {"type": "text", "text": "说明"},
            {"type": "textfield", "key": "name", "label": "姓名"},
            {"type": "textarea", "key": "view", "label": "认识"},
            {"type": "number", "key": "hours", "label": "学时", "decimalDigits": 1},
            {"type": "datetime", "subtype": "date", "key": "day", "dateLabel": "日期"},
            {"type": "checkbox", "key": "true_copy", "label": "属实"},
            {"type": "radio", "key": "choice", "label": "意见", "values": CHOICES},
            {"type": "checklist", "key": "ways", "label": "方式", "values": CHOICES},
            {"type": "filepicker", "key": "files", "label": "材料", "multiple": True},
            {
                "type": "textfield",
                "key": "one",
                "label": "谈话人",
                "properties": {"domain": "person"},
            },
            {
                "type": "textfield",
                "key": "two",
                "label": "联系人",
                "properties": {"domain": "people"},
            },
            {
                "type": "textfield",
                "key": "unit",
                "label": "组织",
                "properties": {"domain": "organisation"},
            },
            {
                "type": "group",
                "path": "talk",
                "label": "谈话",
                "components": [{"type": "textfield", "key": "place", "label": "地点"}],
            },
            {
                "type": "group",
                "components": [{"type": "textfield", "key": "flat", "label": "平铺"}],
            },
            {
                "type": "dynamiclist",
                "path": "visits",
                "label": "走访",
                "components": [
                    {"type": "textfield", "key": "who", "label": "对象"},
                    {"type": "checkbox", "key": "met", "label": "见面"},
                    {"type": "number", "key": "n", "label": "人数"},
                ],
            },
            {
                "type": "group",
                "path": "meeting",
                "label": "到会",
                "properties": {"domain": "attendance"},
                "validate": {"required": False},
            },
            {
                "type": "group",
                "path": "vote",
                "label": "表决",
                "properties": {"domain": "vote", "written_opinions": "true"},
                "validate": {"required": False},
            },
        ],
    },
    file="html.form",
)


class Names:
    """Names that show their numbers."""

    def person(self, person_id: int) -> str:
        return f"党员{person_id}"

    def organisation(self, organisation_id: int) -> str:
        return f"组织{organisation_id}"

    def attachment(self, attachment_id: int) -> str:
        return f"{attachment_id}.pdf"


def test_a_post_as_a_browser_sends_it(world: Any) -> None:
    posted = MultiDict(
        [
            ("csrf_token", "…"),
            ("name", " 李一 "),
            ("view", "一\r\n二"),
            ("hours", "24.5"),
            ("day", "2026-06-10"),
            ("true_copy", "on"),
            ("choice", "x"),
            ("ways", "y"),
            ("ways", "x"),
            ("files", "501"),
            ("files", ""),
            ("one", "3"),
            ("two", "1"),
            ("two", "2"),
            ("unit", "7"),
            ("talk.place", "会议室"),
            ("flat", "平"),
            ("visits-0.who", "邻居"),
            ("visits-0.met", "on"),
            ("visits-1.who", ""),
            ("visits-1.n", " "),
            ("visits-12.who", "同事"),
            ("visits-x.who", "nobody"),
            *[(f"meeting.{n}", "present") for n in range(1, 8)],
            ("meeting.8", "absent"),
            ("meeting.9", "excluded:abroad"),
            ("meeting.10", "excluded:bedridden"),
            ("meeting.excluded_approved", "on"),
            ("vote.for", "6"),
            ("vote.against", "1"),
            ("vote.abstain", "0"),
            ("vote.issued", "7"),
            ("vote.collected", "7"),
            ("vote.written.for", ""),
            ("vote.written.against", "1"),
        ]
    )
    data = FORM.load(FORM.from_html(posted), world)
    assert data["name"] == "李一"
    assert data["view"] == "一\n二"
    assert data["hours"] == 24.5
    assert data["true_copy"] is True
    assert data["ways"] == ["x", "y"]
    assert data["files"] == [501]
    assert (data["one"], data["two"], data["unit"]) == (3, [1, 2], 7)
    assert data["talk"] == {"place": "会议室"}
    assert data["flat"] == "平"
    assert data["visits"] == [{"who": "邻居", "met": True}, {"who": "同事", "met": False}]
    assert data["meeting"]["due"] == 8
    assert data["vote"]["outcome"] == "adopted"
    assert data["vote"]["written"]["against"] == 1

    record = {answer.name: answer.text for answer in FORM.in_words(data, Names())}
    assert record["day"] == "2026年6月10日"
    assert record["choice"] == "一"
    assert record["ways"] == "一、二"
    assert record["true_copy"] == "是"
    assert record["one"] == "党员3"
    assert record["two"] == "党员1、党员2"
    assert record["unit"] == "组织7"
    assert record["files"] == "501.pdf"
    assert record["visits-1.who"] == "同事"
    assert record["meeting"].startswith("应到 8 人，实到 7 人，达到法定人数。到会：党员1、")
    assert "党员9（自费出国半年以上）" in record["meeting"]
    assert record["vote"] == (
        "赞成 6 票、反对 1 票、弃权 0 票；书面意见赞成 0 份、反对 1 份、弃权 0 份；"
        "发出 7 张、收回 7 张；赞成须 5 票，通过"
    )
    labels = {answer.name: answer.label for answer in FORM.in_words(data, Names())}
    assert labels["visits-1.who"] == "走访第 2 行：对象"
    assert labels["talk.place"] == "谈话：地点"


def test_an_empty_post_is_an_empty_form(world: Any) -> None:
    raw = FORM.from_html(MultiDict())
    assert FORM.load(raw, world) == {
        "true_copy": False,
        "ways": [],
        "files": [],
        "two": [],
        "talk": {},
        "visits": [],
    }


def test_a_void_meeting_in_words(world: Any) -> None:
    posted = MultiDict([(f"meeting.{n}", "present") for n in range(1, 6)])
    data = FORM.load(FORM.from_html(posted), world)
    record = {answer.name: answer.text for answer in FORM.in_words(data, Names())}
    assert "未达到法定人数，会议无效" in record["meeting"]
    assert record["vote"] == "未达到法定人数，会议无效"
    assert FORM.raw_of(data)["vote"] == {}


def test_choices_for_the_page() -> None:
    meeting, vote = FORM.fields[-2:]
    values = [option.value for option in attendance_options(meeting)]
    assert values == [
        "absent",
        "present",
        "excluded:cannot_express",
        "excluded:abroad",
        "excluded:serving_sentence",
        "excluded:bedridden",
        "excluded:away",
    ]
    assert [option.value for option in vote_inputs(vote)] == [
        "issued",
        "collected",
        "for",
        "against",
        "abstain",
        "written.for",
        "written.against",
        "written.abstain",
    ]
    assert FORM.label("vote.written.for") == "表决：书面意见：赞成"
    assert FORM.label("meeting.excluded_approved") == "到会"
    assert FORM.label("nonsense") == ""


def test_names_in_a_post_cannot_make_the_server_work_hard() -> None:
    posted = MultiDict([(f"visits-{n}.who", "x") for n in range(900_000, 901_000)])
    assert len(FORM.from_html(posted)["visits"]) <= 201


line = st.text(
    st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="\u2028\u2029\x85"),
    max_size=30,
).map(str.strip)
prose = st.lists(line, max_size=3).map("\n".join).map(str.strip)


def sometimes(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


lists = {
    "ways": st.lists(st.sampled_from(["x", "y"]), unique=True).map(sorted),
    "files": st.lists(st.sampled_from([501, 502, 503]), unique=True),
    "two": st.lists(st.integers(1, 10), unique=True, max_size=5),
    "visits": st.lists(
        st.fixed_dictionaries(
            {"who": line.filter(bool), "met": st.booleans()}, optional={"n": st.integers(0, 99)}
        ),
        max_size=3,
    ),
}
singles = {
    "name": line.filter(bool),
    "view": prose.filter(bool),
    "hours": st.integers(0, 1000) | st.integers(1, 9999).map(lambda n: n / 10),
    "day": st.dates(date(1900, 1, 1), date(2200, 12, 31)).map(str),
    "choice": st.sampled_from(["x", "y"]),
    "one": st.integers(1, 10),
    "unit": st.just(7),
    "flat": line.filter(bool),
}


@st.composite
def meetings(draw: st.DrawFn) -> dict[str, Any]:
    marks = draw(
        st.lists(st.sampled_from(["present"] * 5 + ["absent", "away"]), min_size=10, max_size=10)
    )
    present = [n for n, mark in enumerate(marks, 1) if mark == "present"]
    excluded = [
        {"person": n, "reason": "away"} for n, mark in enumerate(marks, 1) if mark == "away"
    ]
    raw: dict[str, Any] = {}
    if not present or len(excluded) == 10:
        return raw
    raw["meeting"] = {
        "present": present,
        "excluded": excluded,
        "exclusions_approved": bool(excluded),
    }
    if 2 * len(present) > 10 - len(excluded):
        issued = draw(st.integers(0, len(present)))
        collected = draw(st.integers(0, issued))
        yes = draw(st.integers(0, collected))
        no = draw(st.integers(0, collected - yes))
        raw["vote"] = {
            "for": yes,
            "against": no,
            "abstain": draw(st.integers(0, collected - yes - no)),
            "issued": issued,
            "collected": collected,
            "written": {"for": 0, "against": 0, "abstain": 0},
        }
    return raw


raws = st.builds(
    lambda some, many, meeting, place: {
        **some,
        **many,
        **meeting,
        "true_copy": bool(place),
        "talk": {"place": place} if place else {},
    },
    st.fixed_dictionaries({}, optional=singles),
    st.fixed_dictionaries(lists),
    meetings(),
    line,
)


@given(raws)
def test_what_is_loaded_can_be_shown_posted_and_loaded_again(
    new_world: Callable[[], Any], raw: dict[str, Any]
) -> None:
    world = new_world()
    data = FORM.load(raw, world)
    posted = MultiDict(FORM.to_html(raw))
    assert FORM.load(FORM.from_html(posted), world) == data
    again = FORM.raw_of(data)
    assert FORM.load(again, world) == data
    posted = MultiDict(FORM.to_html(again))
    assert FORM.load(FORM.from_html(posted), world) == data


some_names = st.sampled_from(
    ["name", "visits-0.who", "meeting.1", "meeting.99", "vote.for", "talk.place", "ways"]
)
some_values = st.sampled_from(["present", "excluded:", "excluded:x", "on"])


@given(
    st.lists(
        st.tuples(st.text(max_size=12) | some_names, st.text(max_size=8) | some_values),
        max_size=12,
    )
)
def test_any_post_can_be_read(new_world: Callable[[], Any], pairs: list[tuple[str, str]]) -> None:
    raw = FORM.from_html(MultiDict(pairs))
    FORM.live(raw, new_world())
    try:
        FORM.load(raw, new_world())
    except InvalidInput as refusal:
        assert refusal.fields
