"""Regulations and parameters in a browser: usable by everybody, and without scripts."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Site, Visiting

pytestmark = pytest.mark.browser
BOTH = pytest.mark.parametrize("size", ["desktop", "phone"])

PAGES = (
    "/regulations/",
    "/regulations/admission_rules",
    "/regulations/admission_rules?only=doubtful",
    "/regulations/system_conventions",
    "/parameters/",
    "/parameters/activist_clock",
    "/parameters/backfill_gap_days",
    "/parameters/rule_version_switch",
)


@BOTH
@pytest.mark.parametrize("login", ["xianwei.guanli", "xianwei.ducha"])
def test_the_pages_of_those_who_keep_and_audit_rules(
    visit: Visiting, site: Site, size: str, login: str
) -> None:
    visitor = visit(size, login=login)
    for path in PAGES:
        assert visitor.go(path) == 200
        visitor.check()


@pytest.mark.parametrize(("size", "script"), [("desktop", True), ("phone", False)])
def test_a_parameter_is_set_and_ended(visit: Visiting, site: Site, size: str, script: bool) -> None:
    keeper = visit(size, login="xianwei.zuzhibu", script=script)
    page = keeper.page
    keeper.go("/parameters/backfill_gap_days")
    page.fill("#value", "10")
    page.fill("#reason", "县委组织部通知")
    page.click("text=设置参数")
    expect(page.locator(".sentence")).to_have_text("10 天")
    expect(page.locator(".history")).to_contain_text("县委组织部通知")
    ending = page.locator("details:has(summary:has-text('这项设置'))").first
    ending.locator("summary").click()
    ending.locator("textarea").fill("试行期满")
    ending.locator("button").click()
    expect(page.locator(".history")).to_contain_text("试行期满")
    if script:  # axe is a script itself
        keeper.check()
