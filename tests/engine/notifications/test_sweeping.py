"""Who is told what: once, and not more than it takes."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import text, update

from engine.audit.commands import ask_explanation, explain
from engine.clock import ZONE
from engine.compliance.models import Finding
from engine.database import db, unit_of_work
from engine.definitions.package import Package
from engine.directory.models import Account, Substitution
from engine.errors import GuichengError
from engine.notifications.kinds import TABLE, NoticeKind
from engine.notifications.models import Notice
from engine.notifications.sweeping import NOTICE_DAYS, forget_old_notices
from engine.runtime.models import Task as TaskRow
from tests.bpmn_builder import Task
from tests.engine.notifications.conftest import Told
from tests.factories import Matter, faulty, procedure, two_steps
from tests.gathering import gathered, gathering, remind, say


def steps(key: str) -> Package:
    """Return: the applicant applies, the superior approves, the branch files it."""
    return procedure(
        key,
        [Task("apply"), Task("approve"), Task("file")],
        subject="person",
        steps={"approve": 'send_back = ["apply"]'},
        lanes={"apply": "applicant", "approve": "superior"},
    )


STEPS = steps("told_of")


def tick(told: Told, **span: float) -> None:
    told.clock.set(told.clock.now() + timedelta(**span or {"seconds": 40}))


def begin(told: Told, package: Package = STEPS) -> Matter:
    tick(told)
    return told.desk.start(package, subject="applicant")


def test_every_kind_has_its_row_in_the_table() -> None:
    assert set(TABLE) == set(NoticeKind)


def test_who_has_to_do_a_task_is_told_once(told: Told) -> None:
    begin(told)
    assert told.sweep() == 1
    assert told.to("applicant") == ["opened"]
    (line,) = told.lines("applicant")
    assert (line.own, line.read_at, line.shown) == (True, None, True)
    assert told.sweep() == 0
    tick(told)
    assert told.sweep() == 0
    assert told.to("secretary") == []  # it was the secretary's own step that opened it


def test_holders_of_a_post_are_told_and_the_others_are_not(told: Told) -> None:
    matter = begin(told)
    tick(told)
    matter.complete("apply", by="applicant")
    told.sweep()
    assert told.to("superior") == ["opened"]
    assert not told.lines("superior")[0].own
    for name in ("secretary", "deputy", "member", "stranger", "administrator"):
        assert told.to(name) == []


def test_whoever_opened_it_by_their_own_step_is_not_told_but_a_colleague_is(told: Told) -> None:
    tick(told)
    matter = told.desk.start(two_steps("own_step"))
    told.sweep()
    assert (told.to("secretary"), told.to("deputy")) == ([], ["opened"])
    tick(told)
    matter.complete("apply", by="deputy")
    told.sweep()
    assert (told.to("secretary"), told.to("deputy")) == (["opened"], [])  # hers is at rest


def test_the_person_it_is_about_hears_that_it_moves_on_and_ends(told: Told) -> None:
    matter = begin(told)
    tick(told)
    matter.complete("apply", by="applicant")
    told.sweep()
    assert told.to("applicant") == []  # their own step
    tick(told)
    matter.complete("approve", by="superior")
    told.sweep()
    assert told.to("applicant") == ["moved"]
    first = told.lines("applicant")[-1]
    number, at = first.id, first.at
    tick(told)
    matter.complete("file")
    told.sweep()
    last = told.lines("applicant")[-1]
    assert (last.id, last.kind) == (number, "ended")
    assert last.at > at


def test_news_of_a_line_that_was_read_makes_it_unread_again(told: Told) -> None:
    matter = begin(told)
    tick(told)
    matter.complete("apply", by="applicant")
    tick(told)
    matter.complete("approve", by="superior")
    told.sweep()
    with unit_of_work() as session:
        session.execute(update(Notice).values(read_at=told.clock.now()))
    told.sweep()
    assert all(line.read_at for line in told.lines("applicant"))
    tick(told)
    matter.complete("file")
    told.sweep()
    assert told.lines("applicant")[-1].read_at is None


def test_a_task_that_was_sent_back_is_told_as_such(told: Told) -> None:
    matter = begin(told)
    tick(told)
    matter.complete("apply", by="applicant")
    tick(told)
    matter.send_back("approve", "apply", by="superior")
    told.sweep()
    assert told.to("applicant") == ["returned"]


def test_what_was_done_before_the_sweep_came_is_not_told(told: Told) -> None:
    matter = begin(told)
    tick(told)
    matter.complete("apply", by="applicant")
    told.sweep()
    assert told.to("applicant", resting=True) == []


def test_a_delegated_task_is_told_to_whom_it_was_given(told: Told) -> None:
    tick(told)
    matter = told.desk.start(two_steps("handed"))
    told.sweep()
    assert told.to("deputy") == ["opened"]
    tick(told)
    matter.delegate("apply", "member")
    told.sweep()
    assert told.to("member") == ["delegated"]
    assert told.lines("member")[0].own
    tick(told)
    matter.complete("apply", by="member")
    told.sweep()
    assert told.to("member") == []
    assert told.to("deputy") == ["opened"]  # the next step; the first line is at rest


def test_a_claimed_task_comes_to_rest_for_the_others(told: Told) -> None:
    tick(told)
    matter = told.desk.start(two_steps("claimed"))
    told.sweep()
    matter.claim("apply")
    told.clock.set(date(2026, 11, 24))
    told.sweep()
    assert told.to("deputy") == []


def test_who_stands_in_is_told_too_but_not_of_the_lender_s_own_matter(told: Told) -> None:
    with unit_of_work() as session:
        session.add(
            Substitution(
                principal_id=told.desk.town.people["secretary"],
                substitute_id=told.desk.town.people["member"],
                organisation_id=told.desk.town.branch,
                since=told.clock.today(),
                until=told.clock.today(),
                reason="出差",
                created_by=told.desk.town.people["secretary"],
                created_at=told.clock.now(),
            )
        )
    for subject in ("applicant", "secretary"):
        tick(told)
        matter = told.desk.start(STEPS, by="deputy", subject=subject)
        tick(told)
        matter.complete("apply", by=subject)
        tick(told)
        matter.complete("approve", by="superior")
        told.sweep()
    assert told.to("member") == ["opened"]
    assert told.to("deputy") == ["opened", "opened"]
    # Of their own matter people are not told by their post, but that it moves on.
    assert told.to("secretary") == ["opened", "moved"]


def test_people_without_a_login_are_told_nothing(told: Told) -> None:
    with unit_of_work() as session:
        session.execute(
            update(Account)
            .where(Account.person_id == told.desk.town.people["applicant"])
            .values(disabled_at=told.clock.now())
        )
    begin(told)
    assert told.sweep() == 0


def test_limits_are_told_twice_soon_and_over_in_the_same_line(told: Told) -> None:
    matter = begin(told)
    told.sweep()
    due = date(2026, 12, 4)
    with unit_of_work() as session:
        session.execute(
            update(TaskRow).where(TaskRow.id == matter.task("apply")).values(due_on=due)
        )
        session.execute(
            text("UPDATE task_candidate SET due_on = :due WHERE task_id = :id"),
            {"due": due, "id": matter.task("apply")},
        )

    def morning(day: date) -> list[str]:
        told.clock.set(day)
        told.sweep()
        return told.to("applicant")

    assert morning(date(2026, 11, 26)) == ["opened"]  # six working days before
    assert morning(date(2026, 11, 27)) == ["soon"]  # five
    assert morning(date(2026, 12, 4)) == ["soon"]  # the last day itself
    (line,) = told.lines("applicant")
    assert line.at.astimezone(ZONE).date() == date(2026, 11, 27)
    assert morning(date(2026, 12, 5)) == ["overdue"]
    assert morning(date(2026, 12, 20)) == ["overdue"]
    (line,) = told.lines("applicant")
    assert line.at.astimezone(ZONE).date() == date(2026, 12, 5)  # and never again


def test_a_problem_is_one_line_a_matter_for_the_office_of_the_branch(told: Told) -> None:
    matter = begin(told)
    findings = [finding(told, matter, rule) for rule in ("R-1", "R-2")]
    told.sweep()
    assert told.to("secretary") == ["finding"] == told.to("deputy")
    assert told.to("member") == told.to("superior") == told.to("stranger") == []
    tick(told)
    with pytest.raises(GuichengError):  # nobody asks themselves
        ask_explanation(findings[0], "请说明", actor=told.desk.actor("secretary"), clock=told.clock)
    ask_explanation(findings[0], "请说明", actor=told.desk.actor("superior"), clock=told.clock)
    told.sweep()
    assert told.to("secretary") == ["finding", "asked"]
    assert told.to("superior") == []
    tick(told)
    explain(findings[0], "当日停电", actor=told.desk.actor("secretary"), clock=told.clock)
    told.sweep()
    assert told.to("superior") == ["explained"]


def finding(told: Told, matter: Matter, rule: str) -> int:
    with unit_of_work() as session:
        found = Finding(
            instance_id=matter.id,
            process_key="told_of",
            organisation_id=told.desk.town.branch,
            path=matter.row.path,
            rule=rule,
            element="apply",
            round=1,
            outcome="not_met",
            severity="hard",
            articles=[],
            day=told.clock.today(),
            template="",
            params={},
            state="open",
            found_at=told.clock.now(),
            changed_at=told.clock.now(),
        )
        session.add(found)
        session.flush()
        return found.id


def test_an_incident_is_told_to_administrators_without_the_matter(told: Told) -> None:
    tick(told)
    matter = told.desk.start(faulty())
    with pytest.raises(GuichengError):
        matter.complete(matter.open[0])
    told.sweep()
    assert told.to("administrator") == ["incident"]
    assert told.lines("administrator")[0].instance_id is None
    assert "incident" not in told.to("secretary") + told.to("superior")


def test_a_line_that_a_person_switched_off_is_not_written(told: Told) -> None:
    told.mail_to("applicant", mode="none", page_off=["opened", "delegated"])
    begin(told)
    told.sweep()
    assert told.to("applicant") == []


def test_those_who_are_still_missing_are_reminded_and_the_others_are_not(told: Told) -> None:
    tick(told)
    matter = gathered(told.desk.start(gathering()), "member", "other_member", "deputy")
    told.sweep()
    tick(told)
    say(matter, "other_member")
    tick(told)
    remind(matter)
    told.sweep()
    assert told.to("member") == ["reminded"] == told.to("deputy")[-1:]
    assert "reminded" not in told.to("other_member") + told.to("secretary")
    told.sweep()
    assert told.to("member") == ["reminded"]


def test_those_who_may_enter_it_for_each_of_many_are_not_told_of_each(told: Told) -> None:
    gathered(told.desk.start(gathering()), "member", "other_member")
    told.sweep()
    assert told.to("member") == ["opened"] == told.to("other_member")
    assert told.to("deputy") == []


def test_old_lines_go_and_fresh_ones_stay(told: Told) -> None:
    begin(told)
    told.sweep()
    with unit_of_work() as session:
        session.execute(update(Notice).values(read_at=told.clock.now()))
    tick(told, days=NOTICE_DAYS)
    with unit_of_work() as session:
        assert forget_old_notices(session, told.clock) == 0
    tick(told, seconds=1)
    with unit_of_work() as session:
        assert forget_old_notices(session, told.clock) == 1
    assert db.session.query(Notice).count() == 0
