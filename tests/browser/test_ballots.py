"""Three voters at their phones, at the same time; one has no scripts. Then the count."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from engine.clock import SystemClock
from engine.database import db, unit_of_work
from engine.definitions.operations import deploy_package
from engine.directory.actors import load_actor
from engine.directory.models import Account, Organisation, Post
from engine.directory.voting import voters
from engine.runtime import operations
from tests.ballot_builder import ballot_package
from tests.browser.conftest import Site, Visiting

pytestmark = pytest.mark.browser


def open_ballot(site: Site) -> tuple[int, list[str], str]:
    """Open a ballot in a branch of the demo; return its task and the logins of its voters."""
    clock = SystemClock()
    with site.app.app_context():
        with unit_of_work() as session:
            deploy_package(session, ballot_package(min_size="3"), clock)
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
            known = [logins[v.id] for v in voters(session, branch, today) if v.id in logins]
            if len(known) >= 3 and secretary in logins:
                break
        done = operations.start_instance(
            "review",
            {},
            organisation_id=branch,
            subject_id=None,
            actor=load_actor(session, today, person_id=secretary),
            clock=clock,
        )
        return next(iter(done.opened)), known[:3], logins[secretary]


def test_three_vote_at_their_phones_and_one_counts(visit: Visiting, site: Site) -> None:
    task, logins, secretary = open_ballot(site)
    codes = []
    visitors = [visit("phone", login=login, script=n != 1) for n, login in enumerate(logins)]
    for visitor in visitors:
        page = visitor.page
        page.get_by_role("link", name="去投票").click()
        if visitor is visitors[0]:
            visitor.check()
    for visitor in visitors:
        page = visitor.page
        for row in page.locator("fieldset.question").all()[:-1]:
            row.locator("input").first.check()
        page.get_by_role("button", name="下一步").press("Enter")
        expect(page.locator("main")).to_contain_text("选票还没有投出")
    for visitor in visitors:
        page = visitor.page
        page.get_by_role("button", name="确认，投入票箱").click()
        codes.append(page.locator(".receipt strong").inner_text())
        if visitor is visitors[0]:
            visitor.check()
    assert len(set(codes)) == 3
    assert all(re.fullmatch(r"[0-9A-Z]{4}(-[0-9A-Z]{4}){3}", code) for code in codes)
    lead = visit(login=secretary)
    lead.go(f"/tasks/{task}")
    lead.page.get_by_role("link", name="名册、纸质票和计票").click()
    lead.check()
    lead.page.get_by_role("link", name="结束投票并计票").click()
    lead.page.get_by_role("button", name="结束投票，开箱计票").click()
    expect(lead.page.locator("#result")).to_be_visible()
    lead.check()
    page = visitors[0].page
    page.reload()
    visitors[0].go(page.url.removeprefix(site.url))
    expect(page.locator("main")).to_contain_text(f"您的回执码 {codes[0]} 在下列名单中")
    visitors[0].check()
