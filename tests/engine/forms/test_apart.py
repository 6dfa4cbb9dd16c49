"""What of a form is about single people: who reads which part of it."""

from __future__ import annotations

from typing import Any

import pytest

from engine.errors import PackageProblem
from tests.engine.forms.conftest import PEOPLE, PERSON, Make

APART = {"readers": "concerned"}
ABOUT = {"type": "textfield", "key": "about", "properties": PERSON}
TEXT = {"type": "textarea", "key": "said"}
ROWS = {"type": "dynamiclist", "path": "opinions", "components": [ABOUT, TEXT], "properties": APART}
DATA: dict[str, Any] = {
    "day": "2026-06-10",
    "good": [3, 7],
    "chair": 7,
    "note": "第 7 名",
    "papers": [501],
    "opinions": [{"about": 3, "said": "甲"}, {"about": 7, "said": "乙"}],
}


def review(form: Make) -> Any:
    return form(
        {"type": "datetime", "subtype": "date", "key": "day", "dateLabel": "日期"},
        {"type": "textfield", "key": "good", "properties": {**PEOPLE, **APART}},
        {"type": "textfield", "key": "chair", "properties": {**PERSON, **APART}},
        {"type": "group", "components": [{**TEXT, "key": "note", "properties": APART}]},
        {"type": "filepicker", "key": "papers", "properties": APART},
        ROWS,
    )


@pytest.mark.parametrize(
    ("person", "part"),
    [
        (3, {"good": [3], "opinions": [DATA["opinions"][0]]}),
        (7, {"good": [7], "chair": 7, "opinions": [DATA["opinions"][1]]}),
        (4, {}),
    ],
)
def test_everybody_reads_what_is_about_themselves(
    form: Make, person: int, part: dict[str, Any]
) -> None:
    assert review(form).part_for(DATA, person) == {"day": "2026-06-10", **part}


def test_a_group_is_kept_apart_as_a_whole_and_from_inside(form: Make) -> None:
    inside = {"type": "group", "path": "part", "components": [{**TEXT, "properties": APART}, ABOUT]}
    made = form(inside, {**inside, "path": "all", "properties": APART})
    assert made.part_for({"part": {"said": "甲", "about": 3}, "all": {"about": 3}}, 3) == {
        "part": {"about": 3}
    }


def test_a_form_says_whether_it_keeps_something_apart(form: Make) -> None:
    assert review(form).keeps_apart
    assert not form(TEXT).keeps_apart


def test_the_data_stay_as_they_were(form: Make) -> None:
    before = repr(DATA)
    review(form).part_for(DATA, 3)
    assert repr(DATA) == before


def test_only_known_readers_and_only_for_whole_lists(form: Make) -> None:
    with pytest.raises(PackageProblem, match="readers"):
        form({**TEXT, "properties": {"readers": "everybody"}})
    with pytest.raises(PackageProblem, match="readers"):
        form({**ROWS, "components": [ABOUT, {**TEXT, "properties": APART}]})
