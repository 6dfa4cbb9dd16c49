"""The count adds up whatever was cast, on paper or not; and small groups are not broken down."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.ballots.counting import PaperTotals, Roll, adds_up, check_totals, count, in_words
from engine.ballots.paper import Choice, Paper, Question, check_choices

YES_NO = tuple(Choice(v, v) for v in ("yes", "no", "abstain"))
PAPER = Paper("表决", (Question("work", "工作", YES_NO),), ("党员",))
GROUPS = Paper(
    "测评", (Question("work", "工作", YES_NO),), ("班子", "党员", "群众"), by_hand=("群众",)
)


def ballot(paper: Paper, value: str) -> Any:
    return check_choices(paper, {"work": [value]})[0]


def on_paper(
    collected: int, invalid: int, yes: int, no: int = 0, abstain: int = 0
) -> dict[str, int]:
    return {
        "0.collected": collected,
        "0.invalid": invalid,
        "0.work.yes": yes,
        "0.work.no": no,
        "0.work.abstain": abstain,
    }


@given(
    st.lists(st.sampled_from(["yes", "no", "abstain"]), max_size=30),
    st.integers(0, 10),
    st.integers(0, 10),
    st.data(),
)
def test_the_numbers_of_a_mixed_ballot_add_up(
    cast: list[str], silent: int, issued: int, data: st.DataObject
) -> None:
    collected = data.draw(st.integers(0, issued))
    invalid = data.draw(st.integers(0, collected))
    yes = data.draw(st.integers(0, collected - invalid))
    rolls = {"党员": Roll(len(cast) + silent, issued)}
    entered = on_paper(collected, invalid, yes, collected - invalid - yes) if issued else {}
    totals, problems = check_totals(PAPER, rolls, entered)
    assert not problems
    result = count(PAPER, rolls, [("党员", ballot(PAPER, v)) for v in cast], totals, min_size=0)
    assert adds_up(result)
    assert result["issued"] == len(cast) + silent + issued
    assert result["not_returned"] == silent + issued - collected
    assert sum(result["counts"]["work"].values()) == result["valid"]
    assert result["counts"]["work"]["yes"] == cast.count("yes") + yes


@pytest.mark.parametrize(
    ("entered", "wrong"),
    [
        (on_paper(3, 0, 3), set()),
        (on_paper(4, 0, 4), {"0.collected"}),
        (on_paper(3, 4, 0), {"0.invalid"}),
        (on_paper(3, 1, 2), set()),
        (on_paper(3, 1, 3), {"0.work"}),
        (on_paper(3, 0, 2, 2), {"0.work"}),
        ({"0.collected": 1, "0.invalid": 0}, {"0.work.yes", "0.work.no", "0.work.abstain"}),
    ],
)
def test_totals_that_do_not_add_up_are_refused(entered: dict[str, int], wrong: set[str]) -> None:
    _, problems = check_totals(PAPER, {"党员": Roll(0, 3)}, entered)
    assert set(problems) == wrong


def test_no_paper_ballot_without_one_handed_out() -> None:
    _, problems = check_totals(PAPER, {"党员": Roll(3, 0)}, on_paper(1, 0, 1))
    assert set(problems) == {"0.collected"}


@pytest.mark.parametrize(("size", "small"), [(4, False), (5, True)])
def test_too_few_ballots_are_not_broken_down(size: int, small: bool) -> None:
    ballots = [("党员", ballot(PAPER, "yes"))] * 4
    result = count(PAPER, {"党员": Roll(6, 0)}, ballots, {}, min_size=size)
    assert (result["small"], bool(result["counts"])) == (small, not small)
    assert (result["valid"], result["not_returned"]) == (4, 2)
    assert ("不分项公布" in in_words(result)) is small


def grouped(leaders: int, members: int, masses: int, size: int) -> dict[str, Any]:
    ballots = [("班子", ballot(GROUPS, "yes"))] * leaders
    ballots += [("党员", ballot(GROUPS, "no"))] * members
    rolls = {"班子": Roll(leaders, 0), "党员": Roll(members, 0)}
    given_totals = {"2.issued": masses, "2.collected": masses, "2.invalid": 0}
    given_totals |= {"2.work.yes": masses, "2.work.no": 0, "2.work.abstain": 0}
    totals: dict[str, PaperTotals] = {}
    if masses:
        totals, problems = check_totals(GROUPS, rolls, given_totals)
        assert not problems
    return count(GROUPS, rolls, ballots, totals, min_size=size)


def told(result: dict[str, Any]) -> set[str]:
    return {category for category, line in result["categories"].items() if "counts" in line}


def test_a_small_group_cannot_be_reckoned_from_the_others() -> None:
    assert told(grouped(5, 9, 20, 5)) == {"班子", "党员", "群众"}
    # 班子 alone withheld would be the whole less the other two: the next smallest goes with it.
    assert told(grouped(2, 9, 20, 5)) == {"群众"}
    assert told(grouped(3, 4, 20, 5)) == {"群众"}
    assert told(grouped(2, 9, 0, 5)) == set()
    assert told(grouped(0, 9, 20, 5)) == {"党员", "群众"}
    assert grouped(2, 9, 20, 5)["counts"]["work"] == {"yes": 22, "no": 9, "abstain": 0}
