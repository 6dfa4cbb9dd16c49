"""A members' meeting from its agenda to the signed minutes, by the secretary at a telephone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from engine.clock import SystemClock
from engine.database import db, unit_of_work
from engine.directory.models import Account, Organisation, Post
from engine.directory.voting import voters
from engine.runtime.models import Instance, Task
from tests.browser.conftest import Site, Visiting, Visitor
from tests.browser.test_admission import fill
from tests.shipped import deploy_shipped

pytestmark = pytest.mark.browser

KEY = "members_meeting"
NOTICE = {
    "meets_at": ["上午九时"],
    "meets_where": ["支部会议室"],
    "notice_ways": ["message"],
}


def hand_in(visitor: Visitor, path: str, day: str, values: dict[str, list[str]]) -> None:
    """Open a form, enter the day and the answers, hand it in."""
    page = visitor.page
    assert visitor.go(path) == 200
    page.fill("#occurred_on", day)
    page.dispatch_event("#occurred_on", "change")
    page.wait_for_load_state("networkidle")
    fill(visitor, values, [])
    visitor.check()
    page.click(".foot .primary")
    page.wait_for_load_state("networkidle")
    assert page.locator("#errors").count() == 0, page.locator("#errors").inner_text()
    expect(page.locator(".notice.done").first).to_be_visible()


def test_a_members_meeting_is_started_and_finished_on_a_telephone(
    visit: Visiting, site: Site
) -> None:
    clock = SystemClock()
    today = clock.today()
    before, held = str(today - timedelta(days=7)), str(today - timedelta(days=1))
    with site.app.app_context():
        with unit_of_work() as session:
            deploy_shipped(session, clock, KEY)
        login, person, branch = db.session.execute(
            select(Account.login, Post.person_id, Organisation.id)
            .join(Post, Post.person_id == Account.person_id)
            .join(Organisation, Organisation.id == Post.organisation_id)
            .where(Post.kind == "secretary", Post.until.is_(None), Organisation.kind == "branch")
            .order_by(Account.id)
        ).first() or ("", 0, 0)
        due = [str(voter.id) for voter in voters(db.session(), branch, today)]
        db.session.rollback()

    def task(element: str) -> str:
        with site.app.app_context():
            found = db.session.scalar(
                select(Task.id)
                .join(Instance, Instance.id == Task.instance_id)
                .where(
                    Task.element == element,
                    Task.state == "open",
                    Instance.organisation_id == branch,
                )
            )
            db.session.rollback()
        assert found is not None, element
        return f"/tasks/{found}"

    visitor = visit("phone", login=login)
    visitor.go("/start/")
    expect(visitor.page.locator("main")).to_contain_text("党员大会")
    hand_in(
        visitor,
        f"/start/{KEY}",
        before,
        {
            "planned_on": [held],
            "place": ["支部会议室"],
            "topics-0.topic": ["研究支部年度工作"],
            "votes_planned": ["yes"],
            "vote_matters": ["major"],
        },
    )
    hand_in(visitor, task("send_notice"), before, NOTICE)
    hand_in(
        visitor,
        task("roll_call"),
        held,
        {
            **{f"roll.{one}": ["present"] for one in due},
            "chaired_by": [str(person)],
            "recorder": [str(person)],
        },
    )
    hand_in(visitor, task("discuss"), held, {"discussion": ["意见一致。"], "ballot_now": ["held"]})
    hand_in(
        visitor,
        task("hold_vote"),
        held,
        {
            "motion": ["年度工作安排"],
            "matter_type": ["major"],
            "vote_way": ["hands"],
            "vote.for": [str(len(due))],
            "vote.against": ["0"],
            "vote.abstain": ["0"],
            "another_vote": ["no"],
        },
    )
    signed = {"resolution": ["会议通过年度工作安排。"], "resolution_signer": [str(person)]}
    hand_in(visitor, task("make_resolution"), held, signed)
    minutes = {"minutes": ["按议程进行。"], "minutes_writer": [str(person)]}
    hand_in(visitor, task("write_minutes"), held, {**minutes, "follow_up_needed": ["no"]})
    hand_in(visitor, task("sign_minutes"), held, {"minutes_signer": [str(person)]})
    with site.app.app_context():
        matter = db.session.scalars(
            select(Instance).where(Instance.organisation_id == branch).order_by(Instance.id.desc())
        ).first()
        assert matter is not None
        number, state, outcome = matter.id, matter.status, matter.outcome
        db.session.rollback()
    assert (state, outcome) == ("completed", "held")
    assert visitor.go(f"/matters/{number}") == 200
    expect(visitor.page.locator("main")).to_contain_text("会议记录审签")
    visitor.check()
