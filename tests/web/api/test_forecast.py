"""REST: what is to come of a process instance, and what other days would lead to."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.web.api.conftest import Town
from web.api.forecast import ForecastSchema


def test_a_program_reads_what_is_to_come(town: Town) -> None:
    instance, _ = town.start()
    response = town.program("secretary").get(f"process-instances/{instance}/forecast")
    assert response.status_code == 200
    told = response.get_json()
    assert ForecastSchema().validate(told) == {}
    today = town.clock.today()
    talk = told["steps"][0]
    assert (talk["element"], talk["day"], talk["given"]) == (
        "first_talk",
        today.isoformat(),
        False,
    )
    assert talk["articles"] == [
        {"regulation": "发展党员工作细则", "edition": "2026", "article": "第七条"}
    ]
    assert told["outcome_title"] == "转为正式党员"
    assert told["late"][0]["element"] == "first_talk"


def test_days_supposed_bring_their_problems(town: Town) -> None:
    instance, _ = town.start()
    late = (town.clock.today() + timedelta(days=45)).isoformat()
    program = town.program("superior")
    address = f"process-instances/{instance}/forecast?on.first_talk={late}"
    told = program.get(address).get_json()
    assert told["steps"][0]["given"]
    assert [(b["rule"], b["blocks"]) for b in told["would_break"]] == [("R-ADM-02", False)]
    assert late in told["would_break"][0]["sentence"]
    # Asking changed nothing.
    assert program.get(f"process-instances/{instance}/forecast").get_json()["would_break"] == []


def test_the_person_concerned_reads_days_only(town: Town) -> None:
    instance, _ = town.start()
    late = (town.clock.today() + timedelta(days=45)).isoformat()
    address = f"process-instances/{instance}/forecast?on.first_talk={late}"
    told = town.program("applicant").get(address).get_json()
    assert told["steps"] and told["would_break"] == told["late"] == []


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ("on.first_talk=tomorrow", "on.first_talk"),
        ("on.nothing=2027-01-01", "on.nothing"),
        ("first_talk=2027-01-01", "first_talk"),
        ("on.first_talk=2027-01-01&on.first_talk=2027-01-02", "on.first_talk"),
    ],
)
def test_questions_that_make_no_sense_are_refused(town: Town, given: str, field: str) -> None:
    instance, _ = town.start()
    response = town.program("secretary").get(f"process-instances/{instance}/forecast?{given}")
    assert response.status_code == 422
    assert field in response.text


@pytest.mark.parametrize(("who", "status"), [("stranger", 404), (None, 401)])
def test_others_learn_nothing(town: Town, who: str | None, status: int) -> None:
    instance, _ = town.start()
    response = town.program(who).get(f"process-instances/{instance}/forecast")
    assert response.status_code == status
