"""Order: a step follows others, which were recorded before it and happened no later (先后顺序)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from engine.compliance.case import Case
from engine.compliance.facts import Occurrence
from engine.compliance.results import Outcome, joined
from engine.compliance.rules import Condition, Element, Verdict
from engine.errors import N_, Translatable

Alternatives = tuple[Element, ...]
"""Steps of which one suffices; the last one recorded counts."""


@dataclass(frozen=True, slots=True)
class Order:
    """What goes before, for each step that the rule stands at."""

    before: Mapping[str, tuple[Alternatives, ...]]
    """By step; under ``""`` for all of them."""
    strict: bool = False
    """The day before at the latest, not the same day."""
    where: Condition | None = None
    """What has to be true of the step that goes before."""
    name: str = ""
    """What goes before, in words; otherwise the title of the step."""

    ahead: ClassVar[bool] = False

    def judge(self, case: Case) -> Verdict | None:
        """Judge a step that was done."""
        wrong: list[Translatable] = []
        right: list[Occurrence] = []
        numbers: dict[str, int | str] = {"day": case.day.isoformat()}
        for alternatives in self.before.get(case.element) or self.before.get("", ()):
            earlier = case.earlier(alternatives, self.where)
            if earlier is None:
                wrong.append(self._missing(case, alternatives))
                continue
            numbers[earlier.element] = earlier.occurred_on.isoformat()
            late = (earlier.occurred_on - case.day).days
            if late > 0 or (self.strict and late == 0):
                wrong.append(self._late(case, earlier, late))
            else:
                right.append(earlier)
        if wrong:
            return Verdict(Outcome.NOT_MET, joined(wrong), numbers)
        if not right:
            return None
        return Verdict(
            Outcome.MET, lambda: joined([self._in_order(case, one) for one in right]), numbers
        )

    def outstanding(self, case: Case) -> Verdict | None:
        """Nothing is due: order says nothing of when."""
        return None

    def _name(self, case: Case, element: str) -> Translatable:
        return Translatable(self.name or case.title(element))

    def _missing(self, case: Case, alternatives: Alternatives) -> Translatable:
        return Translatable(
            N_("%(day)s %(step)s之前没有“%(before)s”的记录。"),
            {
                "day": case.day.isoformat(),
                "step": Translatable(case.title(case.element)),
                "before": self._name(case, alternatives[0]),
            },
        )

    def _late(self, case: Case, earlier: Occurrence, late: int) -> Translatable:
        template = N_("%(step)s在 %(day)s，%(before)s在 %(earlier)s，先后颠倒，早了 %(late)s 天。")
        if late == 0:
            template = N_("%(step)s和%(before)s都在 %(day)s，应当至少早一天。")
        return Translatable(
            template,
            {
                "step": Translatable(case.title(case.element)),
                "day": case.day.isoformat(),
                "before": self._name(case, earlier.element),
                **({"earlier": earlier.occurred_on.isoformat(), "late": late} if late else {}),
            },
        )

    def _in_order(self, case: Case, earlier: Occurrence) -> Translatable:
        return Translatable(
            N_("%(before)s %(earlier)s 在先，%(step)s %(day)s 在后。"),
            {
                "before": self._name(case, earlier.element),
                "earlier": earlier.occurred_on.isoformat(),
                "step": Translatable(case.title(case.element)),
                "day": case.day.isoformat(),
            },
        )
