"""The diary of the year: what each branch does and when, what goes wrong, and what that must give.

Data only. :data:`HABITS` are the lawful year, month by month; :data:`INSTEAD` says what one branch
does otherwise in a month; :data:`ONCE` what does not recur; :data:`PLANTED` every finding that must
stand at the end, and no other may.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from tests.year.meetings import Entry
from tests.year.world import BRANCHES, COMMITTEE, HEAD, YEAR, Branch

PROCEDURES: Final = (
    "members_meeting",
    "committee_meeting",
    "group_meeting",
    "party_lesson",
    "theme_day",
    "organisational_life",
    "democratic_review",
    "democratic_life_meeting",
    "assessment",
    "public_notice",
    "party_openness",
    "member_admission",
)
ENDS: Final = date(YEAR + 1, 1, 4)

PARAMETERS: Final = (
    # What the county decides: two lessons a year, and the year's cycle ends with the year.
    ("party_lesson.lessons_per_year", 2),
    ("cycle_carry_over_months", 0),
)


def on(month: int, day: int) -> date:
    """Return a day of the year."""
    return date(YEAR, month, day)


# ── what everybody does ────────────────────────────────────────────────────────────────────────

MONTHS: Final = range(1, 13)
HABITS: Final[Mapping[str, tuple[Sequence[int], int]]] = {
    # procedure: in which months, on which day
    "theme_day": (MONTHS, 10),
    "committee_meeting": (MONTHS, 10),
    "group_meeting": (MONTHS, 10),
    "members_meeting": ((2, 5, 8, 11), 10),
    "party_lesson": ((4, 10), 10),
    "organisational_life": ((11,), 20),
    "democratic_review": ((12,), 10),
    "assessment": ((12,), 25),
    "party_openness": ((7,), 10),
}
OWN_HABITS: Final[Mapping[tuple[str, str], tuple[Sequence[int], int]]] = {
    # Those who meet late in the period find the draft that the plan has started, and use it.
    ("B05", "theme_day"): (MONTHS, 25),
    ("B08", "theme_day"): (MONTHS, 25),
    ("B03", "committee_meeting"): (MONTHS, 25),
    ("B02", "members_meeting"): ((3, 6, 9, 12), 25),
    ("B07", "party_lesson"): ((6, 12), 25),
    ("B07", "democratic_review"): ((11,), 27),
}

# ── what somebody does otherwise, by branch, procedure and month ───────────────────────────────

Otherwise = Mapping[str, Any] | None
"""None: it is not held. ``day``: on that day of the month. The rest is for the procedure."""

INSTEAD: Final[Mapping[tuple[str, str, int], Otherwise]] = {
    # Lawful: people are absent and make up, votes are taken, days are moved, one is called off.
    ("B01", "theme_day", 4): {"absent": ("B01-7", "B01-9")},
    ("B02", "members_meeting", 3): {"votes": True, "absent": ("B02-5",)},
    ("B02", "committee_meeting", 9): {"votes": True, "follow_up": True},
    ("B03", "members_meeting", 8): {"votes": True, "in_favour": 5},
    ("B03", "theme_day", 7): {"cancelled": True},
    ("B06", "theme_day", 3): {"absent": ("B06-7",)},
    ("B10", "theme_day", 2): {"day": 25},
    ("B13", "theme_day", 7): {"absent": ("B13-3",)},
    ("B01", "organisational_life", 11): {
        "closed": on(12, 12),
        "due": on(12, 31),
        "on_paper": ("B01-9",),
    },
    ("B02", "organisational_life", 11): {"absent": ("B02-7",)},
    ("B03", "organisational_life", 11): {"absent": ("B03-6", "B03-7"), "read_out": ("B03-6",)},
    ("B02", "democratic_review", 12): {"on_paper": ("B02-6", "B02-7")},
    ("B03", "democratic_review", 12): {"absent": ("B03-7",)},
    # Figures of the assessments, counted by hand from this diary up to 21 December.
    ("B01", "assessment", 12): {"figures": {"members_meetings": 4, "theme_days": 12, "lessons": 2}},
    ("B02", "assessment", 12): {"figures": {"members_meetings": 3, "theme_days": 11, "review": 1}},
    ("B08", "assessment", 12): {"figures": {"theme_days": 11, "items_late": 1}},
    # Not lawful: each has its line in PLANTED.
    ("B02", "theme_day", 5): None,
    ("B03", "theme_day", 3): None,
    ("B04", "members_meeting", 5): None,
    ("B06", "committee_meeting", 8): None,
    ("B01X2", "group_meeting", 6): None,
    ("B05", "party_lesson", 10): None,
    ("B04", "party_lesson", 4): {"lecturer": "member"},
    ("B04", "party_lesson", 10): {"lecturer": "leader", "lecturer_person": HEAD},
    ("B10", "organisational_life", 11): None,
    ("B09", "democratic_review", 12): None,
    ("B08", "party_openness", 7): None,
    ("B10", "assessment", 12): None,
    ("B07", "theme_day", 6): {"signed_after": 9},
    ("B08", "members_meeting", 8): {"notice_days": 0},
    ("B04", "members_meeting", 11): {"votes": True, "absent": ("B04-3", "B04-4")},
    ("B09", "party_lesson", 4): {"also_as": ["theme_day"]},
    ("B04", "organisational_life", 11): {"not_talked_to": ("B04-4",)},
    ("B07", "organisational_life", 11): {"reported_after": 16},
    ("B08", "organisational_life", 11): {"due": on(12, 15)},
    ("B09", "organisational_life", 11): {"absent": ("B09-3", "B09-4")},
    ("B06", "democratic_review", 12): {"excellent": 3},
    ("B07", "democratic_review", 11): {"reported_after": 16},
    ("B04", "party_openness", 7): {"day": 13, "publish_by": on(7, 10)},
}

ONCE: Final = (
    Entry(
        "democratic_life_meeting", COMMITTEE, on(11, 20), {"absent": ("S7",), "reported_after": 16}
    ),
    # The theme day that was called off is held all the same; that of March is made up in April.
    Entry("theme_day", "B03", on(7, 24)),
    Entry("theme_day", "B03", on(4, 3), {"instead_of": on(3, 31)}),
    Entry("public_notice", "B01", on(6, 2)),
    Entry("public_notice", "B02", on(9, 2), {"objection": True}),
    Entry("public_notice", "B03", on(3, 3), {"until": on(3, 11), "one_way": True}),
    Entry("member_admission", "B02", on(3, 10), {"applicant": "A1", "goes_on": True}),
    Entry("member_admission", "B06", on(6, 1), {"applicant": "A2", "talked_after": 44}),
)


# ── what must be found at the end: this, and nothing else ──────────────────────────────────────


@dataclass(frozen=True, order=True)
class Planted:
    """A finding: the rule, whose it is, how grave, and the duty or step it is about."""

    rule: str
    place: str
    severity: str
    about: str
    """``key of the duty, first day of its period``, or ``procedure, step``."""


PLANTED: Final = (
    Planted("R-TM-04", "B02", "warning", "theme_day.monthly, 2026-05-01"),
    Planted("R-TM-04", "B03", "warning", "theme_day.monthly, 2026-03-01"),
    Planted("R-TM-01", "B04", "warning", "members_meeting.quarterly, 2026-04-01"),
    Planted("R-TM-02", "B06", "warning", "committee_meeting.monthly, 2026-08-01"),
    Planted("R-TM-03", "B01X2", "warning", "group_meeting.monthly, 2026-06-01"),
    Planted("R-TM-05", "B05", "warning", "party_lesson.yearly, 2026-01-01"),
    Planted("R-TM-05b", "B04", "warning", "party_lesson.by_secretary, 2026-01-01"),
    Planted("R-OL-01", "B10", "hard", "organisational_life.organisational_life, 2026-01-01"),
    Planted("R-DR-01", "B09", "hard", "democratic_review.democratic_review, 2026-01-01"),
    Planted("R-PN-08", "B08", "hard", "party_openness.dues_statement, 2026-01-01"),
    Planted("R-AS-01", "B10", "warning", "assessment.assessment, 2026-01-01"),
    Planted("R-DL-05", COMMITTEE, "warning", "democratic_life_meeting, report"),
    Planted("R-TM-09", "B07", "warning", "theme_day, sign_minutes"),
    Planted("R-TM-13", "B08", "warning", "members_meeting, roll_call"),
    Planted("R-TM-06b", "B04", "warning", "members_meeting, hold_vote"),
    Planted("R-TM-10", "B09", "warning", "party_lesson, set_agenda"),
    Planted("R-OL-03", "B04", "warning", "organisational_life, hold_meeting"),
    Planted("R-OL-06", "B09", "warning", "organisational_life, hold_meeting"),
    Planted("R-OL-08", "B07", "warning", "organisational_life, report"),
    Planted("R-OL-10", "B08", "warning", "organisational_life, rectify"),
    Planted("R-DR-05", "B06", "warning", "democratic_review, grade_members"),
    Planted("R-DR-10", "B07", "warning", "democratic_review, report_superior"),
    Planted("R-PN-03", "B03", "warning", "public_notice, draft_notice"),
    Planted("R-PN-07", "B04", "warning", "party_openness, publish"),
    Planted("R-ADM-02", "B06", "hard", "member_admission, first_talk"),
)


# ── the lines ──────────────────────────────────────────────────────────────────────────────────


def does(branch: Branch, process: str) -> bool:
    """Tell whether a branch has such activities at all."""
    match process:
        case "committee_meeting":
            return branch.committee
        case "group_meeting":
            return branch.groups > 0
        case "organisational_life" | "democratic_review" | "party_openness" | "assessment":
            return branch.kind != "临时党支部" and branch.founded is None
        case "party_lesson":
            return branch.founded is None
    return True


def lines() -> Iterator[Entry]:
    """Yield what everybody does in the year, and what somebody does otherwise or once."""
    for branch in BRANCHES:
        for process, usual in HABITS.items():
            months, day = OWN_HABITS.get((branch.key, process), usual)
            for month in months if does(branch, process) else ():
                for group in range(1, branch.groups + 1) if process == "group_meeting" else (0,):
                    line = _line(branch, process, month, day, group)
                    if line is not None and _exists(branch, line.on):
                        yield line
    yield from ONCE


def _line(branch: Branch, process: str, month: int, day: int, group: int) -> Entry | None:
    place = branch.group(group) if group else branch.key
    changes = INSTEAD.get((place, process, month), {})
    if changes is None:
        return None
    more = dict(changes)
    return Entry(process, branch.key, on(month, more.pop("day", day)), more, group)


def _exists(branch: Branch, day: date) -> bool:
    begun = branch.founded is None or branch.founded <= day
    return begun and (branch.dissolved is None or day < branch.dissolved)
