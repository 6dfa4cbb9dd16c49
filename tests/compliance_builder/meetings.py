"""Attendances, votes and witnesses as forms and the engine record them."""

from __future__ import annotations

from typing import Any

from engine.compliance.facts import Witness
from tests.compliance_builder.cast import MEMBERS


def attendance(
    due: int = 9, present: int = 8, excluded: tuple[tuple[int, str], ...] = ()
) -> dict[str, Any]:
    """Return an attendance as forms record it; the first of the members came."""
    people = [p for p in MEMBERS if p not in dict(excluded)][:present]
    people += [100 + n for n in range(present - len(people))]
    return {
        "due": due,
        "present": present,
        "present_people": people,
        "excluded": [{"person": person, "reason": reason} for person, reason in excluded],
        "quorate": 2 * present > due,
        "needed": due // 2 + 1,
    }


def vote(
    yes: int = 8,
    no: int = 0,
    abstain: int = 0,
    *,
    due: int = 9,
    present: int = 8,
    written: int = 0,
    outcome: str | None = None,
) -> dict[str, Any]:
    """Return a secret vote as forms record it; ``written`` are opinions in favour."""
    carried = "adopted" if 2 * (yes + written) > due else "lost"
    if 2 * present <= due:
        carried = "no_quorum"
    return {
        "for": yes,
        "against": no,
        "abstain": abstain,
        "written": {"for": written, "against": 0, "abstain": 0},
        "issued": yes + no + abstain,
        "collected": yes + no + abstain,
        "due": due,
        "present": present,
        "needed": due // 2 + 1,
        "outcome": outcome or carried,
    }


VOID = {
    "for": 0, "against": 0, "abstain": 0, "written": {"for": 0, "against": 0, "abstain": 0},
    "issued": 0, "collected": 0, "due": 9, "present": 4, "needed": 5, "outcome": "no_quorum",
}  # fmt: skip
"""The vote of a meeting without quorum."""


def witnesses(count: int) -> dict[int, Witness]:
    """Return full members enough for any meeting of a test."""
    return {person: Witness("full") for person in (*MEMBERS, *range(100, 100 + count))}
