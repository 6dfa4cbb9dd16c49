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
    return Say(
        "done" if attendance.quorate else "soon", in_words(attendance_in_words(attendance)) + "。"
    )


def say_vote(f: Field, entry: Entry, value: Any) -> Say:
    """Say how many votes are needed, how many there are, and what follows."""
    meeting = entry.meeting_of(f, approved=True)
    if meeting is None:
        return Say("", gettext("登记到会人员后，这里会计算通过所需的票数。"))
    part = entry.read(f, value)
    if not isinstance(part, Mapping) or all(v is None for v in part.values()):
        return _expected(f, meeting)
    vote, problems = entry.reckon_vote(f, part, meeting)
    if vote is not None:
        tone = "done" if vote.outcome is Outcome.ADOPTED else "soon"
        return Say(tone, in_words(vote_in_words(vote)) + "。")
    complete = all(part.get(side) is not None for side in ("for", "against", "abstain"))
    if not complete and meeting.quorate:
        return _expected(f, meeting)
    return Say("overdue", " ".join(in_words(w) for words in problems.values() for w in words))


def _expected(f: Field, meeting: Attendance) -> Say:
    if not meeting.quorate:
        return Say("soon", gettext("未达到法定人数，不能表决，票数须留空。"))
    threshold = Threshold.parse(f.props["threshold"])
    of = meeting.present if threshold.base is VoteBase.PRESENT else meeting.due
    return Say("", gettext("赞成须达到 %(needed)s 票。", needed=max(threshold.share.needed(of), 1)))
