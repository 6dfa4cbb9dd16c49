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

    def judge(self, case: Case) -> Verdict | None:
        """Judge a step that was done."""
        numbers: dict[str, int | str] = {}
        for name, expression in self.numbers.items():
            try:
                numbers[name] = _plain(case.evaluate(expression))
            except ExpressionFault:
                numbers[name] = "—"
        try:
            true = bool(case.evaluate(self.that))
        except ExpressionFault:
            # What cannot be shown is not shown: a gap in the record is no proof of being lawful.
            sentence = Translatable(N_("判断所需的内容没有记录，不能证明符合。"))
            return Verdict(Outcome.NOT_MET, sentence, numbers)
        outcome, said = (Outcome.MET, self.met) if true else (Outcome.NOT_MET, self.not_met)
        return Verdict(
            outcome,
            lambda: Translatable(said, {k: _words(v) for k, v in numbers.items()}),
            numbers,
        )

    def outstanding(self, case: Case) -> Verdict | None:
        """Nothing is due."""
        return None


def _plain(value: object) -> int | str:
    if value is None:
        return "—"
    return value if isinstance(value, (int, str)) else str(value)


def _words(value: int | str) -> int | str | Translatable:
    """Return words that an expression gave as what can be translated; days and numbers as is."""
    return Translatable(value) if isinstance(value, str) and not value.isascii() else value
