"""Who is in the matters of tests, and where; the steps that the superior committee does."""

from __future__ import annotations

from engine.compliance.facts import Place

SUBJECT = 1
SECRETARY, CONTACT, INTRODUCER, RECORDER = 11, 12, 13, 14
MEMBERS = (11, 12, 13, 14, 15, 16, 17, 18, 19)
"""Full members with a vote: those due are nine, of whom five make a quorum and carry a motion."""
PROBATIONARY_MEMBER, ORGANISER, APPROVER = 21, 31, 32

BRANCH = Place(5, "branch")
COMMITTEE = Place(3, "committee", approves=True)
COUNTY = Place(2, "committee")

SUPERIOR = frozenset(
    [
        "file_activist",
        "consent_prospect",
        "investigate_objection",
        "intensive_training",
        "pre_review",
        "superior_talk",
        "approve_admission",
        "approve_extension",
        "approve_conversion",
    ]
)
"""Steps that the superior committee does."""
