"""Which procedure tells which lines of the diary."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from tests.year.desk import Desk
from tests.year.leaders import assessment, democratic_life_meeting
from tests.year.life import organisational_life
from tests.year.meetings import Days, Entry, meeting
from tests.year.public import member_admission, party_openness, public_notice
from tests.year.review import democratic_review

TELLERS: Final[Mapping[str, Callable[[Desk, Entry], Days]]] = {
    "members_meeting": meeting,
    "committee_meeting": meeting,
    "group_meeting": meeting,
    "party_lesson": meeting,
    "theme_day": meeting,
    "organisational_life": organisational_life,
    "democratic_review": democratic_review,
    "democratic_life_meeting": democratic_life_meeting,
    "assessment": assessment,
    "public_notice": public_notice,
    "party_openness": party_openness,
    "member_admission": member_admission,
}


def story(desk: Desk, line: Entry) -> Days:
    """Return the story of a line."""
    return TELLERS[line.process](desk, line)
