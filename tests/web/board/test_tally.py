"""What each member has gathered, on the branch's page: for whom, and in what words."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import select

from engine.database import db, unit_of_work
from engine.definitions.operations import deploy_package
from engine.directory.actors import load_actor
from engine.directory.models import Membership
from engine.duties.catalogue import forget_catalogue
from engine.duties.models import DutyRow
from engine.duties.operations import run_duties
from engine.runtime.operations import complete_task, start_instance
from tests.engine.duties.test_tallies import study
from tests.web.board.conftest import County
from tests.web.board.test_board import words

NEW_YEAR = date(2028, 1, 1)


@pytest.fixture
def studied(county: County) -> County:
    """In January 2028 the secretary and a member have studied four hours each."""
    county.clock.set(NEW_YEAR)
    with unit_of_work() as unit:
        for login in ("secretary", "member"):
            unit.add(
                Membership(
                    person_id=county.people[login],
                    status="full",
                    since=date(2020, 1, 1),
                    organisation_id=county.places["branch"],
                    recorded_at=county.clock.now(),
                )
            )
        deploy_package(unit, study(), county.clock)
    forget_catalogue()
    run_duties(county.clock)
    county.clock.set(date(2028, 1, 20))
    actor = load_actor(db.session(), county.clock.today(), person_id=county.people["secretary"])
    done = start_instance(
        "study", {}, organisation_id=county.places["branch"], subject_id=None, actor=actor,
        clock=county.clock, occurred_on=date(2028, 1, 20),
    )  # fmt: skip
    data = {
        "roll": {"present": [county.people["secretary"], county.people["member"]]},
        "hours": 4,
    }
    complete_task(
        next(iter(done.opened)), data, actor=actor, clock=county.clock,
        occurred_on=date(2028, 1, 20),
    )  # fmt: skip
    run_duties(county.clock)
    return county


def page_of(county: County) -> str:
    wanted = select(DutyRow.id).where(
        DutyRow.key == "study.hours",
        DutyRow.organisation_id == county.places["branch"],
        DutyRow.since == NEW_YEAR,
    )
    return f"/board/tally/{db.session().scalars(wanted).one()}"


def test_the_secretary_goes_from_the_year_to_the_members(studied: County) -> None:
    browser = studied.sign_in("secretary")
    browser.get(f"/board/{studied.places['branch']}/year?year=2028")
    page = page_of(studied)
    assert f'href="{page}"' in browser.page and "按每名党员累计" in browser.page
    assert browser.get(page).status_code == 200
    said = words(browser.page)
    assert "member 32 4 28" in said and "secretary 班子成员 56 4 52" in said
    assert "/matters/" in browser.page.split("<tbody>")[1]


def test_those_above_see_it_and_others_do_not(studied: County) -> None:
    page = page_of(studied)
    assert studied.sign_in("head").get(page).status_code == 200
    for login in ("other_secretary", "auditor", "leader"):
        assert studied.sign_in(login).get(page).status_code == 404
    browser = studied.sign_in("auditor")
    browser.get(f"/board/{studied.places['branch']}/year?year=2028")
    assert page not in browser.page


def test_a_member_sees_the_own_line(studied: County) -> None:
    browser = studied.sign_in("member")
    browser.get("/mine/")
    page = page_of(studied)
    assert f'href="{page}"' in browser.page and "已有 4，应有 32" in browser.page
    assert browser.get(page).status_code == 200
    table = browser.page.split("<tbody>")[1]
    assert "member" in table and "secretary" not in table and "/matters/" not in table
