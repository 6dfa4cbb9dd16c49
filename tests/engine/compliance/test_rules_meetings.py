"""R-ADM-20 to R-ADM-26: quorum, votes, roll, resolution, at all three members' meetings."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest

from engine.compliance.facts import Witness
from engine.compliance.kinds.shares import needed
from engine.compliance.results import Outcome
from tests.compliance_builder import (
    MEMBERS,
    PROBATIONARY_MEMBER,
    VOID,
    Matter,
    attendance,
    breaches,
    extended,
    judge,
    lawful_2014,
    lawful_2026,
    parameters,
    result,
    vote,
    witnesses,
)

Lawful = Callable[[], Matter]
BOTH = pytest.mark.parametrize(
    ("lawful", "edition"), [(lawful_2014, "2014"), (lawful_2026, "2026")]
)
MEETINGS = pytest.mark.parametrize(
    "element", ["hold_admission_meeting", "hold_conversion_meeting", "hold_final_meeting"]
)
TABLE = pytest.mark.parametrize(
    ("due", "least"),
    [(3, 2), (4, 3), (7, 4), (10, 6), (11, 6), (50, 26)],
)
"""The vote table of domain/01 (c1): those due, least present, least in favour."""


def _held(
    element: str,
    there: dict[str, Any],
    votes: dict[str, Any] | None = None,
    roll: int | None = None,
    lawful: Lawful = lawful_2026,
) -> Matter:
    """Return a matter whose meeting went like this."""
    matter = lawful()
    if element == "hold_final_meeting":
        extended(matter)
    prefix = "admission" if element == "hold_admission_meeting" else "conversion"
    changed: dict[str, Any] = {f"{prefix}_attendance": there}
    if votes is not None:
        changed[f"{prefix}_vote"] = votes
    matter.change(element, **changed)
    step = matter.step(element)
    step.people = witnesses(there["due"])
    size = there["due"] + len(there["excluded"]) if roll is None else roll
    people = there["present_people"] + [e["person"] for e in there["excluded"]]
    rest = [900 + n for n in range(size - len(people))]
    step.rolls = {f"{prefix}_attendance": (*people, *rest)[:size]}
    return matter


# --- R-ADM-20 quorum ----------------------------------------------------------------------------


@TABLE
@MEETINGS
def test_more_than_half_of_those_due_are_there(element: str, due: int, least: int) -> None:
    there = attendance(due, least)
    met = result(_held(element, there, vote(least, due=due, present=least)), "R-ADM-20", element)
    assert (met.outcome, met.numbers["needed"]) == (Outcome.MET, least)
    there = attendance(due, least - 1)
    votes = vote(least - 1, due=due, present=least - 1, outcome="adopted")
    short = result(_held(element, there, votes), "R-ADM-20", element)
    assert (short.outcome, short.numbers["short"], short.hinders) == (Outcome.NOT_MET, 1, True)


@BOTH
def test_a_meeting_without_quorum_that_did_not_vote_is_void_not_unlawful(
    lawful: Lawful, edition: str
) -> None:
    matter = _held("hold_admission_meeting", attendance(9, 4), VOID, lawful=lawful)
    found = result(matter, "R-ADM-20", "hold_admission_meeting")
    assert (found.outcome, found.edition) == (Outcome.NOT_APPLICABLE, edition)
    assert "会议无效" in str(found.sentence)
    of_meeting = {r for r, e in breaches(matter) if e == "hold_admission_meeting"}
    assert of_meeting & {"R-ADM-20", "R-ADM-21", "R-ADM-24", "R-ADM-25", "R-ADM-26"} == set()


def test_written_opinions_are_no_presence() -> None:
    there = attendance(9, 4)
    votes = vote(4, due=9, present=4, written=5, outcome="adopted")
    matter = _held("hold_admission_meeting", there, votes)
    assert ("R-ADM-20", "hold_admission_meeting") in breaches(matter)


# --- R-ADM-21 majority --------------------------------------------------------------------------


@TABLE
@MEETINGS
def test_more_than_half_of_those_due_are_in_favour(element: str, due: int, least: int) -> None:
    there = attendance(due, due)
    adopted = vote(least, due - least, due=due, present=due)
    met = result(_held(element, there, adopted), "R-ADM-21", element)
    assert (met.outcome, met.numbers["needed"]) == (Outcome.MET, least)
    wrong = vote(least - 1, due - least + 1, due=due, present=due, outcome="adopted")
    found = result(_held(element, there, wrong), "R-ADM-21", element)
    assert (found.outcome, found.hinders) == (Outcome.NOT_MET, True)
    assert "赞成票差 1 票" in str(found.sentence)
    lost = vote(least - 1, due - least + 1, due=due, present=due)
    assert result(_held(element, there, lost), "R-ADM-21", element).outcome is Outcome.MET


def test_the_base_is_those_due_never_those_present() -> None:
    there = attendance(11, 6)
    votes = vote(5, 1, due=11, present=6, outcome="adopted")
    found = result(_held("hold_admission_meeting", there, votes), "R-ADM-21")
    found = result(
        _held("hold_admission_meeting", there, votes), "R-ADM-21", "hold_admission_meeting"
    )
    assert found.outcome is Outcome.NOT_MET
    assert found.numbers["needed"] == 6


def test_written_opinions_carry_where_they_count() -> None:
    there = attendance(9, 5)
    votes = vote(4, 1, due=9, present=5, written=1)
    matter = _held("hold_admission_meeting", there, votes)
    assert result(matter, "R-ADM-21", "hold_admission_meeting").outcome is Outcome.MET
    off = parameters(written_opinions_count=False)
    bad = {r for r, e in breaches(matter, view=off) if e == "hold_admission_meeting"}
    assert bad == {"R-ADM-21", "R-ADM-25", "R-ADM-26"}


def test_a_ballot_is_secret_and_adds_up() -> None:
    there = attendance(9, 8)
    open_vote = {**vote(8, due=9, present=8), "issued": None, "collected": None}
    too_many = {**vote(8, due=9, present=8), "issued": 7, "collected": 8}
    uncounted = {**vote(8, due=9, present=8), "issued": 8, "collected": 7}
    for votes, words in [
        (open_vote, "不能证明是无记名投票"),
        (too_many, "多于发出的 7 张"),
        (uncounted, "多于收回的 7 张"),
    ]:
        found = result(
            _held("hold_admission_meeting", there, votes), "R-ADM-21", "hold_admission_meeting"
        )
        assert found.outcome is Outcome.NOT_MET
        assert words in str(found.sentence)


@pytest.mark.parametrize(
    ("part", "strict", "of", "least"),
    [
        ("1/2", True, 10, 6),
        ("1/2", False, 10, 5),
        ("1/2", True, 9, 5),
        ("1/2", False, 9, 5),
        ("4/5", False, 10, 8),
        ("4/5", False, 9, 8),
        ("4/5", True, 10, 9),
        ("2/3", False, 9, 6),
        ("2/3", True, 9, 7),
        ("2/3", False, 10, 7),
        ("1/2", True, 0, 1),
        ("1/2", False, 0, 1),
    ],
)
def test_shares_are_counted_exactly(part: str, strict: bool, of: int, least: int) -> None:
    assert needed(Fraction(part), strict, of) == least


# --- R-ADM-22, R-ADM-23 roll and voters ---------------------------------------------------------


@MEETINGS
@pytest.mark.parametrize(
    ("due", "excluded", "roll", "outcome"),
    [
        (9, (), 9, Outcome.MET),
        (8, (), 9, Outcome.NOT_MET),
        (10, (), 9, Outcome.NOT_MET),
        (8, ((19, "bedridden"),), 9, Outcome.MET),
        (9, ((19, "bedridden"),), 9, Outcome.NOT_MET),
        (7, ((18, "abroad"), (19, "away")), 9, Outcome.MET),
        (8, ((19, "retired_away"),), 9, Outcome.NOT_MET),
        (8, ((19, "on_leave"),), 9, Outcome.NOT_MET),
    ],
)
def test_those_due_are_the_roll_less_the_lawfully_excluded(
    element: str, due: int, excluded: tuple[tuple[int, str], ...], roll: int, outcome: Outcome
) -> None:
    there = attendance(due, 6, excluded)
    matter = _held(element, there, vote(6, due=due, present=6), roll=roll)
    matter.step(element).rolls = dict.fromkeys(matter.step(element).rolls, MEMBERS[:roll])
    assert result(matter, "R-ADM-22", element).outcome is outcome


def test_exclusions_are_agreed_to() -> None:
    there = attendance(8, 6, ((19, "bedridden"),))
    for approved, outcome in ((True, Outcome.MET), (False, Outcome.NOT_MET)):
        matter = _held("hold_admission_meeting", {**there, "exclusions_approved": approved})
        matter.change("hold_admission_meeting", admission_vote=vote(6, due=8, present=6))
        matter.step("hold_admission_meeting").rolls = {"admission_attendance": MEMBERS}
        assert result(matter, "R-ADM-22", "hold_admission_meeting").outcome is outcome


def test_a_roll_that_was_not_kept_proves_nothing() -> None:
    matter = lawful_2026()
    matter.step("hold_admission_meeting").rolls = {}
    found = result(matter, "R-ADM-22", "hold_admission_meeting")
    assert found.outcome is Outcome.PENDING


def test_strangers_are_not_counted() -> None:
    matter = lawful_2026()
    there = attendance()
    there["present_people"] = [*MEMBERS[:7], 77]
    matter.change("hold_admission_meeting", admission_attendance=there)
    assert ("R-ADM-22", "hold_admission_meeting") in breaches(matter)


@MEETINGS
@pytest.mark.parametrize(
    "witness", [Witness("probationary"), Witness("full", restricted=True), Witness("none")]
)
def test_nobody_without_a_vote_is_counted_as_present(element: str, witness: Witness) -> None:
    matter = lawful_2026()
    if element == "hold_final_meeting":
        extended(matter)
    step = matter.step(element)
    prefix = "admission" if element == "hold_admission_meeting" else "conversion"
    step.data[f"{prefix}_attendance"]["present_people"][-1] = PROBATIONARY_MEMBER
    step.people = {**witnesses(0), PROBATIONARY_MEMBER: witness}
    found = result(matter, "R-ADM-23", element)
    assert (found.outcome, found.hinders) == (Outcome.NOT_MET, True)


def test_who_is_on_the_roll_has_a_vote_and_needs_no_further_witness() -> None:
    matter = lawful_2026()
    step = matter.step("hold_admission_meeting")
    step.people = {}
    assert result(matter, "R-ADM-23", "hold_admission_meeting").outcome is Outcome.MET
    step.rolls = {"admission_attendance": MEMBERS[:-2]}
    unknown = result(matter, "R-ADM-23", "hold_admission_meeting")
    assert (unknown.outcome, unknown.numbers["unknown"]) == (Outcome.PENDING, 1)


@MEETINGS
def test_ballots_and_opinions_are_not_more_than_voters(element: str) -> None:
    there = attendance(9, 8)
    exactly = {**vote(8, due=9, present=8, written=1)}
    assert result(_held(element, there, exactly), "R-ADM-23", element).outcome is Outcome.MET
    more_ballots = {**vote(8, due=9, present=8), "issued": 9, "collected": 8}
    assert (
        result(_held(element, there, more_ballots), "R-ADM-23", element).outcome is Outcome.NOT_MET
    )
    more_opinions = vote(8, due=9, present=8, written=2)
    assert (
        result(_held(element, there, more_opinions), "R-ADM-23", element).outcome is Outcome.NOT_MET
    )


# --- R-ADM-24 to R-ADM-26 -----------------------------------------------------------------------


@BOTH
def test_people_are_voted_on_one_by_one(lawful: Lawful, edition: str) -> None:
    for together, outcome in ((1, Outcome.MET), (2, Outcome.NOT_MET)):
        matter = lawful().change(
            "hold_admission_meeting", admission_vote={**vote(), "together": together}
        )
        assert result(matter, "R-ADM-24", "hold_admission_meeting").outcome is outcome


@MEETINGS
def test_opinions_that_came_late_do_not_count(element: str) -> None:
    votes = vote(7, due=9, present=8, written=1)
    there = attendance(9, 8)
    assert result(_held(element, there, votes), "R-ADM-25", element).outcome is Outcome.MET
    votes["written"]["late"] = 1
    assert result(_held(element, there, votes), "R-ADM-25", element).outcome is Outcome.NOT_MET
    none = vote(8, due=9, present=8)
    off = parameters(written_opinions_count=False)
    assert result(_held(element, there, none), "R-ADM-25", element, view=off).outcome is Outcome.MET


@MEETINGS
@pytest.mark.parametrize("missing", ["resolution", "resolution_signer"])
def test_the_resolution_is_written_and_signed(element: str, missing: str) -> None:
    matter = lawful_2026()
    if element == "hold_final_meeting":
        extended(matter)
    matter.change(element, **{missing: None})
    assert breaches(matter) == {("R-ADM-26", element)}
    assert not result(matter, "R-ADM-26", element).blocks


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"outcome": "lost"}, "按票数应为“通过”，记录为“未通过”"),
        ({"due": 10}, "不一致"),
        ({"present": 9}, "不一致"),
    ],
)
def test_the_resolution_equals_the_tally(changed: dict[str, Any], words: str) -> None:
    matter = lawful_2026()
    matter.change("hold_admission_meeting", admission_vote={**vote(), **changed})
    found = result(matter, "R-ADM-26", "hold_admission_meeting")
    assert found.outcome is Outcome.NOT_MET
    assert words in str(found.sentence)


def test_articles_follow_the_edition_and_the_meeting() -> None:
    cited = {
        (r.edition, r.element, tuple(a.article for a in r.articles))
        for lawful in (lawful_2014, lawful_2026)
        for r in judge(lawful())
        if r.rule.id == "R-ADM-21"
    }
    assert cited == {
        ("2014", "hold_admission_meeting", ("第二十二条",)),
        ("2014", "hold_conversion_meeting", ("第二十二条", "第三十三条")),
        ("2026", "hold_admission_meeting", ("第二十条",)),
        ("2026", "hold_conversion_meeting", ("第二十条", "第三十二条")),
    }
