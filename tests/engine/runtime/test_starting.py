"""Starting a matter: who may, about whom, on which day, and what stands in the database then."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from engine.database import db
from engine.definitions.package import load_package
from engine.errors import Conflict, InvalidInput, NotAllowed, NotFound
from engine.runtime import operations
from engine.runtime.models import Instance, MatterCounter
from tests.bpmn_builder import Catch, Task, date_timer
from tests.factories import Desk, is_consistent, procedure, two_steps, waiting

TODAY = date(2026, 11, 22)


def matters() -> int:
    return int(db.session().scalar(select(func.count()).select_from(Instance)) or 0)


def test_a_matter_starts_with_its_first_task_open(desk: Desk) -> None:
    matter = desk.start(two_steps())
    assert matter.open == ["apply"]
    assert matter.kinds == ["started"]
    row = matter.row
    assert (row.status, row.started_on, row.revision) == ("active", TODAY, 1)
    assert row.organisation_id == desk.town.branch
    assert desk.inbox("secretary") == ["apply"]
    assert desk.inbox("stranger") == []
    is_consistent(matter.id, desk.clock)


def test_with_data_the_first_step_is_completed_in_the_same_transaction(desk: Desk) -> None:
    matter = desk.start(two_steps(), data={"note": "现场提出"})
    assert matter.kinds == ["started", "completed"]
    assert matter.open == ["approve"]
    assert matter.started is not None
    assert list(matter.started.opened.values()) == ["approve"]
    is_consistent(matter.id, desk.clock)


def test_when_the_form_is_refused_there_is_no_matter_and_no_number_is_used(desk: Desk) -> None:
    desk.start(two_steps(prefix="QS"))
    before = matters()
    with pytest.raises(InvalidInput) as refused:
        desk.start(two_steps(prefix="QS"), data={"unknown": 1})
    assert "unknown" in refused.value.fields
    assert matters() == before
    assert db.session().get_one(MatterCounter, ("QS", 2026)).last == 1


def test_numbers_count_by_prefix_and_year_of_the_matter(desk: Desk) -> None:
    package = two_steps(prefix="XH")
    first, second = desk.start(package), desk.start(package)
    past = desk.start(package, on=date(2024, 5, 6))
    assert [m.row.number for m in (first, second, past)] == [
        "XH-2026-0001",
        "XH-2026-0002",
        "XH-2024-0001",
    ]


def test_a_matter_may_have_begun_today_or_earlier_but_not_tomorrow(desk: Desk) -> None:
    package = two_steps()
    desk.start(package, on=TODAY)
    assert desk.start(package, on=date(2019, 1, 1)).row.started_on == date(2019, 1, 1)
    before = matters()
    with pytest.raises(InvalidInput) as refused:
        desk.start(package, on=TODAY + timedelta(days=1))
    assert "occurred_on" in refused.value.fields
    assert matters() == before


def test_only_the_lanes_of_the_start_may_start(desk: Desk) -> None:
    key = desk.deploy(two_steps())
    for name in ("member", "stranger", "superior"):
        with pytest.raises(NotAllowed):
            desk.start(key, by=name)
    assert desk.start(key, by="deputy").open == ["apply"]


def test_an_unknown_procedure_or_organisation_is_not_found(desk: Desk) -> None:
    with pytest.raises(NotFound):
        desk.start("no_such_procedure")
    key = desk.deploy(two_steps())
    with pytest.raises(NotFound):
        operations.start_instance(
            key,
            None,
            organisation_id=987654321,
            subject_id=None,
            actor=desk.actor("secretary"),
            clock=desk.clock,
        )


def test_a_procedure_about_a_person_needs_one_of_the_organisation(desk: Desk) -> None:
    key = desk.deploy(two_steps("personal", subject="person"))
    with pytest.raises(InvalidInput) as refused:
        desk.start(key)
    assert "subject" in refused.value.fields
    with pytest.raises(InvalidInput):
        desk.start(key, subject="stranger")
    matter = desk.start(key, subject="applicant")
    assert matter.row.subject_id == desk.town.people["applicant"]
    assert matter.row.title == "applicant"


@pytest.mark.parametrize("person", [987654321, "applicant"])
def test_a_procedure_of_an_organisation_takes_no_person(desk: Desk, person: int | str) -> None:
    key = desk.deploy(two_steps())
    subject_id = desk.town.people[person] if isinstance(person, str) else person
    with pytest.raises(InvalidInput) as refused:
        operations.start_instance(
            key,
            None,
            organisation_id=desk.town.branch,
            subject_id=subject_id,
            actor=desk.actor("secretary"),
            clock=desk.clock,
        )
    assert "subject" in refused.value.fields


def test_a_person_has_one_running_matter_of_a_kind(desk: Desk) -> None:
    key = desk.deploy(two_steps("once", subject="person"))
    matter = desk.start(key, subject="applicant")
    with pytest.raises(Conflict, match=matter.row.number):
        desk.start(key, subject="applicant")
    matter.suspend()
    with pytest.raises(Conflict):
        desk.start(key, subject="applicant")
    assert desk.start(key, subject="second_applicant").open == ["apply"]
    matter.cancel()
    assert desk.start(key, subject="applicant").open == ["apply"]


def test_the_status_has_to_suit(desk: Desk) -> None:
    package = procedure("for_applicants", [Task("apply")], subject="person", more="")
    files = dict(package.files)
    files["process.toml"] = files["process.toml"].replace(
        b"[start]\n", b'[start]\nsubject_status = ["none"]\n'
    )
    key = desk.deploy(load_package(files))
    with pytest.raises(InvalidInput) as refused:
        desk.start(key, subject="member")
    assert "subject" in refused.value.fields
    assert desk.start(key, subject="applicant").open == ["apply"]


def test_a_matter_starts_only_at_an_organisation_of_the_right_kind(desk: Desk) -> None:
    files = dict(two_steps().files)
    plain = files["process.toml"]
    files["process.toml"] = plain.replace(b"[start]\n", b'[start]\nkinds = ["group"]\n')
    key = desk.deploy(load_package(files))
    with pytest.raises(NotAllowed):
        desk.start(key)
    files["process.toml"] = plain.replace(b"[start]\n", b'[start]\nkinds = ["branch"]\n')
    desk.deploy(load_package(files))
    assert desk.start(key).open == ["apply"]


def test_a_repeated_start_returns_the_first_even_when_the_matter_has_ended(desk: Desk) -> None:
    package = procedure(
        "at_once",
        [Task("apply")],
        subject="person",
        more='[[effect]]\nafter = "apply"\nset_status = "applicant"\n',
    )
    command_id = uuid4()
    first = desk.start(package, subject="applicant", data={}, command_id=command_id)
    assert first.row.status == "completed"
    again = desk.start(package, subject="applicant", data={}, command_id=command_id)
    assert again.id == first.id
    assert again.started is not None
    assert again.started.replayed
    assert again.started.ended


def test_a_procedure_that_begins_with_a_wait_cannot_take_data(desk: Desk) -> None:
    package = procedure(
        "waits_first", [Catch("wait", date_timer("add_days(started_on, 3)")), Task("apply")]
    )
    with pytest.raises(InvalidInput):
        desk.start(package, data={})
    matter = desk.start(package)
    assert matter.open == []
    assert list(matter.timers) == ["wait"]
    is_consistent(matter.id, desk.clock)


def test_a_paper_case_starts_with_its_true_dates(desk: Desk) -> None:
    matter = desk.start(waiting(days=10), data={}, on=date(2025, 3, 1))
    assert matter.row.started_on == date(2025, 3, 1)
    assert matter.row.backfilled
    matter.fire()
    assert matter.open == ["approve"]
    assert matter.tasks[0].not_before == date(2025, 3, 11)


@pytest.mark.parametrize(("days", "marked"), [(7, False), (8, True)])
def test_a_start_recorded_late_is_marked(desk: Desk, days: int, marked: bool) -> None:
    matter = desk.start(two_steps(), on=TODAY - timedelta(days=days))
    assert matter.row.backfilled is marked
    assert matter.payload(0).get("backfilled", False) is marked
