"""Wait: a step is not done before a length of time has passed since another (期满之前不得办理)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from engine.calendars.arithmetic import next_day
from engine.compliance.case import Case
from engine.compliance.kinds.spans import Begun, Length, Start, after, begun, still_to_do, words_of
from engine.compliance.results import Outcome
from engine.compliance.rules import Verdict
from engine.errors import N_, Translatable


@dataclass(frozen=True, slots=True)
class Wait:
    """Not before ``after`` has passed since ``start``."""

    start: Start
    after: Length
    full: bool = False
    """The whole of the last day has to pass: the next day is the first lawful one."""
    must: str = ""
    """What has to wait, in words; otherwise the title of the step."""

    ahead: ClassVar[bool] = True

    def judge(self, case: Case) -> Verdict | None:
        """Judge a step that was done."""
        start = begun(case, self.start)
        if start is None:
            return None
        amounts, first = self._first(case, start)
        if case.day >= first:
            template = N_("%(wait)s；实际 %(day)s，已满。")
            return Verdict(
                Outcome.MET,
                lambda: self._sentence(template, case, start, amounts, first),
                lambda: _numbers(start, amounts, first, case.day),
            )
        early = (first - case.day).days
        sentence = self._sentence(
            N_("%(wait)s；实际 %(day)s，早了 %(early)s 天。"), case, start, amounts, first, early
        )
        numbers = {**_numbers(start, amounts, first, case.day), "early": early}
        return Verdict(Outcome.NOT_MET, sentence, numbers)

    def outstanding(self, case: Case) -> Verdict | None:
        """Say from when on a step can be done."""
        start = begun(case, self.start)
        if start is None or not still_to_do(case, start.occurrence):
            return None
        amounts, first = self._first(case, start)
        left = (first - case.day).days
        if left <= 0:
            # Nothing is to come, but a day before the first is still not lawful.
            template = N_("%(wait)s；至 %(day)s 已满。")
            return Verdict(
                Outcome.MET,
                lambda: self._sentence(template, case, start, amounts, first),
                lambda: _numbers(start, amounts, first, case.day),
                until=first,
                earliest=True,
            )
        return Verdict(
            Outcome.PENDING,
            lambda: self._sentence(
                N_("%(wait)s；还须等 %(early)s 天。"), case, start, amounts, first, left
            ),
            lambda: {**_numbers(start, amounts, first, case.day), "left": left},
            until=first,
            earliest=True,
        )

    def _first(self, case: Case, start: Begun) -> tuple[Mapping[str, int], date]:
        amounts = self.after.resolve(case)
        end = after(start.day, amounts, case, notice=self.full)
        return amounts, next_day(end) if self.full else end

    def _sentence(
        self,
        template: str,
        case: Case,
        start: Begun,
        amounts: Mapping[str, int],
        first: date,
        early: int = 0,
    ) -> Translatable:
        wait = Translatable(
            N_("%(from)s %(name)s，满 %(length)s即 %(first)s 起方可%(must)s"),
            {
                "from": start.day.isoformat(),
                "name": Translatable(start.name),
                "length": words_of(amounts),
                "first": first.isoformat(),
                "must": Translatable(self.must or case.title(case.element)),
            },
        )
        if not amounts:
            wait = Translatable(
                N_("%(name)s为 %(from)s，当日起方可%(must)s"),
                {k: v for k, v in wait.params.items() if k in ("from", "name", "must")},
            )
        return Translatable(
            template,
            {"wait": wait, "day": case.day.isoformat(), **({"early": early} if early else {})},
        )


def _numbers(
    start: Begun, amounts: Mapping[str, int], first: date, day: date
) -> dict[str, int | str]:
    return {
        "from": start.day.isoformat(),
        **amounts,
        "first": first.isoformat(),
        "day": day.isoformat(),
    }
