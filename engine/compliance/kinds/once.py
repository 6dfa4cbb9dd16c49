"""Once: in no other matter of the same people was the step recorded with the same answers (一次).

Which other matters there were is written down with the step (``Occurrence.others``); of a record
that does not say so nothing is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from engine.compliance.case import Case
from engine.compliance.results import Outcome
from engine.compliance.rules import Field, Verdict
from engine.errors import N_, Translatable


@dataclass(frozen=True, slots=True)
class Once:
    """No other matter of those in ``role`` has the step with the same ``same``."""

    role: str
    """A role of participants."""
    same: tuple[Field, ...]
    """What tells one cycle from another."""
    what: str = ""
    """What is done once, in words."""

    ahead: ClassVar[bool] = False

    def judge(self, case: Case) -> Verdict | None:
        """Judge a step that was done."""
        others = case.occurrence.others.get(case.rule.id) if case.occurrence else None
        if others is None:
            return None
        numbers: dict[str, int | str] = {"others": len(others), "matters": "、".join(others)}
        params = {**numbers, "what": Translatable(self.what or case.title(case.element))}
        if others:
            template = N_("同一周期已有%(what)s：%(matters)s。")
            return Verdict(Outcome.NOT_MET, Translatable(template, params), numbers)
        template = N_("同一周期没有别的%(what)s。")
        return Verdict(Outcome.MET, Translatable(template, params), numbers)

    def outstanding(self, case: Case) -> Verdict | None:
        """Nothing is due."""
        return None
