"""Membership over time."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, func, select
from sqlalchemy.orm import Session

from engine.clock import FixedClock
from engine.database import unit_of_work
from engine.directory.codes import MembershipStatus as Status
from engine.directory.membership import (
    revoke_since,
    set_status,
    standing_on,
    status_on,
    statuses_on,
    timeline,
)
from engine.directory.models import Membership, Person
from engine.signals import membership_changed
from tests.engine.directory.conftest import Factory

START = date(2026, 6, 10)
BEFORE = START - timedelta(days=1)
AFTER = START + timedelta(days=1)


def test_a_status_counts_from_its_day_on(session: Session, make: Factory) -> None:
    person = make.person(status=None)
    make.status(person, "applicant", START)
    assert status_on(session, person.id, BEFORE) is Status.NONE
    assert status_on(session, person.id, START) is Status.APPLICANT
    assert status_on(session, person.id, AFTER) is Status.APPLICANT


def test_of_two_points_on_one_day_the_later_entry_counts(session: Session, make: Factory) -> None:
    person = make.person(status=None)
    make.status(person, "applicant", START)
    make.status(person, "activist", START)
    assert status_on(session, person.id, START) is Status.ACTIVIST


def test_a_point_entered_late_takes_its_true_place(session: Session, make: Factory) -> None:
    person = make.person(status=None)
    make.status(person, "full", AFTER)
    make.status(person, "probationary", START)
    assert status_on(session, person.id, START) is Status.PROBATIONARY
    assert status_on(session, person.id, AFTER) is Status.FULL


def test_many_people_are_one_query(session: Session, make: Factory) -> None:
    people = [make.person(f"某{n}", since=START) for n in range(3)]
    statements: list[str] = []
    connection = session.connection()

    def count(*arguments: object) -> None:
        statements.append(str(arguments[2]))

    event.listen(connection, "before_cursor_execute", count)
    try:
        found = statuses_on(session, [*(p.id for p in people), 0], START)
    finally:
        event.remove(connection, "before_cursor_execute", count)
    assert len(statements) == 1
    assert found == {**dict.fromkeys((p.id for p in people), Status.FULL), 0: Status.NONE}


def test_setting_the_status_he_has_changes_nothing(
    session: Session, make: Factory, clock: FixedClock
) -> None:
    person = make.person(organisation=make.organisation(), status="applicant", since=START)
    assert set_status(session, person.id, Status.APPLICANT, AFTER, clock=clock) is None
    assert len(timeline(session, person.id)) == 1


def test_a_transfer_is_the_same_status_elsewhere(
    session: Session, make: Factory, clock: FixedClock
) -> None:
    here, there = make.organisation(), make.organisation("第二党支部")
    person = make.person(organisation=here, since=START)
    set_status(session, person.id, Status.FULL, AFTER, clock=clock, organisation_id=there.id)
    assert standing_on(session, person.id, START).organisation_id == here.id
    assert standing_on(session, person.id, AFTER).organisation_id == there.id
    assert session.get_one(Person, person.id).organisation_id == there.id


def test_a_new_status_keeps_the_organisation(
    session: Session, make: Factory, clock: FixedClock
) -> None:
    branch = make.organisation()
    person = make.person(organisation=branch, status="activist", since=START)
    set_status(session, person.id, Status.PROSPECT, AFTER, clock=clock)
    assert standing_on(session, person.id, AFTER).organisation_id == branch.id


def test_a_send_back_takes_out_what_later_steps_have_set(
    session: Session, make: Factory, clock: FixedClock
) -> None:
    person = make.person(organisation=make.organisation(), status=None)
    for seq, status, day in (
        (2, Status.APPLICANT, START),
        (5, Status.ACTIVIST, AFTER),
        (9, Status.PROSPECT, AFTER),
    ):
        set_status(session, person.id, status, day, clock=clock, source=(77, seq))
    set_status(session, person.id, Status.LEFT, clock.today(), clock=clock, source=(78, 9))
    assert revoke_since(session, 77, 5, clock=clock) == [person.id]
    assert [point.status for point in timeline(session, person.id)] == ["applicant", "left"]
    assert status_on(session, person.id, AFTER) is Status.APPLICANT
    assert session.scalar(select(func.count(Membership.id))) == 4  # revoked, not deleted
    assert revoke_since(session, 77, 5, clock=clock) == []


def test_the_change_is_announced_after_the_commit(
    session: Session, make: Factory, clock: FixedClock
) -> None:
    person = make.person(organisation=make.organisation(), status=None)
    session.commit()
    heard: list[tuple[object, object]] = []

    def listen(sender: object, **arguments: object) -> None:
        heard.append((arguments["person_id"], arguments["status"]))

    with membership_changed.connected_to(listen):
        with unit_of_work() as unit:
            set_status(unit, person.id, Status.APPLICANT, START, clock=clock)
            assert heard == []
        assert heard == [(person.id, "applicant")]


days = st.integers(0, 12).map(lambda offset: START + timedelta(days=offset))
points = st.lists(st.tuples(st.sampled_from(list(Status)), days, st.booleans()), max_size=8)


@given(points=points)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_the_status_of_every_day_is_the_latest_point_that_counts(
    session: Session, make: Factory, points: list[tuple[Status, date, bool]]
) -> None:
    with session.begin_nested() as nested:
        person = make.person(status=None)
        for status, since, revoked in points:
            row = make.status(person, status, since)
            row.revoked_at = make.clock.now() if revoked else None
        session.flush()
        for offset in range(-1, 14):
            day = START + timedelta(days=offset)
            known = [
                (since, number, status)
                for number, (status, since, revoked) in enumerate(points)
                if since <= day and not revoked
            ]
            assert status_on(session, person.id, day) is (max(known)[2] if known else Status.NONE)
        nested.rollback()
