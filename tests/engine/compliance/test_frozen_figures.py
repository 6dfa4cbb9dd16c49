"""Rules about frozen figures: backed by records, and changed scores explained."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from engine.compliance.case import Case, Frame
from engine.compliance.facts import Facts, Occurrence, Place
from engine.compliance.kinds.frozen import Frozen
from engine.compliance.kinds.once import Once
from engine.compliance.parameters import ParameterView
from engine.compliance.results import Outcome
from engine.compliance.rules import Field, Rule, RuleBook
from tests.compliance_builder import HOLIDAYS, regulations

DAY = date(2027, 1, 5)
ROW = {
    "title": "党课",
    "value": 2,
    "as_of": "2027-01-04",
    "sources": [[7, 3, "2026-02-01"], [8, 3, "2026-05-01"]],
    "calculated": 8,
    "score": 8,
}


def judge(check: Any, **more: Any) -> Outcome | None:
    done = Occurrence("freeze", DAY, DAY, seq=2, **more)
    facts = Facts("assessment", Place(5, "branch"), None, DAY, (done,))
    book = RuleBook("assessment", (), {}, regulations())
    frame = Frame(book, facts, DAY, HOLIDAYS, ParameterView({}))
    rule = Rule("R-X-01", "x", "x", "indicators", check, ("freeze",))
    verdict = check.judge(Case(frame, rule, "freeze", done, None))
    return None if verdict is None else verdict.outcome


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        ({}, Outcome.MET),
        ({"as_of": "2027-01-05"}, Outcome.NOT_MET),
        ({"as_of": None}, Outcome.NOT_MET),
        ({"value": 3}, Outcome.NOT_MET),
        ({"value": 0}, Outcome.NOT_MET),
        ({"value": 0, "sources": []}, Outcome.MET),
        ({"sources": None}, Outcome.NOT_MET),
    ],
)
def test_a_figure_has_its_records_and_its_day(change: dict[str, Any], outcome: Outcome) -> None:
    rows = {"rows": [{**ROW, **change}]}
    assert judge(Frozen(Field("rows"), changes=False), data=rows) is outcome


def test_figures_that_are_not_there_are_no_figures() -> None:
    assert judge(Frozen(Field("rows"), changes=False), data={}) is Outcome.NOT_MET


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        ({}, None),
        ({"score": 9, "reason": "核对属实", "author": 4}, Outcome.MET),
        ({"score": 9, "reason": " ", "author": 4}, Outcome.NOT_MET),
        ({"score": 9, "reason": "核对属实"}, Outcome.NOT_MET),
        ({"score": 9, "reason": "核对属实", "author": 4, "calculated": None}, Outcome.NOT_MET),
    ],
)
def test_a_changed_score_says_who_and_why(change: dict[str, Any], outcome: Outcome | None) -> None:
    rows = {"rows": [{**ROW, **change}]}
    assert judge(Frozen(Field("rows"), changes=True), data=rows) is outcome


@pytest.mark.parametrize(
    ("others", "outcome"),
    [
        ({"R-X-01": ()}, Outcome.MET),
        ({"R-X-01": ("KH-2026-0001",)}, Outcome.NOT_MET),
        ({"R-X-02": ("KH-2026-0001",)}, None),
        ({}, None),
    ],
)
def test_once_is_judged_by_what_the_step_says_of_other_matters(
    others: dict[str, tuple[str, ...]], outcome: Outcome | None
) -> None:
    assert judge(Once("secretary", (Field("cycle"),)), others=others) is outcome


def test_other_matters_survive_being_written_down() -> None:
    done = Occurrence("freeze", DAY, DAY, seq=2, others={"R-X-01": ("KH-2026-0001",)})
    facts = Facts("assessment", Place(5, "branch"), None, DAY, (done,))
    assert Facts.from_json(facts.to_json()) == facts
