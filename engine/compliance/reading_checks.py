"""Read what a rule checks: the keys of ``rules.toml`` that belong to each kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from itertools import pairwise
from typing import Any, Final

from engine.compliance.kinds.attendance import Attendance
from engine.compliance.kinds.count import Count
from engine.compliance.kinds.deadline import Deadline
from engine.compliance.kinds.document import Document, Paper
from engine.compliance.kinds.expression import Holds
from engine.compliance.kinds.gap import Gap
from engine.compliance.kinds.majority import Majority
from engine.compliance.kinds.order import Alternatives, Order
from engine.compliance.kinds.recurrence import Recurrence
from engine.compliance.kinds.roll import Roll
from engine.compliance.kinds.separation import Part, Separation
from engine.compliance.kinds.shares import Share
from engine.compliance.kinds.spans import UNITS, Length, Start
from engine.compliance.kinds.wait import Wait
from engine.compliance.rules import Amount, Check, Condition, Element, Field, Setting
from engine.definitions.reading import Table, did_you_mean
from engine.errors import ExpressionFault
from engine.expressions import Expression, compile_expression
from engine.forms.codes import ADMISSION_EXCLUSIONS, ELECTION_EXCLUSIONS

REASONS: Final[Mapping[str, tuple[str, ...]]] = {
    "admission": tuple(reason.value for reason in ADMISSION_EXCLUSIONS),
    "election": tuple(reason.value for reason in ELECTION_EXCLUSIONS),
}
"""Lists of reasons to be left out of 应到会 (domain/14 §5)."""


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


def _deadline(given: CheckTable) -> Check:
    warn = given.start("warn_from") if "warn_from" in given.table else None
    within = given.length("within")
    if within is None:
        given.table.error("missing-key", "缺少“within”", "请写明期限 within = { months = 1 }")
    return Deadline(
        given.start(),
        within or Length(),
        given.expression("reason"),
        given.length("or_within"),
        warn,
        given.words("must"),
    )


def _wait(given: CheckTable) -> Check:
    return Wait(
        given.start(),
        given.length("after") or Length(),
        given.table.flag("full"),
        given.words("must"),
    )


def _alternatives(text: str) -> Alternatives:
    return tuple(Element(name.strip()) for name in text.split("|"))


def _order(given: CheckTable) -> Check:
    before: dict[str, tuple[Alternatives, ...]] = {}
    value = given.table.raw("after")
    names = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    if names:
        before[""] = tuple(_alternatives(str(name)) for name in names)
    for earlier, group in chain_of(given.table):
        for step in group:
            before[Element(step)] = tuple(_alternatives(name) for name in earlier)
    if not before:
        given.table.error("missing-key", "缺少“after”", "请写明在哪个环节之后 after = …")
    return Order(
        before,
        given.table.flag("strict"),
        given.condition("after_where", tuple(e for group in before.get("", ()) for e in group)),
        given.words("after_words"),
    )


def chain_of(table: Table) -> list[tuple[list[str], list[str]]]:
    """Return the groups of a ``chain`` in pairs: what goes before, and what follows it."""
    value = table.raw("chain")
    if value is None:
        return []
    if not isinstance(value, list) or not all(
        isinstance(group, list) and all(isinstance(name, str) for name in group) for group in value
    ):
        table.error("wrong-type", "“chain”应当是环节列表的列表", '例如 chain = [["a"], ["b", "c"]]')
        return []
    return list(pairwise(value))


def _recurrence(given: CheckTable) -> Check:
    return Recurrence(
        given.elements_of("records"),
        given.start(),
        given.length("every") or Length(),
        given.elements_of("until"),
        given.amount("at_least"),
        given.amount("in_last_months"),
        given.words("what"),
    )


def _count(given: CheckTable) -> Check:
    return Count(
        given.fields("people"),
        given.amount("least"),
        given.amount("most"),
        given.table.texts("status"),
        given.table.flag("unrestricted"),
        given.table.flag("not_subject"),
        given.table.texts("posts"),
        given.words("what"),
    )


def _attendance(given: CheckTable) -> Check:
    return Attendance(
        given.fields("attendance"), given.share("share"), given.fields("vote", required=False)
    )


def _majority(given: CheckTable) -> Check:
    base = given.table.text("of", "due")
    if base not in ("due", "present"):
        given.fault("of", f"“of”的值“{base}”不认识", did_you_mean(base, ["due", "present"]))
    return Majority(
        given.fields("vote"),
        given.share("share"),
        base == "present",
        given.switch("written", True),
        given.table.flag("secret"),
        given.table.flag("tally"),
        given.fields("attendance", required=False),
    )


def _roll(given: CheckTable) -> Check:
    reasons = given.table.text("reasons", "admission")
    if reasons not in REASONS:
        given.fault("reasons", f"“{reasons}”不认识", did_you_mean(reasons, sorted(REASONS)))
    return Roll(given.fields("attendance"), REASONS.get(reasons, ()))


def _document(given: CheckTable) -> Check:
    conditions = {
        name: given.compile("only_if", source) for name, source in given.named("only_if").items()
    }
    papers = [
        Paper(given.field(name), title, only_if=conditions.get(name))
        for name, title in given.named("filled").items()
    ]
    ticked = given.table.raw("ticked")
    if ticked is not None and not (
        isinstance(ticked, Mapping) and all(isinstance(v, Mapping) for v in ticked.values())
    ):
        given.fault("ticked", "“ticked”应当是清单字段和选项的表", "ticked = { field = { … } }")
        ticked = None
    for name, options in (ticked or {}).items():
        papers += [
            Paper(given.field(name), str(title), option, conditions.get(option))
            for option, title in options.items()
        ]
    if not papers:
        given.table.error("missing-key", "缺少“filled”或者“ticked”", "请写明要有哪些内容或者材料")
    return Document(tuple(papers))


def _separation(given: CheckTable) -> Check:
    one = [Part(given.field(name), title) for name, title in given.named("one").items()]
    others = []
    for name, title in given.named("others").items():
        at = given.field(name).element
        # A part in a later step is looked at when that step is done; its own field is meant then.
        field = given.field(name) if at is None else given.field(name.split(".", 1)[1])
        others.append(Part(field, title, str(at or "")))
    if len(one) != 1 or not others:
        given.table.error(
            "missing-key",
            "“one”应当恰有一项，“others”至少一项",
            '例如 one = { "step.field" = "…" }',
        )
        one = one or [Part(Field("subject"), "")]
    return Separation(one[0], tuple(others))


def _expression(given: CheckTable) -> Check:
    that = given.required("that")
    numbers = {
        name: expression
        for name, source in given.named("numbers").items()
        if (expression := given.compile("numbers", source)) is not None
    }
    met, not_met = given.words("met", None), given.words("not_met", None)
    for key, sentence in (("met", met), ("not_met", not_met)):
        try:
            sentence % dict.fromkeys(numbers, "")
        except (KeyError, ValueError, TypeError):
            given.fault(
                key, f"“{key}”里的 %(…)s 和 numbers 对不上", "请只写 numbers 中有的，百分号写成 %%"
            )
    return Holds(that, met, not_met, numbers)


def _gap(given: CheckTable) -> Check:
    days = given.amount("days")
    if days is None:
        given.table.error("missing-key", "缺少“days”", "请写明天数 days = …")
    return Gap(days or 0)


READERS: Final[Mapping[str, Callable[[CheckTable], Check]]] = {
    "deadline": _deadline,
    "wait": _wait,
    "order": _order,
    "recurrence": _recurrence,
    "count": _count,
    "attendance": _attendance,
    "majority": _majority,
    "roll": _roll,
    "document": _document,
    "separation": _separation,
    "expression": _expression,
    "gap": _gap,
}
"""How each kind is read, by the word in ``rules.toml``; ``all`` is made of several."""
