"""Attendance: enough of those due were there (到会人数).

Written opinions do not count as presence. A meeting that had no quorum and did not vote is void,
which is lawful: it is held again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from engine.compliance.case import Case
from engine.compliance.kinds.meetings import counted_of, present_of
from engine.compliance.kinds.shares import Share, needed, words_of
from engine.compliance.results import Outcome
from engine.compliance.rules import Field, Verdict
from engine.errors import N_, Translatable


@dataclass(frozen=True, slots=True)
class Attendance:
    """Those present are a share of those due."""

    fields: tuple[Field, ...]
    share: Share
    votes: tuple[Field, ...] = ()
    """The vote that was taken; without one a meeting below the quorum is only void."""

    ahead: ClassVar[bool] = False

    def judge(self, case: Case) -> Verdict | None:
        """Judge a meeting that was held."""
        there = present_of(case, self.fields)
        if there is None:
            return None
        part, strict = self.share.resolve(case)
        least = needed(part, strict, there.due)
        numbers: dict[str, int | str] = {
            "due": there.due,
            "present": there.present,
            "needed": least,
        }
        params = {**numbers, "share": words_of(part, strict)}
        if there.present >= least:
            template = N_(
                "应到 %(due)s 人，到会须%(share)s，即 %(needed)s 人；实到 %(present)s 人。"
            )
            return Verdict(Outcome.MET, Translatable(template, params), numbers)
        vote = counted_of(case, self.votes)
        if self.votes and (vote is None or not vote.held):
            template = N_(
                "应到 %(due)s 人，到会须%(share)s，即 %(needed)s 人；"
                "实到 %(present)s 人，会议无效，没有表决。"
            )
            return Verdict(Outcome.NOT_APPLICABLE, Translatable(template, params), numbers)
        template = N_(
            "应到 %(due)s 人，到会须%(share)s，即 %(needed)s 人；"
            "实到 %(present)s 人，差 %(short)s 人。"
        )
        short = least - there.present
        return Verdict(
            Outcome.NOT_MET,
            Translatable(template, {**params, "short": short}),
            {**numbers, "short": short},
        )

    def outstanding(self, case: Case) -> Verdict | None:
        """Nothing is due."""
        return None
