"""All: several checks that make up one rule (各项都须符合)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from engine.compliance.case import Case
from engine.compliance.results import Outcome, Severity, joined
from engine.compliance.rules import Check, Verdict
from engine.expressions import Expression

_GRAVITY = (Outcome.NOT_MET, Outcome.PENDING, Outcome.MET, Outcome.NOT_APPLICABLE)
"""The outcome of the whole is the first of these that a part has."""


@dataclass(frozen=True, slots=True)
class Part:
    """One of the checks, with the steps and the condition for which it is made."""

    check: Check
    at: tuple[str, ...] = ()
    """Steps; empty: all that the rule stands at."""
    when: Expression | None = None


@dataclass(frozen=True, slots=True)
class Every:
    """Each part that applies has to be met."""

    parts: tuple[Part, ...]
    ahead: bool = field(init=False, repr=False)
    """Some part of it looks ahead."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "ahead", any(part.check.ahead for part in self.parts))

    def judge(self, case: Case) -> Verdict | None:
        """Judge a step that was done."""
        return self._together(case, lambda check: check.judge(case))

    def outstanding(self, case: Case) -> Verdict | None:
        """Say what is to come, of the parts that know."""
        return self._together(case, lambda check: check.outstanding(case))

    def _together(self, case: Case, ask: Callable[[Check], Verdict | None]) -> Verdict | None:
        said = [
            verdict
            for part in self.parts
            if (not part.at or case.element in part.at) and case.holds(part.when)
            if (verdict := ask(part.check)) is not None
        ]
        if len(said) < 2:
            return said[0] if said else None
        outcome = min((v.outcome for v in said), key=_GRAVITY.index)
        decisive = [v for v in said if v.outcome is outcome]
        mild = all(v.severity is Severity.WARNING for v in decisive)
        first = min(
            (v for v in decisive if v.until is not None),
            key=lambda v: v.until or case.day,
            default=None,
        )
        return Verdict(
            outcome,
            lambda: joined([v.sentence for v in decisive]),
            lambda: {k: n for v in reversed(said) for k, n in v.numbers.items()},
            until=first.until if first else None,
            severity=Severity.WARNING if mild else None,
            earliest=first.earliest if first else False,
        )
