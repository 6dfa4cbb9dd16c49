"""Whatever JSON is handed in: clean data or sentences, never a fault."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from engine.errors import InvalidInput
from engine.forms import compile_form
from tests.engine.forms.conftest import CHOICES, MEETING, PEOPLE, VOTE, one

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
