"""Rules about lists of people: each is among those, and who has to have talked has talked."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from engine.compliance.case import Case, Frame
from engine.compliance.facts import Coming, Facts, Occurrence, Place
from engine.compliance.kinds.among import Among
from engine.compliance.kinds.pairs import Pairs
from engine.compliance.parameters import ParameterView
from engine.compliance.results import Outcome
from engine.compliance.rules import Element, Field, Rule, RuleBook
from tests.compliance_builder import HOLIDAYS, regulations

DAY = date(2026, 11, 18)


def step(element: str, seq: int, item: int | None = None, **data: Any) -> Occurrence:
    return Occurrence(element, DAY, DAY, data, seq=seq, item=item)


def judge(check: Any, *done: Occurrence, coming: tuple[Coming, ...] = ()) -> Any:
    """Judge the last step done."""
    facts = Facts("life", Place(5, "branch"), None, DAY, done, coming=coming)
    book = RuleBook("life", (), {}, regulations())
    frame = Frame(book, facts, DAY, HOLIDAYS, ParameterView({}))
    last = done[-1]
    rule = Rule("R-X-01", "x", "x", "among", check, (last.element,))
    return check.judge(Case(frame, rule, last.element, last, None))


SPOKE = Among(
    each=(Field("roll", Element("meet"), "present_people"),),
    among=(Field("speeches", None, "speaker"),),
    what="到会党员",
    must="自我批评的记录",
)


def spoken(*people: int) -> dict[str, Any]:
    return {"speeches": [{"speaker": person} for person in people]}


@pytest.mark.parametrize(
    ("spoke", "outcome"),
    [((1, 2, 3), Outcome.MET), ((1, 2), Outcome.NOT_MET), ((), Outcome.NOT_MET)],
)
def test_each_who_was_present_has_spoken(spoke: tuple[int, ...], outcome: Outcome) -> None:
    roll = {"present_people": [1, 2, 3]}
    verdict = judge(SPOKE, step("meet", 1, roll=roll), step("speak", 2, **spoken(*spoke)))
    assert verdict.outcome is outcome
    assert verdict.numbers == {"count": 3, "missing": 3 - len(spoke)}


def test_where_nobody_was_nothing_is_asked() -> None:
    assert judge(SPOKE, step("meet", 1, roll={"present_people": []}), step("speak", 2)) is None


def test_what_is_written_down_is_compared_whatever_the_spaces() -> None:
    check = Among(
        each=(Field("problems", Element("look"), "problem"),),
        among=(Field("items", None, "problem"),),
    )
    looked = step("look", 1, problems=[{"problem": "联系 群众不够"}, {"problem": ""}])
    put = step("rectify", 2, items=[{"problem": " 联系  群众不够 "}])
    assert judge(check, looked, put).outcome is Outcome.MET
    assert judge(check, looked, step("rectify", 2, items=[])).outcome is Outcome.NOT_MET


EVERYBODY = Among(
    each=(Field("members", Element("plan")),),
    recorded_at=Element("say"),
    listed_at=Element("say"),
)


def test_everybody_on_the_list_has_a_record_of_their_own() -> None:
    plan = step("plan", 1, members=[1, 2])
    said = [step("say", 3, item=1), step("say", 4, item=2)]
    assert judge(EVERYBODY, plan, *said, step("meet", 9)).outcome is Outcome.MET
    assert judge(EVERYBODY, plan, said[0], step("meet", 9)).outcome is Outcome.NOT_MET


def test_late_comers_count_and_leavers_do_not() -> None:
    plan, said = step("plan", 1, members=[1, 2]), step("say", 3, item=1)
    left = Coming("say", 2, DAY, left=True, seq=2)
    came = Coming("say", 7, DAY, left=False, seq=4)
    later = Coming("say", 8, DAY, left=False, seq=10)
    meet = step("meet", 9)
    assert judge(EVERYBODY, plan, said, meet, coming=(left,)).outcome is Outcome.MET
    verdict = judge(EVERYBODY, plan, said, meet, coming=(left, came))
    assert (verdict.outcome, verdict.numbers["missing"]) == (Outcome.NOT_MET, 1)
    assert judge(EVERYBODY, plan, said, meet, coming=(left, later)).outcome is Outcome.MET


TALKED = Pairs(
    talks=Field("talks", Element("talk")),
    one="one",
    other="other",
    on="on",
    committee=Field("committee", Element("plan")),
    members=Field("members", Element("plan")),
    listed_at=Element("say"),
)
ALL = ((1, 2), (1, 3), (2, 3), (1, 4), (3, 5))


def talked(*pairs: tuple[int, int], on: str = "2026-11-10") -> tuple[Occurrence, ...]:
    rows = [{"one": a, "other": b, "on": on} for a, b in pairs]
    plan = step("plan", 1, committee=[1, 2, 3], members=[1, 2, 3, 4, 5])
    return plan, step("talk", 2, talks=rows), step("meet", 9)


@pytest.mark.parametrize(
    ("pairs", "missing_pairs", "missing_members"),
    [
        (ALL, 0, 0),
        (tuple((b, a) for a, b in ALL), 0, 0),
        (ALL[1:], 1, 0),
        (ALL[:-1], 0, 1),
        ((*ALL[:-1], (4, 5)), 0, 1),  # with another member it does not count
        ((), 3, 2),
    ],
)
def test_every_two_of_the_committee_and_every_member_with_one_of_them(
    pairs: tuple[tuple[int, int], ...], missing_pairs: int, missing_members: int
) -> None:
    verdict = judge(TALKED, *talked(*pairs))
    assert verdict.numbers["missing_pairs"] == missing_pairs
    assert verdict.numbers["missing_members"] == missing_members
    expected = Outcome.NOT_MET if missing_pairs or missing_members else Outcome.MET
    assert verdict.outcome is expected


@pytest.mark.parametrize(
    ("on", "outcome"), [("2026-11-18", Outcome.MET), ("2026-11-19", Outcome.NOT_MET)]
)
def test_a_talk_after_the_meeting_does_not_count(on: str, outcome: Outcome) -> None:
    assert judge(TALKED, *talked(*ALL, on=on)).outcome is outcome


def test_a_member_who_left_need_not_have_talked() -> None:
    left = Coming("say", 5, DAY, left=True, seq=3)
    assert judge(TALKED, *talked(*ALL[:-1]), coming=(left,)).outcome is Outcome.MET


BODY = Pairs(
    talks=Field("talks", Element("talk")),
    one="one",
    other="other",
    committee=Field("committee", Element("plan")),
    listed_at=Element("say"),
)


def test_without_members_the_list_is_that_of_the_body() -> None:
    """Who left the body need not have talked; who came to it needs to."""
    spoken_with = ((1, 2), (1, 3), (2, 3))
    assert judge(BODY, *talked(*spoken_with)).outcome is Outcome.MET
    left = Coming("say", 3, DAY, left=True, seq=3)
    assert judge(BODY, *talked((1, 2)), coming=(left,)).outcome is Outcome.MET
    came = Coming("say", 4, DAY, left=False, seq=3)
    verdict = judge(BODY, *talked(*spoken_with), coming=(came,))
    assert (verdict.outcome, verdict.numbers["missing_pairs"]) == (Outcome.NOT_MET, 3)


CRITICISED = Pairs(
    talks=Field("heard"),
    one="critics",
    other="person",
    committee=Field("roll", Element("meet"), "present_people"),
    one_way=True,
    what="批评意见",
)


@pytest.mark.parametrize(
    ("heard", "missing"),
    [
        ({1: [2, 3], 2: [1, 3], 3: [1, 2]}, 0),
        ({1: [2, 3], 2: [1, 3], 3: [1]}, 1),  # 2 has heard 3, but said nothing to them
        ({1: [2, 3], 2: [3]}, 3),
        ({}, 6),
    ],
)
def test_one_way_each_has_it_from_each_other(heard: dict[int, list[int]], missing: int) -> None:
    rows = [{"person": person, "critics": critics} for person, critics in heard.items()]
    met = step("meet", 1, roll={"present_people": [1, 2, 3]})
    verdict = judge(CRITICISED, met, step("criticise", 2, heard=rows))
    assert verdict.numbers == {"pairs": 6, "missing_pairs": missing}
    assert verdict.outcome is (Outcome.NOT_MET if missing else Outcome.MET)
