"""What must hold of all answers together: ``check`` and ``check_text``."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest

from engine.calendars.functions import date_functions
from engine.calendars.notices import shipped_table
from engine.errors import InvalidInput, PackageProblem
from engine.forms import compile_form

DAY = date(2026, 6, 10)


@dataclass
class Context:
    occurred_on: date = DAY
    variables: dict[str, Any] = field(default_factory=lambda: {"occurred_on": DAY.isoformat()})
    functions: Any = field(default_factory=lambda: date_functions(shipped_table(), DAY))
    subject_id: int | None = 1


def form(**properties: str) -> dict[str, Any]:
    return {
        "type": "default",
        "id": "f",
        "components": [
            {
                "type": "datetime",
                "subtype": "date",
                "key": "birth_date",
                "dateLabel": "出生日期",
                "properties": properties,
            }
        ],
    }


ADULT = {"check": "age_on(birth_date, occurred_on) >= 18", "check_text": "不满十八周岁。"}


@pytest.mark.parametrize("born", ["2008-06-10", "1990-01-01"])
def test_it_holds(born: str) -> None:
    schema = compile_form(form(**ADULT), file="f.form")
    assert schema.load({"birth_date": born}, Context()) == {"birth_date": born}  # type: ignore[arg-type]


def test_it_does_not_hold_by_a_day() -> None:
    schema = compile_form(form(**ADULT), file="f.form")
    with pytest.raises(InvalidInput) as refused:
        schema.load({"birth_date": "2008-06-11"}, Context())  # type: ignore[arg-type]
    assert refused.value.fields == {"birth_date": ["不满十八周岁。"]}


@pytest.mark.parametrize("missing", ["check", "check_text"])
def test_condition_and_sentence_come_together(missing: str) -> None:
    given = {key: value for key, value in ADULT.items() if key != missing}
    with pytest.raises(PackageProblem, match="一起写"):
        compile_form(form(**given), file="f.form")
