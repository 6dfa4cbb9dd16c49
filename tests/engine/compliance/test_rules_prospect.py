"""R-ADM-10 to R-ADM-19: notice, introducers, review, training, pre-review; all borders."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from engine.calendars.arithmetic import add_days, add_months
from engine.compliance.facts import Witness
from engine.compliance.results import Outcome, Severity
from tests.compliance_builder import (
    CONTACT,
    HOLIDAYS,
    INTRODUCER,
    MEMBERS,
    SHIPPED,
    SUBJECT,
    VOID,
    Matter,
    Step,
    attendance,
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


# --- R-ADM-10, R-ADM-11 consent and notice ------------------------------------------------------


def test_the_superior_agrees_before_the_notice() -> None:
    matter = lawful_2026()
    matter.on("post_notice", matter.day("consent_prospect"))
    assert result(matter, "R-ADM-10").outcome is Outcome.MET
    matter.on("post_notice", add_days(matter.day("consent_prospect"), -1))
    early = result(matter, "R-ADM-10")
    assert (early.outcome, early.hinders) == (Outcome.NOT_MET, True)


def test_a_consent_that_was_refused_is_none() -> None:
    matter = lawful_2026().change("consent_prospect", prospect_consent_decision="disagree")
    assert ("R-ADM-10", "post_notice") in breaches(matter)


def test_the_2014_edition_knows_no_notice() -> None:
    matter = lawful_2014()
    listed = matter.day("consent_prospect")
    matter.insert("consent_prospect", Step("post_notice", add_days(listed, 1)))
    matter.insert(
        "post_notice", Step("conclude_notice", add_days(listed, 2), {"notice_decision": "none"})
    )
    assert breaches(matter) == set(), "a local notice of one day breaks no article of 2014"
    assert result(matter, "R-ADM-10").outcome is Outcome.NOT_APPLICABLE


def _noticed(posted: str, concluded: str, **changed: Any) -> Matter:
    matter = lawful_crossing()
    matter.on("consent_prospect", posted).on("post_notice", posted)
    return matter.on("conclude_notice", concluded).change("conclude_notice", **changed)


def test_five_working_days_and_the_day_after() -> None:
    lawful = result(_noticed("2026-06-02", "2026-06-10"), "R-ADM-11")
    assert lawful.outcome is Outcome.MET
    assert lawful.numbers["first"] == "2026-06-10"
    early = result(_noticed("2026-06-02", "2026-06-09"), "R-ADM-11")
    assert (early.outcome, early.numbers["early"]) == (Outcome.NOT_MET, 1)
    assert early.hinders
    assert "满 5 个工作日即 2026-06-10 起方可" in str(early.sentence)


def test_the_day_of_posting_may_count_where_the_place_says_so() -> None:
    counts = parameters(notice_start_day_counts=True)
    matter = _noticed("2026-06-02", "2026-06-09")
    assert result(matter, "R-ADM-11", view=counts).outcome is Outcome.MET
    matter.on("conclude_notice", "2026-06-08")
    assert result(matter, "R-ADM-11", view=counts).outcome is Outcome.NOT_MET


def test_a_place_may_ask_for_seven_days() -> None:
    seven = parameters(notice_days=7)
    assert (
        result(_noticed("2026-06-02", "2026-06-12"), "R-ADM-11", view=seven).outcome is Outcome.MET
    )
    assert (
        result(_noticed("2026-06-02", "2026-06-11"), "R-ADM-11", view=seven).outcome
        is Outcome.NOT_MET
    )


def test_a_notice_with_an_objection_is_listed_when_it_was_settled() -> None:
    matter = _noticed("2026-06-02", "2026-06-10", notice_decision="objection", objection_count=2)
    settled = Step(
        "investigate_objection",
        date(2026, 6, 20),
        {"handling": "查无此事。", "investigation_decision": "no_effect"},
    )
    assert {r for r, _ in breaches(matter)} == {"R-ADM-12"}
    matter.insert("conclude_notice", settled)
    assert {r for r, _ in breaches(matter)} == set()
    assert result(matter, "R-ADM-11", "investigate_objection").outcome is Outcome.MET


def test_a_notice_that_starts_again_is_not_judged_before_it_ends() -> None:
    matter = _noticed("2026-06-02", "2026-06-04", notice_decision="restart")
    matter.insert("conclude_notice", Step("post_notice", date(2026, 6, 4)))
    again = Step("conclude_notice", date(2026, 6, 12), {"notice_decision": "none"})
    matter.steps.insert([s.element for s in matter].index("assign_introducers"), again)
    assert result(matter, "R-ADM-11").outcome is Outcome.MET
    again.day = date(2026, 6, 11)
    assert result(matter, "R-ADM-11").outcome is Outcome.NOT_MET


def test_a_year_without_a_holiday_notice_never_gives_a_hard_pass() -> None:
    matter = lawful_2026()
    assert result(matter, "R-ADM-11", holidays=HOLIDAYS).outcome is Outcome.MET
    unknown = result(matter, "R-ADM-11", holidays=SHIPPED)
    assert (unknown.outcome, unknown.provisional) == (Outcome.PENDING, True)
    assert "暂算" in str(unknown.sentence)
    matter.on("conclude_notice", matter.day("post_notice"))
    early = result(matter, "R-ADM-11", holidays=SHIPPED)
    assert (early.outcome, early.provisional) == (Outcome.NOT_MET, True)


def test_listing_without_a_notice_breaks_the_2026_edition_only() -> None:
    assert ("R-ADM-11", "conclude_notice") in breaches(
        lawful_2026().drop("post_notice").drop("conclude_notice")
    )
    assert breaches(lawful_2014()) == set()


def test_who_was_listed_before_the_switch_needs_no_notice_after_it() -> None:
    matter = lawful_crossing().drop("post_notice").drop("conclude_notice")
    matter.on("propose_prospect", "2026-05-12").on("consent_prospect", "2026-05-17")
    assert {r for r, _ in breaches(matter)} == set()
    matter.on("consent_prospect", "2026-05-18")
    assert {r for r, _ in breaches(matter)} == {"R-ADM-11"}


# --- R-ADM-12 objections ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        ({}, Outcome.MET),
        ({"handling": ""}, Outcome.NOT_MET),
        ({"investigation_decision": "affects"}, Outcome.NOT_MET),
    ],
)
def test_an_objection_is_settled_before_listing(change: dict[str, str], outcome: Outcome) -> None:
    for matter in (lawful_2026(), lawful_crossing()):
        matter.change("conclude_notice", notice_decision="objection", objection_count=1)
        day = add_days(matter.day("conclude_notice"), 1)
        data = {"handling": "查无此事。", "investigation_decision": "no_effect", **change}
        matter.insert("conclude_notice", Step("investigate_objection", day, data))
        assert result(matter, "R-ADM-12", "assign_introducers").outcome is outcome


# --- R-ADM-13 introducers -----------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize(
    ("introducers", "outcome"),
    [
        ([CONTACT], Outcome.NOT_MET),
        ([CONTACT, INTRODUCER], Outcome.MET),
        ([CONTACT, CONTACT], Outcome.NOT_MET),
        ([CONTACT, INTRODUCER, MEMBERS[0]], Outcome.NOT_MET),
        ([CONTACT, SUBJECT], Outcome.NOT_MET),
    ],
)
def test_two_different_introducers(
    lawful: Lawful, edition: str, introducers: list[int], outcome: Outcome
) -> None:
    matter = lawful().change("assign_introducers", introducers=introducers)
    found = result(matter, "R-ADM-13")
    assert (found.outcome, found.hinders) == (outcome, outcome is Outcome.NOT_MET)


@pytest.mark.parametrize(
    ("witness", "outcome"),
    [
        (Witness("full"), Outcome.MET),
        (Witness("probationary"), Outcome.NOT_MET),
        (Witness("full", restricted=True), Outcome.NOT_MET),
    ],
)
def test_introducers_have_all_their_rights(witness: Witness, outcome: Outcome) -> None:
    matter = lawful_2026()
    matter.step("assign_introducers").people = {CONTACT: Witness("full"), INTRODUCER: witness}
    assert result(matter, "R-ADM-13").outcome is outcome


# --- R-ADM-14, R-ADM-15 review and training -----------------------------------------------------


@BOTH
def test_the_review_is_passed_signed_and_not_after_the_check(lawful: Lawful, edition: str) -> None:
    matter = lawful()
    matter.on("political_review", matter.day("committee_check"))
    assert result(matter, "R-ADM-14").outcome is Outcome.MET
    matter.on("political_review", add_days(matter.day("committee_check"), 1))
    assert result(matter, "R-ADM-14").outcome is Outcome.NOT_MET
    for change in ({"review_decision": "fail"}, {"review_signers": []}):
        matter = lawful().change("political_review", **change)
        assert breaches(matter) == {("R-ADM-14", "committee_check")}
        assert result(matter, "R-ADM-14").hinders
    assert ("R-ADM-14", "committee_check") in breaches(lawful().drop("political_review"))


@BOTH
@pytest.mark.parametrize(
    ("days", "hours", "waiver", "outcome"),
    [
        (3, 0, {}, Outcome.MET),
        (2, 24, {}, Outcome.MET),
        (2, 23, {}, Outcome.NOT_MET),
        (0, 0, {"waiver_reason": "援外", "waiver_approved_by": "县委组织部"}, Outcome.MET),
        (0, 0, {"waiver_reason": "援外"}, Outcome.NOT_MET),
        (0, 0, {"waiver_approved_by": "县委组织部"}, Outcome.NOT_MET),
    ],
)
def test_three_days_or_24_hours_or_a_waiver(
    lawful: Lawful, edition: str, days: int, hours: int, waiver: dict[str, str], outcome: Outcome
) -> None:
    kind = "waived" if waiver else "pass"
    matter = lawful().change(
        "intensive_training",
        training_days=days,
        training_hours=hours,
        training_result=kind,
        **waiver,
    )
    assert result(matter, "R-ADM-15").outcome is outcome


# --- R-ADM-16 order -----------------------------------------------------------------------------

CHAIN = [
    ("assign_introducers", "conclude_notice"),
    ("political_review", "conclude_notice"),
    ("intensive_training", "conclude_notice"),
    ("committee_check", "assign_introducers"),
    ("committee_check", "political_review"),
    ("committee_check", "intensive_training"),
    ("pre_review", "committee_check"),
    ("fill_admission_form", "pre_review"),
    ("hold_admission_meeting", "fill_admission_form"),
    ("submit_for_approval", "hold_admission_meeting"),
    ("superior_talk", "submit_for_approval"),
    ("approve_admission", "superior_talk"),
    ("file_admission", "approve_admission"),
]


@BOTH
@pytest.mark.parametrize(("later", "earlier"), CHAIN)
def test_each_step_of_the_chain_follows_the_one_before(
    lawful: Lawful, edition: str, later: str, earlier: str
) -> None:
    if edition == "2014" and earlier == "conclude_notice":
        earlier = "consent_prospect"
    matter = lawful()
    matter.on(earlier, matter.day(later))
    assert result(matter, "R-ADM-16", later).outcome is Outcome.MET
    matter.on(earlier, add_days(matter.day(later), 1))
    found = result(matter, "R-ADM-16", later)
    assert (found.outcome, found.hinders, found.edition) == (Outcome.NOT_MET, True, edition)
    gone = lawful().drop(earlier)
    if earlier == "conclude_notice":
        gone.drop("consent_prospect")
    assert ("R-ADM-16", later) in breaches(gone)


# --- R-ADM-17 to R-ADM-19 pre-review ------------------------------------------------------------


@BOTH
def test_the_pre_review_is_notified_and_the_form_numbered(lawful: Lawful, edition: str) -> None:
    assert breaches(lawful().change("pre_review", notice_date=None)) == {("R-ADM-17", "pre_review")}
    matter = lawful().change("fill_admission_form", admission_form_number="")
    assert breaches(matter) == {("R-ADM-17", "fill_admission_form")}
    matter = lawful().change("fill_admission_form", admission_form_number="2026-002")
    found = result(matter, "R-ADM-17", "fill_admission_form")
    assert found.outcome is Outcome.NOT_MET
    assert "不一致" in str(found.sentence)
    assert not found.blocks


@BOTH
@pytest.mark.parametrize(
    ("leaving", "reason", "outcome"),
    [
        ("no", "", Outcome.MET),
        ("yes", "单位急需", Outcome.MET),
        ("yes", "", Outcome.NOT_MET),
        (None, "", Outcome.NOT_MET),
    ],
)
def test_nobody_about_to_leave_without_a_reason(
    lawful: Lawful, edition: str, leaving: str | None, reason: str, outcome: Outcome
) -> None:
    matter = lawful().change(
        "pre_review", leaving_within_three_months=leaving, leaving_reason=reason
    )
    found = result(matter, "R-ADM-18")
    assert (found.outcome, found.severity) == (outcome, Severity.WARNING)


def test_the_meeting_is_held_within_a_month_of_the_pre_review_under_2026() -> None:
    matter = lawful_2026()
    last = add_months(matter.day("pre_review"), 1)
    matter.on("hold_admission_meeting", last)
    assert result(matter, "R-ADM-19").outcome is Outcome.MET
    matter.on("hold_admission_meeting", add_days(last, 1))
    late = result(matter, "R-ADM-19")
    assert (late.outcome, late.edition, late.blocks) == (Outcome.NOT_MET, "2026", False)
    old = lawful_2014()
    old.on("hold_admission_meeting", add_months(old.day("pre_review"), 3))
    assert result(old, "R-ADM-19").outcome is Outcome.NOT_APPLICABLE


def test_a_void_meeting_does_not_stop_the_clock() -> None:
    matter = lawful_2026()
    last = add_months(matter.day("pre_review"), 1)
    void = Step(
        "hold_admission_meeting",
        matter.day("hold_admission_meeting"),
        {
            "admission_attendance": attendance(present=4),
            "admission_ballot": "held",
            "admission_vote": VOID,
        },
        rolls={"admission_attendance": MEMBERS},
    )
    matter.insert("fill_admission_form", void)
    matter.on("hold_admission_meeting", add_days(last, 1), 2)
    found = result(matter, "R-ADM-19")
    assert (found.outcome, found.round) == (Outcome.NOT_MET, 2)
    only_void = matter.until("hold_admission_meeting")
    pending = result(only_void, "R-ADM-19", today=last)
    assert (pending.outcome, pending.until, pending.round) == (Outcome.PENDING, last, 2)


# --- the switch ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("meeting", "edition", "outcome"),
    [
        ("2026-05-17", "2014", Outcome.NOT_APPLICABLE),
        ("2026-05-18", "2026", Outcome.NOT_MET),
    ],
)
def test_each_step_is_judged_by_the_edition_of_its_own_day(
    meeting: str, edition: str, outcome: Outcome
) -> None:
    matter = lawful_2014()
    matter.on("pre_review", "2026-04-01").on("hold_admission_meeting", meeting)
    found = result(matter.until("hold_admission_meeting"), "R-ADM-19")
    assert (found.edition, found.outcome) == (edition, outcome)


def test_the_switch_is_a_parameter() -> None:
    matter = lawful_2014()
    matter.on("pre_review", "2026-04-01").on("hold_admission_meeting", "2026-05-11")
    early = parameters(rule_version_switch="2026-05-11")
    matter.until("hold_admission_meeting")
    assert result(matter, "R-ADM-19", view=early).edition == "2026"
    assert result(matter, "R-ADM-19").edition == "2014"
    assert result(matter, "R-ADM-20").articles[0].article == "第二十条"
    assert result(matter, "R-ADM-20", view=early).articles[0].article == "第十九条"


def test_a_matter_across_the_switch_is_judged_by_both() -> None:
    matter = lawful_crossing()
    by_edition = {
        result(matter, "R-ADM-02").edition,
        result(matter, "R-ADM-19").edition,
    }
    assert by_edition == {"2014", "2026"}
