"""The yearly review of a branch, on telephones: many hand in and vote at the same moment."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from engine.clock import SystemClock
from engine.database import unit_of_work
from tests.browser.conftest import PAPER, Site, Visiting, Visitor
from tests.browser.phones import (
    Branch,
    hand_in,
    look,
    open_form,
    press,
    press_at_once,
    shoot,
)
from tests.shipped import deploy_shipped

pytestmark = pytest.mark.browser

KEY = "democratic_review"
GO = "#task-form .foot .primary"
MEMBERS = ("shuji", "zuzhi", "xuanchuan", "dangyuan1", "dangyuan2")
VOTERS = ("zuzhi", "dangyuan1", "dangyuan2", "yubei1", "shuji")
PHONES = ("zuzhi", "dangyuan1", "dangyuan2", "yubei1")


def grade(visitor: Visitor, branch: Branch, grades: dict[str, tuple[str, ...]]) -> None:
    """Tick who gets which grade."""
    for name in ("excellent", "qualified", "basic", "unqualified"):
        wanted = {str(branch.people[who]) for who in grades.get(name, ())}
        for box in visitor.page.locator(f"[name={name}]").all():
            box.set_checked(box.get_attribute("value") in wanted)


def give_opinions(lead: Visitor) -> None:
    """Say something of everybody who is graded, and add the minutes."""
    rows = lead.page.locator("#f-opinions .item")
    expect(rows).to_have_count(len(MEMBERS))
    for row in range(len(MEMBERS)):
        lead.page.fill(f"[name='opinions-{row}.opinion']", "履行义务较好。")
    lead.page.set_input_files("input[type=file]", PAPER)
    expect(lead.page.locator(".files >> text=会议记录.pdf").first).to_be_visible()


def test_a_review_by_six_at_their_telephones(visit: Visiting, site: Site) -> None:
    clock = SystemClock()
    today = clock.today()
    first, held = today - timedelta(days=40), today - timedelta(days=20)
    with site.app.app_context(), unit_of_work() as session:
        deploy_shipped(session, clock, KEY)
    branch = Branch(site, "xijie")
    ids = {who: str(number) for who, number in branch.people.items()}
    phone = {who: visit("phone", login=branch.login(who)) for who in ("shuji", *PHONES)}
    lead = phone["shuji"]

    # 01 and 02: who takes part, what the committee reports.
    study = {
        "review_year": [str(first.year)],
        "sessions-0.held_on": [str(first)],
        "sessions-0.content": ["学习党章和评议要求"],
        "reviewed": [ids[who] for who in (*MEMBERS, "yubei1")],
        "graded": [ids[who] for who in MEMBERS],
        "not_graded_reason": ["长期在外的党员在流入地参加评议。"],
    }
    hand_in(lead, f"/start/{KEY}", first, study, "r01_study")
    branch.find_matter()
    report = {"report_summary": ["全年工作完成。"], "last_rectification": ["三个问题已经整改。"]}
    hand_in(lead, branch.task("secretary_report"), held, report)

    # 03: four write at once, each their own; the branch enters what one wrote on paper.
    own = {
        "given": ["given"],
        "self_text": ["对照标准，履行了党员义务。"],
        "self_problems": ["学习不够系统，今后每周自学。"],
    }
    for who in PHONES:
        phone[who].go("/inbox")
        expect(phone[who].page.locator("main")).to_contain_text("个人自评")
        open_form(phone[who], branch.task("self_assess", who), held, own)
    look(phone["yubei1"], "r03_self")
    press_at_once([phone[who] for who in PHONES], GO)
    for who in PHONES:
        assert phone[who].page.locator(".error-page, #errors").count() == 0, who
    assert branch.recorded("self_assess") == len(PHONES)
    lead.go(f"/matters/{branch.matter}")
    expect(lead.page.locator(".roll")).to_contain_text("已办 4 人")
    look(lead, "r05_missing")
    lead.page.get_by_role("button", name="提醒全部未办的人").click()
    expect(lead.page.locator("main")).to_contain_text("已提醒全部未办的人")
    absent = {"given": ["absent"], "absent_reason": ["在外地治病。"]}
    hand_in(lead, branch.task("self_assess", "xuanchuan"), held, absent)
    hand_in(lead, branch.task("self_assess", "shuji"), held, own)

    # 04: what they say of each other.
    open_form(phone["zuzhi"], branch.task("peer_review"), held, {"peer_place": ["branch"]})
    page, rows = phone["zuzhi"].page, phone["zuzhi"].page.locator("#f-comments .item")
    expect(rows).to_have_count(len(MEMBERS) + 1)
    look(phone["zuzhi"], "r06_peers")
    for _ in MEMBERS:  # of all but one there is nothing to say
        before = rows.count()
        rows.last.locator("button[name=_remove]").click()
        expect(rows).to_have_count(before - 1)
    page.fill("[name='comments-0.comment']", "工作踏实，还要多提建议。")
    press(phone["zuzhi"])
    expect(page.locator(".notice.done").first).to_be_visible()

    # 05: five put their papers in at the same moment, one of them presses twice.
    for who in VOTERS:
        page = phone[who].page
        phone[who].go("/inbox")
        page.get_by_role("link", name="去投票").click()
        questions = page.locator("fieldset.question")
        expect(questions.first).to_be_visible()
        for row in page.locator("fieldset.question:has(input[type=radio])").all():
            row.locator("input").first.check()
        if who == "yubei1":
            look(phone[who], "r08_paper")
        page.get_by_role("button", name="下一步").click()
        expect(page.locator("main")).to_contain_text("选票还没有投出")
    look(phone["yubei1"], "r09_confirm")
    confirm = "form button[name=_confirm]"
    twice = phone["dangyuan2"].page
    twice.evaluate(
        """selector => document.querySelector(selector).addEventListener('click',
             () => setTimeout(() => document.querySelector(selector)?.click(), 5))""",
        confirm,
    )
    press_at_once([phone[who] for who in VOTERS], confirm, ".receipt strong")
    codes = [phone[who].page.locator(".receipt strong").inner_text() for who in VOTERS]
    assert len(set(codes)) == len(VOTERS)
    assert all(re.fullmatch(r"[0-9A-Z]{4}(-[0-9A-Z]{4}){3}", code) for code in codes)
    look(phone["yubei1"], "r10_receipt")
    address = branch.task("questionnaire")
    lead.go(address)
    lead.page.get_by_role("link", name="名册、纸质票和计票").click()
    expect(lead.page.locator("main")).to_contain_text("还有 1 人")
    lead.page.get_by_role("link", name="结束投票并计票").click()
    lead.page.get_by_role("button", name="结束投票，开箱计票").click()
    expect(lead.page.locator("#result")).to_be_visible()
    look(lead, "r13_counted")
    hand_in(lead, address, today, {})
    voter = phone["yubei1"]
    voter.go(voter.page.url.removeprefix(site.url))
    expect(voter.page.locator("main")).to_contain_text(f"您的回执码 {codes[3]} 在下列名单中")
    look(voter, "r15_my_receipt")

    # 06: somebody is left out, which is refused; one too many is excellent, which is said.
    address = branch.task("grade_members")
    minutes = {"decided_by": ["committee"], "feedback_to": [ids[who] for who in MEMBERS]}
    open_form(lead, address, today, minutes)
    give_opinions(lead)
    grade(lead, branch, {"excellent": ("shuji", "dangyuan1"), "qualified": ("zuzhi", "dangyuan2")})
    look(lead, "r16_grades")
    press(lead)
    expect(lead.page.locator("#errors")).to_contain_text("不能遗漏")
    several = {"qualified": ("zuzhi", "xuanchuan", "dangyuan2")}
    grade(lead, branch, {"excellent": ("shuji", "dangyuan1"), **several})
    press(lead)
    shoot(lead, "r18_too_many")
    assert branch.now()[2] == {"R-DR-05"}
    lead.go(f"/matters/{branch.matter}?tab=findings")
    expect(lead.page.locator("main")).to_contain_text("取整为 1 人，已经超过")
    expect(lead.page.locator("main")).to_contain_text("第十八条")
    look(lead, "r19_finding")

    # 07: each is told, at once, and says what he thinks of it; one does not agree.
    agrees = {"talked_by": [ids["shuji"]], "accepts": ["accept"]}
    objects = {**agrees, "accepts": ["object"], "objection": ["优秀的名额应当留给一线同志。"]}
    three = ("zuzhi", "dangyuan1", "dangyuan2")
    for who in three:
        phone[who].go("/inbox")
        expect(phone[who].page.locator("main")).to_contain_text("反馈本人")
        if who == "zuzhi":  # who leads too sees whose each of them is
            look(phone[who], "r20_inbox")
        said = objects if who == "dangyuan1" else agrees
        open_form(phone[who], branch.task("give_feedback", who), today, said)
    look(phone["dangyuan1"], "r20_feedback")
    press_at_once([phone[who] for who in three], GO)
    assert branch.recorded("give_feedback") == 3
    for who in ("shuji", "xuanchuan"):
        hand_in(lead, branch.task("give_feedback", who), today, agrees)
    settled = {"objecting": [ids["dangyuan1"]], "regrade": ["again"], "settle_note": ["复核属实。"]}
    hand_in(lead, branch.task("settle_feedback"), today, settled)

    # 06 again, within the cap, for a reason; the one whose grade has changed is told.
    again = {
        "decided_by": ["committee"],
        "change_reason": ["优秀超过三分之一，经会议重新评定。"],
        "feedback_to": [ids["shuji"]],
    }
    open_form(lead, branch.task("grade_members"), today, again)
    give_opinions(lead)
    grade(
        lead, branch, {"excellent": ("dangyuan1",), "qualified": ("shuji", *several["qualified"])}
    )
    press(lead)
    expect(lead.page.locator(".notice.done").first).to_be_visible()
    hand_in(lead, branch.task("give_feedback", "shuji"), today, agrees)
    settled = {"regrade": ["none"]}
    hand_in(lead, branch.task("settle_feedback"), today, settled)

    # 08 and 09: the numbers are filled in already; the matter ends.
    address = branch.task("report_superior")
    lead.go(address)
    for name, number in {"n_excellent": "1", "n_qualified": "4", "n_unqualified": "0"}.items():
        expect(lead.page.locator(f"[name={name}]")).to_have_value(number)
    hand_in(lead, address, today, {"report_text": ["评议按程序进行。"]})
    hand_in(lead, branch.task("use_results"), today, {"praise": ["大会表扬。"]}, "r24_use")
    status, outcome, broken = branch.now()
    assert (status, outcome) == ("completed", "reviewed")
    assert broken == {"R-DR-05"}
    for who, tab in (("shuji", ""), ("yubei1", ""), ("shuji", "?tab=findings")):
        assert phone[who].go(f"/matters/{branch.matter}{tab}") == 200
        look(phone[who], f"r25_matter_{who}{tab[5:]}")
