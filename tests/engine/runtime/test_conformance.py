"""Histories replayed against the procedure: each kind of departure, and the fitness."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

from engine.checking.people import FileDirectory, FileOrganisation
from engine.compliance.results import render
from engine.definitions.package import load_folder
from engine.definitions.versions import Definition, build_definition
from engine.runtime.conformance import Conformance, Departure, replay
from tests.compliance_builder import (
    BRANCH,
    COUNTY,
    HOLIDAYS,
    PROCESSES,
    Matter,
    Step,
    extended,
    lawful_2014,
    lawful_2026,
    lawful_crossing,
    regulations,
)
from web.translations import english

DIRECTORY = FileDirectory(
    {
        "branch": FileOrganisation(5, "branch", "branch", False, "committee"),
        "committee": FileOrganisation(3, "committee", "committee", True, "county"),
        "county": FileOrganisation(2, "county", "committee", True, None),
    }
)


@cache
def definition() -> Definition:
    return build_definition(load_folder(PROCESSES / "member_admission"))


def conformance(matter: Matter, **more: object) -> Conformance:
    return replay(
        definition(),
        matter.facts(),
        holidays=HOLIDAYS,
        directory=DIRECTORY,
        regulations=regulations(),
        **more,  # type: ignore[arg-type]
    )


def found(matter: Matter) -> list[tuple[Departure, str, int]]:
    return [(d.departure, d.element, d.round) for d in conformance(matter).deviations]


@pytest.mark.parametrize("lawful", [lawful_2014, lawful_2026, lawful_crossing])
def test_a_lawful_history_follows_the_procedure(lawful: object) -> None:
    told = conformance(lawful())  # type: ignore[operator]
    assert told.deviations == ()
    assert (told.fitness, told.completed, told.outcome) == (1, True, "admitted")


def test_no_notice_is_no_departure_under_the_2014_edition_only() -> None:
    assert found(lawful_2014()) == []
    without = lawful_2026().drop("post_notice").drop("conclude_notice")
    assert found(without) == [
        (Departure.MISSING, "post_notice", 1),
        (Departure.MISSING, "conclude_notice", 1),
    ]


def test_what_is_missing_counts_as_a_step_that_departs() -> None:
    matter = lawful_2026().drop("first_talk")
    told = conformance(matter)
    assert [d.departure for d in told.deviations] == [Departure.MISSING]
    assert told.fitness == pytest.approx(1 - 1 / (len(matter.steps) + 1))


def test_a_step_recorded_too_late_is_named_once() -> None:
    matter = lawful_2026()
    review = matter.step("political_review")
    matter.drop("political_review").insert("committee_check", review)
    assert found(matter) == [(Departure.OUT_OF_ORDER, "political_review", 1)]


def test_a_step_done_again() -> None:
    matter = lawful_2026()
    again = replace(matter.step("take_oath"), day=matter.day("record_probation"))
    matter.insert("record_probation", again)
    assert found(matter) == [(Departure.REPEATED, "take_oath", 2)]


def test_the_other_examinations_of_a_loop_are_no_repetition() -> None:
    matter = lawful_2026()
    first = matter.step("examine_activist")
    matter.steps.insert(matter.steps.index(first) + 1, replace(first, data=dict(first.data)))
    assert found(matter) == []


def test_what_the_procedure_cannot_come_to() -> None:
    matter = lawful_2026()
    matter.insert("archive_materials", Step("examine_further", matter.day("archive_materials")))
    assert found(matter) == [(Departure.IMPOSSIBLE, "examine_further", 1)]


def test_a_day_before_the_step_before() -> None:
    matter = lawful_2026()
    matter.on("first_talk", matter.day("submit_application").replace(day=1, month=5))
    assert found(matter) == [(Departure.DAY_BEFORE, "first_talk", 1)]


def test_before_the_time_was_over() -> None:
    matter = lawful_2026().on("hold_conversion_meeting", "2028-11-04")
    assert found(matter) == [(Departure.TOO_EARLY, "hold_conversion_meeting", 1)]
    assert found(matter.on("hold_conversion_meeting", "2028-11-05")) == []


@pytest.mark.parametrize(
    ("element", "place"),
    [
        ("approve_admission", BRANCH),
        ("hold_admission_meeting", COUNTY),
        ("file_admission", BRANCH),
    ],
)
def test_done_by_the_wrong_organisation(element: str, place: object) -> None:
    matter = lawful_2026()
    matter.step(element).place = place  # type: ignore[assignment]
    assert found(matter) == [(Departure.WRONG_PLACE, element, 1)]


def test_the_edition_that_a_record_names_has_to_be_the_one_in_force() -> None:
    matter = lawful_2026()
    seq = next(o.seq for o in matter.facts().occurrences if o.element == "pre_review")
    assert conformance(matter, editions={seq: "2026"}).deviations == ()
    (wrong,) = conformance(matter, editions={seq: "2014"}).deviations
    assert (wrong.departure, wrong.seq) == (Departure.WRONG_EDITION, seq)


def test_the_second_education_of_an_extension_is_missed() -> None:
    assert found(extended(lawful_2026())) == [(Departure.MISSING, "record_probation", 2)]


def test_a_matter_that_ended_lacks_its_last_steps() -> None:
    matter = lawful_2026().drop("archive_materials")
    assert found(matter) == [(Departure.MISSING, "archive_materials", 1)]
    matter.ended_on = matter.outcome = None
    assert found(matter) == []


def test_a_matter_that_goes_on_lacks_nothing_yet() -> None:
    assert found(lawful_2026().until("consent_prospect")) == []


def test_one_step_with_two_departures_counts_once() -> None:
    matter = lawful_2026().on("take_oath", "2027-12-01")
    matter.step("take_oath").place = COUNTY
    told = conformance(matter)
    assert len(told.deviations) == 2
    assert told.fitness == pytest.approx(1 - 1 / len(matter.steps))


def test_sentences_in_both_languages() -> None:
    (missing,) = conformance(lawful_2026().drop("superior_talk")).deviations
    assert render(missing.sentence) == "没有“上级党委派人谈话”的记录，就办理了“上级党委审批”。"
    catalog = english()

    def translate(text: str) -> str:
        message = catalog.get(text)
        return str(message.string) if message is not None and message.string else text

    assert render(missing.sentence, translate).endswith(
        "was done without a record of “上级党委派人谈话”."
    )
