"""Majority: what is called adopted has the votes (表决), and the tally adds up (计票).

The base is those due (应到会), unless a rule says those present. A vote that was lost is lawful.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from engine.compliance.case import Case
from engine.compliance.kinds.meetings import ADOPTED, LOST, Counted, counted_of, present_of
from engine.compliance.kinds.shares import Share, needed, words_of
from engine.compliance.results import Outcome, joined
from engine.compliance.rules import Field, Setting, Verdict
from engine.errors import N_, Translatable


@dataclass(frozen=True, slots=True)
class Majority:
    """Votes in favour are a share of those due."""

    fields: tuple[Field, ...]
    share: Share
    of_present: bool = False
    written: bool | Setting = True
    """Whether written opinions of those absent count as votes."""
    secret: bool = False
    tally: bool = False
    """Check instead that what was recorded equals what the numbers come to."""
    attendance: tuple[Field, ...] = ()

    ahead: ClassVar[bool] = False

    def judge(self, case: Case) -> Verdict | None:
        """Judge a vote that was taken."""
        vote = counted_of(case, self.fields)
        if vote is None:
            return None
        if not vote.held:
            return Verdict(Outcome.NOT_APPLICABLE, Translatable(N_("没有表决。")))
        part, strict = self.share.resolve(case)
        base = vote.present if self.of_present else vote.due
        least = needed(part, strict, base)
        yes = vote.yes + (vote.written_yes if case.truth(self.written) else 0)
        carried = yes >= least
        numbers: dict[str, int | str] = {
            "due": vote.due,
            "present": vote.present,
            "yes": yes,
            "written": vote.written_yes,
            "needed": least,
        }
        wrong = (
            list(self._untrue(case, vote, carried))
            if self.tally
            else list(self._unlawful(vote, carried, yes, least))
        )
        params = {**numbers, "share": words_of(part, strict), "base": base}
        template = N_("应到 %(base)s 人，赞成须%(share)s，即 %(needed)s 票；实得 %(yes)s 票")
        if self.of_present:
            template = N_("实到 %(base)s 人，赞成须%(share)s，即 %(needed)s 票；实得 %(yes)s 票")
        counted = Translatable(template, params)
        if wrong:
            return Verdict(
                Outcome.NOT_MET,
                joined([Translatable(N_("%(counted)s。"), {"counted": counted}), *wrong]),
                numbers,
            )
        template = N_("%(counted)s，通过。") if carried else N_("%(counted)s，未通过。")
        return Verdict(Outcome.MET, Translatable(template, {"counted": counted}), numbers)

    def outstanding(self, case: Case) -> Verdict | None:
        """Nothing is due."""
        return None

    def _unlawful(
        self, vote: Counted, carried: bool, yes: int, least: int
    ) -> Iterator[Translatable]:
        if vote.outcome == ADOPTED and not carried:
            yield Translatable(N_("赞成票差 %(short)s 票，不能视为通过。"), {"short": least - yes})
        if self.secret and vote.issued is None:
            yield Translatable(N_("没有发票、收票的记录，不能证明是无记名投票。"))
        if vote.issued is not None and vote.collected is not None:
            if vote.collected > vote.issued:
                yield Translatable(
                    N_("收回 %(collected)s 张，多于发出的 %(issued)s 张，须重新投票。"),
                    {"collected": vote.collected, "issued": vote.issued},
                )
            if vote.cast > vote.collected:
                yield Translatable(
                    N_("计票 %(cast)s 张，多于收回的 %(collected)s 张。"),
                    {"cast": vote.cast, "collected": vote.collected},
                )

    def _untrue(self, case: Case, vote: Counted, carried: bool) -> Iterator[Translatable]:
        if vote.outcome in (ADOPTED, LOST) and (vote.outcome == ADOPTED) != carried:
            yield Translatable(
                N_("按票数应为“%(right)s”，记录为“%(wrong)s”。"),
                {
                    "right": Translatable(N_("通过") if carried else N_("未通过")),
                    "wrong": Translatable(N_("未通过") if carried else N_("通过")),
                },
            )
        there = present_of(case, self.attendance)
        if there is not None and (there.due, there.present) != (vote.due, vote.present):
            yield Translatable(
                N_(
                    "表决记录应到 %(due)s 人、实到 %(present)s 人，"
                    "到会记录应到 %(due_there)s 人、实到 %(there)s 人，不一致。"
                ),
                {
                    "due": vote.due,
                    "present": vote.present,
                    "due_there": there.due,
                    "there": there.present,
                },
            )
