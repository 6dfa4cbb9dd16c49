"""Doing tasks in a browser: with scripts the page helps while one types, without it works too."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PAPER, Site, Visiting

pytestmark = pytest.mark.browser


def test_the_meeting_page_says_what_the_numbers_mean_while_typing(
    visit: Visiting, site: Site
) -> None:
    visitor = visit("phone", login=site.logins["hold_admission_meeting"])
    page = visitor.page
    visitor.go(f"/tasks/{site.tasks['hold_admission_meeting']}")
    boxes = page.locator("#f-admission_attendance .choices input")
    due = boxes.count()
    for index in range(due - 1):
        boxes.nth(index).check()
    attendance = page.locator("#say-f-admission_attendance")
    expect(attendance).to_contain_text(f"应到 {due} 人，实到 {due - 1} 人，达到法定人数")
    needed = due // 2 + 1
    for name, value in (
        ("issued", due - 1),
        ("collected", due - 1),
        ("for", needed - 1),
        ("against", due - 1 - (needed - 1)),
        ("abstain", 0),
    ):
        page.fill(f"[name='admission_vote.{name}']", str(value))
    vote = page.locator("#say-f-admission_vote")
    expect(vote).to_contain_text(f"赞成须 {needed} 票，现 {needed - 1} 票，未通过")
    page.fill("[name='admission_vote.for']", str(due + 5))
    expect(vote).to_contain_text("多于收回的")
    expect(page.locator("#saved")).to_contain_text("已自动保存")
    visitor.check()

    page.reload()
    expect(page.locator("[name='admission_vote.for']")).to_have_value(str(due + 5))


def test_mistakes_stand_on_top_with_links_and_at_the_field(visit: Visiting, site: Site) -> None:
    visitor = visit(login=site.logins["hold_admission_meeting"])
    page = visitor.page
    visitor.go(f"/tasks/{site.tasks['hold_admission_meeting']}")
    page.evaluate("document.getElementById('task-form').noValidate = true")
    page.click(".foot .primary")
    errors = page.locator("#errors")
    expect(errors).to_be_focused()
    link = errors.locator("a").first
    target = link.get_attribute("href")
    assert target
    assert page.locator(target).count() == 1
    visitor.check()


def test_hidden_questions_follow_the_answers(visit: Visiting, site: Site) -> None:
    visitor = visit(login=site.logins["hold_admission_meeting"])
    page = visitor.page
    visitor.go(f"/tasks/{site.tasks['hold_admission_meeting']}")
    page.check("[name=admission_ballot][value=postponed]")
    expect(page.locator("#f-admission_vote")).to_be_hidden()
    page.check("[name=admission_ballot][value=held]")
    expect(page.locator("#f-admission_vote")).to_be_visible()


def test_a_file_is_taken_in_as_soon_as_it_is_chosen(visit: Visiting, site: Site) -> None:
    visitor = visit(login=site.logins["hold_admission_meeting"])
    page = visitor.page
    visitor.go(f"/tasks/{site.tasks['hold_admission_meeting']}")
    page.set_input_files("input[type=file]", {**PAPER, "buffer": b"MZ"})
    expect(page.locator("text=的内容不是 PDF")).to_be_visible()
    page.set_input_files("input[type=file]", PAPER)
    expect(page.locator(".files >> text=会议记录.pdf").first).to_be_visible()
    visitor.check()


def test_the_first_talk_is_recorded_without_javascript(visit: Visiting, site: Site) -> None:
    visitor = visit("phone", login=site.logins["first_talk"], script=False)
    page = visitor.page
    visitor.go(f"/tasks/{site.tasks['first_talk']}")
    page.locator("[name=talkers]").first.check()
    for box in page.locator("textarea, input[type=text]").all():
        if box.is_visible() and not box.input_value():
            box.fill("情况清楚。")
    page.set_input_files("input[type=file]", PAPER)
    page.click(".foot .primary")
    assert page.locator("#errors").count() == 0, page.locator("#errors").inner_text()
    expect(page.locator(".notice.done").first).to_contain_text("已办结")


def test_pressing_twice_is_pressing_once(visit: Visiting, site: Site) -> None:
    visitor = visit(login=site.logins["hold_admission_meeting"])
    page = visitor.page
    visitor.go(f"/tasks/{site.tasks['hold_admission_meeting']}")
    sent: list[str] = []
    page.on("request", lambda r: sent.append(r.url) if r.method == "POST" else None)
    page.evaluate(
        """() => { const form = document.getElementById('task-form'); form.noValidate = true;
             const button = form.querySelector('.foot .primary');
             button.click(); button.click(); }"""
    )
    page.wait_for_selector("#errors")
    posts = [url for url in sent if url.endswith(str(site.tasks["hold_admission_meeting"]))]
    assert len(posts) == 1


def test_an_expired_session_is_said_where_one_types(visit: Visiting, site: Site) -> None:
    visitor = visit(login=site.logins["hold_admission_meeting"])
    page = visitor.page
    visitor.go(f"/tasks/{site.tasks['hold_admission_meeting']}")
    page.context.clear_cookies()
    page.evaluate("document.getElementById('task-form').noValidate = true")
    page.click(".foot .primary")
    expect(page.locator("h1")).to_contain_text("请重新登录")
    visitor.check()


def test_keys_lead_through_the_inbox(visit: Visiting, site: Site) -> None:
    visitor = visit(login=site.logins["hold_admission_meeting"])
    page = visitor.page
    visitor.go("/inbox")
    page.keyboard.press("/")
    expect(page.locator("#search")).to_be_focused()
    page.keyboard.press("Escape")
    page.locator("h1").click()
    page.keyboard.press("j")
    expect(page.locator("[data-rows] .what a").first).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/tasks/*")
