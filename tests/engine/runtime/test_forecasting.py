"""What is to come of a matter, asked of the pure function: no database, no web."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from typing import Any

import pytest

from engine.calendars.functions import date_functions
from engine.calendars.working_days import HolidayTable
from engine.clock import ZONE, FixedClock
from engine.compliance.facts import Facts, Occurrence, Place
from engine.compliance.parameters import ParameterView
from engine.compliance.results import render
from engine.definitions.package import load_folder
from engine.definitions.versions import Definition, build_definition
from engine.runtime import transitions
from engine.runtime.forecasting import Forecast, Nowhere, foresee
from engine.runtime.matters import Matter, World
from engine.runtime.measuring import Measure
from tests.compliance_builder import HOLIDAYS, PROCESSES, SHIPPED, book

BEGINNING = date(2026, 6, 1)


@cache
def definition() -> Definition:
    return build_definition(load_folder(PROCESSES / "member_admission"))


class Story:
    """A matter that is played step by step, to ask at any time what is to come."""

    def __init__(self, holidays: HolidayTable = HOLIDAYS) -> None:
        self.holidays = holidays
        self.clock = FixedClock(datetime(2026, 6, 1, 9, tzinfo=ZONE))
        self.facts = Facts("member_admission", Place(5, "branch"), 1, BEGINNING)
        begun = transitions.begin(
            definition(),
            organisation_id=5,
            subject_id=1,
            started_on=BEGINNING,
            world=self.world(),
        )
        self.matter: Matter = begun.matter

    def world(self) -> World:
        today = self.clock.today()
        return World(self.clock, date_functions(self.holidays, today), Nowhere())

    def do(self, element: str, day: str, **data: Any) -> None:
        """Complete an open step."""
        on = date.fromisoformat(day)
        self.clock.set(max(self.clock.now(), datetime(on.year, on.month, on.day, 9, tzinfo=ZONE)))
        self.wait(self.clock.today())
        opened = transitions.look(self.matter, self.world()).opened
        uid = next(task.uid for task in opened if task.element == element)
        self.matter = transitions.complete(self.matter, uid, data, on, self.world()).matter
        seq = len(self.facts.occurrences) + 1
        self.facts = self.facts.plus(Occurrence(element, on, self.clock.today(), data, seq))

    def wait(self, day: date) -> None:
        """Let time pass, with the timers that go off then."""
        moment = datetime(day.year, day.month, day.day, 9, tzinfo=ZONE)
        self.clock.set(max(self.clock.now(), moment))
        while (fired := transitions.fire(self.matter, self.world())) is not None:
            self.matter = fired.matter

    def forecast(self, given: Mapping[str, date] | None = None, rules: bool = True) -> Forecast:
        measure = None
        if rules:
            view = ParameterView(book().parameters)
            measure = Measure(book(), self.clock.today(), self.holidays, view)
        return foresee(
            self.matter,
            now=self.clock.now(),
            holidays=self.holidays,
            measure=measure,
            facts=self.facts if rules else None,
            given=given,
        )


def days(told: Forecast) -> dict[str, list[date]]:
    found: dict[str, list[date]] = {}
    for step in told.steps:
        found.setdefault(step.element, []).append(step.day)
    return found


def test_the_whole_way_is_foreseen_from_the_first_day() -> None:
    told = Story().forecast()
    when = days(told)
    # A year as an activist, with a record each half year and none more.
    assert when["examine_activist"] == [date(2026, 12, 1), date(2027, 6, 1)]
    assert when["propose_prospect"] == [date(2027, 6, 1)]
    # Five working days of notice; the day after at the earliest.
    assert when["post_notice"] == [date(2027, 6, 1)]
    assert when["conclude_notice"] == [date(2027, 6, 9)]
    # The talk is held at least a day before the approval.
    assert when["superior_talk"] == [date(2027, 6, 9)]
    assert when["approve_admission"] == [date(2027, 6, 10)]
    # Probation runs from the meeting, not from the approval.
    assert when["hold_conversion_meeting"] == [date(2028, 6, 9)]
    assert told.ends_on == date(2028, 6, 9)
    assert told.outcome == ("admitted", "转为正式党员")
    assert not told.stopped_at and not told.findings and not told.refused and not told.unused


def test_a_step_tells_its_last_day_and_who_says_so() -> None:
    told = Story().forecast()
    talk = next(step for step in told.steps if step.element == "first_talk")
    assert (talk.day, talk.due) == (date(2026, 6, 1), date(2026, 7, 1))
    assert [article.article for article in talk.articles] == ["第七条"]
    approval = next(step for step in told.steps if step.element == "approve_admission")
    assert approval.statuses == (("probationary", date(2027, 6, 9)),)


def test_what_was_done_late_moves_all_that_follows() -> None:
    story = Story()
    story.do("submit_application", "2026-06-01")
    story.do("first_talk", "2026-06-20")
    story.do("decide_activist", "2026-09-10", activist_decision="agree")
    when = days(story.forecast())
    assert "submit_application" not in when
    assert when["examine_activist"] == [date(2027, 3, 10), date(2027, 9, 10)]
    assert when["propose_prospect"] == [date(2027, 9, 10)]


def test_nothing_happens_before_today() -> None:
    story = Story()
    story.do("submit_application", "2026-06-01")
    story.clock.set(date(2026, 8, 15))
    told = story.forecast()
    assert min(step.day for step in told.steps) == date(2026, 8, 15)
    assert [(one.element, one.until, one.overdue) for one in told.late] == [
        ("first_talk", date(2026, 7, 1), True)
    ]
    # It is a problem already; the forecast does not call it a new one.
    assert told.findings == ()


@pytest.mark.parametrize(("today", "overdue"), [("2026-07-01", False), ("2026-07-02", True)])
def test_what_will_be_late_is_late_the_day_after(today: str, overdue: bool) -> None:
    story = Story()
    story.do("submit_application", "2026-06-01")
    story.clock.set(date.fromisoformat(today))
    assert [(one.element, one.overdue) for one in story.forecast().late] == [
        ("first_talk", overdue)
    ]


def test_an_examination_that_is_overdue_is_done_at_once_and_again_when_rules_demand_it() -> None:
    story = Story()
    story.do("submit_application", "2026-06-01")
    story.do("first_talk", "2026-06-01")
    story.do("decide_activist", "2026-06-01", activist_decision="agree")
    story.do("file_activist", "2026-06-01", activist_filing_decision="agree")
    story.do("assign_contacts", "2026-06-01")
    story.clock.set(date(2027, 1, 15))
    when = days(story.forecast())
    assert when["examine_activist"] == [date(2027, 1, 15), date(2027, 6, 1)]


def test_years_without_holiday_notice_make_it_provisional() -> None:
    told = Story(SHIPPED).forecast()
    assert told.provisional
    by_element = {step.element: step for step in told.steps}
    assert not by_element["first_talk"].provisional
    assert by_element["conclude_notice"].provisional
    assert not Story(HOLIDAYS).forecast().provisional


# --- what if ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("day", "broken"), [("2026-07-01", []), ("2026-07-02", ["R-ADM-02"])])
def test_a_day_thought_of_is_measured_by_the_rules(day: str, broken: list[str]) -> None:
    told = Story().forecast({"first_talk": date.fromisoformat(day)})
    assert [result.rule.id for result in told.findings] == broken
    assert days(told)["decide_activist"] == [date.fromisoformat(day)]


def test_the_sentence_of_a_problem_has_its_arithmetic() -> None:
    told = Story().forecast({"first_talk": date(2026, 7, 11)})
    assert render(told.findings[0].sentence) == (
        "2026-06-01 收到申请书，1 个月内即不晚于 2026-07-01 须谈话；实际 2026-07-11，超期 10 天。"
    )


def test_a_later_meeting_moves_probation_and_shows_what_is_late() -> None:
    on_time, late = date(2027, 7, 9), date(2027, 7, 10)
    assert Story().forecast({"hold_admission_meeting": on_time}).findings == ()
    told = Story().forecast({"hold_admission_meeting": late})
    assert [r.element for r in told.findings] == ["hold_admission_meeting"]
    assert told.outcome_on == date(2028, 7, 10)
    given = [step.element for step in told.steps if step.given]
    assert given == ["hold_admission_meeting"]


@pytest.mark.parametrize(("day", "refused"), [("2027-05-31", True), ("2027-06-01", False)])
def test_a_day_that_cannot_be_is_refused_with_the_reason(day: str, refused: bool) -> None:
    told = Story().forecast({"propose_prospect": date.fromisoformat(day)})
    assert bool(told.refused) is refused
    assert days(told)["propose_prospect"] == [date(2027, 6, 1)]
    if refused:
        assert "2027-06-01" in told.refused["propose_prospect"][0]


def test_a_step_off_the_way_is_named() -> None:
    told = Story().forecast({"approve_extension": date(2028, 1, 1)})
    assert told.unused == ("approve_extension",)


def played_to(element: str) -> Story:
    """Return a matter in which all went as foreseen, up to a step."""
    story = Story()
    told = story.forecast().steps
    for step in told[: next(n for n, s in enumerate(told) if s.element == element)]:
        expected = definition().package.forecast.get(step.element)
        last = step.round == sum(s.element == step.element for s in told)
        answers = expected.answers if expected else {}
        if expected and expected.again and not last:
            answers = expected.again
        story.do(step.element, step.day.isoformat(), **answers)
    return story


def test_what_is_foreseen_comes_true_when_all_goes_as_supposed() -> None:
    told = Story().forecast()
    for element in ("propose_prospect", "approve_admission", "archive_materials"):
        later = played_to(element).forecast()
        assert later.outcome_on in (told.outcome_on, None)
        assert later.ends_on == told.ends_on
        assert [s.day for s in later.steps] == [s.day for s in told.steps[-len(later.steps) :]]


def test_a_timer_that_should_have_gone_off_already_does_not_stop_it() -> None:
    story = played_to("conclude_notice")
    story.clock.set(date(2027, 8, 2))
    told = story.forecast()
    assert (told.steps[0].element, told.steps[0].day) == ("conclude_notice", date(2027, 8, 2))
    assert told.ends_on is not None


def test_a_probation_that_was_extended_ends_later() -> None:
    story = played_to("hold_conversion_meeting")
    vote = {"conversion_decision": "extend", "conversion_vote": {"outcome": "adopted"}}
    story.do(
        "hold_conversion_meeting", "2028-06-09", conversion_attendance={"quorate": True}, **vote
    )
    told = story.forecast()
    assert days(told)["hold_final_meeting"] == [date(2028, 12, 9)]
    assert told.outcome_on == date(2028, 12, 9)
    full = [s.statuses for s in told.steps if s.element == "approve_conversion"]
    assert full == [(("full", date(2028, 12, 9)),)]


def test_the_matter_itself_stays_as_it_is() -> None:
    story = Story()
    story.do("submit_application", "2026-06-01")
    before, facts, now = story.matter.snapshot, story.facts, story.clock.now()
    first, second = story.forecast(), story.forecast()
    assert first == second
    assert (story.matter.snapshot, story.facts, story.clock.now()) == (before, facts, now)


def test_without_rules_the_limits_of_the_procedure_remain() -> None:
    told = Story().forecast(rules=False)
    assert told.ends_on is not None
    assert told.findings == ()
    assert days(told)["examine_activist"] == [date(2027, 6, 1)]


def test_the_horizon_is_a_bound() -> None:
    told = Story().forecast({"first_talk": date(2099, 1, 1)})
    assert told.ends_on is None
    assert told.stopped_at == ("first_talk",)
