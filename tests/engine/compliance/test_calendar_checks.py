"""The worked checks and test dates of the calendar paper, as rules come to them (domain/15)."""

from __future__ import annotations

from datetime import date

import pytest

from engine.calendars.arithmetic import add_days, quarter_of
from engine.compliance.results import Outcome
from tests.compliance_builder import (
    SHIPPED,
    Matter,
    Step,
    breaches,
    extended,
    lawful_2014,
    lawful_2026,
    lawful_crossing,
    parameters,
    result,
)


def _due(rule: str, element: str, start: str, begun: str) -> str:
    """Return the last lawful day that a rule names for a step begun on a day."""
    matter = lawful_crossing() if begun < "2026-05-18" else lawful_2026()
    matter.on(start, begun).on(element, begun)
    return str(result(matter, rule, element).numbers["until"])


@pytest.mark.parametrize(
    ("received", "until"),
    [
        ("2026-01-31", "2026-02-28"),
        ("2024-01-31", "2024-02-29"),
        ("2026-02-28", "2026-03-28"),
        ("2025-12-31", "2026-01-31"),
        ("2026-03-31", "2026-04-30"),
    ],
)
def test_one_month_ends_on_the_same_day_or_the_last_of_the_month(received: str, until: str) -> None:
    assert _due("R-ADM-02", "first_talk", "submit_application", received) == until


def test_the_talk_of_the_worked_check() -> None:
    matter = lawful_crossing().on("submit_application", "2026-01-31")
    matter.until("first_talk")
    assert result(matter.on("first_talk", "2026-02-28"), "R-ADM-02").outcome is Outcome.MET
    assert result(matter.on("first_talk", "2026-03-01"), "R-ADM-02").outcome is Outcome.NOT_MET


def test_three_months_from_the_end_of_november() -> None:
    """11-30 + 3M is the last day of February, in leap years the 29th."""
    for year, until in ((2026, "2027-02-28"), (2027, "2028-02-29")):
        matter = lawful_2026().until("approve_admission")
        for element in ("hold_admission_meeting", "submit_for_approval"):
            matter.on(element, date(year, 11, 30))
        matter.on("superior_talk", date(year, 12, 1)).on("approve_admission", date(year, 12, 2))
        assert result(matter, "R-ADM-29").numbers["until"] == until


@pytest.mark.parametrize(
    ("meeting", "expiry"),
    [
        ("2026-06-10", "2027-06-10"),
        ("2024-02-29", "2025-02-28"),
        ("2026-08-31", "2027-08-31"),
        ("2023-02-28", "2024-02-28"),
    ],
)
def test_probation_ends_on_the_same_day_a_year_later(meeting: str, expiry: str) -> None:
    matter = lawful_2026() if meeting >= "2026-05-18" else lawful_2014()
    matter.on("hold_admission_meeting", meeting)
    end = date.fromisoformat(expiry)
    assert result(matter.on("hold_conversion_meeting", end), "R-ADM-34").outcome is Outcome.MET
    matter.on("hold_conversion_meeting", add_days(end, -1))
    assert result(matter, "R-ADM-34").outcome is Outcome.NOT_MET
    assert result(matter, "R-ADM-30").numbers["end"] == expiry


def test_an_extension_from_the_end_of_august_is_clamped_once() -> None:
    matter = extended(lawful_2026(), 6).on("hold_admission_meeting", "2026-08-31")
    found = result(matter, "R-ADM-34", "hold_final_meeting")
    assert found.numbers["first"] == "2028-02-29"


def test_an_extension_from_29_february_runs_from_the_end_of_the_year() -> None:
    """2024-02-29 + 1 year is 2025-02-28; the six months run from there (domain: 延长期满)."""
    matter = extended(lawful_2014(), 6).on("hold_admission_meeting", "2024-02-29")
    matter.on("hold_final_meeting", "2025-08-27")
    assert result(matter, "R-ADM-34", "hold_final_meeting").outcome is Outcome.NOT_MET
    matter.on("hold_final_meeting", "2025-08-28")
    assert result(matter, "R-ADM-34", "hold_final_meeting").outcome is Outcome.MET
    assert result(matter, "R-ADM-35", "hold_final_meeting").numbers["from"] == "2025-08-28"
    assert result(matter, "R-ADM-38").outcome is Outcome.MET
    matter.step("approve_conversion").statuses = (("full", date(2025, 8, 29)),)
    assert result(matter, "R-ADM-38").outcome is Outcome.NOT_MET


def _notice(posted: str, concluded: str) -> Matter:
    matter = lawful_crossing()
    matter.on("consent_prospect", posted).on("post_notice", posted)
    return matter.on("conclude_notice", concluded)


@pytest.mark.parametrize(
    ("posted", "first"),
    [
        ("2026-06-02", "2026-06-10"),  # the worked check: 03, 04, 05, 08, 09, then listing
        ("2026-06-15", "2026-06-24"),  # the Dragon Boat holiday of 19 to 21 June lies in between
        ("2026-09-18", "2026-09-25"),  # a Friday; Sunday 20 September was worked
        ("2026-09-22", "2026-10-01"),  # 25 to 27 September off
        ("2026-09-29", "2026-10-13"),  # National Day 1 to 7 off, Saturday 10 October worked
        ("2026-06-05", "2026-06-13"),  # posted on a Friday: the first lawful day is a Saturday
    ],
)
def test_a_notice_counts_working_days_with_make_up_days(posted: str, first: str) -> None:
    day = date.fromisoformat(first)
    assert result(_notice(posted, first), "R-ADM-11", holidays=SHIPPED).outcome is Outcome.MET
    early = result(_notice(posted, add_days(day, -1).isoformat()), "R-ADM-11", holidays=SHIPPED)
    assert (early.outcome, early.numbers["first"]) == (Outcome.NOT_MET, first)


def test_a_notice_across_the_spring_festival() -> None:
    """Posted on 12 February 2026: 15 to 23 February off, Saturday 14 February worked."""
    matter = _notice("2026-02-12", "2026-02-27")
    off = SHIPPED.years[2026].days_off
    worked = SHIPPED.years[2026].make_up_days
    assert {date(2026, 2, 16), date(2026, 2, 20)} <= off
    assert date(2026, 2, 14) in worked
    end = SHIPPED.workdays_after(date(2026, 2, 12), 5)
    assert (end - date(2026, 2, 12)).days > 7
    edition_2026 = parameters(rule_version_switch="2026-01-01")
    found = result(
        matter.on("conclude_notice", add_days(end, 1)),
        "R-ADM-11",
        holidays=SHIPPED,
        view=edition_2026,
    )
    assert found.outcome is Outcome.MET
    matter.on("conclude_notice", end)
    found = result(matter, "R-ADM-11", holidays=SHIPPED, view=edition_2026)
    assert found.outcome is Outcome.NOT_MET


def test_half_a_year_from_the_end_of_august_is_the_end_of_february() -> None:
    matter = lawful_2014().until("decide_activist").on("decide_activist", "2022-08-31")
    for day, outcome in (("2023-02-28", Outcome.MET), ("2023-03-01", Outcome.NOT_MET)):
        one = Step("examine_activist", date.fromisoformat(day))
        later = Matter([*matter.steps, one], ended_on=one.day, outcome="withdrawn")
        assert result(later, "R-ADM-08", "examine_activist").outcome is outcome


def test_quarters_begin_on_their_first_day_and_end_on_their_last() -> None:
    assert quarter_of(date(2026, 3, 31)).last == date(2026, 3, 31)
    assert quarter_of(date(2026, 4, 1)).first == date(2026, 4, 1)


def test_a_deadline_that_ends_on_a_holiday_stays() -> None:
    """2026-09-05 + 1M ends in the National Day week: it is not moved."""
    matter = lawful_2026().on("submit_application", "2026-09-05").until("first_talk")
    assert result(matter.on("first_talk", "2026-10-05"), "R-ADM-02").outcome is Outcome.MET
    assert result(matter.on("first_talk", "2026-10-06"), "R-ADM-02").outcome is Outcome.NOT_MET


def test_a_record_entered_late_is_judged_by_the_day_it_happened() -> None:
    matter = lawful_2026()
    talk = matter.step("first_talk")
    talk.recorded = add_days(talk.day, 200)
    assert result(matter, "R-ADM-02").outcome is Outcome.MET
    assert breaches(matter) == {("R-ADM-42", "first_talk")}
