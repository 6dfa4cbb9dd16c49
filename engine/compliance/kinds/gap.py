"""Gap: what happened is recorded soon after (补录间隔)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from engine.compliance.case import Case
from engine.compliance.results import Outcome
from engine.compliance.rules import Amount, Verdict
from engine.errors import N_, Translatable

_SOON: Final = N_("发生在 %(day)s，%(recorded)s 登记，相隔 %(gap)s 天，不超过 %(most)s 天。")
_LATE: Final = N_(
    "发生在 %(day)s，%(recorded)s 才登记，相隔 %(gap)s 天，超过 %(most)s 天，属于补录。"
)


@dataclass(frozen=True, slots=True)
class Gap:
    """Recorded at most ``days`` plain days after the day it happened."""

    days: Amount

    ahead: ClassVar[bool] = False

    def judge(self, case: Case) -> Verdict | None:
        """Judge a step that was done."""
        done = case.occurrence
        if done is None:
            return None
        gap, most = (done.recorded_on - done.occurred_on).days, case.amount(self.days)

        def numbers() -> dict[str, int | str]:
            days = {"day": done.occurred_on.isoformat(), "recorded": done.recorded_on.isoformat()}
            return {**days, "gap": gap, "most": most}

        outcome, template = Outcome.MET, _SOON
        if gap > most:
            outcome, template = Outcome.NOT_MET, _LATE
        return Verdict(outcome, lambda: Translatable(template, numbers()), numbers)

    def outstanding(self, case: Case) -> Verdict | None:
        """Nothing is due."""
        return None
