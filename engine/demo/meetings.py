"""One meeting of the demo, from its agenda to its signed minutes, as far as its days have come."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from engine.demo import words
from engine.demo.stage import Place, Stage
from engine.directory.voting import Body

BODIES: Mapping[str, Body] = {
    "theme_day": "all_members",
    "party_lesson": "all_members",
    "group_meeting": "all_members",
    "members_meeting": "members",
    "committee_meeting": "committee",
}


@dataclass(frozen=True)
class Meeting:
    """A meeting that a place holds, or means to hold."""

    kind: str
    day: date
    notice: int = 4
    """Days before the meeting on which it is announced."""
    signed: int = 2
    """Days after the meeting on which the minutes are signed."""
    lecturer: str = "secretary"
    votes: bool = False
    until: str | None = None
    """The step that is left open, where one is forgotten."""


def hold(stage: Stage, place: Place, meeting: Meeting, lot: random.Random) -> None:
    """Hold a meeting: every step whose day has come."""
    day, head, second = meeting.day, place.secretary, place.commissioner
    agenda_on = day - timedelta(days=meeting.notice + 2)
    if agenda_on > stage.today:
        return
    opened = stage.start(
        meeting.kind, _agenda(stage, place, meeting), at=place, by=head, on=agenda_on
    )
    steps: list[tuple[str, int, int, Callable[[], Mapping[str, Any]]]] = [
        ("send_notice", second, -meeting.notice, lambda: _notice(place, meeting)),
        ("roll_call", second, 0, lambda: _roll_call(stage, place, meeting, lot)),
        ("discuss", second, 0, lambda: _discussion(stage, place, meeting, lot)),
        ("hold_vote", second, 0, lambda: _vote(stage, place, meeting)),
        ("make_resolution", head, 0, lambda: _resolution(place, meeting)),
        ("write_minutes", second, 1, lambda: _minutes(place, lot)),
        ("sign_minutes", head, meeting.signed, lambda: {"minutes_signer": head}),
    ]
    for element, by, after, answers in steps:
        on = day + timedelta(days=after)
        if element not in opened:
            continue  # no vote was meant to be taken
        if on > stage.today or element == meeting.until:
            return
        opened = stage.complete(opened[element], answers(), by=by, on=on)


# --- what is written down -----------------------------------------------------------------------


def _subject(meeting: Meeting) -> str:
    """Return what the meeting is about; the same in each of its papers."""
    month, quarter = meeting.day.month, (meeting.day.month + 2) // 3
    return {
        "theme_day": words.THEME_DAYS[month][0],
        "party_lesson": words.LESSONS[quarter - 1],
        "group_meeting": words.GROUP[month % len(words.GROUP)],
        "members_meeting": f"讨论{words.MEMBERS[quarter]}",
        "committee_meeting": words.COMMITTEE[month % len(words.COMMITTEE)],
    }[meeting.kind]


def _agenda(stage: Stage, place: Place, meeting: Meeting) -> dict[str, Any]:
    data: dict[str, Any] = {
        "planned_on": meeting.day.isoformat(),
        "place": _where(place),
        "topics": [{"topic": _subject(meeting), "reporter": stage.names[place.secretary]}],
    }
    if meeting.kind == "theme_day":
        data["day_parts"] = words.THEME_DAYS[meeting.day.month][1].split(",")
    if meeting.kind == "party_lesson":
        data["lecture_title"] = _subject(meeting)
    if meeting.kind in ("members_meeting", "committee_meeting"):
        data["votes_planned"] = "yes" if meeting.votes else "no"
        if meeting.votes:
            data["vote_matters"] = [_matter_type(meeting)]
    return data


def _notice(place: Place, meeting: Meeting) -> dict[str, Any]:
    return {
        "meets_on": meeting.day.isoformat(),
        "meets_at": "上午九时" if meeting.kind != "committee_meeting" else "下午三时",
        "meets_where": _where(place),
        "notice_ways": ["message", "phone"],
    }


def _roll_call(stage: Stage, place: Place, meeting: Meeting, lot: random.Random) -> dict[str, Any]:
    due = stage.roll(place, BODIES[meeting.kind], meeting.day)
    free = [person for person in due if person not in (place.secretary, place.commissioner)]
    most = 0 if meeting.kind == "committee_meeting" else min(4, len(due) // 5)
    absent = sorted(lot.sample(free, lot.randint(0, most)))
    data: dict[str, Any] = {
        "roll": {"present": [person for person in due if person not in absent]},
        "chaired_by": place.secretary,
        "recorder": place.commissioner,
        "absences": [
            {"absent": person, "absence_reason": lot.choice(words.ABSENCES)} for person in absent
        ],
    }
    if absent:
        data["make_up_needed"] = "no"
    if meeting.kind in ("theme_day", "party_lesson", "group_meeting"):
        data["study_hours"] = 2
    if meeting.kind == "party_lesson":
        data["lecturer_kind"] = meeting.lecturer
        data["lecturer"] = stage.names[
            place.secretary if meeting.lecturer == "secretary" else place.commissioner
        ]
    return data


def _discussion(stage: Stage, place: Place, meeting: Meeting, lot: random.Random) -> dict[str, Any]:
    speakers = [place.secretary, place.commissioner]
    data: dict[str, Any] = {
        "discussion": f"围绕“{_subject(meeting)}”进行了讨论，意见一致。",
        "speeches": [
            {"speaker": stage.names[person], "points": lot.choice(words.SPEECHES)}
            for person in dict.fromkeys(speakers)
        ],
    }
    if meeting.votes:
        data["ballot_now"] = "held"
    return data


def _vote(stage: Stage, place: Place, meeting: Meeting) -> dict[str, Any]:
    # All who are due but the few who are away: a handful never costs the majority.
    due = len(stage.roll(place, BODIES[meeting.kind], meeting.day))
    agreed = due - min(4, due // 5) if meeting.kind == "members_meeting" else due
    return {
        "motion": _subject(meeting),
        "matter_type": _matter_type(meeting),
        "vote_way": "hands",
        "vote": {"for": agreed, "against": 0, "abstain": 0},
        "another_vote": "no",
    }


def _resolution(place: Place, meeting: Meeting) -> dict[str, Any]:
    return {
        "resolution": f"会议同意{_subject(meeting).removeprefix('讨论')}。",
        "resolution_signer": place.secretary,
    }


def _minutes(place: Place, lot: random.Random) -> dict[str, Any]:
    return {
        "minutes": "按议程进行，到会、讨论情况已经登记。",
        "minutes_writer": place.commissioner,
        "follow_up_needed": "no",
    }


def _matter_type(meeting: Meeting) -> str:
    return "major" if meeting.kind == "members_meeting" else "routine"


def _where(place: Place) -> str:
    return words.PLACES.get(place.key, words.USUAL_PLACE)
