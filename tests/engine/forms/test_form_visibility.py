"""Fields that are hidden: dropped, not required, and hiding what depends on them."""

from __future__ import annotations

from typing import Any

from tests.engine.forms.conftest import CHOICES, Make, one, refused


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
