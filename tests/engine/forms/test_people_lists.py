"""Lists that begin with a row for each of some people."""

from __future__ import annotations

from typing import Any

import pytest

from engine.errors import PackageProblem
from tests.engine.forms.conftest import PERSON, Make, World

ABOUT = {"type": "textfield", "key": "about", "properties": PERSON, "validate": {"required": True}}
TEXT = {"type": "textarea", "key": "said", "validate": {"required": True}}


def rows(**properties: str) -> dict[str, Any]:
    return {
        "type": "dynamiclist",
        "path": "opinions",
        "components": [TEXT, ABOUT],
        "properties": properties,
    }


@pytest.mark.parametrize(
    ("known", "people"),
    [
        ({"graded": [3, 7]}, [3, 7]),
        ({"graded": [3, 3]}, [3]),
        ({"graded": [{"person": 4, "reason": "x"}]}, [4]),
        ({"graded": []}, []),
        ({"graded": None}, []),
        ({}, []),
    ],
)
def test_there_is_a_row_for_each(form: Make, known: dict[str, Any], people: list[int]) -> None:
    begun = form(rows(each="graded")).prefill(World(variables=known))
    assert [row["about"] for row in begun.get("opinions", [])] == people
    assert all(row.keys() == {"about"} for row in begun.get("opinions", []))


def test_the_people_may_be_reckoned(form: Make) -> None:
    world = World(variables={"basic": [2], "unqualified": [5, 2]})
    begun = form(rows(each="distinct(basic, unqualified)")).prefill(world)
    assert [row["about"] for row in begun["opinions"]] == [2, 5]


def test_what_the_list_asks_for_is_kept_by_the_matter(form: Make) -> None:
    assert "graded" in form(rows(each="graded")).names


def test_a_list_without_people_has_nobody_to_begin_with(form: Make) -> None:
    with pytest.raises(PackageProblem, match="each"):
        form({**rows(each="graded"), "components": [TEXT]})
    with pytest.raises(PackageProblem, match="each"):
        form({**TEXT, "properties": {"each": "graded"}})
