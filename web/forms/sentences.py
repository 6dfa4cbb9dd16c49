"""What a meeting's numbers mean, said while they are typed. Nothing here refuses anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext

from engine.forms.fields import Field
from engine.forms.reading import Entry, exclusions_of
from engine.forms.votes import (
    Attendance,
    Outcome,
    Share,
    Threshold,
    VoteBase,
    attendance_in_words,
    vote_in_words,
)
from web.language import in_words


@dataclass(frozen=True)
class Say:
    """A sentence and its tone: done, soon (not yet), overdue (refused) or plain."""

    tone: str
    words: str


def exclusion_reasons(f: Field) -> tuple[tuple[str, str], ...]:
    """Return code and words of the reasons for not counting a member as due."""
    return tuple((reason.value, in_words(reason.label)) for reason in exclusions_of(f))


def say_attendance(f: Field, entry: Entry, value: Any) -> Say:
    """Say how many were due and came, and whether the meeting is valid."""
    part = entry.read(f, value)
    if not isinstance(part, Mapping) or not (part.get("present") or part.get("excluded")):
        due = len(entry.roll(f.props["body"]))
        return Say("", gettext("应到会 %(due)s 人。请勾选到会人员。", due=due))
    attendance, problems = entry.reckon_attendance(f, part, approved=True)
    if attendance is None:
        return Say("overdue", " ".join(in_words(w) for words in problems.values() for w in words))
    words = in_words(attendance_in_words(attendance)) + "。"
    if attendance.quorate:
        return Say("done", words)
    more = attendance.needed - attendance.present
    return Say("soon", words + gettext("还需 %(more)s 人到会。", more=more))


def say_vote(f: Field, entry: Entry, value: Any) -> Say:
    """Say how many votes are needed, how many there are, and what follows."""
    meeting = entry.meeting_of(f, approved=True)
    if meeting is None:
        return Say("", gettext("登记到会人员后，这里会计算通过所需的票数。"))
    part = entry.read(f, value)
    if not isinstance(part, Mapping) or all(v is None for v in part.values()):
        return _expected(f, meeting, {})
    vote, problems = entry.reckon_vote(f, part, meeting)
    if vote is not None:
        words = in_words(vote_in_words(vote)) + "。"
        if vote.outcome is not Outcome.LOST:
            return Say("done" if vote.outcome is Outcome.ADOPTED else "soon", words)
        more = vote.needed - vote.in_favour
        formula = _formula(vote.threshold, vote.attendance)
        return Say(
            "soon", words + gettext("还差 %(more)s 票（%(formula)s）。", more=more, formula=formula)
        )
    complete = all(part.get(side) is not None for side in ("for", "against", "abstain"))
    if not complete and meeting.quorate:
        return _expected(f, meeting, part)
    return Say("overdue", " ".join(in_words(w) for words in problems.values() for w in words))


def _expected(f: Field, meeting: Attendance, part: Mapping[str, Any]) -> Say:
    """Say how many votes carry the motion, by which formula, and how many are still needed."""
    if not meeting.quorate:
        return Say("soon", gettext("未达到法定人数，不能表决，票数须留空。"))
    threshold = Threshold.parse(f.props["threshold"])
    of = meeting.present if threshold.base is VoteBase.PRESENT else meeting.due
    needed = max(threshold.share.needed(of), 1)
    words = gettext(
        "赞成须达到 %(needed)s 票（%(formula)s）。",
        needed=needed,
        formula=_formula(threshold, meeting),
    )
    written = part.get("written")
    counted = [part.get("for"), written.get("for") if isinstance(written, Mapping) else None]
    so_far = sum(votes for votes in counted if isinstance(votes, int))
    if so_far:
        more = max(needed - so_far, 0)
        words += (
            gettext("现 %(yes)s 票，还需 %(more)s 票。", yes=so_far, more=more)
            if more
            else gettext("现 %(yes)s 票，已达到。", yes=so_far)
        )
    return Say("", words)


def _formula(threshold: Threshold, meeting: Attendance) -> str:
    """Return how the votes that are needed are reckoned, as in 应到会 7 人，须超过半数."""
    of = (
        gettext("实到会 %(n)s 人", n=meeting.present)
        if threshold.base is VoteBase.PRESENT
        else gettext("应到会 %(n)s 人", n=meeting.due)
    )
    share = {
        Share.MORE_THAN_HALF: gettext("须超过半数"),
        Share.HALF: gettext("须达到半数"),
        Share.TWO_THIRDS: gettext("须达到三分之二"),
        Share.FOUR_FIFTHS: gettext("须达到五分之四"),
    }[threshold.share]
    return str(gettext("%(of)s，%(share)s", of=of, share=share))
