"""A life meeting in preparation: a member writes on the phone, the secretary sees the rest."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from engine.clock import SystemClock
from engine.database import db, unit_of_work
from engine.directory.actors import load_actor
from engine.directory.models import Account, Organisation, Post
from engine.directory.voting import committee_members, party_members
from engine.runtime import operations
from tests.browser.conftest import Site, Visiting
from tests.shipped import deploy_shipped

pytestmark = pytest.mark.browser


def prepare(site: Site) -> tuple[int, str, str]:
    """Start a life meeting in a branch of the demo; return it with two people's logins."""
    clock = SystemClock()
    with site.app.app_context():
        with unit_of_work() as session:
            deploy_shipped(session, clock, "organisational_life")
        session = db.session()
        today = clock.today()
        logins = dict(session.execute(select(Account.person_id, Account.login)).all())
        secretaries = session.execute(
            select(Post.person_id, Organisation.id)
            .join(Organisation, Organisation.id == Post.organisation_id)
            .where(Organisation.kind == "branch", Post.kind == "secretary", Post.until.is_(None))
            .order_by(Organisation.id)
        ).all()
        for secretary, branch in secretaries:
            committee = [person.id for person in committee_members(session, branch, today)]
            members = [person.id for person in party_members(session, branch, today)]
            plain = [m for m in members if m in logins and m not in committee]
            if plain and secretary in logins:
                break
        plan = {
            "theme": "强化组织功能，服务群众",
            "meeting_form": "branch",
            "planned_on": (today + timedelta(days=20)).isoformat(),
            "combine_review": "no",
            "members": members[:-1] if members[-1] != plain[0] else members[1:],
            "committee": committee,
            "report_plan": "no",
        }
        done = operations.start_instance(
            "organisational_life",
            plan,
            organisation_id=branch,
            subject_id=None,
            actor=load_actor(session, today, person_id=secretary),
            clock=clock,
        )
        return done.instance_id, logins[secretary], logins[plain[0]]


def test_one_hands_in_and_the_secretary_reminds_the_others(visit: Visiting, site: Site) -> None:
    matter, secretary, member = prepare(site)
    writer = visit("phone", login=member)
    writer.go(f"/matters/{matter}")
    expect(writer.page.locator(".roll")).to_contain_text("已办 0 人")
    writer.check()
    writer.page.get_by_role("link", name="办理").first.click()
    writer.page.get_by_label("发言提纲").fill("学习不够经常，今后每周自学两小时。")
    writer.check()
    writer.page.get_by_role("button", name="提交对照检查").click()
    for size in ("phone", "desktop"):
        lead = visit(size, login=secretary)
        lead.go(f"/matters/{matter}")
        expect(lead.page.locator(".roll")).to_contain_text("已办 1 人")
        lead.check()
    page = lead.page
    page.get_by_role("button", name="提醒全部未办的人").click()
    expect(page.locator("main")).to_contain_text("已提醒全部未办的人")
    page.get_by_role("link", name="增加参与人").click()
    lead.check()
