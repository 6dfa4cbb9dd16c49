"""R-ADM-27 to R-ADM-42: approval, oath, conversion, archive, and what runs through all of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.calendars.arithmetic import add_days, add_months
from engine.compliance.facts import Place, Witness
from engine.compliance.results import Outcome, Severity
from tests.compliance_builder import (
    APPROVER,
    COMMITTEE,
    CONTACT,
    MEMBERS,
    ORGANISER,
    RECORDER,
    Matter,
    Step,
    attendance,
    breaches,
    extended,
    judge,
    lawful_2014,
    lawful_2026,
    lawful_crossing,
    parameters,
    result,
)

Lawful = Callable[[], Matter]
BOTH = pytest.mark.parametrize(
    ("lawful", "edition"), [(lawful_2014, "2014"), (lawful_2026, "2026")]
)


# --- R-ADM-27, R-ADM-28 who ---------------------------------------------------------------------


@BOTH
def test_the_talk_is_at_least_a_day_before_approval(lawful: Lawful, edition: str) -> None:
    matter = lawful()
    approved = matter.day("approve_admission")
    matter.on("superior_talk", add_days(approved, -1))
    assert result(matter, "R-ADM-27", "approve_admission").outcome is Outcome.MET
    matter.on("superior_talk", approved)
    same_day = result(matter, "R-ADM-27", "approve_admission")
    assert (same_day.outcome, same_day.hinders) == (Outcome.NOT_MET, True)
    assert ("R-ADM-27", "approve_admission") in breaches(lawful().drop("superior_talk"))


@pytest.mark.parametrize(
    ("posts", "outcome"),
    [
        (("organiser",), Outcome.MET),
        (("committee_member",), Outcome.MET),
        (("secretary",), Outcome.MET),
        (("organisation_department",), Outcome.NOT_MET),
        ((), Outcome.NOT_MET),
        (None, Outcome.PENDING),
    ],
)
def test_a_committee_member_or_organiser_talks(
    posts: tuple[str, ...] | None, outcome: Outcome
) -> None:
    matter = lawful_2026()
    matter.step("superior_talk").people = {ORGANISER: Witness("full", posts=posts)}
    found = result(matter, "R-ADM-27", "superior_talk")
    assert (found.outcome, found.blocks) == (outcome, False)


def test_the_talk_leaves_an_opinion() -> None:
    matter = lawful_2026().change("superior_talk", superior_talk_opinion="")
    assert breaches(matter) == {("R-ADM-27", "superior_talk")}


@BOTH
@pytest.mark.parametrize(
    ("place", "outcome"),
    [
        (COMMITTEE, Outcome.MET),
        (Place(3, "working_committee", approves=True), Outcome.MET),
        (Place(3, "committee"), Outcome.NOT_MET),
        (Place(3, "general_branch", approves=True), Outcome.NOT_MET),
        (Place(3, "branch"), Outcome.NOT_MET),
        (Place(3, "temporary_branch", approves=True), Outcome.NOT_MET),
    ],
)
def test_only_a_committee_with_the_power_approves(
    lawful: Lawful, edition: str, place: Place, outcome: Outcome
) -> None:
    matter = lawful()
    for element in ("approve_admission", "approve_conversion"):
        matter.step(element).place = place
        found = result(matter, "R-ADM-28", element)
        assert (found.outcome, found.hinders) == (outcome, outcome is Outcome.NOT_MET)


# --- R-ADM-29 in time ---------------------------------------------------------------------------


@BOTH
def test_approval_takes_three_months_from_the_report(lawful: Lawful, edition: str) -> None:
    matter = lawful().until("approve_admission")
    reported = matter.day("submit_for_approval")
    matter.on("approve_admission", add_months(reported, 3))
    at_last = result(matter, "R-ADM-29")
    assert (at_last.outcome, at_last.severity) == (Outcome.NOT_MET, Severity.WARNING)
    matter.on("approve_admission", add_days(add_months(reported, 3), 1))
    late = result(matter, "R-ADM-29")
    assert (late.outcome, late.severity, late.blocks) == (Outcome.NOT_MET, Severity.HARD, False)
    assert late.numbers["late"] == 1


@BOTH
def test_past_three_months_from_the_meeting_is_a_warning(lawful: Lawful, edition: str) -> None:
    matter = lawful().until("approve_admission")
    meeting = matter.day("hold_admission_meeting")
    matter.on("approve_admission", add_months(meeting, 3))
    assert result(matter, "R-ADM-29").outcome is Outcome.MET
    matter.on("approve_admission", add_days(add_months(meeting, 3), 1))
    warned = result(matter, "R-ADM-29")
    assert (warned.outcome, warned.severity) == (Outcome.NOT_MET, Severity.WARNING)


@BOTH
def test_a_special_case_has_six_months(lawful: Lawful, edition: str) -> None:
    matter = lawful().until("approve_admission")
    matter.change("approve_admission", approval_late_reason="换届期间")
    reported = matter.day("submit_for_approval")
    matter.on("approve_admission", add_months(reported, 6))
    assert result(matter, "R-ADM-29").outcome is Outcome.MET
    matter.on("approve_admission", add_days(add_months(reported, 6), 1))
    late = result(matter, "R-ADM-29")
    assert (late.outcome, late.numbers["months"], late.numbers["late"]) == (Outcome.NOT_MET, 6, 1)
    matter.change("approve_admission", approval_late_reason=None)
    matter.on("approve_admission", add_months(reported, 4))
    assert result(matter, "R-ADM-29").numbers["months"] == 3


def test_the_clock_may_run_from_the_meeting() -> None:
    matter = lawful_2026().until("approve_admission")
    meeting = matter.day("hold_admission_meeting")
    matter.on("approve_admission", add_days(add_months(meeting, 3), 1))
    strict = result(matter, "R-ADM-29", view=parameters(approval_clock="meeting"))
    assert (strict.outcome, strict.severity) == (Outcome.NOT_MET, Severity.HARD)


# --- R-ADM-30, R-ADM-31 probation begins --------------------------------------------------------


@BOTH
def test_probation_begins_with_the_meeting(lawful: Lawful, edition: str) -> None:
    matter = lawful()
    meeting = matter.day("hold_admission_meeting")
    assert result(matter, "R-ADM-30").outcome is Outcome.MET
    for wrong in ("approve_admission", "take_oath"):
        matter.step("approve_admission").statuses = (("probationary", matter.day(wrong)),)
        assert result(matter, "R-ADM-30").outcome is Outcome.NOT_MET
    matter.step("approve_admission").statuses = (("probationary", meeting),)
    assert result(matter, "R-ADM-30").outcome is Outcome.MET


def test_probation_as_printed_ends_a_year_later() -> None:
    matter = lawful_2026()
    meeting = matter.day("hold_admission_meeting")
    end = add_months(meeting, 12)
    matter.change(
        "approve_admission", probation_from=meeting.isoformat(), probation_to=end.isoformat()
    )
    assert result(matter, "R-ADM-30").outcome is Outcome.MET
    matter.change("approve_admission", probation_to=add_days(end, -1).isoformat())
    assert result(matter, "R-ADM-30").outcome is Outcome.NOT_MET


@BOTH
@pytest.mark.parametrize("missing", ["talked_on", "announced_on"])
def test_talk_and_announcement_are_dated(lawful: Lawful, edition: str, missing: str) -> None:
    matter = lawful().change("notify_admission", **{missing: None})
    found = result(matter, "R-ADM-31")
    assert (found.outcome, found.severity) == (Outcome.NOT_MET, Severity.WARNING)


# --- R-ADM-32, R-ADM-33 oath --------------------------------------------------------------------


def test_the_oath_is_taken_within_a_month_under_2026() -> None:
    matter = lawful_2026()
    last = add_months(matter.day("approve_admission"), 1)
    matter.on("take_oath", last)
    assert result(matter, "R-ADM-32").outcome is Outcome.MET
    matter.on("take_oath", add_days(last, 1))
    late = result(matter, "R-ADM-32")
    assert (late.outcome, late.severity) == (Outcome.NOT_MET, Severity.WARNING)
    old = lawful_2014()
    old.on("take_oath", add_months(old.day("approve_admission"), 4))
    assert breaches(old) == set()


@BOTH
def test_no_oath_before_approval(lawful: Lawful, edition: str) -> None:
    matter = lawful()
    matter.on("take_oath", matter.day("approve_admission"))
    assert result(matter, "R-ADM-33").outcome is Outcome.MET
    matter.on("take_oath", add_days(matter.day("approve_admission"), -1))
    found = result(matter, "R-ADM-33")
    assert (found.outcome, found.hinders) == (Outcome.NOT_MET, True)
    refused = lawful().change("approve_admission", approval_decision="disapprove")
    assert result(refused, "R-ADM-33").outcome is Outcome.NOT_MET


@BOTH
def test_a_member_was_never_sworn_in(lawful: Lawful, edition: str) -> None:
    assert ("R-ADM-33", "take_oath") in breaches(lawful().drop("take_oath"))
    running = lawful().until("assign_group").drop("take_oath")
    assert breaches(running) == set()


# --- R-ADM-34 to R-ADM-38 conversion ------------------------------------------------------------


@BOTH
def test_conversion_waits_for_the_end_of_probation(lawful: Lawful, edition: str) -> None:
    matter = lawful()
    end = add_months(matter.day("hold_admission_meeting"), 12)
    matter.on("hold_conversion_meeting", end)
    assert result(matter, "R-ADM-34").outcome is Outcome.MET
    matter.on("hold_conversion_meeting", add_days(end, -1))
    early = result(matter, "R-ADM-34")
    assert (early.outcome, early.hinders) == (Outcome.NOT_MET, True)


@BOTH
@pytest.mark.parametrize("months", [6, 9, 12])
def test_after_an_extension_it_waits_for_its_end(lawful: Lawful, edition: str, months: int) -> None:
    matter = extended(lawful(), months)
    assert breaches(matter) == set()
    end = add_months(matter.day("hold_admission_meeting"), 12 + months)
    matter.on("hold_final_meeting", end)
    assert result(matter, "R-ADM-34", "hold_final_meeting").outcome is Outcome.MET
    matter.on("hold_final_meeting", add_days(end, -1))
    assert result(matter, "R-ADM-34", "hold_final_meeting").outcome is Outcome.NOT_MET


@BOTH
def test_conversion_is_discussed_within_a_month_or_a_reason_is_given(
    lawful: Lawful, edition: str
) -> None:
    matter = lawful()
    last = add_months(add_months(matter.day("hold_admission_meeting"), 12), 1)
    matter.on("hold_conversion_meeting", last)
    assert result(matter, "R-ADM-35").outcome is Outcome.MET
    matter.on("hold_conversion_meeting", add_days(last, 1))
    late = result(matter, "R-ADM-35")
    assert (late.outcome, late.severity) == (Outcome.NOT_MET, Severity.WARNING)
    matter.change("hold_conversion_meeting", late_reason="本人援外")
    assert result(matter, "R-ADM-35").outcome is Outcome.MET


@BOTH
def test_who_was_transferred_in_waits_six_months_at_most(lawful: Lawful, edition: str) -> None:
    matter = lawful()
    last = add_months(add_months(matter.day("hold_admission_meeting"), 12), 6)
    matter.change("hold_conversion_meeting", late_reason="转入不久，继续了解", transferred_in=True)
    matter.on("hold_conversion_meeting", last)
    assert result(matter, "R-ADM-35").outcome is Outcome.MET
    matter.on("hold_conversion_meeting", add_days(last, 1))
    late = result(matter, "R-ADM-35")
    assert (late.outcome, late.numbers["months"], late.numbers["late"]) == (Outcome.NOT_MET, 6, 1)
    matter.change("hold_conversion_meeting", transferred_in=False)
    assert result(matter, "R-ADM-35").outcome is Outcome.MET  # a reason excuses any delay
    matter.change("hold_conversion_meeting", late_reason="", transferred_in=True)
    without = result(matter, "R-ADM-35")
    assert (without.outcome, without.numbers["months"]) == (Outcome.NOT_MET, 1)


def test_only_the_first_meeting_on_conversion_is_measured() -> None:
    matter = lawful_2026()
    again = Step(
        "hold_conversion_meeting",
        add_days(matter.day("hold_conversion_meeting"), 90),
        dict(matter.step("hold_conversion_meeting").data),
        rolls={"conversion_attendance": MEMBERS},
    )
    matter.insert("hold_conversion_meeting", again)
    assert not [r for r in judge(matter) if r.rule.id == "R-ADM-35" and r.round == 2]
    void = lawful_2026().change(
        "hold_conversion_meeting", conversion_attendance=attendance(present=4)
    )
    void.insert("hold_conversion_meeting", again)
    assert ("R-ADM-35", "hold_conversion_meeting") in breaches(void)


@BOTH
@pytest.mark.parametrize(
    ("months", "outcome"),
    [(5, Outcome.NOT_MET), (6, Outcome.MET), (12, Outcome.MET), (13, Outcome.NOT_MET)],
)
def test_an_extension_is_six_to_twelve_months(
    lawful: Lawful, edition: str, months: int, outcome: Outcome
) -> None:
    matter = extended(lawful()).change("approve_extension", extension_months=months)
    assert result(matter, "R-ADM-36").outcome is outcome


@BOTH
def test_probation_is_extended_once(lawful: Lawful, edition: str) -> None:
    matter = extended(lawful())
    first = matter.step("approve_extension")
    again = Step("approve_extension", add_days(first.day, 30), dict(first.data))
    matter.insert("approve_extension", again)
    rounds = {r.round: r.outcome for r in judge(matter) if r.rule.id == "R-ADM-36"}
    assert rounds == {1: Outcome.MET, 2: Outcome.NOT_MET}


@BOTH
@pytest.mark.parametrize("element", ["approve_extension", "approve_conversion"])
def test_the_resolution_is_approved_within_three_months(
    lawful: Lawful, edition: str, element: str
) -> None:
    matter = extended(lawful())
    meeting = "hold_conversion_meeting" if element == "approve_extension" else "hold_final_meeting"
    last = add_months(matter.day(meeting), 3)
    matter.on(element, last)
    assert result(matter, "R-ADM-37", element).outcome is Outcome.MET
    matter.on(element, add_days(last, 1))
    late = result(matter, "R-ADM-37", element)
    assert (late.outcome, late.severity, late.blocks) == (Outcome.NOT_MET, Severity.HARD, False)


@BOTH
def test_party_standing_counts_from_the_end_of_probation(lawful: Lawful, edition: str) -> None:
    for matter in (lawful(), extended(lawful(), 9)):
        assert result(matter, "R-ADM-38").outcome is Outcome.MET
        approved = matter.day("approve_conversion")
        matter.step("approve_conversion").statuses = (("full", approved),)
        wrong = result(matter, "R-ADM-38")
        assert wrong.outcome is Outcome.NOT_MET
        assert approved.isoformat() in str(wrong.sentence)


# --- R-ADM-39 archive ---------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("paper", ["form", "application", "review", "conversion", "examination"])
def test_five_documents_are_archived(lawful: Lawful, edition: str, paper: str) -> None:
    matter = lawful()
    matter.step("archive_materials").data["archived_papers"].remove(paper)
    assert breaches(matter) == {("R-ADM-39", "archive_materials")}
    assert result(matter, "R-ADM-39").numbers == {"wanted": 5, "missing": 1}


@BOTH
def test_an_extension_leaves_a_sixth(lawful: Lawful, edition: str) -> None:
    matter = extended(lawful())
    matter.step("archive_materials").data["archived_papers"].remove("decision")
    assert breaches(matter) == {("R-ADM-39", "archive_materials")}


def test_an_admission_without_an_archive_is_incomplete() -> None:
    assert ("R-ADM-39", "archive_materials") in breaches(lawful_2026().drop("archive_materials"))


# --- R-ADM-40 to R-ADM-42 -----------------------------------------------------------------------


def test_an_introducer_neither_records_nor_approves_alone() -> None:
    matter = lawful_2026().change("hold_admission_meeting", recorder=CONTACT)
    assert breaches(matter) == {("R-ADM-40", "hold_admission_meeting")}
    matter = lawful_2026()
    matter.step("approve_admission").actor = CONTACT
    assert breaches(matter) == {("R-ADM-40", "approve_admission")}
    assert result(matter, "R-ADM-40").severity is Severity.WARNING
    matter.step("approve_admission").actor = APPROVER
    matter.change("hold_admission_meeting", recorder=RECORDER)
    assert breaches(matter) == set()


@pytest.mark.parametrize("element", ["decide_activist", "approve_admission", "approve_conversion"])
def test_no_timer_decides(element: str) -> None:
    matter = lawful_2026()
    matter.step(element).by_timer = True
    assert breaches(matter) == {("R-ADM-41", element)}
    matter = lawful_2026()
    matter.step("take_oath").by_timer = True
    assert breaches(matter) == set(), "only decisions are looked at"


@pytest.mark.parametrize("element", ["submit_application", "record_probation"])
def test_what_is_recorded_late_is_listed(element: str) -> None:
    matter = lawful_2026()
    step = matter.step(element)
    step.recorded = add_days(step.day, 7)
    assert breaches(matter) == set()
    step.recorded = add_days(step.day, 8)
    assert breaches(matter) == {("R-ADM-42", element)}
    found = result(matter, "R-ADM-42", element)
    assert (found.numbers["gap"], found.severity) == (8, Severity.WARNING)
    assert breaches(matter, view=parameters(backfill_gap_days=8)) == set()


def test_all_42_rules_say_something_of_these_matters() -> None:
    heard = {
        one.rule.id
        for matter in (lawful_2014(), lawful_2026(), extended(lawful_crossing()))
        for one in judge(matter)
    }
    assert heard == {f"R-ADM-{n:02}" for n in range(1, 43)}
