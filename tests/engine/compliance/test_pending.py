"""What is still to come: last and first lawful days, and what a matter that ended still owes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest

from engine.calendars.arithmetic import add_days, add_months
from engine.compliance.evaluation import evaluate, hindrances, limits
from engine.compliance.facts import FindingKey
from engine.compliance.results import Outcome, Result, Severity
from tests.compliance_builder import (
    HOLIDAYS,
    SHIPPED,
    Matter,
    book,
    breaches,
    extended,
    judge,
    lawful_2014,
    lawful_2026,
    lawful_crossing,
    parameters,
    result,
)


def _pending(matter: Matter, today: date) -> dict[tuple[str, str], date | None]:
    return {
        (r.rule.id, r.element): r.until
        for r in judge(matter, today=today)
        if r.outcome is Outcome.PENDING
    }


def test_a_deadline_is_pending_until_its_last_day_and_late_after_it() -> None:
    matter = lawful_2026().until("submit_application")
    last = add_months(matter.day("submit_application"), 1)
    pending = result(matter, "R-ADM-02", today=last)
    assert (pending.outcome, pending.until, pending.seq) == (Outcome.PENDING, last, None)
    assert pending.numbers["left"] == 0
    late = result(matter, "R-ADM-02", today=add_days(last, 1))
    assert (late.outcome, late.numbers["late"], late.key) == (Outcome.NOT_MET, 1, pending.key)
    assert "仍未办理，已超期 1 天" in str(late.sentence)
    done = lawful_2026().until("first_talk").on("first_talk", add_days(last, 1))
    assert result(done, "R-ADM-02").key == pending.key, "done late it is the same finding"


def test_a_wait_is_pending_until_its_first_day() -> None:
    matter = lawful_2026().until("assign_contacts")
    first = add_months(matter.day("decide_activist"), 12)
    assert _pending(matter, add_days(first, -1))["R-ADM-07", "propose_prospect"] == first
    assert ("R-ADM-07", "propose_prospect") not in _pending(matter, first)


def test_nothing_is_pending_in_a_matter_that_ended() -> None:
    matter = lawful_2026().until("submit_application")
    matter.ended_on, matter.outcome = add_days(matter.day("submit_application"), 90), "withdrawn"
    results = judge(matter, today=add_days(matter.ended_on, 300))
    assert {r.outcome for r in results} <= {Outcome.MET}


@pytest.mark.parametrize("lawful", [lawful_2014, lawful_2026, lawful_crossing])
def test_nothing_is_pending_in_a_lawful_matter_that_is_complete(
    lawful: Callable[[], Matter],
) -> None:
    matter = lawful()
    assert _pending(matter, add_months(matter.steps[-1].day, 24)) == {}
    assert breaches(matter, today=add_months(matter.steps[-1].day, 24)) == set()


def test_approval_is_due_from_the_meeting_and_a_breach_from_the_report() -> None:
    matter = lawful_2026().until("superior_talk")
    meeting, reported = matter.day("hold_admission_meeting"), matter.day("submit_for_approval")
    near, far = add_months(meeting, 3), add_months(reported, 3)
    assert _pending(matter, near)["R-ADM-29", "approve_admission"] == near
    warned = result(matter, "R-ADM-29", today=add_days(near, 1))
    assert (warned.outcome, warned.severity) == (Outcome.NOT_MET, Severity.WARNING)
    broken = result(matter, "R-ADM-29", today=add_days(far, 1))
    assert (broken.outcome, broken.severity) == (Outcome.NOT_MET, Severity.HARD)


def test_only_the_meeting_that_comes_next_is_awaited() -> None:
    plain = lawful_2026().until("take_oath")
    end = add_months(plain.day("hold_admission_meeting"), 12)
    waiting = _pending(plain, add_days(end, -1))
    assert waiting["R-ADM-34", "hold_conversion_meeting"] == end
    assert ("R-ADM-34", "hold_final_meeting") not in waiting
    longer = extended(lawful_2026()).until("approve_extension")
    waiting = _pending(longer, longer.day("approve_extension"))
    assert waiting["R-ADM-34", "hold_final_meeting"] == add_months(end, 6)
    assert ("R-ADM-34", "hold_conversion_meeting") not in waiting


# --- limits of open steps -----------------------------------------------------------------------


def test_limits_name_the_rule_and_the_article() -> None:
    matter = lawful_crossing().until("submit_application").on("submit_application", "2026-01-31")
    found = limits(
        book(),
        matter.facts(),
        "first_talk",
        today=date(2026, 2, 1),
        holidays=HOLIDAYS,
        parameters=parameters(),
    )
    assert found.due == date(2026, 2, 28)
    assert found.earliest is None
    ((rule, articles),) = found.sources
    assert rule == "R-ADM-02"
    assert [(a.edition, a.article) for a in articles] == [("2014", "第七条")]


@pytest.mark.parametrize("today", ["2026-06-03", "2026-06-10", "2026-07-01"])
def test_the_first_lawful_day_is_told_before_and_after_it_came(today: str) -> None:
    matter = lawful_crossing().until("post_notice")
    matter.on("consent_prospect", "2026-06-01").on("post_notice", "2026-06-02")
    found = limits(
        book(),
        matter.facts(),
        "conclude_notice",
        today=date.fromisoformat(today),
        holidays=HOLIDAYS,
        parameters=parameters(),
    )
    assert (found.earliest, found.due, found.provisional) == (date(2026, 6, 10), None, False)


def test_limits_on_an_unknown_year_are_provisional() -> None:
    matter = lawful_2026().until("post_notice")
    for table, provisional in ((HOLIDAYS, False), (SHIPPED, True)):
        found = limits(
            book(),
            matter.facts(),
            "conclude_notice",
            today=matter.day("post_notice"),
            holidays=table,
            parameters=parameters(),
        )
        assert found.provisional is provisional


def test_conversion_has_a_first_and_a_last_day() -> None:
    matter = lawful_2026().until("take_oath")
    end = add_months(matter.day("hold_admission_meeting"), 12)
    found = limits(
        book(),
        matter.facts(),
        "hold_conversion_meeting",
        today=matter.day("take_oath"),
        holidays=HOLIDAYS,
        parameters=parameters(),
    )
    assert (found.earliest, found.due) == (end, add_months(end, 1))
    assert {rule for rule, _ in found.sources} == {"R-ADM-34", "R-ADM-35"}


def test_a_step_without_limits_has_none() -> None:
    matter = lawful_2026().until("file_activist")
    found = limits(
        book(),
        matter.facts(),
        "assign_contacts",
        today=matter.day("file_activist"),
        holidays=HOLIDAYS,
        parameters=parameters(),
    )
    assert (found.due, found.earliest, found.sources) == (None, None, ())


# --- step by step -------------------------------------------------------------------------------


@pytest.mark.parametrize("lawful", [lawful_2014, lawful_2026, lawful_crossing])
def test_judging_step_by_step_comes_to_the_same_as_judging_the_whole(
    lawful: Callable[[], Matter],
) -> None:
    """What a step can change is found from the elements it touches and what is recorded since."""
    whole = extended(lawful()).on("first_talk", date(2030, 1, 1)).facts()
    known: dict[FindingKey, Result] = {}
    for n in range(1, len(whole.occurrences) + 1):
        last = n == len(whole.occurrences)
        facts = replace(whole, occurrences=whole.occurrences[:n])
        if not last:
            facts = replace(facts, ended_on=None, outcome=None)
        done = facts.occurrences[-1]
        touched = None if last else {done.element}
        new = evaluate(
            book(),
            facts,
            today=done.occurred_on,
            holidays=HOLIDAYS,
            parameters=parameters(),
            touched=touched,
            since=done.seq,
        )
        heard = {r.id for r in (book().rules if last else book().by_element[done.element])}
        known = {k: r for k, r in known.items() if r.rule.id not in heard or r.seq}
        known |= {r.key: r for r in new}
        fresh = {
            r.key: (r.outcome, str(r.sentence))
            for r in judge(facts, today=done.occurred_on)
            if r.seq
        }
        stood = {k: (r.outcome, str(r.sentence)) for k, r in known.items() if r.seq}
        assert stood == fresh, done.element


def test_hindrances_are_those_of_the_step_that_is_being_done() -> None:
    matter = (
        lawful_2026().until("assign_introducers").change("assign_introducers", introducers=[12])
    )
    found = hindrances(judge(matter), "assign_introducers", 1)
    assert [r.rule.id for r in found] == ["R-ADM-13"]
    assert hindrances(judge(matter), "assign_introducers", 2) == []


def test_a_record_of_nothing_but_days_is_measured_by_its_days() -> None:
    """Paper that says when, but not what was decided, is taken as having decided in favour."""
    judged = {
        "R-ADM-02": ("first_talk", 400),
        "R-ADM-07": ("propose_prospect", -300),
        "R-ADM-19": ("hold_admission_meeting", 90),
        "R-ADM-29": ("approve_admission", 300),
        "R-ADM-33": ("take_oath", -200),
        "R-ADM-34": ("hold_conversion_meeting", -200),
        "R-ADM-35": ("hold_conversion_meeting", 200),
        "R-ADM-37": ("approve_conversion", 300),
    }
    for rule, (element, shift) in judged.items():
        matter = lawful_2026()
        for step in matter:
            step.data, step.statuses = {}, ()
        assert (rule, element) not in breaches(matter), rule
        matter.on(element, add_days(matter.day(element), shift))
        assert (rule, element) in breaches(matter), rule
