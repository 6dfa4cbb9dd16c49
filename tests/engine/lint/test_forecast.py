"""What a forecast supposes has to be possible, complete, and lead to an end."""

from __future__ import annotations

import pytest

from engine.errors import PackageProblem, Problem
from tests.package_builder import DIAGRAM, codes, diagram, good_files, lint, spoil, swap

PLACE = '[messages.withdraw]\ntitle = "撤回申请"'
GOOD = '[forecast.review]\nanswers = { review_decision = "agree" }\n'


def with_forecast(text: str) -> list[Problem]:
    try:
        return spoil("process.toml", (PLACE, f"{text}\n{PLACE}"))
    except PackageProblem as refused:
        return list(refused.problems)


def test_a_package_may_do_without() -> None:
    assert lint(good_files()) == []


def test_complete_answers_pass() -> None:
    assert with_forecast(GOOD) == []


def test_answers_may_be_reckoned() -> None:
    agree = '"agree" if occurred_on > "2000-01-01" else "refuse"'
    assert with_forecast(f"[forecast.review]\nreckoned = {{ review_decision = '{agree}' }}\n") == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (GOOD + 'reckoned = { decision = "on" }\n', "forecast-field-unknown"),
        (GOOD + 'reckoned = { review_decision = "planed" }\n', "forecast-field-unknown"),
        (GOOD + 'reckoned = { review_decision = "1 +" }\n', "expression"),
        (GOOD + "reckoned = { review_decision = 1 }\n", "wrong-type"),
        (GOOD.replace("forecast.review", "forecast.revue") + GOOD, "forecast-step-unknown"),
        (GOOD.replace("review_decision", "decision"), "forecast-field-unknown"),
        (GOOD.replace('"agree"', '"agreed"'), "forecast-value-unknown"),
        ("[forecast.apply]\nanswers = {}\n", "forecast-answer-missing"),
        (GOOD + "again = {}\n", "forecast-answer-missing"),
        (GOOD.replace("answers", "answer"), "missing-key"),
        (GOOD.replace('"agree"', "2026-06-10"), "wrong-type"),
        (GOOD.replace('{ review_decision = "agree" }', '"agree"'), "wrong-type"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(text: str, code: str) -> None:
    problems = [p for p in with_forecast(text) if p.code == code]
    assert problems, codes(with_forecast(text))
    assert problems[0].file == "process.toml"
    assert problems[0].cure


def test_an_unknown_step_suggests_the_one_meant() -> None:
    problems = with_forecast(GOOD + GOOD.replace("forecast.review", "forecast.revue"))
    assert [p.element for p in problems] == ["revue"]
    assert "review" in problems[0].message


def test_a_forecast_has_to_reach_the_end() -> None:
    again = GOOD + '[forecast.check]\nanswers = { findings = "again" }\n'
    loop = '<sequenceFlow id="flow_check_join_check" sourceRef="check" targetRef="join_check"/>'
    turned = (
        '<exclusiveGateway id="is_checked" name="核对好了" default="flow_is_checked_join"/>'
        '<sequenceFlow id="flow_check_is" sourceRef="check" targetRef="is_checked"/>'
        '<sequenceFlow id="flow_is_checked_join" sourceRef="is_checked" targetRef="join_check"/>'
        '<sequenceFlow id="flow_is_checked_check" sourceRef="is_checked" targetRef="check">'
        '<conditionExpression>findings == "again"</conditionExpression></sequenceFlow>'
    )
    files = good_files()
    files["process.toml"] = swap(
        files["process.toml"].decode(), PLACE, f"{again}\n{PLACE}"
    ).encode()
    files["tiny_review.bpmn"] = diagram(swap(DIAGRAM, loop, turned))
    problems = lint(files)
    assert "forecast-without-end" in codes(problems), problems
