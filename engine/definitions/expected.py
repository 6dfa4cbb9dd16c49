"""The ``[forecast]`` tables of process.toml: the answers that a forecast supposes.

Nobody is decided upon by them. A forecast plays a matter on to its end, and where the diagram asks
what was decided it needs an answer: the favourable one, which the package names here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from engine.definitions.reading import Table
from engine.errors import ExpressionFault
from engine.expressions import Expression, compile_expression

_PLAIN: Final = (str, int, bool)


@dataclass(frozen=True, slots=True)
class Expected:
    """What a forecast supposes to be answered in a step."""

    element: str
    answers: Mapping[str, Any]
    """By form field; only those that the diagram, the limits or rules on time ask for."""
    again: Mapping[str, Any] | None = None
    """Of a step that is done again and again: the answers with which it will be done once more.

    Such a step is put off as long as it lawfully can be, and done for the last time, with
    ``answers``, when nothing else is left to wait for.
    """
    on: Expression | None = None
    """The day before which the step is not supposed, from what was planned: ``planned_on``."""
    reckoned: Mapping[str, Expression] = field(default_factory=lambda: MappingProxyType({}))
    """Answers that depend on what was entered before, or on the day of the step."""

    supposes: str = ""
    """What is supposed, in words that follow 假定: ``公示期间没有异议``."""
    supposes_en: str = ""

    @property
    def expressions(self) -> tuple[Expression, ...]:
        """Everything that is reckoned here."""
        return (*self.reckoned.values(), *filter(None, [self.on]))

    @property
    def repeats(self) -> bool:
        """Whether the step is one of those done again and again."""
        return self.again is not None


def read_expected(tables: Mapping[str, Table]) -> Mapping[str, Expected]:
    """Read the tables by element, and report what cannot be an answer."""
    found: dict[str, Expected] = {}
    for element, table in tables.items():
        table.element = element
        answers = _answers(table, "answers")
        again = _answers(table, "again")
        reckoned = _reckoned(table)
        answers = answers or MappingProxyType({})
        found[element] = Expected(
            element,
            answers,
            again,
            _on(table),
            reckoned,
            table.text("supposes", ""),
            table.text("supposes_en", ""),
        )
        table.done()
    return MappingProxyType(found)


def _answers(table: Table, key: str) -> Mapping[str, Any] | None:
    given = table.raw(key)
    if given is None:
        if key == "answers" and table.raw("reckoned") is None:
            table.error("missing-key", "缺少“answers”", "请补上 answers = { 字段 = 值 }")
        return None
    if not isinstance(given, dict) or not all(map(_plain, given.values())):
        table.error(
            "wrong-type",
            f"“{key}”应当是“字段 = 值”的表，值为文字、整数、true 或 false，或者它们的表、列表",
            '例如 answers = { decision = "agree" }',
            key=key,
        )
        return MappingProxyType({})
    return MappingProxyType(given)


def _on(table: Table) -> Expression | None:
    source = table.optional("on")
    return None if source is None else _compiled(table, "on", source)


def _reckoned(table: Table) -> Mapping[str, Expression]:
    given = table.raw("reckoned")
    if given is None:
        return MappingProxyType({})
    if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
        table.error(
            "wrong-type",
            "“reckoned”应当是“字段 = 表达式”的表",
            '例如 reckoned = { until = "add_days(occurred_on, 5)" }',
            key="reckoned",
        )
        return MappingProxyType({})
    found = {name: _compiled(table, "reckoned", source) for name, source in given.items()}
    return MappingProxyType({name: one for name, one in found.items() if one is not None})


def _compiled(table: Table, key: str, source: str) -> Expression | None:
    try:
        return compile_expression(source)
    except ExpressionFault as fault:
        table.error("expression", str(fault), "请改正表达式", key=key)
        return None


def _plain(value: object) -> bool:
    if isinstance(value, dict):
        return all(map(_plain, value.values()))
    if isinstance(value, list):
        return all(map(_plain, value))
    return isinstance(value, _PLAIN)
