"""The yearly assessment of a secretary: frozen figures, a vote on telephones, an appeal."""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from engine.attachments.operations import add_attachment
from engine.attachments.store import Store
from engine.clock import SystemClock
from engine.database import db, unit_of_work
from engine.directory.actors import load_actor
from engine.runtime import operations
from engine.runtime.models import Task
from tests.browser.conftest import PAPER, Site, Visiting, Visitor
from tests.browser.phones import Branch, hand_in, look, open_form, press, press_at_once
from tests.shipped import deploy_shipped

pytestmark = pytest.mark.browser

KEY = "assessment"
VOTERS = ("shuji", "zuzhi", "dangyuan1")


class Assessment:
    """The matter of a branch; what is not looked at is done by command."""

    def __init__(self, site: Site) -> None:
        self.site, self.clock = site, SystemClock()
        self.branch, self.town = Branch(site, "qingxi"), Branch(site, "zhen")
        self.days = {n: self.clock.today() - timedelta(days=n) for n in range(41)}
        with site.app.app_context(), unit_of_work() as session:
            deploy_shipped(session, self.clock, KEY)

    def start(self, **data: Any) -> None:
        """Decide on the plan: the superior starts the matter."""
        with self.site.app.app_context():
            actor = self._actor(self.town.people["zuzhi"])
            operations.start_instance(
                KEY,
                {**data, "plan_file": [self._file("考核方案")]},
                organisation_id=self.branch.organisation,
                subject_id=None,
                actor=actor,
                clock=self.clock,
                occurred_on=self.days[40],
            )
        self.branch.find_matter()

    def do(self, element: str, ago: int, data: Mapping[str, Any], *papers: str) -> None:
        """Record a step of the superior, ``ago`` days ago, with papers in fields of its form."""
        with self.site.app.app_context():
            actor = self._actor(self.town.people["zuzhi"])
            task = db.session.scalars(
                select(Task.id).where(
                    Task.instance_id == self.branch.matter,
                    Task.element == element,
                    Task.state == "open",
                )
            ).one()
            operations.complete_task(
                task,
                {**data, **{field: [self._file(field)] for field in papers}},
                actor=actor,
                clock=self.clock,
                occurred_on=self.days[ago],
            )

    def _actor(self, person: int) -> Any:
        return load_actor(db.session(), self.clock.today(), person_id=person)

    def _file(self, document: str) -> int:
        where = self.site.app.extensions["guicheng"]
        return add_attachment(
            self.clock,
            Store(where.data_dir / "attachments", where.attachment_max_bytes),
            io.BytesIO(PAPER["buffer"]),
            name="材料.pdf",
            document=document,
            person_id=self.town.people["zuzhi"],
            instance_id=self.branch.matter or None,
        ).id


def vote(phone: Visitor) -> None:
    """Fill in the ballot that the inbox asks for, up to the question whether one is sure."""
    phone.go("/inbox")
    phone.page.get_by_role("link", name="去投票").click()
    for row in phone.page.locator("fieldset.question").all():
        row.locator("input").first.check()
    look(phone, "k04_ballot")
    phone.page.get_by_role("button", name="下一步").click()
    expect(phone.page.locator("main")).to_contain_text("选票还没有投出")


def test_an_assessment_from_its_figures_to_the_appeal(visit: Visiting, site: Site) -> None:
    it = Assessment(site)
    branch, days = it.branch, it.days
    leaders = [it.town.people[who] for who in ("shuji", "zuzhi")]
    it.start(cycle=days[40].year, secretary=branch.people["shuji"], plan_text="现场述职。")

    # 02: another score needs a reason; both stay on the page of the frozen figures.
    above = visit(login=it.town.login("zuzhi"))
    above.go("/inbox")
    expect(above.page.locator("main")).to_contain_text("平时考核")
    open_form(above, branch.task("freeze_indicators"), days[30], {})
    first = above.page.locator("#f-indicators .item").first
    first.locator("summary", has_text="调整得分").click()
    first.locator("[name='indicators-0.score']").fill("7")
    above.check()
    press(above)
    expect(above.page.locator("#errors")).to_contain_text("理由")
    above.check()
    first.locator("[name='indicators-0.reason']").fill("有纸质记录，经核对属实。")
    press(above)
    expect(above.page.locator(".notice.done").first).to_be_visible()
    above.go(f"/matters/{branch.matter}")
    above.page.get_by_role("link", name="指标和依据").click()
    expect(above.page.locator("main")).to_contain_text("有纸质记录，经核对属实。")
    above.check()

    # 04: the secretary reports on the telephone.
    it.do("site_check", 28, {"checked_by": leaders, "check_result": "查阅台账，走访党员。"})
    phones = {who: visit("phone", login=branch.login(who)) for who in VOTERS}
    secretary = phones["shuji"]
    report = {
        "results": ["组织生活正常。"],
        "shortcomings": ["流动党员管理不够经常。"],
        "causes": ["联系制度没有落实到人。"],
        "next_plan": ["建立联系人制度。"],
        "last_rectification": ["上年度没有述职。"],
    }
    hand_in(secretary, branch.task("write_report"), days[25], report, "k02_report")

    # 07: three of the branch vote at the same moment; the superior closes the box and counts.
    opinion = {"review_opinion": "同意述职。", "report_way": "onsite", "leaders": leaders}
    it.do("review_report", 22, opinion)
    held = {"meeting_place": "镇政府会议室", "host": leaders[0], "attended": 30}
    it.do("onsite_report", 20, held, "onsite_minutes")
    problem = {"problem": "流动党员管理不够经常"}
    said = {"commented_by": leaders[0], "comments": "要加强管理。", "problems_found": [problem]}
    it.do("comment", 20, said)
    for phone in phones.values():
        vote(phone)
    confirm = "form button[name=_confirm]"
    press_at_once(list(phones.values()), confirm, ".receipt strong")
    address = branch.task("rating")
    above.go(address)
    above.page.get_by_role("link", name="名册、纸质票和计票").click()
    above.check()
    above.page.get_by_role("link", name="结束投票并计票").click()
    above.page.get_by_role("button", name="结束投票，开箱计票").click()
    expect(above.page.locator("#result")).to_be_visible()
    above.check()
    hand_in(above, address, days[0], {})

    # 08 to 09A: the meeting decides on the grade; the secretary objects on the telephone.
    grade = {
        "due_count": 9,
        "present_count": 8,
        "grade": "average",
        "overall_opinion": "问题整改有思路。",
        "graded_count": 10,
        "good_count": 3,
    }
    it.do("grade", 0, grade, "grade_minutes")
    told = {
        "feedback_text": "要加强管理。",
        "feedback_problems": [problem],
        "announced": "各党支部",
    }
    it.do("feedback", 0, told)
    objects = {"answer_feedback": ["appeal"], "appeal_reason": ["有两次活动没有登记。"]}
    secretary.go("/inbox")
    expect(secretary.page.locator("main")).to_contain_text("本人意见")
    hand_in(secretary, branch.task("answer_feedback"), days[0], objects, "k08_appeal")
    it.do("recheck", 0, {"recheck_result": "maintain", "recheck_reason": "登记情况已经考虑。"})

    # 10 and 11: what was found is in the list already; it ends in the ledger of rectification.
    address = branch.task("rectify")
    measure = {
        "items-0.owner": [str(branch.people["zuzhi"])],
        "items-0.measure": ["一名支委联系一名流动党员。"],
        "items-0.due": [str(it.clock.today() + timedelta(days=60))],
    }
    secretary.go(address)
    expect(secretary.page.locator("[name='items-0.problem']")).to_have_value(problem["problem"])
    hand_in(secretary, address, days[0], measure, "k10_items")
    secretary.go("/rectification/")
    expect(secretary.page.locator("main")).to_contain_text(problem["problem"])
    talk = {"talked_on": days[0].isoformat(), "talked_by": leaders[0]}
    it.do("use_results", 0, {**talk, "use_of_results": "约谈。", "improve_by": "六月底以前改进。"})
    status, outcome, broken = branch.now()
    assert (status, outcome, broken) == ("completed", "assessed", set())
    for visitor in (above, secretary):
        for tab in ("", "?tab=findings", "?tab=documents"):
            assert visitor.go(f"/matters/{branch.matter}{tab}") == 200
            visitor.check()
