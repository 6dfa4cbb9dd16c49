"""A table of ``rules.toml``, read as the values that checks are made of."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from engine.compliance.kinds.shares import Share
from engine.compliance.kinds.spans import UNITS, Length, Start
from engine.compliance.rules import Amount, Condition, Element, Field, Setting
from engine.definitions.reading import Table
from engine.errors import ExpressionFault
from engine.expressions import Expression, compile_expression


class CheckTable:
    """A table of ``rules.toml``, with the values that checks are made of."""

    def __init__(self, table: Table, elements: frozenset[str]) -> None:
        self.table = table
        self.elements = elements
        """The steps of the procedure: tells ``step.field`` from ``field.inner``."""
        self.english: dict[str, str] = {}
        """English of the words in the table."""

    def fault(self, key: str, message: str, cure: str) -> None:
        """Report a value that cannot be read."""
        self.table.error("rule-value", message, cure, key=key)

    def expression(self, key: str) -> Expression | None:
        """Return an expression, or None when the key is not set."""
        source = self.table.optional(key)
        return None if source is None else self.compile(key, source)

    def compile(self, key: str, source: str) -> Expression | None:
        """Return an expression; one that is not allowed is reported."""
        try:
            return compile_expression(source)
        except ExpressionFault as fault:
            self.table.error("expression", str(fault), "请按表达式的写法改正", key=key)
            return None

    def required(self, key: str) -> Expression:
        """Return an expression that must be there."""
        if key not in self.table:
            self.table.text(key)
        return self.expression(key) or compile_expression("False")

    def amount(self, key: str) -> Amount | None:
        """Return a whole number, a parameter or an expression; None when the key is not set."""
        value = self.table.raw(key)
        return None if value is None else self.amount_of(key, value)

    def amount_of(self, key: str, value: Any) -> Amount | None:
        """Return what a value means as a number."""
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
        if isinstance(value, str) and value.startswith("@"):
            return Setting(value[1:])
        if isinstance(value, str):
            return self.compile(key, value)
        self.fault(key, f"“{key}”应当是整数、“@参数”或者表达式", '例如 3 或者 "@talk_months"')
        return None

    def switch(self, key: str, default: bool) -> bool | Setting:
        """Return a truth value or a parameter."""
        value = self.table.raw(key)
        if value is None:
            return default
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value.startswith("@"):
            return Setting(value[1:])
        self.fault(key, f"“{key}”应当是 true、false 或者“@参数”", "请改写")
        return default

    def length(self, key: str) -> Length | None:
        """Return a length of time; None when the key is not set."""
        value = self.table.raw(key)
        if value is None:
            return None
        if not isinstance(value, Mapping) or not value or not set(value) <= set(UNITS):
            self.fault(
                key,
                f"“{key}”应当是时间长度，单位只有 {'、'.join(UNITS)}",
                f'例如 {key} = {{ months = "@talk_months" }}',
            )
            return None
        return Length(**{unit: self.amount_of(key, amount) for unit, amount in value.items()})

    def elements_of(self, key: str) -> tuple[Element, ...]:
        """Return one or several steps."""
        value = self.table.raw(key)
        names = [value] if isinstance(value, str) else value if isinstance(value, list) else []
        if value is not None and not all(isinstance(name, str) for name in names):
            self.fault(key, f"“{key}”应当是环节，或者环节的列表", "请写环节的 element")
            return ()
        return tuple(Element(name) for name in names)

    def start(self, prefix: str = "from") -> Start:
        """Return the day from which a length runs: ``from``, ``from_where``, ``from_day`` …"""
        elements = self.elements_of(prefix)
        if not elements:
            self.table.error("missing-key", f"缺少“{prefix}”", f"请写明从哪个环节起：{prefix} = …")
        return Start(
            elements,
            self.condition(f"{prefix}_where", elements),
            self.expression(f"{prefix}_day"),
            self.words(f"{prefix}_words"),
        )

    def condition(self, key: str, of: tuple[Element, ...]) -> Condition | None:
        """Return a condition on the times that other steps were done."""
        expression = self.expression(key)
        return None if expression is None else Condition(expression, of)

    def field(self, text: str) -> Field:
        """Return a field written as ``field``, ``step.field`` or with a further ``.inner``."""
        first, *rest = text.split(".")
        element: Element | None = None
        if rest and (first in self.elements or len(rest) > 1):
            element, first, rest = Element(first), rest[0], rest[1:]
        return Field(first, element, rest[0] if rest else "")

    def fields(self, key: str, *, required: bool = True) -> tuple[Field, ...]:
        """Return one or several fields."""
        value = self.table.raw(key)
        names = [value] if isinstance(value, str) else value if isinstance(value, list) else []
        if not names and required:
            self.table.error("missing-key", f"缺少“{key}”", f"请写明字段：{key} = …")
        return tuple(self.field(name) for name in names if isinstance(name, str))

    def share(self, key: str) -> Share:
        """Return a share: ``share = "1/2"`` with ``strict``, or parameters for both."""
        text = self.table.text(key)
        strict = self.switch("strict", True)
        if text.startswith("@"):
            return Share(Setting(text[1:]), strict)
        try:
            return Share(Fraction(text), strict)
        except (ValueError, ZeroDivisionError):
            if text:
                self.fault(key, f"“{text}”不是分数", '例如 share = "1/2"')
            return Share(Fraction(1, 2), strict)

    def words(self, key: str, default: str | None = "") -> str:
        """Return words that people read, and keep their English from ``<key>_en``."""
        text = self.table.text(key, default)
        english = self.table.text(f"{key}_en", "")
        if text and english:
            self.english[text] = english
        return text

    def named(self, key: str) -> dict[str, str]:
        """Return a table of texts."""
        value = self.table.raw(key)
        if value is None:
            return {}
        if not isinstance(value, Mapping) or not all(isinstance(v, str) for v in value.values()):
            self.fault(key, f"“{key}”应当是名称和文字的表", f'例如 {key} = {{ name = "…" }}')
            return {}
        return dict(value)
