"""Checks of the answers that a forecast supposes: each is possible, and none is missing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from engine.calendars.functions import date_functions
from engine.calendars.notices import shipped_table
from engine.clock import FixedClock, start_of_day
from engine.compliance.facts import Facts, Place
from engine.compliance.parameters import ParameterView
from engine.compliance.rules import RuleBook
from engine.definitions.expected import Expected
from engine.definitions.package import MANIFEST
from engine.definitions.versions import Definition
from engine.errors import GuichengError
from engine.forms.fields import walk
from engine.lint.findings import Findings
from engine.lint.names import did_you_mean
from engine.runtime import transitions
from engine.runtime.forecasting import Nowhere, foresee
from engine.runtime.matters import World
from engine.runtime.measuring import Measure

BEGINNING: Final = date(2026, 6, 1)
"""The day from which the forecast is tried out."""


def check_forecast(definition: Definition, book: RuleBook | None = None) -> Findings:
    """Check the ``[forecast]`` tables of a package that is sound otherwise."""
    found = Findings()
    package = definition.package
    if not package.forecast:
        return found
    for element, expected in package.forecast.items():
        if element not in package.steps:
            found.error(
                "forecast-step-unknown",
                MANIFEST,
                f"[forecast] 里没有这个环节：{element}{did_you_mean(element, package.steps)}",
                "请写 [[step]] 里有的 element",
                element=element,
                line=package.lines.get(f"forecast:{element}"),
            )
        else:
            for answers in filter(None, (expected.answers, expected.again, expected.reckoned)):
                _check_answers(definition, element, answers, found)
            _check_names(definition, element, expected, found)
    for element in package.steps:
        _check_complete(definition, element, package.forecast.get(element), found)
    if not found.failed:
        _try_out(definition, book, found)
    return found


def _check_answers(
    definition: Definition, element: str, answers: Mapping[str, Any], found: Findings
) -> None:
    package = definition.package
    line = package.lines.get(f"forecast:{element}")
    form = definition.form_of(element)
    fields = {field.path: field for field in walk(form.fields) if field.path in form.keys}
    for name, value in answers.items():
        field = fields.get(name)
        if field is None:
            found.error(
                "forecast-field-unknown",
                MANIFEST,
                f"[forecast] “{element}”的表单没有字段“{name}”{did_you_mean(name, fields)}",
                "请写表单里有的字段",
                element=element,
                line=line,
            )
            continue
        options = {option.value for option in field.options}
        if options and isinstance(value, str) and value not in options:
            found.error(
                "forecast-value-unknown",
                MANIFEST,
                f"[forecast] “{element}”的“{name}”没有选项“{value}”{did_you_mean(value, options)}",
                "可用的选项：" + "、".join(sorted(options)),
                element=element,
                line=line,
            )


def _check_names(definition: Definition, element: str, expected: Expected, found: Findings) -> None:
    """Report names in what is reckoned that no form has."""
    fields = {key for step in definition.package.steps for key in definition.form_of(step).keys}
    known = {*fields, *definition.package.constants, "on", "started_on", "occurred_on"}
    for expression in expected.expressions:
        for name in sorted(expression.names - known):
            found.error(
                "forecast-field-unknown",
                MANIFEST,
                f"[forecast] “{element}”的表达式里没有这个字段：{name}{did_you_mean(name, known)}",
                "请写前面环节表单里有的字段",
                element=element,
                line=definition.package.lines.get(f"forecast:{element}"),
            )


def _check_complete(
    definition: Definition, element: str, expected: Expected | None, found: Findings
) -> None:
    """Report the fields that the diagram asks for and the forecast has no answer to."""
    asked = definition.form_of(element).keys & definition.spec.variables
    tables = [{**expected.answers, **expected.reckoned}, expected.again] if expected else [{}]
    for answers in tables:
        for name in sorted(asked - answers.keys()) if answers is not None else ():
            found.error(
                "forecast-answer-missing",
                MANIFEST,
                f"流程图要看“{element}”的“{name}”，[forecast] 没有写假定怎样填",
                f"请在 [forecast.{element}] 的 answers（again）里补上 {name} = …",
                element=element,
                line=definition.package.lines.get(f"forecast:{element}"),
            )


def _try_out(definition: Definition, book: RuleBook | None, found: Findings) -> None:
    """Play a forecast from the beginning: it has to reach the end."""
    package, table, clock = definition.package, shipped_table(), FixedClock(start_of_day(BEGINNING))
    world = World(clock, date_functions(table, BEGINNING), Nowhere())
    measure = facts = None
    if book is not None:
        measure = Measure(book, BEGINNING, table, ParameterView(book.parameters))
        facts = Facts(package.key, Place(1, "branch"), 1, BEGINNING)
    try:
        begun = transitions.begin(
            definition, organisation_id=1, subject_id=1, started_on=BEGINNING, world=world
        )
        told = foresee(begun.matter, now=clock.now(), holidays=table, measure=measure, facts=facts)
    except GuichengError as fault:
        stopped, why = "", str(fault)
    else:
        if told.ends_on is not None:
            return
        stopped, why = "、".join(told.stopped_at), ""
    found.error(
        "forecast-without-end",
        MANIFEST,
        f"按 [forecast] 的假定推算，走不到结束：停在{stopped or '开始'}。{why}",
        "请检查 [forecast] 的回答，使流程能走到结束",
        element=stopped.split("、")[0] or None,
    )
