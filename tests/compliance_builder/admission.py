"""Lawful matters of member admission, under either edition and across the switch."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from engine.calendars.arithmetic import add_days, add_months
from tests.compliance_builder.cast import (
    APPROVER,
    CONTACT,
    INTRODUCER,
    MEMBERS,
    ORGANISER,
    RECORDER,
    SECRETARY,
)
from tests.compliance_builder.matter import Matter, Step
from tests.compliance_builder.meetings import attendance, vote


def _committee(**data: Any) -> dict[str, Any]:
    there = {
        "due": 3,
        "present": 3,
        "present_people": [SECRETARY, CONTACT, INTRODUCER],
        "excluded": [],
        "quorate": True,
        "needed": 2,
    }
    return {"committee_attendance": there, "committee_minutes": "一致同意。", **data}


def _examination(day: date, **data: Any) -> Step:
    return Step("examine_activist", day, {"examination_next": "continue", **data})


def admission(start: date, *, notice: bool = True) -> list[Step]:
    """Return the steps 01 to 20 of a lawful matter that begins on ``start``."""
    decided = add_days(start, 40)
    proposed = add_months(decided, 13)
    listed = add_days(proposed, 26)
    meeting = add_days(listed, 60)
    approved = add_days(meeting, 40)
    steps = [
        Step("submit_application", start, {"birth_date": add_months(start, -240).isoformat()}),
        Step("first_talk", add_days(start, 10), {"talkers": [SECRETARY]}),
        Step(
            "decide_activist",
            decided,
            _committee(recommended_by=["members"], activist_decision="agree"),
        ),
        Step("file_activist", add_days(decided, 10), {"activist_filing_decision": "agree"}),
        Step(
            "assign_contacts",
            add_days(decided, 20),
            {"contacts": [CONTACT, INTRODUCER], "contacts_since": decided.isoformat()},
        ),
        _examination(add_months(decided, 6)),
        _examination(add_months(add_months(decided, 6), 6), examination_next="propose"),
        Step(
            "propose_prospect",
            proposed,
            _committee(
                prospect_decision="agree",
                no_group=False,
                opinion_group="同意。",
                opinion_contacts="同意。",
                opinion_members="同意。",
                opinion_masses="同意。",
            ),
        ),
        Step("consent_prospect", add_days(proposed, 5), {"prospect_consent_decision": "agree"}),
    ]
    if notice:
        steps += [
            Step("post_notice", add_days(proposed, 6), {"notice_places": ["work"]}),
            Step("conclude_notice", listed, {"notice_decision": "none"}),
        ]
    steps += [
        Step(
            "assign_introducers",
            add_days(listed, 1),
            {"introducers": [CONTACT, INTRODUCER]},
        ),
        Step(
            "political_review",
            add_days(listed, 20),
            {"review_decision": "pass", "review_signers": [SECRETARY]},
        ),
        Step(
            "intensive_training",
            add_days(listed, 25),
            {"training_days": 3, "training_hours": 24, "training_result": "pass"},
        ),
        Step("committee_check", add_days(listed, 35), _committee(committee_check_decision="pass")),
        Step(
            "pre_review",
            add_days(listed, 45),
            {
                "leaving_within_three_months": "no",
                "pre_review_decision": "pass",
                "notice_date": add_days(listed, 45).isoformat(),
                "form_number": "2026-001",
            },
        ),
        Step("fill_admission_form", add_days(listed, 50), {"admission_form_number": "2026-001"}),
        Step(
            "hold_admission_meeting",
            meeting,
            {
                "admission_attendance": attendance(),
                "agenda": ["report", "introducers", "committee", "discussion"],
                "admission_ballot": "held",
                "admission_vote": vote(),
                "resolution": "同意接收。",
                "resolution_signer": SECRETARY,
                "recorder": RECORDER,
            },
            rolls={"admission_attendance": MEMBERS},
        ),
        Step("submit_for_approval", add_days(meeting, 5), {"submitted_papers": ["form"]}),
        Step(
            "superior_talk",
            add_days(meeting, 20),
            {"superior_talkers": [ORGANISER], "superior_talk_opinion": "同意。"},
        ),
        Step("approve_admission", approved, {"approval_decision": "approve"}, actor=APPROVER),
        Step(
            "notify_admission",
            add_days(approved, 5),
            {
                "talked_on": add_days(approved, 4).isoformat(),
                "announced_on": add_days(approved, 5).isoformat(),
            },
        ),
        Step("file_admission", add_days(approved, 8)),
        Step("assign_group", add_days(approved, 8), {"assigned_group": "第一小组"}),
        Step("take_oath", add_days(approved, 15), {"oath_place": "本支部"}),
    ]
    return steps


def _conversion(element: str, day: date, decision: str) -> Step:
    return Step(
        element,
        day,
        {
            "conversion_attendance": attendance(),
            "conversion_decision": decision,
            "conversion_vote": vote(),
            "resolution": "形成决议。",
            "resolution_signer": SECRETARY,
            "recorder": RECORDER,
        },
        rolls={"conversion_attendance": MEMBERS},
    )


def lawful(start: date, *, notice: bool = True) -> Matter:
    """Return a lawful matter from the application to the archive."""
    steps = admission(start, notice=notice)
    meeting = next(s.day for s in steps if s.element == "hold_admission_meeting")
    expiry = add_months(meeting, 12)
    steps += [
        Step("record_probation", add_months(meeting, 6), {"probation_next": "finish"}),
        Step("apply_conversion", add_days(expiry, -10), {"conversion_statement": "申请转正。"}),
        _conversion("hold_conversion_meeting", add_days(expiry, 5), "convert"),
        Step(
            "approve_conversion",
            add_days(expiry, 40),
            {"conversion_approval_decision": "approve"},
            actor=APPROVER,
        ),
        Step(
            "archive_materials",
            add_days(expiry, 50),
            {"archived_papers": ["form", "application", "review", "conversion", "examination"]},
        ),
    ]
    return Matter(steps, ended_on=steps[-1].day, outcome="admitted")


def extended(matter: Matter, months: int = 6) -> Matter:
    """Let probation be extended: decided at its end, converted at the end of the extension."""
    expiry = add_months(matter.day("hold_admission_meeting"), 12)
    end = add_months(expiry, months)
    index = next(n for n, s in enumerate(matter) if s.element == "hold_conversion_meeting")
    papers = dict(matter.steps[-1].data)
    papers["archived_papers"] = [*papers["archived_papers"], "decision"]
    extend = _conversion("hold_conversion_meeting", add_days(expiry, 5), "extend")
    extend.data["proposed_extension_months"] = months
    matter.steps[index:] = [
        extend,
        Step(
            "approve_extension",
            add_days(expiry, 40),
            {"extension_approval_decision": "approve", "extension_months": months},
            actor=APPROVER,
        ),
        Step("apply_conversion", add_days(end, -10), {"conversion_statement": "申请转正。"}),
        _conversion("hold_final_meeting", add_days(end, 5), "convert"),
        replace(matter.step("approve_conversion"), day=add_days(end, 40)),
        Step("archive_materials", add_days(end, 50), papers),
    ]
    matter.ended_on = matter.steps[-1].day
    return matter


def lawful_2014() -> Matter:
    """Return a matter wholly under the 2014 edition, with no public notice."""
    return lawful(date(2022, 3, 1), notice=False)


def lawful_2026() -> Matter:
    """Return a matter wholly under the 2026 edition."""
    return lawful(date(2026, 6, 1))


def lawful_crossing() -> Matter:
    """Return a matter that began under the 2014 edition and is listed and decided under 2026's."""
    return lawful(date(2025, 4, 1))
