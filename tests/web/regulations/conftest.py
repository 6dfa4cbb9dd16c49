"""A county with its rules: what is deployed, and who keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pytest

from engine.database import unit_of_work
from engine.directory.accounts import create_account
from engine.directory.codes import OrganisationKind, PostKind
from engine.directory.models import Person
from engine.directory.organisations import add_organisation
from engine.directory.posts import add_post
from tests.shipped import deploy_shipped
from tests.web.conftest import PASSWORD, Browser, World


@dataclass
class Ruled:
    """The office of the tests, with a town committee beside it and everything deployed."""

    world: World
    county: int
    town: int
    branch: int

    def open(self, name: str, address: str) -> Browser:
        """Sign in and open a page; return the browser that shows it."""
        browser = self.world.sign_in(name)
        browser.get(address)
        return browser


@pytest.fixture
def ruled(world: World) -> Ruled:
    """Deploy regulations and member admission; add those who keep parameters."""
    with unit_of_work() as unit:
        county = add_organisation(
            unit, name="县委", kind=OrganisationKind.COMMITTEE, code="county",
            can_approve_members=True,
        )  # fmt: skip
        town = add_organisation(
            unit, name="镇党委", kind=OrganisationKind.COMMITTEE, code="town",
            parent_id=county.id, can_approve_members=True,
        )  # fmt: skip
        branch = add_organisation(
            unit, name="一支部", kind=OrganisationKind.BRANCH, code="b1", parent_id=town.id
        )
        for login, place, post in (
            ("department", county.id, PostKind.ORGANISATION_DEPARTMENT),
            ("keeper", town.id, PostKind.ADMINISTRATOR),
            ("secretary", branch.id, PostKind.SECRETARY),
        ):
            person = Person(
                name=f"人员{login}", organisation_id=place, created_at=world.clock.now()
            )
            unit.add(person)
            unit.flush()
            world.people[login] = person.id
            create_account(
                unit, person_id=person.id, login=login, password=PASSWORD, clock=world.clock
            )
            add_post(unit, person.id, place, post, date(2020, 1, 1))
        deploy_shipped(unit, world.clock)
        return Ruled(world, county.id, town.id, branch.id)
