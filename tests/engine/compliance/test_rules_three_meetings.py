"""R-TM-06 to R-TM-13 at their borders, also in records that no form of ours would let pass."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest

from engine.compliance.evaluation import evaluate
from engine.compliance.facts import Facts, Occurrence, Witness
from engine.compliance.parameters import ParameterView, Setting, settings_by_place
from engine.compliance.results import Outcome
from tests.compliance_builder import BRANCH, HOLIDAYS, book

HELD = date(2026, 6, 10)


def parameters(key: str, **values: Any) -> ParameterView:
    """Return the parameters of a procedure with some set otherwise by the branch."""
    declared = book(key).parameters
    settings = [
        Setting(declared[name].key, 5, "测试支部", value, date(2000, 1, 1), None, "test")
        for name, value in values.items()
    ]
    return ParameterView(declared, settings_by_place(settings), (5, 3, 2))


def breaches(key: str, *steps: tuple[str, date, Mapping[str, Any]], **values: Any) -> set[str]:
    """Return the rules that are not met at these steps."""
    facts = Facts(
        key=key,
        organisation=BRANCH,
        subject=None,
        started_on=steps[0][1],
        occurrences=tuple(
            Occurrence(
                element=element,
                occurred_on=day,
                recorded_on=day,
                data=dict(data),
                seq=seq,
                place=BRANCH,
                people={person: Witness("full") for person in range(1, 11)},
                rolls={"roll": tuple(range(1, 11))} if element == "roll_call" else {},
            )
            for seq, (element, day, data) in enumerate(steps, 2)
        ),
    )
    results = evaluate(
        book(key),
        facts,
        today=max(day for _, day, _ in steps),
        holidays=HOLIDAYS,
        parameters=parameters(key, **values),
    )
    return {result.rule.id for result in results if result.outcome is Outcome.NOT_MET}


def vote(yes: int, *, present: int, due: int, matter: str = "routine") -> dict[str, Any]:
    """Return a vote by hands that is called adopted."""
    return {
        "matter_type": matter,
        "vote": {
            "for": yes,
            "against": 0,
            "abstain": present - yes,
            "written": {"for": 0, "against": 0, "abstain": 0},
            "due": due,
            "present": present,
            "outcome": "adopted",
        },
    }


@pytest.mark.parametrize(
    ("key", "rule"), [("members_meeting", "R-TM-06"), ("committee_meeting", "R-TM-08")]
)
@pytest.mark.parametrize(
    ("yes", "present", "due", "wrong"),
    [
        (6, 6, 10, set()),
        (6, 5, 10, {"b"}),  # exactly half is told; more votes than people is another matter
        (5, 6, 10, {""}),  # exactly half of those due does not carry
        (4, 4, 9, {""}),  # fewer than half
        (5, 5, 9, set()),
        (4, 4, 8, {"", "b"}),
    ],
)
def test_quorum_and_majority_at_the_border(
    key: str, rule: str, yes: int, present: int, due: int, wrong: set[str]
) -> None:
    found = breaches(key, ("hold_vote", HELD, vote(yes, present=present, due=due)))
    assert found == {f"{rule}{end}" for end in wrong}


def test_where_half_counts_as_half_or_more_nothing_is_said() -> None:
    record = ("hold_vote", HELD, vote(4, present=3, due=6))
    assert breaches("members_meeting", record) == {"R-TM-06b"}
    assert breaches("members_meeting", record, half_or_more="inclusive") == set()


def test_a_committee_may_count_those_present_where_that_is_provided_for() -> None:
    record = ("hold_vote", HELD, vote(3, present=5, due=7))
    assert breaches("committee_meeting", record) == {"R-TM-08"}
    assert breaches("committee_meeting", record, committee_majority_base="present") == set()
    lost = ("hold_vote", HELD, vote(2, present=4, due=7))
    assert breaches("committee_meeting", lost, committee_majority_base="present") == {"R-TM-08"}


@pytest.mark.parametrize(
    "matter",
    [
        "committee_report", "election", "admission", "commendation",
        "disposal", "discipline", "community", "major",
    ],
)  # fmt: skip
def test_what_is_the_members_to_decide_is_not_the_committees(matter: str) -> None:
    agenda = ("set_agenda", HELD, {"votes_planned": "yes", "vote_matters": ["routine", matter]})
    assert breaches("committee_meeting", agenda) == {"R-TM-07"}
    decided = ("hold_vote", HELD, vote(5, present=5, due=5, matter=matter))
    assert breaches("committee_meeting", decided) == {"R-TM-07"}
    assert breaches("members_meeting", decided) == set()


def test_what_is_referred_to_the_members_is_lawful() -> None:
    agenda = {"vote_matters": ["routine"], "refer_matters": ["admission"]}
    assert breaches("committee_meeting", ("set_agenda", HELD, agenda)) == set()


@pytest.mark.parametrize("key", ["members_meeting", "group_meeting", "theme_day"])
@pytest.mark.parametrize(("day", "late"), [(17, False), (18, True)])
def test_minutes_are_signed_within_seven_days(key: str, day: int, late: bool) -> None:
    steps = (
        ("roll_call", HELD, {}),
        ("sign_minutes", date(2026, 6, day), {"minutes_signer": 1}),
    )
    assert ("R-TM-09" in breaches(key, *steps)) is late
    assert "R-TM-09" not in breaches(key, *steps, minutes_days=8)


def test_minutes_without_a_signature_are_not_complete() -> None:
    steps = (("roll_call", HELD, {}), ("sign_minutes", HELD, {}))
    assert "R-TM-09b" in breaches("members_meeting", *steps)


@pytest.mark.parametrize(("sent", "late"), [(9, False), (10, True)])
def test_a_meeting_is_called_the_day_before_at_the_latest(sent: int, late: bool) -> None:
    steps = (("send_notice", date(2026, 6, sent), {}), ("roll_call", HELD, {}))
    assert ("R-TM-13" in breaches("members_meeting", *steps)) is late


@pytest.mark.parametrize("key", ["party_lesson", "theme_day"])
def test_one_event_counts_once_unless_the_county_says_otherwise(key: str) -> None:
    agenda = ("set_agenda", HELD, {"also_as": ["members_meeting"]})
    assert breaches(key, agenda) == {"R-TM-10"}
    assert breaches(key, agenda, combined_activities=True) == set()
    assert breaches(key, ("set_agenda", HELD, {"also_as": []})) == set()


@pytest.mark.parametrize(("due", "wrong"), [(10, False), (9, True)])
def test_those_due_are_the_roll(due: int, wrong: bool) -> None:
    roll = {"due": due, "present": 3, "present_people": [1, 2, 3], "excluded": []}
    found = breaches("members_meeting", ("roll_call", HELD, {"roll": roll}))
    assert ("R-TM-11" in found) is wrong


def test_who_is_not_on_the_roll_is_not_counted_as_present() -> None:
    roll = {"due": 10, "present": 2, "present_people": [1, 99], "excluded": []}
    assert "R-TM-11" in breaches("members_meeting", ("roll_call", HELD, {"roll": roll}))
