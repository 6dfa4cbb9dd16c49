"""Lists of the rectification ledger: what a form must ask for, and where."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from engine.errors import PackageProblem
from engine.forms import compile_form
from tests.rectifying import ANSWERS, ITEMS


def form(*parts: Any) -> dict[str, Any]:
    return {"schemaVersion": 16, "type": "default", "id": "f", "components": list(parts)}


def changed(part: Any, key: str, **changes: Any) -> dict[str, Any]:
    made = copy.deepcopy(dict(part))
    made["components"] = [
        {**column, **changes} if column["key"] == key else column for column in made["components"]
    ]
    return made


def without(part: Any, key: str) -> dict[str, Any]:
    made = copy.deepcopy(dict(part))
    made["components"] = [column for column in made["components"] if column["key"] != key]
    return made


def problems(*parts: Any) -> list[str]:
    with pytest.raises(PackageProblem) as refusal:
        compile_form(form(*parts), file="f.form")
    return [problem.message for problem in refusal.value.problems]


def test_good_lists_are_known_to_the_form() -> None:
    made = compile_form(form(ITEMS, ANSWERS), file="f.form")
    assert [field.key for field in made.raising] == ["items"]
    assert [field.key for field in made.answering] == ["last_time"]


@pytest.mark.parametrize("key", ["problem", "owner", "measure", "due"])
def test_every_column_of_items_is_there_and_required(key: str) -> None:
    (message,) = problems(without(ITEMS, key))
    assert key in message
    (message,) = problems(changed(ITEMS, key, validate={}))
    assert key in message


@pytest.mark.parametrize("key", ["item", "problem", "answer", "due", "reason"])
def test_every_column_of_answers_is_there(key: str) -> None:
    (message,) = problems(without(ANSWERS, key))
    assert key in message


def test_answers_are_those_we_know() -> None:
    other = changed(ANSWERS, "answer", values=[{"value": "perhaps", "label": "也许"}])
    assert problems(other) == ["answer 的选项只能是 done、extended、carried"]


def test_the_lists_stand_at_the_top_of_a_form() -> None:
    group = {"type": "group", "key": "g", "label": "组", "components": [copy.deepcopy(dict(ITEMS))]}
    assert problems(group) == ["整改清单不能放在列表或分组里"]
    open_group = {"type": "group", "label": "组", "components": [copy.deepcopy(dict(ITEMS))]}
    assert compile_form(form(open_group), file="f.form").raising


def test_the_domain_asks_for_a_dynamic_list() -> None:
    field = {"type": "textfield", "key": "x", "properties": {"domain": "rectification"}}
    assert "dynamiclist" in problems(field)[0]
