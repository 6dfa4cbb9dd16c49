"""Checks of expressions, each fed one that is wrong in just this way."""

from __future__ import annotations

import pytest

from engine.errors import Severity
from tests.package_builder import check_with, codes, spoil

TOML = "process.toml"
BPMN = "tiny_review.bpmn"
CONDITION = 'review_decision == "agree"'
TIMER = 'add_days(on["review"], 5)'
DUE = "add_months(on['apply'], 1)"


def loop(part: str) -> tuple[str, str]:
    """A loop of the check with a part that holds an expression."""
    return check_with(f"<standardLoopCharacteristics>{part}</standardLoopCharacteristics>")


@pytest.mark.parametrize(
    ("code", "file", "element", "old", "new"),
    [
        ("expression-invalid", BPMN, "flow_is_agreed_fork_check", CONDITION, "review_decision.x"),
        ("expression-invalid", BPMN, "flow_is_agreed_fork_check", CONDITION, "exec('x')"),
        ("expression-invalid", BPMN, "wait", TIMER, "add_days("),
        ("expression-invalid", TOML, "review", DUE, "lambda: 1"),
        ("expression-invalid", TOML, "become_applicant", "review_decision == 'agree'", "a b"),
        ("name-unknown", BPMN, "flow_is_agreed_fork_check", CONDITION, 'review_decison == "agree"'),
        ("name-unknown", TOML, "review", DUE, "add_months(on['apply'], months)"),
        ("value-unknown", BPMN, "flow_is_agreed_fork_check", CONDITION, 'review_decision == "yes"'),
        (
            "value-unknown",
            BPMN,
            "flow_is_agreed_fork_check",
            CONDITION,
            'review_decision in ["agree", "agreed"]',
        ),
        ("date-unknown", BPMN, "wait", TIMER, 'add_days(on["revue"], 5)'),
        ("date-unknown", BPMN, "wait", TIMER, 'add_days(on["is_agreed"], 5)'),
        ("timer-not-date", BPMN, "wait", TIMER, "5"),
        ("timer-not-date", BPMN, "wait", TIMER, "review_decision"),
        ("timer-not-date", BPMN, "wait", TIMER, "subject"),
        ("timer-not-date", BPMN, "wait", TIMER, 'days_between(on["review"], today())'),
        ("not-a-date", TOML, "review", DUE, "3"),
    ],
)
def test_an_expression_that_cannot_be_right(
    code: str, file: str, element: str, old: str, new: str
) -> None:
    problems = spoil(file, (old, new.replace("&", "&amp;").replace("<", "&lt;")))
    errors = [p for p in problems if p.severity is Severity.ERROR]
    assert codes(errors) == [code]
    assert (errors[0].file, errors[0].element) == (file, element)
    assert errors[0].line and errors[0].cure


@pytest.mark.parametrize(
    "text",
    ["2027-06-10", '"2027-06-10"', 'next_day(on["review"])', "started_on", 'on["review"]',
     'on["review"] if review_decision == "agree" else today()',
     'add_days(on["withdrawn"], 1) if "withdrawn" in on else today()'],
)  # fmt: skip
def test_texts_that_give_a_date(text: str) -> None:
    assert spoil(BPMN, (TIMER, text)) == [] or codes(spoil(BPMN, (TIMER, text))) == [
        "scenario-failed"
    ]


def test_a_duration_is_no_date() -> None:
    assert codes(spoil(BPMN, (TIMER, "P5D"))) != []
    good = ('<timeDate>add_days(on["review"], 5)</timeDate>', "<timeDuration>P5D</timeDuration>")
    assert spoil(BPMN, good) == []
    bad = (good[0], "<timeDuration>5 days</timeDuration>")
    assert codes(spoil(BPMN, bad)) == ["expression-invalid"]


@pytest.mark.parametrize(
    ("file", "element", "old", "new"),
    [
        (BPMN, "wait", TIMER, 'add_days(on["check"], 5)'),
        (TOML, "review", DUE, "add_months(on['check'], 1)"),
    ],
)
def test_a_day_that_may_not_have_come(file: str, element: str, old: str, new: str) -> None:
    problems = [p for p in spoil(file, (old, new)) if p.severity is Severity.WARNING]
    assert codes(problems) == ["date-not-always-before"]
    assert problems[0].element == element


def test_a_day_after_a_join_has_always_come() -> None:
    """Both branches are done after the join, though neither is on every way through the fork."""
    change = ("since = \"on['review']\"", "since = \"latest(on['review'], on['check'])\"")
    assert "date-not-always-before" not in codes(spoil(TOML, change))


def test_a_day_that_is_asked_for_first() -> None:
    change = (DUE, "on['check'] if 'check' in on else None")
    assert spoil(TOML, change) == [] or codes(spoil(TOML, change)) == ["scenario-failed"]


def test_expressions_of_loops() -> None:
    bad = loop("<loopCondition>nothing == 1</loopCondition>")
    assert codes(spoil(BPMN, bad)) == ["name-unknown"]
    items = (
        "<multiInstanceLoopCharacteristics><loopDataInputRef>{}</loopDataInputRef>"
        '<inputDataItem id="contact"/></multiInstanceLoopCharacteristics>'
    )
    assert spoil(BPMN, check_with(items.format("review_contacts"))) == []
    assert codes(spoil(BPMN, check_with(items.format("nobody")))) == ["name-unknown"]


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("on['review']", "on['revue']", "date-unknown"),
        ("on['review']", "reviewed_on", "name-unknown"),
    ],
)
def test_expressions_of_forms(old: str, new: str, code: str) -> None:
    problems = spoil("forms/check.form", (old, new))
    assert codes(problems) == [code]
    assert problems[0].element == "checked_from"


def test_a_form_may_name_its_own_fields_and_earlier_ones() -> None:
    change = ("on['review']", "on['review'] if review_decision == 'agree' else findings")
    assert spoil("forms/check.form", change) == []
