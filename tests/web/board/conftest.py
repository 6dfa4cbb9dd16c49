"""A committee with two branches and a group, what they owe, and people who look at it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.clock import FixedClock
from engine.database import db, unit_of_work
from engine.definitions.operations import deploy_package
from engine.directory.accounts import create_account
from engine.directory.actors import load_actor
from engine.directory.codes import OrganisationKind, PostKind
from engine.directory.models import Person
from engine.directory.organisations import add_organisation
from engine.directory.posts import add_post
from engine.duties.catalogue import forget_catalogue
from engine.duties.models import DutyRow
from engine.duties.operations import run_duties
from engine.runtime.operations import complete_task, start_instance
from tests.engine.duties.conftest import duty, meeting
from tests.web.conftest import PASSWORD, Browser

LONG_AGO = date(2020, 1, 1)
LOGINS = {
    "head": ("committee", PostKind.SECRETARY),
    "auditor": ("committee", PostKind.AUDITOR),
    "member_of_committee": ("committee", PostKind.DISCIPLINE_COMMISSIONER),
    "secretary": ("branch", PostKind.SECRETARY),
    "other_secretary": ("other", PostKind.SECRETARY),
    "leader": ("group", PostKind.GROUP_LEADER),
    "member": ("branch", None),
}


@dataclass
class County:
    """The committee and what lies below it."""

    app: Flask
    session: Session
    clock: FixedClock
    places: dict[str, int] = field(default_factory=dict)
    people: dict[str, int] = field(default_factory=dict)

    def sign_in(self, login: str) -> Browser:
        browser = Browser(self.app.test_client())
        assert browser.sign_in(login).status_code == 303
        return browser

    def hold(self, key: str, on: date, by: str = "secretary", at: str = "branch") -> int:
        """Hold a meeting; return the matter."""
        actor = load_actor(db.session(), self.clock.today(), person_id=self.people[by])
        done = start_instance(
            key,
            {},
            organisation_id=self.places[at],
            subject_id=None,
            actor=actor,
            clock=self.clock,
            occurred_on=on,
        )
        complete_task(next(iter(done.opened)), {}, actor=actor, clock=self.clock, occurred_on=on)
        return done.instance_id

    def duty(self, key: str, since: date, at: str = "branch") -> DutyRow:
        return (
            db.session()
            .scalars(
                select(DutyRow)
                .where(
                    DutyRow.key == key,
                    DutyRow.since == since,
                    DutyRow.organisation_id == self.places[at],
                )
                .execution_options(populate_existing=True)
            )
            .one()
        )


@pytest.fixture
def county(app: Flask, session: Session, clock: FixedClock, quick_passwords: None) -> County:
    """The county on 5 March 2027: January was missed by one branch, February made up."""
    app.extensions["guicheng.clock"] = clock
    clock.set(date(2027, 1, 1))
    found = County(app, session, clock)
    with unit_of_work() as unit:
        for name, kind, above in (
            ("committee", OrganisationKind.COMMITTEE, None),
            ("branch", OrganisationKind.BRANCH, "committee"),
            ("other", OrganisationKind.BRANCH, "committee"),
            ("group", OrganisationKind.GROUP, "branch"),
        ):
            parent = found.places.get(above) if above else None
            made = add_organisation(
                unit, name=f"{name}组织", kind=kind, code=name, parent_id=parent
            )
            found.places[name] = made.id
        for login, (at, post) in LOGINS.items():
            person = Person(name=login, organisation_id=found.places[at], created_at=clock.now())
            unit.add(person)
            unit.flush()
            found.people[login] = person.id
            create_account(unit, person_id=person.id, login=login, password=PASSWORD, clock=clock)
            if post is not None:
                add_post(unit, person.id, found.places[at], post, LONG_AGO)
        deploy_package(unit, meeting("monthly", duty("meet", "month")), clock)
        deploy_package(
            unit,
            meeting("yearly", duty("review", "year", rule='"R-DR-01"', carry_over_months="3")),
            clock,
        )
        deploy_package(
            unit,
            meeting("quarterly", duty("all", "quarter", kinds='["branch", "group"]')),
            clock,
        )
    forget_catalogue()
    run_duties(clock)
    for day in (date(2027, 1, 20), date(2027, 2, 20)):
        clock.set(day)
        run_duties(clock)
        found.hold("monthly", day, by="other_secretary", at="other")
    clock.set(date(2027, 3, 5))
    run_duties(clock)
    found.hold("monthly", date(2027, 3, 2))
    found.hold("monthly", date(2027, 3, 4))
    run_duties(clock)
    return found
