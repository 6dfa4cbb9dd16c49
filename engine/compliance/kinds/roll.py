"""Roll: those due are the roll of that day less those lawfully left out (应到会名册)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from engine.compliance.case import Case
from engine.compliance.kinds.meetings import present_of
from engine.compliance.results import Outcome, joined
from engine.compliance.rules import Field, Verdict
from engine.errors import N_, Translatable


@dataclass(frozen=True, slots=True)
class Roll:
    """The number due equals the roll less the excluded, each for a reason that the rules know."""

    fields: tuple[Field, ...]
    reasons: tuple[str, ...]
    """Codes of the lawful reasons to be left out."""

    ahead: ClassVar[bool] = False

    def judge(self, case: Case) -> Verdict | None:
        """Judge a meeting that was held."""
        there = present_of(case, self.fields)
        if there is None or case.occurrence is None:
            return None
        roll = case.occurrence.rolls.get(there.field)
        numbers: dict[str, int | str] = {"due": there.due, "excluded": len(there.excluded)}
        if roll is None:
            sentence = Translatable(
                N_("应到 %(due)s 人，当日的名册没有留存，无法核实。"), {"due": there.due}
            )
            return Verdict(Outcome.PENDING, sentence, numbers)
        right = len(roll) - len({person for person, _ in there.excluded})
        numbers |= {"roll": len(roll), "right": right}
        wrong: list[Translatable] = []
        if there.due != right:
            wrong.append(
                Translatable(
                    N_(
                        "名册 %(roll)s 人，减去 %(excluded)s 人，应到 %(right)s 人，"
                        "记录为 %(due)s 人。"
                    ),
                    numbers,
                )
            )
        strangers = sum(p not in roll for p in {*there.people, *(p for p, _ in there.excluded)})
        if strangers:
            wrong.append(Translatable(N_("有 %(n)s 人不在当日的应到会名册中。"), {"n": strangers}))
        unlawful = sum(reason not in self.reasons for _, reason in there.excluded)
        if unlawful:
            wrong.append(
                Translatable(N_("有 %(n)s 人减去的理由不在规定的情形之内。"), {"n": unlawful})
            )
        if there.excluded and not there.approved:
            wrong.append(
                Translatable(
                    N_("减去 %(n)s 人没有经上级党组织同意并经会议通过。"),
                    {"n": len(there.excluded)},
                )
            )
        if wrong:
            return Verdict(Outcome.NOT_MET, joined(wrong), numbers)
        template = N_("名册 %(roll)s 人，减去 %(excluded)s 人，应到 %(due)s 人。")
        return Verdict(Outcome.MET, Translatable(template, numbers), numbers)

    def outstanding(self, case: Case) -> Verdict | None:
        """Nothing is due."""
        return None
