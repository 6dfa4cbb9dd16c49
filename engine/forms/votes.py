"""The arithmetic of meetings: who is due, who must be there, how many votes carry a motion.

Everything is counted in whole persons and whole votes. The denominator of a vote on admission,
conversion or disposal is 应到会 (those due), never those present; a written opinion counts as a
vote but not as presence. 「超过半数」 is strict: five of ten do not suffice.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.errors import N_, Sentence
from engine.forms.codes import (
    ADMISSION_EXCLUSIONS,
    ELECTION_EXCLUSIONS,
    Body,
    Exclusion,
    Outcome,
    Share,
    Threshold,
    VoteBase,
)

__all__ = [
    "ADMISSION_EXCLUSIONS",
    "ELECTION_EXCLUSIONS",
    "Attendance",
    "Ballots",
    "Body",
    "Exclusion",
    "Outcome",
    "Share",
    "Threshold",
    "Vote",
    "VoteBase",
    "attendance_in_words",
    "check_attendance",
    "check_vote",
    "recorded_attendance",
    "vote_in_words",
]


@dataclass(frozen=True)
class Attendance:
    """Who was due and who came. ``due`` is the roll less the excluded."""

    roll: int
    present_people: tuple[int, ...]
    excluded: tuple[tuple[int, Exclusion], ...]
    quorum: Share
    least: int | None = None
    """The least number that must be present, where it was recorded in an earlier step."""

    @property
    def due(self) -> int:
        """应到会人数."""
        return self.roll - len(self.excluded)

    @property
    def present(self) -> int:
        """实到会人数."""
        return len(self.present_people)

    @property
    def needed(self) -> int:
        """The least number present that makes a valid meeting; at least one."""
        if self.least is not None:
            return self.least
        return max(self.quorum.needed(self.due), 1)

    @property
    def quorate(self) -> bool:
        """Whether the meeting is valid."""
        return self.present >= self.needed

    def as_data(self) -> dict[str, Any]:
        """Return the JSON form that is stored and that expressions read."""
        return {
            "due": self.due,
            "present": self.present,
            "present_people": list(self.present_people),
            "excluded": [
                {"person": person, "reason": reason.value} for person, reason in self.excluded
            ],
            "quorate": self.quorate,
            "needed": self.needed,
            # Nobody is left out without both consents: check_attendance has asked for them.
            **({"exclusions_approved": True} if self.excluded else {}),
        }


def check_attendance(
    roll: Collection[int],
    present: Sequence[int],
    excluded: Sequence[tuple[int, str]],
    *,
    approved: bool,
    quorum: Share,
    reasons: Collection[Exclusion] = ADMISSION_EXCLUSIONS,
) -> tuple[Attendance | None, dict[str, list[str]]]:
    """Reckon an attendance from the roll and what was entered.

    Returns the attendance, or None and the problems: sentences by path below the field (a person's
    id, ``excluded_approved``, or "" for the whole).
    """
    problems: dict[str, list[str]] = {}

    def refuse(path: str, sentence: str) -> None:
        problems.setdefault(path, []).append(sentence)

    seen: set[int] = set()
    for person in [*present, *(person for person, _ in excluded)]:
        if person not in roll:
            refuse(str(person), N_("此人当日不在应到会名册中，请核对名册或日期。"))
        elif person in seen:
            refuse(str(person), N_("此人登记了不止一次，到会和减员只能选一项。"))
        seen.add(person)
    known: list[tuple[int, Exclusion]] = []
    for person, code in excluded:
        reason = next((reason for reason in reasons if reason.value == code), None)
        if reason is None:
            refuse(str(person), N_("减去应到会人数的理由不在规定的情形之内，请重新选择。"))
        else:
            known.append((person, reason))
    if excluded and not approved:
        refuse(
            "excluded_approved",
            Sentence(
                N_(
                    "有 %(count)s 人不计入应到会人数，"
                    "须经上级党组织同意并经会议通过，请确认后勾选。"
                ),
                count=len(excluded),
            ),
        )
    if not roll:
        refuse("", N_("当日名册上没有应到会的人，请核对日期或党员名册。"))
    elif len({person for person, _ in excluded}) >= len(roll):
        refuse("", Sentence(N_("不能把名册上的 %(count)s 人全部减去。"), count=len(roll)))
    if problems:
        return None, problems
    attendance = Attendance(
        len(roll), tuple(sorted(present)), tuple(sorted(known, key=lambda item: item[0])), quorum
    )
    return attendance, {}


def recorded_attendance(data: Mapping[str, Any]) -> Attendance:
    """Return an attendance as an earlier step recorded it, with the quorum that it had then."""
    excluded = [(one["person"], Exclusion(one["reason"])) for one in data.get("excluded") or ()]
    return Attendance(
        data["due"] + len(excluded),
        tuple(data.get("present_people") or ()),
        tuple(excluded),
        Share.MORE_THAN_HALF,
        data["needed"],
    )


@dataclass(frozen=True)
class Ballots:
    """What was counted. ``issued`` and ``collected`` are None where hands were raised."""

    in_favour: int = 0
    against: int = 0
    abstain: int = 0
    written_for: int = 0
    written_against: int = 0
    written_abstain: int = 0
    issued: int | None = None
    collected: int | None = None

    @property
    def cast(self) -> int:
        """Valid votes cast by those present."""
        return self.in_favour + self.against + self.abstain

    @property
    def written(self) -> int:
        """Written opinions of those absent."""
        return self.written_for + self.written_against + self.written_abstain

    @property
    def empty(self) -> bool:
        """Whether nothing was counted at all."""
        return not (self.cast or self.written or self.issued or self.collected)


@dataclass(frozen=True)
class Vote:
    """A vote that adds up, with its outcome."""

    ballots: Ballots
    attendance: Attendance
    threshold: Threshold

    @property
    def needed(self) -> int:
        """The least number of votes in favour that carries the motion; at least one."""
        of = self.attendance.due
        if self.threshold.base is VoteBase.PRESENT:
            of = self.attendance.present
        return max(self.threshold.share.needed(of), 1)

    @property
    def in_favour(self) -> int:
        """Votes in favour, written opinions included."""
        return self.ballots.in_favour + self.ballots.written_for

    @property
    def outcome(self) -> Outcome:
        """How it ended. Without a quorum there is no vote, whatever was counted."""
        if not self.attendance.quorate:
            return Outcome.NO_QUORUM
        return Outcome.ADOPTED if self.in_favour >= self.needed else Outcome.LOST

    @property
    def invalid(self) -> int:
        """Ballots collected that are none of for, against and abstention (废票)."""
        collected = self.ballots.collected
        return 0 if collected is None else collected - self.ballots.cast

    def as_data(self) -> dict[str, Any]:
        """Return the JSON form that is stored and that expressions read."""
        counted = self.ballots
        return {
            "for": counted.in_favour,
            "against": counted.against,
            "abstain": counted.abstain,
            "written": {
                "for": counted.written_for,
                "against": counted.written_against,
                "abstain": counted.written_abstain,
            },
            "issued": counted.issued,
            "collected": counted.collected,
            "invalid": self.invalid,
            "due": self.attendance.due,
            "present": self.attendance.present,
            "needed": self.needed,
            "outcome": self.outcome.value,
        }


def check_vote(
    given: Mapping[str, int | None],
    attendance: Attendance,
    threshold: Threshold,
    *,
    secret: bool,
    written_opinions: bool,
) -> tuple[Vote | None, dict[str, list[str]]]:
    """Reckon a vote from what was entered: ``for``, ``against``, ``abstain``, ``written.for`` …

    Returns the vote, or None and the problems by path below the field. Every refusal gives the
    numbers it rests on.
    """
    problems: dict[str, list[str]] = {}

    def refuse(path: str, sentence: str, **numbers: int) -> None:
        problems.setdefault(path, []).append(Sentence(sentence, **numbers))

    ballots = Ballots(
        in_favour=given.get("for") or 0,
        against=given.get("against") or 0,
        abstain=given.get("abstain") or 0,
        written_for=given.get("written.for") or 0,
        written_against=given.get("written.against") or 0,
        written_abstain=given.get("written.abstain") or 0,
        issued=given.get("issued") if secret else None,
        collected=given.get("collected") if secret else None,
    )
    present, due = attendance.present, attendance.due
    if not attendance.quorate:
        if not ballots.empty:
            refuse(
                "",
                N_("实到 %(present)s 人，不足法定人数 %(needed)s 人，不能表决，票数须留空。"),
                present=present,
                needed=attendance.needed,
            )
            return None, problems
        nothing = Ballots(issued=0, collected=0) if secret else Ballots()
        return Vote(nothing, attendance, threshold), {}

    required = ["issued", "collected"] if secret else []
    for path in [*required, "for", "against", "abstain"]:
        if given.get(path) is None:
            refuse(path, N_("请填写，没有的填 0。"))
    if problems:
        return None, problems

    issued, collected = ballots.issued, ballots.collected
    if issued is not None and collected is not None:
        if issued > present:
            refuse(
                "issued",
                N_("发出 %(issued)s 张，多于实到的 %(present)s 人，请核对。"),
                issued=issued,
                present=present,
            )
        if collected > issued:
            refuse(
                "collected",
                N_("收回 %(collected)s 张，多于发出的 %(issued)s 张，表决无效，须重新投票。"),
                collected=collected,
                issued=issued,
            )
        if ballots.cast > collected:
            refuse(
                "for",
                N_(
                    "赞成 %(f)s、反对 %(a)s、弃权 %(n)s，合计 %(sum)s 票，"
                    "多于收回的 %(collected)s 张，请核对。"
                ),
                f=ballots.in_favour,
                a=ballots.against,
                n=ballots.abstain,
                sum=ballots.cast,
                collected=collected,
            )
    elif ballots.cast > present:
        refuse(
            "for",
            N_(
                "赞成 %(f)s、反对 %(a)s、弃权 %(n)s，合计 %(sum)s 票，"
                "多于实到的 %(present)s 人，请核对。"
            ),
            f=ballots.in_favour,
            a=ballots.against,
            n=ballots.abstain,
            sum=ballots.cast,
            present=present,
        )
    if ballots.written and not written_opinions:
        refuse("written.for", N_("本次表决不计书面意见，请留空。"))
    elif ballots.written > due - present:
        refuse(
            "written.for",
            N_("书面意见合计 %(written)s 份，多于未到会的 %(absent)s 人，请核对。"),
            written=ballots.written,
            absent=due - present,
        )
    if problems:
        return None, problems
    return Vote(ballots, attendance, threshold), {}


# --- in plain words -----------------------------------------------------------------------------


def _share_in_words(share: Share, needed: int, of: int) -> Sentence:
    if share is Share.MORE_THAN_HALF:
        return Sentence(N_("须超过 %(limit)s 人"), limit=of // 2)
    return Sentence(N_("须达到 %(needed)s 人"), needed=needed)


def attendance_in_words(attendance: Attendance) -> Sentence:
    """Say who was due, who came and whether the meeting is valid."""
    due = Sentence(N_("应到 %(due)s 人"), due=attendance.due)
    if attendance.excluded:
        due = Sentence(
            N_("应到 %(due)s 人（名册 %(roll)s 人，减去 %(out)s 人）"),
            due=attendance.due,
            roll=attendance.roll,
            out=len(attendance.excluded),
        )
    return Sentence(
        N_("%(due)s，实到 %(present)s 人，达到法定人数（%(limit)s）")
        if attendance.quorate
        else N_("%(due)s，实到 %(present)s 人，未达到法定人数（%(limit)s），会议无效"),
        due=due,
        present=attendance.present,
        limit=_share_in_words(attendance.quorum, attendance.needed, attendance.due),
    )


def vote_in_words(vote: Vote) -> Sentence:
    """Say how many votes were needed, how many there were and what follows."""
    if vote.outcome is Outcome.NO_QUORUM:
        return Sentence(N_("未达到法定人数，不能表决"))
    written, invalid = vote.ballots.written_for, vote.invalid
    return Sentence(
        N_("赞成须 %(needed)s 票，现 %(yes)s 票%(written)s%(invalid)s，%(outcome)s"),
        needed=vote.needed,
        yes=vote.in_favour,
        written=Sentence(N_("（其中书面意见 %(written)s 票）"), written=written) if written else "",
        invalid=Sentence(N_("，另有废票 %(invalid)s 张"), invalid=invalid) if invalid else "",
        outcome=vote.outcome.label,
    )
