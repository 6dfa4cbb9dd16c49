"""R-ADM-01 to R-ADM-09: application, activist, choice of a prospect; both sides of each border."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.calendars.arithmetic import add_days, add_months
from engine.compliance.facts import Witness
from engine.compliance.results import Outcome, Severity
from tests.compliance_builder import (
    CONTACT,
    INTRODUCER,
    MEMBERS,
    SUBJECT,
    Matter,
    Step,
    breaches,
    lawful_2014,
    lawful_2026,
    lawful_crossing,
    parameters,
    result,
)

BOTH = pytest.mark.parametrize(
    ("lawful", "edition"), [(lawful_2014, "2014"), (lawful_2026, "2026")]
)
Lawful = Callable[[], Matter]


@pytest.mark.parametrize("lawful", [lawful_2014, lawful_2026, lawful_crossing])
def test_a_lawful_matter_meets_every_rule(lawful: Lawful) -> None:
    assert breaches(lawful()) == set()


# --- R-ADM-01 age -------------------------------------------------------------------------------


@BOTH
def test_an_applicant_is_eighteen_on_the_birthday(lawful: Lawful, edition: str) -> None:
    matter = lawful()
    birthday = add_months(matter.day("submit_application"), -18 * 12)
    matter.change("submit_application", birth_date=birthday.isoformat())
    met = result(matter, "R-ADM-01")
    assert (met.outcome, met.edition, met.numbers["age"]) == (Outcome.MET, edition, 18)
    matter.change("submit_application", birth_date=add_days(birthday, 1).isoformat())
    young = result(matter, "R-ADM-01")
    assert (young.outcome, young.numbers["age"]) == (Outcome.NOT_MET, 17)
    assert young.hinders
    assert "满 17 周岁，不满 18 周岁" in str(young.sentence)
    assert young.articles[0].article == "第五条"


def test_a_birth_date_that_was_not_recorded_proves_nothing() -> None:
    matter = lawful_2026().change("submit_application", birth_date=None)
    missing = result(matter, "R-ADM-01")
    assert missing.outcome is Outcome.NOT_MET
    assert "没有记录" in str(missing.sentence)


# --- R-ADM-02, R-ADM-03 first talk --------------------------------------------------------------


@BOTH
def test_the_talk_is_held_within_a_calendar_month(lawful: Lawful, edition: str) -> None:
    matter = lawful()
    last = add_months(matter.day("submit_application"), 1)
    matter.on("first_talk", last)
    assert result(matter, "R-ADM-02").outcome is Outcome.MET
    matter.on("first_talk", add_days(last, 1))
    late = result(matter, "R-ADM-02")
    assert (late.outcome, late.numbers["late"], late.edition) == (Outcome.NOT_MET, 1, edition)
    assert not late.blocks, "a violation, but not blocking"


def test_the_sentence_gives_the_arithmetic() -> None:
    matter = lawful_crossing().until("first_talk")
    matter.on("submit_application", "2026-01-31").on("first_talk", "2026-03-02")
    late = result(matter, "R-ADM-02")
    assert str(late.sentence) == (
        "2026-01-31 收到申请书，1 个月内即不晚于 2026-02-28 须谈话；实际 2026-03-02，超期 2 天。"
    )
    assert dict(late.numbers) == {
        "from": "2026-01-31",
        "months": 1,
        "until": "2026-02-28",
        "day": "2026-03-02",
        "late": 2,
    }


@BOTH
def test_the_talk_does_not_come_before_the_application(lawful: Lawful, edition: str) -> None:
    matter = lawful()
    received = matter.day("submit_application")
    matter.on("first_talk", received)
    assert result(matter, "R-ADM-03").outcome is Outcome.MET
    matter.on("first_talk", add_days(received, -1))
    early = result(matter, "R-ADM-03")
    assert (early.outcome, early.hinders) == (Outcome.NOT_MET, True)


@BOTH
def test_a_talk_that_was_passed_over_is_missed(lawful: Lawful, edition: str) -> None:
    matter = lawful().drop("first_talk")
    assert breaches(matter) == {("R-ADM-02", "first_talk")}
    missing = result(matter, "R-ADM-02")
    assert (missing.seq, missing.round, missing.edition) == (None, 1, edition)
    assert "没有“党组织派人谈话”的记录" in str(missing.sentence)


# --- R-ADM-04 to R-ADM-06 activist --------------------------------------------------------------


@BOTH
def test_an_activist_is_recommended(lawful: Lawful, edition: str) -> None:
    for ways in (["members"], ["mass_organisation"], ["members", "mass_organisation"]):
        matter = lawful().change("decide_activist", recommended_by=ways)
        assert result(matter, "R-ADM-04").outcome is Outcome.MET
    matter.change("decide_activist", recommended_by=[])
    assert result(matter, "R-ADM-04").outcome is Outcome.NOT_MET


@pytest.mark.parametrize(
    ("due", "present", "half", "outcome"),
    [
        (3, 2, "strict", Outcome.MET),
        (4, 2, "strict", Outcome.NOT_MET),
        (4, 3, "strict", Outcome.MET),
        (4, 2, "inclusive", Outcome.MET),
        (5, 2, "inclusive", Outcome.NOT_MET),
    ],
)
def test_the_committee_was_there(due: int, present: int, half: str, outcome: Outcome) -> None:
    there = {"due": due, "present": present, "quorate": True}
    matter = lawful_2026().change("decide_activist", committee_attendance=there)
    found = result(matter, "R-ADM-04", view=parameters(half_or_more=half))
    assert found.outcome is outcome
    assert [one.key for one in found.used] == ["half_or_more"]
    assert found.used[0].origin == "organisation"


def test_a_meeting_that_put_the_decision_off_is_not_judged() -> None:
    matter = lawful_2026()
    not_yet = Step("decide_activist", matter.day("first_talk"), {"activist_decision": "not_yet"})
    assert breaches(matter.insert("first_talk", not_yet)) == set()


@BOTH
def test_minutes_belong_to_the_decision(lawful: Lawful, edition: str) -> None:
    matter = lawful().change("decide_activist", committee_minutes="")
    assert breaches(matter) == {("R-ADM-04", "decide_activist")}


@BOTH
def test_the_filing_follows_the_decision(lawful: Lawful, edition: str) -> None:
    matter = lawful()
    matter.on("file_activist", matter.day("decide_activist"))
    assert result(matter, "R-ADM-05").outcome is Outcome.MET
    matter.on("file_activist", add_days(matter.day("decide_activist"), -1))
    assert result(matter, "R-ADM-05").outcome is Outcome.NOT_MET
    assert breaches(lawful().drop("file_activist")) == {("R-ADM-05", "file_activist")}


@BOTH
@pytest.mark.parametrize(
    ("contacts", "outcome"),
    [
        ([], Outcome.NOT_MET),
        ([CONTACT], Outcome.MET),
        ([CONTACT, INTRODUCER], Outcome.MET),
        ([CONTACT, INTRODUCER, MEMBERS[0]], Outcome.NOT_MET),
        ([CONTACT, CONTACT], Outcome.NOT_MET),
        ([SUBJECT], Outcome.NOT_MET),
    ],
)
def test_one_or_two_contacts(
    lawful: Lawful, edition: str, contacts: list[int], outcome: Outcome
) -> None:
    matter = lawful().change("assign_contacts", contacts=contacts)
    assert result(matter, "R-ADM-06").outcome is outcome


def test_contacts_are_full_members_on_the_day() -> None:
    matter = lawful_2026()
    step = matter.step("assign_contacts")
    step.people = {CONTACT: Witness("full"), INTRODUCER: Witness("probationary")}
    found = result(matter, "R-ADM-06")
    assert found.outcome is Outcome.NOT_MET
    assert "有 1 人当日是预备党员" in str(found.sentence)
    step.people = {CONTACT: Witness("full")}
    assert result(matter, "R-ADM-06").outcome is Outcome.PENDING, "nobody wrote down what they were"


# --- R-ADM-07 a year as an activist -------------------------------------------------------------


@BOTH
def test_a_prospect_is_proposed_after_a_year(lawful: Lawful, edition: str) -> None:
    matter = lawful()
    year = add_months(matter.day("decide_activist"), 12)
    matter.on("propose_prospect", year)
    assert result(matter, "R-ADM-07", "propose_prospect").outcome is Outcome.MET
    matter.on("propose_prospect", add_days(year, -1))
    early = result(matter, "R-ADM-07", "propose_prospect")
    assert (early.outcome, early.numbers["early"], early.hinders) == (Outcome.NOT_MET, 1, True)


def test_listing_is_the_filing_under_2014_and_the_end_of_the_notice_under_2026() -> None:
    listed = {
        lawful_2014: ("consent_prospect", "conclude_notice"),
        lawful_2026: ("conclude_notice", "consent_prospect"),
    }
    for lawful, (element, other) in listed.items():
        matter = lawful()
        year = add_months(matter.day("decide_activist"), 12)
        matter.on(element, year)
        assert result(matter, "R-ADM-07", element).outcome is Outcome.MET
        matter.on(element, add_days(year, -1))
        assert ("R-ADM-07", element) in breaches(matter)
        assert not any(e == other for rule, e in breaches(matter) if rule == "R-ADM-07")


def test_the_year_counts_from_the_filing_where_the_place_says_so() -> None:
    matter = lawful_2026()
    filed = add_months(matter.day("file_activist"), 12)
    matter.on("propose_prospect", filed)
    later = parameters(activist_clock="filing")
    assert result(matter, "R-ADM-07", "propose_prospect", view=later).outcome is Outcome.MET
    matter.on("propose_prospect", add_days(filed, -1))
    found = result(matter, "R-ADM-07", "propose_prospect", view=later)
    assert found.outcome is Outcome.NOT_MET
    assert found.used[0].organisation_name == "测试支部"
    assert result(matter, "R-ADM-07", "propose_prospect").outcome is Outcome.MET


# --- R-ADM-08 examinations ----------------------------------------------------------------------


@BOTH
def test_an_examination_every_half_year(lawful: Lawful, edition: str) -> None:
    matter = lawful()
    half = add_months(matter.day("decide_activist"), 6)
    matter.on("examine_activist", half)
    assert breaches(matter) == set()
    matter.on("examine_activist", add_days(half, 1))
    late = [r for r in breaches(matter) if r[0] == "R-ADM-08"]
    assert late == [("R-ADM-08", "examine_activist")]
    assert not result(matter, "R-ADM-08", "examine_activist").blocks, "the late record is taken"


def test_a_tolerance_counts_in_days() -> None:
    matter = lawful_2026()
    half = add_months(matter.day("decide_activist"), 6)
    matter.on("examine_activist", add_days(half, 7))
    lenient = parameters(examination_tolerance_days=7)
    assert ("R-ADM-08", "examine_activist") not in breaches(matter, view=lenient)
    matter.on("examine_activist", add_days(half, 8))
    assert ("R-ADM-08", "examine_activist") in breaches(matter, view=lenient)


@BOTH
def test_two_examinations_in_the_year_before_the_proposal(lawful: Lawful, edition: str) -> None:
    matter = lawful()
    proposed = matter.day("propose_prospect")
    matter.on("examine_activist", add_months(proposed, -12), 1)
    matter.on("examine_activist", add_months(proposed, -6), 2)
    assert result(matter, "R-ADM-08", "propose_prospect").outcome is Outcome.MET
    matter.on("examine_activist", add_days(add_months(proposed, -12), -1), 1)
    few = result(matter, "R-ADM-08", "propose_prospect")
    assert (few.outcome, few.numbers["records"], few.hinders) == (Outcome.NOT_MET, 1, True)


def test_the_last_examination_is_not_older_than_half_a_year() -> None:
    matter = lawful_2026()
    last = matter.day("examine_activist", -1)
    matter.on("propose_prospect", add_months(last, 6))
    assert ("R-ADM-08", "propose_prospect") not in breaches(matter)
    matter.on("propose_prospect", add_days(add_months(last, 6), 1))
    assert ("R-ADM-08", "propose_prospect") in breaches(matter)


def test_a_place_may_only_warn_of_missing_examinations() -> None:
    matter = lawful_2026().drop("examine_activist")
    warned = result(
        matter, "R-ADM-08", "propose_prospect", view=parameters(examination_severity="warning")
    )
    assert (warned.outcome, warned.severity) == (Outcome.NOT_MET, Severity.WARNING)
    assert not warned.hinders
    assert result(matter, "R-ADM-08", "propose_prospect").hinders


def test_a_meeting_that_puts_a_proposal_off_needs_no_examinations() -> None:
    matter = lawful_2026().drop("examine_activist").until("propose_prospect")
    matter.change("propose_prospect", prospect_decision="not_yet")
    assert ("R-ADM-08", "propose_prospect") not in breaches(matter)


def test_education_goes_on_when_a_proposal_is_put_off() -> None:
    matter = lawful_2026().until("propose_prospect")
    matter.change("propose_prospect", prospect_decision="not_yet")
    last = matter.day("examine_activist")
    due = add_months(last, 6)
    pending = result(matter, "R-ADM-08", "examine_further", today=due)
    assert (pending.outcome, pending.until) == (Outcome.PENDING, due)
    late = result(matter, "R-ADM-08", "examine_further", today=add_days(due, 1))
    assert late.outcome is Outcome.NOT_MET
    matter.steps.append(Step("examine_further", due, {"examination_next": "propose"}))
    assert result(matter, "R-ADM-08", "examine_further").outcome is not Outcome.NOT_MET


# --- R-ADM-09 opinions --------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("group", ["contacts", "members", "masses", "group"])
def test_all_four_groups_are_heard(lawful: Lawful, edition: str, group: str) -> None:
    matter = lawful().change("propose_prospect", **{f"opinion_{group}": ""})
    found = result(matter, "R-ADM-09")
    assert (found.outcome, found.numbers["missing"]) == (Outcome.NOT_MET, 1)


def test_a_branch_without_groups_hears_three() -> None:
    matter = lawful_2026().change("propose_prospect", opinion_group=None, no_group=True)
    assert result(matter, "R-ADM-09").outcome is Outcome.MET
