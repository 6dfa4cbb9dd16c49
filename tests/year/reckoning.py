"""What the year must come to by the diary alone, and what the system says it came to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from tests.year.desk import Desk
from tests.year.diary import PLANTED, Planted, does, lines
from tests.year.meetings import Entry
from tests.year.world import AUDITOR, BRANCHES, COMMITTEE, HEAD, YEAR, Branch

LECTURE_ABOVE: Final = "party_lesson.by_committee_secretary"
LEADERS_MEETING: Final = "democratic_life_meeting.democratic_life_meeting"
OWED: Final[Mapping[str, tuple[int, int]]] = {
    # key of the duty: months of a period, how often in it
    "members_meeting.quarterly": (3, 1),
    "committee_meeting.monthly": (1, 1),
    "group_meeting.monthly": (1, 1),
    "theme_day.monthly": (1, 1),
    "party_lesson.yearly": (12, 2),
    "party_lesson.by_secretary": (12, 1),
    "party_lesson.study_hours": (12, 1),
    LECTURE_ABOVE: (12, 1),
    "organisational_life.organisational_life": (12, 1),
    "democratic_review.democratic_review": (12, 1),
    "party_openness.dues_statement": (12, 1),
    "assessment.assessment": (12, 1),
    LEADERS_MEETING: (12, 1),
}
JUDGED_AFTERWARDS: Final = ("party_lesson.study_hours",)
"""What is summed up when the period is over: six hours each time are more than enough."""


@dataclass(frozen=True, order=True)
class Owed:
    """What an organisation owes in a period, and how it stands at the end of the year."""

    place: str
    key: str
    since: date
    state: str


def owed_by_the_diary() -> list[Owed]:
    """Return every period of the year that is owed, as the lines of the diary fulfil it."""
    held = [line for line in lines() if not line.changes.get("cancelled")]
    found = []
    for key, (months, times) in OWED.items():
        for place, begins, ends in _owing(key):
            ours = _at(held, key, place)
            for since, until in _periods(months):
                state = _state(times, ours, since, until)
                # Who ends within a period owes no more, but what was done is done.
                done = state == "done" and key not in JUDGED_AFTERWARDS
                if begins <= since and (until < ends or done):
                    found.append(Owed(place, key, since, state))
    return sorted(found)


def _owing(key: str) -> Iterable[tuple[str, date, date]]:
    """Yield who owes it, the first day of each, and the first day on which it is no more."""
    if key in (LEADERS_MEETING, LECTURE_ABOVE):
        yield COMMITTEE, date.min, date.max
        return
    for branch in BRANCHES:
        if does(branch, key.partition(".")[0]):
            for place in _places(branch, key):
                yield place, branch.founded or date.min, branch.dissolved or date.max


def _periods(months: int) -> Iterable[tuple[date, date]]:
    for first in range(1, 13, months):
        following = first + months
        end = date(YEAR + (following > 12), (following - 1) % 12 + 1, 1) - timedelta(days=1)
        yield date(YEAR, first, 1), end


def _places(branch: Branch, key: str) -> list[str]:
    if key.startswith("group_meeting"):
        return [branch.group(n) for n in range(1, branch.groups + 1)]
    return [branch.key]


def _at(held: Iterable[Entry], key: str, place: str) -> list[Entry]:
    process, _, which = key.partition(".")
    if key == LECTURE_ABOVE:
        return [line for line in held if line.changes.get("lecturer_person") == HEAD]
    found = [line for line in held if (line.process, line.place) == (process, place)]
    if which == "by_secretary":
        found = [line for line in found if line.changes.get("lecturer", "secretary") == "secretary"]
    return found


def _state(times: int, held: list[Entry], since: date, until: date) -> str:
    made_up = [line for line in held if line.changes.get("instead_of")]
    ours = [line for line in held if line not in made_up and since <= line.on <= until]
    if len(ours) >= times:
        return "done"
    later = [line for line in made_up if since <= line.changes["instead_of"] <= until]
    return "made_up" if len(ours) + len(later) >= times else "late"


# ── what the system says ───────────────────────────────────────────────────────────────────────


def owed_by_the_system(desk: Desk) -> list[Owed]:
    """Return the periods of the year as the REST interface tells them, without what has lapsed."""
    found = []
    for place in _all_places():
        answer = desk.get(HEAD, f"organisations/{desk.ids[place]}/duties", year=str(YEAR))
        for duty in answer["items"]:
            since = date.fromisoformat(duty["since"])
            if since.year == YEAR and duty["state"] != "lapsed":
                found.append(Owed(place, duty["key"], since, duty["state"]))
    return sorted(found)


def found_by_the_system(desk: Desk) -> list[Planted]:
    """Return all findings that stand in the whole committee."""
    places = {desk.ids[place]: place for place in _all_places()}
    duties = {
        duty["id"]: f"{duty['key']}, {duty['since']}"
        for place in _all_places()
        for duty in desk.get(HEAD, f"organisations/{desk.ids[place]}/duties", year=str(YEAR))[
            "items"
        ]
    }
    return sorted(
        Planted(
            finding["rule"],
            places[finding["organisation_id"]],
            finding["severity"],
            duties[finding["duty_id"]]
            if finding["duty_id"]
            else f"{finding['process']}, {finding['element']}",
        )
        for finding in desk.pages(AUDITOR, "findings", organisation_id=str(desk.ids[COMMITTEE]))
    )


def _all_places() -> list[str]:
    groups = [branch.group(n) for branch in BRANCHES for n in range(1, branch.groups + 1)]
    return [COMMITTEE, *(branch.key for branch in BRANCHES), *groups]


def difference(expected: Iterable[Any], found: Iterable[Any]) -> str:
    """Return in words what is missing and what is too much; nothing when both are the same."""
    wanted, there = Counter(expected), Counter(found)
    said = [f"missing: {one}" for one in (wanted - there).elements()]
    said += [f"too much: {one}" for one in (there - wanted).elements()]
    return "\n".join(sorted(said))


def planted_duties() -> list[Planted]:
    """Return the planted findings that are about duties."""
    return [one for one in PLANTED if one.about.partition(",")[0] in OWED]
