"""Drafts come by themselves, once; they complete nothing. People are reminded, once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from flask import Flask, current_app
from sqlalchemy import func, select

from engine.database import db
from engine.duties.listening import listen
from engine.duties.operations import send_reminder
from engine.duties.queries import planned_for
from engine.errors import InvalidInput
from engine.runtime.models import Instance
from engine.signals import (
    duty_due,
    duty_late,
)
from tests.engine.duties.conftest import Year, duty, meeting
from tests.factories import Matter, UserTask, procedure


def matters() -> int:
    return int(db.session().scalar(select(func.count()).select_from(Instance)) or 0)


def test_a_draft_is_started_some_days_before_the_end(monthly: Year) -> None:
    assert monthly.run(date(2027, 1, 10)).drafted == 0
    assert monthly.run(date(2027, 1, 11)).drafted == 2
    (january, february) = monthly.rows()
    assert january.instance_id is not None and february.instance_id is None
    draft = Matter(monthly.desk, january.instance_id)
    assert draft.open == ["prepare"]
    assert draft.kinds == ["started"]
    assert draft.entries[0].actor_id is None
    assert draft.payload()["plan"] == {
        "duty": "monthly.meet",
        "rule": "R-TM-01",
        "since": "2027-01-01",
        "until": "2027-01-31",
    }
    assert "prepare" in monthly.desk.inbox("secretary")


def test_it_is_started_once(monthly: Year) -> None:
    monthly.run(date(2027, 1, 20))
    before = matters()
    for _ in range(3):
        assert monthly.run(date(2027, 1, 25)).drafted == 0
    assert matters() == before == 2


def test_what_happened_earlier_in_the_period_can_be_entered_in_it(monthly: Year) -> None:
    monthly.run(date(2027, 1, 20))
    draft = Matter(monthly.desk, monthly.rows()[0].instance_id or 0)
    draft.complete("prepare", on=date(2027, 1, 4))
    draft.complete("hold", on=date(2027, 1, 5))
    monthly.run()
    assert monthly.rows()[0].done_on == date(2027, 1, 5)


def test_what_was_prepared_in_the_month_before_can_be_entered_in_it(monthly: Year) -> None:
    monthly.run(date(2027, 1, 20))
    draft = Matter(monthly.desk, monthly.rows()[0].instance_id or 0)
    with pytest.raises(InvalidInput):
        draft.complete("prepare", on=date(2026, 11, 30))
    draft.complete("prepare", on=date(2026, 12, 1))
    draft.complete("hold", on=date(2027, 1, 2))
    monthly.run()
    assert monthly.rows()[0].done_on == date(2027, 1, 2)
    row = db.session().get_one(Instance, draft.id)
    assert (row.year, row.started_on) == (2027, date(2026, 12, 1)), "it is a matter of its year"


def test_a_draft_says_for_which_period_it_is_until_that_is_done(monthly: Year) -> None:
    monthly.run(date(2027, 1, 20))
    matter = monthly.rows()[0].instance_id or 0
    (january, _) = monthly.rows()
    plan = planned_for(db.session(), matter)
    assert plan is not None and (plan.id, plan.state) == (january.id, "due")
    begun = Matter(monthly.desk, matter)
    begun.complete("prepare")
    monthly.run(date(2027, 2, 20))
    plan = planned_for(db.session(), matter)
    assert plan is not None and (plan.id, plan.state) == (january.id, "late")
    begun.complete("hold")
    monthly.run()
    assert planned_for(db.session(), matter) is None


def test_no_draft_for_what_is_done_already(monthly: Year) -> None:
    monthly.run(date(2027, 1, 9))
    monthly.hold("monthly", date(2027, 1, 9))
    monthly.run(date(2027, 1, 20))
    assert monthly.rows()[0].instance_id is None
    assert monthly.rows(at="other")[0].instance_id is not None


def test_a_draft_that_nobody_used_serves_for_the_next_period(monthly: Year) -> None:
    monthly.run(date(2027, 1, 20))
    unused = monthly.rows()[0].instance_id
    assert monthly.run(date(2027, 2, 20)).drafted == 0
    january, february, _ = monthly.rows()
    assert (january.state, january.instance_id) == ("late", None)
    assert (february.state, february.instance_id) == ("due", unused)


def test_a_draft_that_was_begun_stays_with_its_period_and_makes_up_for_it(monthly: Year) -> None:
    monthly.run(date(2027, 1, 20))
    begun = Matter(monthly.desk, monthly.rows()[0].instance_id or 0)
    begun.complete("prepare")
    monthly.run(date(2027, 2, 20))
    january, february, _ = monthly.rows()
    assert january.instance_id == begun.id
    assert february.instance_id not in (None, begun.id)
    begun.complete("hold")
    monthly.run()
    assert [row.state for row in monthly.rows()] == ["made_up", "due", "planned"]


def test_several_times_a_year_each_has_its_draft(year: Year) -> None:
    year.deploy(meeting("lesson", duty("lesson", "year", times="2")))
    year.run()
    year.run(date(2027, 6, 11))
    (row, _) = year.rows()
    first = row.instance_id
    assert first is not None
    draft = Matter(year.desk, first)
    draft.complete("prepare")
    draft.complete("hold")
    year.run()
    assert (row.done, row.state) == (1, "due")
    assert row.draft_on == date(2027, 12, 11)
    assert year.run(date(2027, 12, 10)).drafted == 0
    assert year.run(date(2027, 12, 11)).drafted == 1
    assert year.rows()[0].instance_id not in (None, first)


def test_where_the_package_says_so_there_are_no_drafts(year: Year) -> None:
    year.deploy(meeting("silent", duty("silent", "month", drafts="false")))
    year.run()
    assert year.run(date(2027, 1, 25)).drafted == 0


def test_what_cannot_be_started_hinders_nothing_else(year: Year) -> None:
    body = meeting("good", duty("good", "month"))
    year.deploy(body, _about_people())
    year.run()
    assert year.run(date(2027, 1, 25)).drafted == 2


def _about_people() -> Any:
    return procedure(
        "about_people", [UserTask("hold")], subject="person", more=duty("person", "month")
    )


def test_people_are_reminded_once_by_a_job(monthly: Year) -> None:
    assert monthly.run(date(2027, 1, 23)).reminded == 0
    assert monthly.run(date(2027, 1, 24)).reminded == 2
    assert monthly.run(date(2027, 1, 25)).reminded == 0
    (job,) = monthly.desk.jobs("remind_of_duties")
    assert job["late"] is False and len(job["duty_ids"]) == 2
    monthly.run(date(2027, 2, 1))
    assert [job["late"] for job in monthly.desk.jobs("remind_of_duties")] == [False, True]


def test_the_job_sends_the_signal(monthly: Year) -> None:
    heard: list[tuple[str, list[int]]] = []

    def due(sender: Any, *, duty_ids: list[int]) -> None:
        heard.append(("due", duty_ids))

    def late(sender: Any, *, duty_ids: list[int]) -> None:
        heard.append(("late", duty_ids))

    with duty_due.connected_to(due), duty_late.connected_to(late):
        send_reminder([3, 4], late=False)
        send_reminder([5], late=True)
    assert heard == [("due", [3, 4]), ("late", [5])]


@pytest.fixture
def listening(monthly: Year) -> Iterator[None]:
    """The signals of steps are listened to, with the town's clock."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    before = dict(app.extensions)
    app.extensions["guicheng.clock"] = monthly.desk.clock
    listen(app)
    yield
    app.extensions.clear()
    app.extensions.update(before)


def test_a_step_counts_right_after_its_commit(monthly: Year, listening: None) -> None:
    monthly.desk.clock.set(date(2027, 1, 9))
    matter = monthly.hold("monthly", date(2027, 1, 9))
    assert monthly.rows()[0].state == "done"
    matter.send_back("close", "hold")
    assert monthly.rows()[0].state == "due"
    matter.complete("hold")
    assert monthly.rows()[0].state == "done"
    matter.cancel()
    assert monthly.rows()[0].state == "due"
