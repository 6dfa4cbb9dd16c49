"""Properties: later is never less late, more votes never undo a decision, nothing contradicts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.calendars.arithmetic import add_days, add_months
from engine.compliance.facts import Facts
from engine.compliance.kinds.shares import needed
from engine.compliance.results import Outcome
from tests.compliance_builder import (
    HOLIDAYS,
    Matter,
    Step,
    attendance,
    breaches,
    judge,
    lawful,
    lawful_2014,
    lawful_2026,
    lawful_crossing,
    result,
    vote,
    witnesses,
)

few = settings(max_examples=40, deadline=None)
starts = st.dates(date(2022, 1, 1), date(2027, 6, 1))
days = st.integers(0, 800)

BAD = {Outcome.MET: 0, Outcome.PENDING: 0, Outcome.NOT_APPLICABLE: 0, Outcome.NOT_MET: 1}

DEADLINES: list[tuple[str, str, Callable[[], Matter]]] = [
    ("R-ADM-02", "first_talk", lawful_2014),
    ("R-ADM-02", "first_talk", lawful_2026),
    ("R-ADM-19", "hold_admission_meeting", lawful_2026),
    ("R-ADM-29", "approve_admission", lawful_2014),
    ("R-ADM-29", "approve_admission", lawful_2026),
    ("R-ADM-32", "take_oath", lawful_2026),
    ("R-ADM-35", "hold_conversion_meeting", lawful_2014),
    ("R-ADM-37", "approve_conversion", lawful_2026),
]
WAITS: list[tuple[str, str, Callable[[], Matter]]] = [
    ("R-ADM-07", "propose_prospect", lawful_2014),
    ("R-ADM-07", "propose_prospect", lawful_2026),
    ("R-ADM-11", "conclude_notice", lawful_2026),
    ("R-ADM-34", "hold_conversion_meeting", lawful_2014),
]


def _late(matter: Matter, rule: str, element: str) -> int:
    found = result(matter, rule, element)
    return int(found.numbers.get("late", 0)) if found.outcome is Outcome.NOT_MET else 0


@few
@given(st.sampled_from(DEADLINES), days, days)
def test_adding_time_to_a_late_step_never_makes_it_less_late(
    case: tuple[str, str, Callable[[], Matter]], some: int, more: int
) -> None:
    rule, element, lawful_matter = case
    matter = lawful_matter()
    day = add_days(matter.day(element), some)
    before = _late(matter.on(element, day), rule, element)
    after = _late(matter.on(element, add_days(day, more)), rule, element)
    assert after >= before
    if before:
        # Past the outer limit the days are counted from it, never from none at all.
        assert after > 0


@few
@given(st.sampled_from(WAITS), st.integers(-400, 400), days)
def test_waiting_longer_never_makes_a_step_earlier(
    case: tuple[str, str, Callable[[], Matter]], some: int, more: int
) -> None:
    rule, element, lawful_matter = case
    matter = lawful_matter()
    day = add_days(matter.day(element), some)

    def early(on: date) -> int:
        found = result(matter.on(element, on), rule, element)
        return int(found.numbers.get("early", 0)) if found.outcome is Outcome.NOT_MET else 0

    assert early(add_days(day, more)) <= early(day)


@few
@given(st.integers(0, 900), st.integers(0, 300))
def test_what_is_late_while_it_is_open_stays_late(passed: int, more: int) -> None:
    matter = lawful_2026().until("submit_application")
    today = add_days(matter.day("submit_application"), passed)
    first = result(matter, "R-ADM-02", today=today)
    later = result(matter, "R-ADM-02", today=add_days(today, more))
    assert BAD[later.outcome] >= BAD[first.outcome]
    done = lawful_2026().until("first_talk").on("first_talk", today)
    assert (result(done, "R-ADM-02").outcome is Outcome.NOT_MET) == bool(BAD[first.outcome])


@few
@given(starts)
def test_a_lawful_matter_is_lawful_whenever_it_begins(start: date) -> None:
    """Also on 29 February, at the ends of months, and across the switch."""
    notice = add_months(start, 12) >= date(2026, 1, 1)
    matter = lawful(start, notice=notice)
    assert {r for r, _ in breaches(matter)} <= set()


def _meeting(due: int, present: int, yes: int, written: int, outcome: str | None = None) -> Matter:
    matter = lawful_2026().until("hold_admission_meeting")
    matter.change(
        "hold_admission_meeting",
        admission_attendance=attendance(due, present),
        admission_vote=vote(
            yes, present - yes, due=due, present=present, written=written, outcome=outcome
        ),
    )
    step = matter.step("hold_admission_meeting")
    step.people = witnesses(due)
    step.rolls = {"admission_attendance": tuple(witnesses(due))[:due]}
    return matter


@st.composite
def ballots(draw: st.DrawFn) -> tuple[int, int, int, int]:
    due = draw(st.integers(1, 60))
    present = draw(st.integers(0, due))
    return due, present, draw(st.integers(0, present)), draw(st.integers(0, due - present))


@few
@given(ballots())
def test_adopted_is_lawful_exactly_when_more_than_half_of_those_due_agree(
    counted: tuple[int, int, int, int],
) -> None:
    due, present, yes, written = counted
    matter = _meeting(due, present, yes, written, "adopted")
    unlawful = {r for r, _ in breaches(matter)}
    assert ("R-ADM-21" not in unlawful) == (2 * (yes + written) > due)
    assert ("R-ADM-20" not in unlawful) == (2 * present > due)


@few
@given(ballots(), st.integers(0, 20))
def test_more_votes_in_favour_never_undo_a_decision(
    counted: tuple[int, int, int, int], more: int
) -> None:
    due, present, yes, written = counted
    most = min(present, yes + more)
    before = result(_meeting(due, present, yes, written, "adopted"), "R-ADM-21")
    after = result(_meeting(due, present, most, written, "adopted"), "R-ADM-21")
    if before.outcome is Outcome.MET:
        assert after.outcome is Outcome.MET


@few
@given(ballots(), st.integers(0, 20))
def test_more_people_present_never_break_a_quorum(
    counted: tuple[int, int, int, int], more: int
) -> None:
    due, present, _, _ = counted
    then = min(due, present + more)
    before = result(_meeting(due, present, present, 0, "adopted"), "R-ADM-20")
    after = result(_meeting(due, then, then, 0, "adopted"), "R-ADM-20")
    if before.outcome is Outcome.MET:
        assert after.outcome is Outcome.MET


@given(
    st.fractions(Fraction(1, 100), Fraction(99, 100), max_denominator=100),
    st.booleans(),
    st.integers(1, 2000),
)
def test_the_least_number_reaches_the_share_and_one_less_does_not(
    part: Fraction, strict: bool, of: int
) -> None:
    least = needed(part, strict, of)

    def enough(n: int) -> bool:
        return n > part * of if strict else n >= part * of

    assert enough(least)
    assert least == 1 or not enough(least - 1)


@few
@given(st.dates(date(2026, 6, 8), date(2031, 11, 1)), st.integers(1, 15))  # all of it under 2026
def test_a_notice_holds_five_working_days_between_posting_and_listing(
    posted: date, counted: int
) -> None:
    end = HOLIDAYS.workdays_after(posted, 5)
    between = HOLIDAYS.workdays_between(posted, end).days
    assert between == 5
    matter = lawful_2026().on("post_notice", posted)
    lawful_day = add_days(end, 1)
    assert result(matter.on("conclude_notice", lawful_day), "R-ADM-11").outcome is Outcome.MET
    matter.on("conclude_notice", add_days(end, 1 - counted))
    assert result(matter, "R-ADM-11").outcome is Outcome.NOT_MET


@few
@given(st.data())
def test_what_comes_later_never_changes_what_was_said_of_an_earlier_step(data: Any) -> None:
    matter = lawful_crossing()
    for step in matter:
        step.day += timedelta(days=data.draw(st.integers(-40, 40)))
    facts = matter.facts()
    cut = data.draw(st.integers(1, len(facts.occurrences)))
    part = Facts(
        facts.key, facts.organisation, facts.subject, facts.started_on, facts.occurrences[:cut]
    )

    def said(of: Facts) -> dict[object, object]:
        return {
            r.key: (r.outcome, str(r.sentence))
            for r in judge(of)
            if r.seq is not None and r.seq <= facts.occurrences[cut - 1].seq
        }

    assert said(part) == said(facts)


@few
@given(st.lists(st.integers(0, 33), min_size=1, max_size=6), st.integers(0, 60))
def test_any_history_can_be_judged(gone: list[int], shift: int) -> None:
    """Steps missing, repeated and empty: there is an answer, and its words are complete."""
    matter = lawful_2026()
    for index in gone:
        if index < len(matter.steps):
            matter.steps[index].data = {}
    matter.steps = [s for n, s in enumerate(matter.steps) if n not in gone[::2]]
    if not matter.steps:
        matter.steps = [Step("submit_application", date(2026, 6, 1))]
    for step in matter.steps:
        if step.statuses is None:
            step.statuses = ()
    matter.steps.append(Step(matter.steps[-1].element, add_days(matter.steps[-1].day, shift)))
    matter.ended_on = None
    for one in judge(matter, today=date(2030, 1, 1)):
        assert "%(" not in str(one.sentence)
