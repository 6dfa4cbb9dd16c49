"""管理 in a real browser: a workbook with mistakes, then a right one, then the first login."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from engine.demo.people import PASSWORD
from tests.browser.conftest import Site, Visiting
from tests.workbooks import workbook

pytestmark = pytest.mark.browser

KEEPER = "xianwei.guanli"


def give(page: Page, content: bytes) -> None:
    payload: dict[str, Any] = {
        "name": "人员.xlsx",
        "mimeType": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "buffer": content,
    }
    page.set_input_files("#file", files=[payload])  # type: ignore[list-item]
    page.click("main form button")


@pytest.mark.parametrize(("size", "script"), [("desktop", True), ("phone", False)])
def test_a_workbook_from_upload_to_first_login(
    visit: Visiting, site: Site, size: str, script: bool
) -> None:
    keeper = visit(size, login=KEEPER, script=script)
    page = keeper.page

    def look() -> None:
        if script:  # axe is a script itself
            keeper.check()

    page.click("nav.sections >> text=管理")
    look()
    page.click("main .head a")
    look()

    number = f"R-{size}"
    row = (number, "新来人", "DEMO-005", "2024-01-10", None, None)
    give(page, workbook(人员=[row, ("R-x", "某人", "nowhere")]))
    expect(page.locator(".mistakes li")).to_have_count(1)
    expect(page.locator(".mistakes")).to_contain_text("没有编码为“nowhere”的党组织")
    look()

    page.click("main .actions a")
    give(page, workbook(人员=[row], 账号=[(number, f"newcomer.{size}")]))
    look()
    page.click("main form button")
    expect(page.locator("h1")).to_have_text("导入完成")
    look()
    password = page.locator("code").inner_text()

    page.go_back()
    page.reload()
    expect(page.locator("main")).to_contain_text("没有重复写入")

    newcomer = visit(size, script=script)
    newcomer.go("/login")
    newcomer.page.fill("#login", f"newcomer.{size}")
    newcomer.page.fill("#password", password)
    newcomer.page.click("form:has(#password) button")
    newcomer.page.wait_for_url("**/first-password**")
    if script:
        newcomer.check()
    newcomer.page.fill("#new", f"一条小路 {size} 通向河边")
    newcomer.page.fill("#again", f"一条小路 {size} 通向河边")
    newcomer.page.click("form:has(#again) button")
    newcomer.page.wait_for_url("**/inbox")
    assert newcomer.page.locator("nav.sections >> text=管理").count() == 0
    assert newcomer.go("/admin/") == 404


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_rosters_are_accessible(visit: Visiting, size: str) -> None:
    keeper = visit(size, login=KEEPER)
    keeper.go("/admin/")
    keeper.check()
    keeper.page.fill("#q", "石桥")
    keeper.page.click("text=筛选")
    keeper.page.locator(".rows a").first.click()
    expect(keeper.page.locator("#people")).to_be_visible()
    keeper.check()


@pytest.mark.parametrize(("size", "script"), [("desktop", True), ("phone", False)])
def test_an_account_is_locked_and_its_password_reset(
    visit: Visiting, site: Site, size: str, script: bool
) -> None:
    keeper = visit(size, login=KEEPER, script=script)
    page, login = keeper.page, site.logins["subject:first_talk"]

    def look() -> None:
        if script:
            keeper.check()

    keeper.go("/admin/accounts/")
    look()
    page.fill("#q", login)
    page.click("main form.filters button")
    page.click("main ul.rows a >> nth=0")
    look()
    page.click("text=停用账号")
    expect(page.locator("main .notice.done")).to_contain_text("账号已停用")
    look()
    page.click("text=启用账号")
    page.click("text=重设密码")
    expect(page.locator("main")).to_contain_text("密码只显示这一次")
    look()
    password = page.locator("code.big").inner_text()
    owner = visit(size, script=script)
    owner.go("/login")
    owner.page.fill("#login", login)
    owner.page.fill("#password", password)
    owner.page.click("form:has(#password) button")
    owner.page.wait_for_url("**/first-password**")
    owner.page.fill("#new", PASSWORD)
    owner.page.fill("#again", PASSWORD)
    owner.page.click("form:has(#again) button")
    owner.page.wait_for_url("**/inbox")
