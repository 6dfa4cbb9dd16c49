"""The diagram of a matter: what is done, present and skipped is marked, and words say the same."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Site, Visiting

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_the_diagram_marks_the_way_of_the_matter(visit: Visiting, site: Site, size: str) -> None:
    visitor = visit(size, login=site.logins["hold_admission_meeting"])
    page = visitor.page
    visitor.go(f"/matters/{site.matters['hold_admission_meeting']}?tab=diagram")
    page.wait_for_selector("#diagram[data-ready]")
    done = page.locator("[data-element-id=first_talk].is-done")
    assert done.count() == 1
    now = page.locator("[data-element-id=hold_admission_meeting]")
    assert "is-now" in (now.first.get_attribute("class") or "")
    expect(page.locator(".now-flag")).to_have_text("正在这里")
    expect(page.locator(".bjs-powered-by")).to_be_visible()
    page.click("[data-zoom=fit]")
    page.click("[data-zoom=in]")
    visitor.check()


def test_without_javascript_a_list_says_the_same(visit: Visiting, site: Site) -> None:
    visitor = visit(login=site.logins["hold_admission_meeting"], script=False)
    visitor.go(f"/matters/{site.matters['hold_admission_meeting']}?tab=diagram")
    visitor.page.click("#diagram-text summary")
    words = visitor.page.locator("#diagram-text").inner_text()
    assert "支部大会讨论" in words
    assert "正在这里" in words
    assert "下载流程图文件" in visitor.page.inner_text("main")


def test_the_diagram_is_only_for_those_who_may_see_the_matter(visit: Visiting, site: Site) -> None:
    matter = site.matters["hold_admission_meeting"]
    stranger = visit(login=site.logins["subject:first_talk"])
    assert stranger.go(f"/matters/{matter}") == 404
    response = stranger.page.request.get(f"{site.url}/matters/{matter}/diagram.bpmn")
    assert response.status == 404
