"""Auditor, branch and superior at their browsers: asked, explained, concluded, and waived."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from engine.compliance.models import Finding
from engine.compliance.results import Outcome
from engine.database import db
from engine.directory.models import Account, Organisation, Post
from engine.runtime.models import Instance
from tests.browser.conftest import Site, Visiting

pytestmark = pytest.mark.browser


def holder(line: list[int], kind: str, *, approving: bool = False) -> str:
    """Return the login of whoever holds a post nearest to the branch."""
    query = (
        select(Account.login)
        .join(Post, Post.person_id == Account.person_id)
        .join(Organisation, Organisation.id == Post.organisation_id)
        .where(Organisation.id.in_(line), Post.kind == kind, Post.until.is_(None))
        .order_by(Organisation.path.desc(), Post.id)
    )
    if approving:
        query = query.where(Organisation.can_approve_members)
    return db.session.scalars(query).first() or ""


@pytest.fixture
def finding(site: Site) -> tuple[int, list[int]]:
    """A finding nobody has talked about, and the organisations above it."""
    with site.app.app_context():
        matter = site.matters["examine_activist"]
        instance = db.session.get_one(Instance, matter)
        known = db.session.scalars(
            select(Finding).where(
                Finding.instance_id == matter,
                Finding.outcome == str(Outcome.NOT_MET),
                Finding.state == "open",
            )
        ).first()
        assert known is not None, "its first talk came too late"
        return known.id, [int(part) for part in instance.path.strip("/").split("/")]


def test_a_finding_is_talked_about_to_its_end(
    site: Site, visit: Visiting, finding: tuple[int, list[int]]
) -> None:
    number, line = finding
    path = f"/findings/{number}"
    with site.app.app_context():
        logins = [
            holder(line, "auditor"),
            holder(line, "organisation_commissioner"),
            holder(line, "secretary", approving=True),
        ]
    auditor = visit(login=logins[0])
    for page in ("/audit/", "/audit/trail?gap=0", "/audit/samples", "/audit/exports"):
        assert auditor.go(page) == 200
        auditor.check()
    auditor.go("/audit/")
    auditor.page.locator(".figures a").first.click()
    auditor.page.wait_for_url("**/audit/findings?*")
    auditor.check()
    auditor.page.locator(f'a[href="{path}"]').click()
    auditor.page.fill("#text-ask", "请说明原因。")
    auditor.page.click("#ask button")
    expect(auditor.page.locator(".notes")).to_contain_text("请说明原因。")
    auditor.check()

    branch = visit("phone", login=logins[1])
    branch.go("/inbox")
    branch.check()
    branch.page.locator(f'.asked a[href="{path}"]').click()
    branch.page.fill("#text-explain", "负责同志住院，耽误了。")
    branch.page.click("#explain button")
    expect(branch.page.locator(".notes")).to_contain_text("负责同志住院")
    branch.check()
    branch.go("/inbox")
    expect(branch.page.locator(f'.asked a[href="{path}"]')).to_have_count(0)

    auditor.go(path)
    auditor.page.fill("#text-conclude", "情况属实。")
    auditor.page.click("#conclude button")
    expect(auditor.page.locator(".head .state.done")).to_have_text("已结论")

    above = visit(login=logins[2])
    above.go(path)
    above.page.click("#waive summary")
    above.page.fill("#text-waive", "确有特殊情况，同意豁免。")
    above.page.click("#waive button")
    expect(above.page.locator(".head .state")).to_have_text("已豁免")
    above.check()
    above.page.click("text=该事项的全部问题")
    expect(above.page.locator(".found").first).to_contain_text("同意豁免")
    above.check()


def test_the_pages_work_dark_small_and_without_scripts(site: Site, visit: Visiting) -> None:
    with site.app.app_context():
        matter = site.matters["examine_activist"]
        instance = db.session.get_one(Instance, matter)
        line = [int(part) for part in instance.path.strip("/").split("/")]
        above = holder(line, "secretary", approving=True)
    visitor = visit("phone", login=above, dark=True)
    for page in (
        "/audit/",
        "/audit/findings?outcome=any",
        f"/matters/{matter}?tab=findings",
        f"/matters/{matter}",
    ):
        assert visitor.go(page) == 200
        visitor.check()
    plain = visit(login=above, script=False)
    plain.go("/audit/samples")
    plain.page.fill("#size", "1")
    plain.page.click(".sample-form button.primary")
    expect(plain.page.locator("h1")).to_contain_text("的样本")
    plain.go(f"/matters/{matter}")
    plain.page.locator('a[href*="/correct"]').first.click()
    plain.page.fill("#reason", "更正发生日期")
    plain.page.click("button.primary")
    expect(plain.page.locator("#errors")).to_contain_text("没有不同")
