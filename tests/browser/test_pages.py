"""Every page can be used by everybody: axe finds nothing, nothing scrolls sideways, no errors."""

from __future__ import annotations

import pytest

from tests.browser.conftest import Site, Visiting

pytestmark = pytest.mark.browser
BOTH = pytest.mark.parametrize("size", ["desktop", "phone"])


def pages(site: Site) -> list[str]:
    meeting = site.matters["hold_admission_meeting"]
    return [
        "/inbox",
        "/inbox?bucket=overdue",
        "/inbox?bucket=waiting",
        "/inbox?bucket=done",
        f"/tasks/{site.tasks['hold_admission_meeting']}",
        "/start/",
        "/start/member_admission",
        "/matters/",
        f"/matters/{meeting}",
        f"/matters/{meeting}?tab=documents",
        f"/matters/{meeting}?tab=history",
        "/mine/",
        "/account",
        "/tasks/999999",
    ]


@BOTH
def test_the_login_page(visit: Visiting, size: str) -> None:
    visitor = visit(size)
    visitor.go("/login")
    visitor.check()


@BOTH
def test_the_pages_of_a_branch(visit: Visiting, site: Site, size: str) -> None:
    visitor = visit(size, login=site.logins["hold_admission_meeting"])
    for path in pages(site):
        assert visitor.go(path) in (200, 404)
        visitor.check()


@BOTH
def test_the_pages_of_an_applicant(visit: Visiting, site: Site, size: str) -> None:
    matter = site.matters["hold_admission_meeting"]
    visitor = visit(size, login=site.logins["subject:hold_admission_meeting"])
    for path in ("/mine/", f"/matters/{matter}", f"/matters/{matter}/messages/withdraw"):
        assert visitor.go(path) == 200
        visitor.check()


def test_dark_pages(visit: Visiting, site: Site) -> None:
    visitor = visit(login=site.logins["hold_admission_meeting"], dark=True)
    for path in pages(site)[:6]:
        visitor.go(path)
        visitor.check()


@BOTH
def test_large_print_is_kept_with_the_account(visit: Visiting, site: Site, size: str) -> None:
    visitor = visit(size, login="shiqiao.laodangyuan")
    visitor.go("/account")
    visitor.page.check("[name=large_print]")
    visitor.page.click("text=保存显示设置")
    visitor.page.wait_for_selector("html.large")
    for path in ("/inbox", "/matters/", "/account", "/mine/"):
        visitor.go(path)
        size_of_text = visitor.page.evaluate("getComputedStyle(document.body).fontSize")
        assert float(size_of_text.removesuffix("px")) >= 22
        visitor.check()


def test_what_can_be_pressed_is_large_enough(visit: Visiting, site: Site) -> None:
    visitor = visit("phone", login=site.logins["hold_admission_meeting"])
    for path in ("/inbox", f"/tasks/{site.tasks['hold_admission_meeting']}"):
        visitor.go(path)
        small = visitor.page.evaluate(
            """() => [...document.querySelectorAll(`.button, .choice, .sections a, .tabs a,
                 select, summary, input[type=text], input[type=date], input[type=search]`)]
               .filter(e => e.offsetParent && !e.closest('.unseen'))
               .map(e => [e.outerHTML.slice(0, 90), e.getBoundingClientRect().height])
               .filter(([, height]) => height < 43.5)"""
        )
        assert small == []


def test_a_print_of_a_record_has_no_navigation(visit: Visiting, site: Site) -> None:
    visitor = visit(login=site.logins["hold_admission_meeting"])
    visitor.go(f"/matters/{site.matters['hold_admission_meeting']}")
    visitor.page.emulate_media(media="print")
    assert visitor.page.locator(".sections").is_hidden()
    assert visitor.page.locator(".tabs").is_hidden()
    assert visitor.page.locator("h1").is_visible()
