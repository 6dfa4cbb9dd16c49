"""Expression: whatever the other kinds do not say, in the safe language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from engine.compliance.case import Case
from engine.compliance.facts import NOTHING
from engine.compliance.results import Outcome
from engine.compliance.rules import Verdict
from engine.errors import N_, ExpressionFault, Translatable
from engine.expressions import Expression


@dataclass(frozen=True, slots=True)
class Holds:
    """``that`` is true; the sentences say so with the numbers."""

    that: Expression
    met: str
    not_met: str
    numbers: Mapping[str, Expression] = field(default=NOTHING)
    """By the name that stands in the sentences."""

    ahead: ClassVar[bool] = False
    _plain_numbers: bool = field(init=False, repr=False)
    """They rest on what was recorded alone, so they may be worked out when somebody reads them."""

    def __post_init__(self) -> None:
        plain = not any(e.functions or "param" in e.names for e in self.numbers.values())
        object.__setattr__(self, "_plain_numbers", plain)

    def judge(self, case: Case) -> Verdict | None:
        """Judge a step that was done."""
        known = None if self._plain_numbers else self._numbers(case)

        def numbers() -> dict[str, int | str]:
            return self._numbers(case) if known is None else known

        try:
            true = bool(case.evaluate(self.that))
        except ExpressionFault:
            # What cannot be shown is not shown: a gap in the record is no proof of being lawful.
            sentence = Translatable(N_("判断所需的内容没有记录，不能证明符合。"))
            return Verdict(Outcome.NOT_MET, sentence, numbers)
        outcome, said = (Outcome.MET, self.met) if true else (Outcome.NOT_MET, self.not_met)
        return Verdict(
            outcome,
            lambda: Translatable(said, {k: _words(v) for k, v in numbers().items()}),
            numbers,
        )

    def outstanding(self, case: Case) -> Verdict | None:
        """Nothing is due."""
        return None

    def _numbers(self, case: Case) -> dict[str, int | str]:
        found: dict[str, int | str] = {}
        for name, expression in self.numbers.items():
            try:
                found[name] = _plain(case.evaluate(expression))
            except ExpressionFault:
                found[name] = "—"
        return found


def _plain(value: object) -> int | str:
    if value is None:
        return "—"
    return value if isinstance(value, (int, str)) else str(value)


def _words(value: int | str) -> int | str | Translatable:
    """Return words that an expression gave as what can be translated; days and numbers as is."""
    return Translatable(value) if isinstance(value, str) and not value.isascii() else value
