"""A members' meeting at telephones, from its agenda to what became of it, by several at once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from engine.clock import SystemClock
from engine.database import db, unit_of_work
from engine.demo.people import PASSWORD
from engine.directory.voting import voters
from tests.browser.conftest import Site, Visiting
from tests.browser.phones import Branch, add_row, hand_in, look, open_form, press, press_at_once
from tests.shipped import deploy_shipped

pytestmark = pytest.mark.browser

KEY = "members_meeting"
GO = "#task-form .foot .primary"


def sign_in(page: Page, login: str) -> None:
    """Sign in on the page that asks for it."""
    page.fill("#login", login)
    page.fill("#password", PASSWORD)
    page.click("form:has(#password) button")
    page.wait_for_selector("header .me")


def test_a_members_meeting_at_three_telephones(visit: Visiting, site: Site) -> None:
    clock = SystemClock()
    today = clock.today()
    before, held, after = (today - timedelta(days=n) for n in (7, 2, 1))
    branch = Branch(site, "qingxi")
    with site.app.app_context():
        with unit_of_work() as session:
            deploy_shipped(session, clock, KEY)
        place = branch.organisation
        due = [str(voter.id) for voter in voters(db.session(), place, held)]
        db.session.rollback()
    chair, organiser, third = (
        visit("phone", login=branch.login(who)) for who in ("shuji", "zuzhi", "xuanchuan")
    )
    secretary, writer = str(branch.people["shuji"]), str(branch.people["zuzhi"])
    absent = due[-2:]

    # The agenda: started by the secretary.
    chair.go("/start/")
    expect(chair.page.locator("main")).to_contain_text("党员大会")
    look(chair, "m01_start")
    agenda = {
        "planned_on": [str(held)],
        "place": ["支部会议室"],
        "topics-0.topic": ["研究支部年度工作"],
        "votes_planned": ["yes"],
        "vote_matters": ["major"],
    }
    # The sign-in runs out while she types; there is no draft yet, but nothing is lost.
    open_form(chair, f"/start/{KEY}", before, agenda)
    page = chair.page
    look(chair, "m02_agenda")
    page.context.clear_cookies()
    page.fill("[name=place]", "村委会会议室")
    expect(page.locator("#saved")).to_contain_text("没有保存")
    page.click(".foot .primary")
    expect(page.locator("h1")).to_contain_text("请重新登录")
    look(chair, "m02_login")
    with page.expect_popup() as opened:
        page.click(".error-page .primary")
    sign_in(opened.value, branch.login("shuji"))
    opened.value.close()
    page.get_by_role("button", name="已经登录，继续提交").click()
    page.get_by_role("button", name="确认是我本人操作，继续提交").click()
    expect(page.locator(".notice.done").first).to_be_visible()
    branch.find_matter()

    # The notice: two fill it in and press together; one of them wins, the other is told.
    notice = {
        "meets_at": ["上午九时"],
        "meets_where": ["支部会议室"],
        "notice_ways": ["message"],
    }
    both = [organiser, third]
    for visitor in both:
        visitor.go("/inbox")
        expect(visitor.page.locator("main")).to_contain_text("会议通知")
        open_form(visitor, branch.task("send_notice"), before, notice)
    press_at_once(both, GO)
    assert branch.recorded("send_notice") == 1
    lost = [v for v in both if v.page.locator(".error-page").count()]
    assert len(lost) == 1
    (loser,) = lost
    expect(loser.page.locator(".lead")).to_have_count(1)
    look(loser, "m04_lost")
    loser.page.click(".error-page .primary")
    expect(loser.page.locator("main")).to_contain_text("已经办结或收回")

    # The roll: the sign-in runs out while one types; what was typed is there again.
    roll = {
        **{f"roll.{one}": ["present"] for one in due if one not in absent},
        "chaired_by": [secretary],
        "recorder": [writer],
    }
    address = branch.task("roll_call")
    open_form(organiser, address, held, roll)
    page = organiser.page
    for row, one in enumerate(absent):
        add_row(organiser, "absences")
        page.select_option(f"[name='absences-{row}.absent']", one)
        page.select_option(f"[name='absences-{row}.absence_reason']", "leave")
    expect(page.locator("#say-f-roll")).to_contain_text("达到法定人数")
    page.check("[name=make_up_needed][value=yes]")
    expect(page.locator("#saved")).to_contain_text("已自动保存")
    look(organiser, "m06_roll")
    page.context.clear_cookies()
    page.fill("[name=guests]", "镇党委组织委员列席指导。")
    expect(page.locator("#saved")).to_contain_text("没有保存")
    look(organiser, "m07_expired")
    page.click(GO)
    expect(page.locator("h1")).to_contain_text("请重新登录")
    page.click(".error-page .primary")
    sign_in(page, branch.login("zuzhi"))
    page.wait_for_url(f"**{address}")
    expect(page.locator("[name='absences-1.absent']")).to_have_value(absent[1])
    press(organiser)
    assert branch.recorded("roll_call") == 1

    # The discussion: a double tap counts once, and the button back leads to what there is now.
    third.go("/inbox")
    talk = {"discussion": ["意见一致，同意提交表决。"], "ballot_now": ["held"]}
    open_form(third, branch.task("discuss"), held, talk)
    look(third, "m10_discuss")
    page = third.page
    page.evaluate(
        """selector => { document.body.dataset.before = '1';
             const button = document.querySelector(selector); button.click(); button.click();
             document.getElementById('task-form').submit(); }""",
        GO,
    )
    page.wait_for_selector("body:not([data-before])")
    page.go_back()
    expect(page.locator("main")).to_contain_text("已经办结或收回")
    assert branch.recorded("discuss") == 1

    # The vote: more hands than people are refused, with the numbers; half is not enough.
    present = len(due) - len(absent)
    vote = {
        "motion": ["年度工作安排"],
        "matter_type": ["major"],
        "vote_way": ["hands"],
        "vote.for": [str(present)],
        "vote.against": ["3"],
        "vote.abstain": ["0"],
        "another_vote": ["no"],
    }
    address = branch.task("hold_vote")
    open_form(chair, address, held, vote)
    press(chair)
    expect(chair.page.locator("#errors")).to_contain_text("表决结果")
    look(chair, "m12_refused")
    hand_in(chair, address, held, {"vote.against": ["0"]}, "m13_vote")

    # Resolution and minutes; two look on, the chair sends the minutes back once.
    signed = {"resolution": ["会议通过年度工作安排。"], "resolution_signer": [secretary]}
    hand_in(chair, branch.task("make_resolution"), held, signed)
    minutes = {"minutes": ["按议程进行。"], "minutes_writer": [writer]}
    minutes["follow_up_needed"] = ["yes"]
    hand_in(organiser, branch.task("write_minutes"), held, minutes)
    chair.go(branch.task("sign_minutes"))
    page = chair.page
    page.get_by_text("退回…").click()
    page.fill("#send-back-reason", "请补写讨论意见。")
    look(chair, "m16_send_back")
    page.get_by_role("button", name="确认退回").click()
    expect(page.locator("main")).to_contain_text("已退回")
    organiser.go("/inbox")
    organiser.go(branch.task("write_minutes"))
    expect(organiser.page.locator("main")).to_contain_text("请补写讨论意见")
    expect(organiser.page.locator("[name=minutes]")).to_have_value("按议程进行。")
    minutes["minutes"] = ["按议程进行。发言两人，意见一致。"]
    hand_in(organiser, branch.task("write_minutes"), held, minutes)
    hand_in(chair, branch.task("sign_minutes"), after, {"minutes_signer": [secretary]})

    # Who was absent catches up; then what became of it.
    address = branch.task("make_up")
    rows = {
        "made_up-0.made_up_by": [absent[0]],
        "made_up-0.made_up_on": [str(after)],
        "made_up-0.made_up_way": ["reading"],
    }
    open_form(third, address, after, rows)
    add_row(third, "made_up")
    for name, value in rows.items():
        box = third.page.locator(f"[name='{name.replace('-0', '-1')}']")
        if name.endswith("_on"):
            box.fill(value[0])
        else:
            box.select_option(absent[1] if name.endswith("_by") else value[0])
    look(third, "m20_make_up")
    press(third)
    assert branch.recorded("make_up") == 1
    done = {
        "tasks-0.task": ["年度工作安排下发"],
        "tasks-0.owner": ["组织委员"],
        "tasks-0.state": ["done"],
    }
    hand_in(organiser, branch.task("follow_up"), after, done, "m21_follow_up")
    assert branch.now() == ("completed", "held", set())
    for visitor, tab in ((chair, ""), (third, "?tab=diagram"), (organiser, "?tab=documents")):
        assert visitor.go(f"/matters/{branch.matter}{tab}") == 200
        look(visitor, f"m22_matter{tab[5:]}")
    expect(chair.page.locator("main")).to_contain_text("会议记录审签")
