"""Parts of a body: more than half of those due, at least four fifths …, counted in whole people."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from engine.compliance.case import Case
from engine.compliance.rules import Setting
from engine.errors import N_, Translatable


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a body, and whether exactly that part suffices."""

    part: Fraction | Setting
    strict: bool | Setting = True
    """More than the part; otherwise the part itself suffices (以上 includes the number)."""

    def resolve(self, case: Case) -> tuple[Fraction, bool]:
        """Return the part and whether it has to be exceeded."""
        part = self.part
        if isinstance(part, Setting):
            part = Fraction(str(case.parameter(part.parameter)))
        strict = self.strict
        if isinstance(strict, Setting):
            return part, case.parameter(strict.parameter) in (True, "strict")
        return part, strict


def needed(part: Fraction, strict: bool, of: int) -> int:
    """Return the least whole number that is the part of ``of``; at least one.

    Exact: half of ten, exceeded, is six; four fifths of nine, reached, is eight.
    """
    whole, rest = divmod(part.numerator * of, part.denominator)
    return max(whole + (1 if strict or rest else 0), 1)


def words_of(part: Fraction, strict: bool) -> Translatable:
    """Return a share in words: ``超过 1/2``."""
    template = N_("超过 %(part)s") if strict else N_("达到 %(part)s")
    return Translatable(template, {"part": f"{part.numerator}/{part.denominator}"})
