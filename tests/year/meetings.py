"""How a meeting is held lawfully, step by step and day by day; the diary says what is different.

Each procedure is a generator: it yields the day on which it goes on. What a line of the diary may
change has its lawful default in the first lines of the procedure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

from tests.year.desk import Desk, Matter
from tests.year.world import BY_KEY, Branch, members

Days = Iterator[date]


@dataclass(frozen=True)
class Entry:
    """A line of the diary: what a branch or a group of it does, and on which day."""

    process: str
    branch: str
    on: date
    changes: Mapping[str, Any] = field(default_factory=dict)
    group: int = 0

    @property
    def place(self) -> str:
        """Return the code of the organisation whose matter it is."""
        return self.at.group(self.group) if self.group else self.branch

    @property
    def at(self) -> Branch:
        """Return the branch."""
        return BY_KEY[self.branch]

    @property
    def lead(self) -> str:
        """Return who calls and chairs: the secretary, or the leader of the group."""
        return self.at.group_people(self.group)[0] if self.group else self.at.secretary

    @property
    def recorder(self) -> str:
        """Return who writes down."""
        return self.at.group_people(self.group)[0] if self.group else self.at.recorder

    def day(self, days: int) -> date:
        """Return a day so many days after the meeting, or before it."""
        return self.on + timedelta(days=days)

    def due(self) -> list[str]:
        """Return who has to be there."""
        if self.group:
            return list(self.at.group_people(self.group))
        if self.process == "committee_meeting":
            return list(self.at.committee_people)
        return members(self.branch, self.on, full=self.process == "members_meeting")


VOTED: Final = {"members_meeting": "major", "committee_meeting": "routine"}
STUDY: Final = ("theme_day", "party_lesson", "group_meeting")


def meeting(desk: Desk, line: Entry) -> Days:
    """Hold one of the meetings of 三会一课, or a theme day."""
    say = line.changes.get
    notice_days, signed_after = say("notice_days", 3), say("signed_after", 2)
    absent, votes = say("absent", ()), say("votes", False)

    yield line.day(-notice_days)
    agenda = _agenda(line, votes)
    period = say("instead_of", line.on)
    matter = desk.begin(line.process, line.place, line.lead, "set_agenda", agenda, period)
    notice = {
        "meets_on": line.on.isoformat(),
        "meets_at": "上午九时",
        "meets_where": "会议室",
        "notice_ways": ["message"],
    }
    matter.do("send_notice", line.recorder, **notice)
    if say("cancelled"):
        desk.post(
            line.recorder,
            f"process-instances/{matter.id}/messages",
            {"message": "cancel", "data": {"cancel_reason": "防汛，另行召开。"}},
        )
        return

    yield line.on
    present = [code for code in line.due() if code not in absent]
    matter.do("roll_call", line.recorder, **_roll_call(desk, line, present, absent))
    talk = {"discussion": "大家充分讨论，意见一致。"}
    matter.do("discuss", line.recorder, **talk, **({"ballot_now": "held"} if votes else {}))
    if votes:
        _vote(matter, line, say("in_favour", len(present)))
    minutes = {"minutes": "会议按议程进行。", "minutes_writer": desk.ids[line.recorder]}
    follow_up = {"follow_up_needed": "yes" if say("follow_up") else "no"}
    matter.do("write_minutes", line.recorder, **minutes, **follow_up)

    yield line.day(signed_after)
    matter.do("sign_minutes", line.lead, minutes_signer=desk.ids[line.lead], sign_note="同意归档")
    if absent:
        made_up = [
            {
                "made_up_by": desk.ids[code],
                "made_up_on": desk.today.isoformat(),
                "made_up_way": "reading",
            }
            for code in absent
        ]
        matter.do("make_up", line.recorder, made_up=made_up)
    if say("follow_up"):
        done = [{"task": "安排落实", "owner": "支部书记", "state": "done"}]
        matter.do("follow_up", line.recorder, tasks=done)
    assert matter.ended, f"{line} has not ended: {matter.open}"


def _agenda(line: Entry, votes: bool) -> dict[str, Any]:
    found: dict[str, Any] = {
        "planned_on": line.on.isoformat(),
        "place": "会议室",
        "topics": [{"topic": "研究支部工作", "reporter": "支部书记"}],
    }
    if line.process in VOTED:
        found["votes_planned"] = "yes" if votes else "no"
    if votes:
        found["vote_matters"] = [VOTED[line.process]]
    if line.process == "party_lesson":
        found["lecture_title"] = "学习党章"
    if line.process == "theme_day":
        found["day_parts"] = ["study", "service"]
    if also := line.changes.get("also_as"):
        found["also_as"] = also
    return found


def _roll_call(desk: Desk, line: Entry, present: list[str], absent: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        "roll": {"present": desk.people(present)},
        "chaired_by": desk.ids[line.lead],
        "recorder": desk.ids[line.recorder],
    }
    if line.process in STUDY:
        found["study_hours"] = 6
    if line.process == "party_lesson":
        found["lecturer_kind"] = line.changes.get("lecturer", "secretary")
        found["lecturer"] = "主讲人"
        if above := line.changes.get("lecturer_person"):
            found["lecturer_person"] = desk.ids[above]
    if absent:
        found["make_up_needed"] = "yes"
        found["absences"] = [
            {"absent": desk.ids[code], "absence_reason": "leave"} for code in absent
        ]
    return found


def _vote(matter: Matter, line: Entry, in_favour: int) -> None:
    matter.do(
        "hold_vote",
        line.recorder,
        motion="支部工作安排",
        matter_type=VOTED[line.process],
        vote_way="hands",
        vote={"for": in_favour, "against": 0, "abstain": 0},
        another_vote="no",
    )
    signer = matter.desk.ids[line.lead]
    if "make_resolution" in matter.open:  # there is none of a motion that was lost
        matter.do("make_resolution", line.lead, resolution="会议通过。", resolution_signer=signer)
