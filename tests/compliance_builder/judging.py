"""What the rules say of a matter."""

from __future__ import annotations

from datetime import date
from typing import Any

from engine.calendars.working_days import HolidayTable
from engine.compliance.evaluation import evaluate
from engine.compliance.facts import Facts
from engine.compliance.parameters import ParameterView
from engine.compliance.results import Outcome, Result
from tests.compliance_builder.law import HOLIDAYS, book, parameters
from tests.compliance_builder.matter import Matter


def judge(
    matter: Matter | Facts,
    *,
    today: date | None = None,
    holidays: HolidayTable = HOLIDAYS,
    view: ParameterView | None = None,
) -> list[Result]:
    """Return the results; today is the day of the last step unless given."""
    facts = matter.facts() if isinstance(matter, Matter) else matter
    last = max(o.occurred_on for o in facts.occurrences)
    return evaluate(
        book(),
        facts,
        today=today or last,
        holidays=holidays,
        parameters=view or parameters(),
    )


def breaches(matter: Matter | Facts, **how: Any) -> set[tuple[str, str]]:
    """Return rule and element of everything that is not met."""
    return {
        (result.rule.id, result.element)
        for result in judge(matter, **how)
        if result.outcome is Outcome.NOT_MET
    }


def result(matter: Matter | Facts, rule: str, element: str | None = None, **how: Any) -> Result:
    """Return the last result of a rule, at an element if one is named."""
    found = [
        one
        for one in judge(matter, **how)
        if one.rule.id == rule and element in (None, one.element)
    ]
    assert found, f"no result of {rule} at {element}"
    return found[-1]
