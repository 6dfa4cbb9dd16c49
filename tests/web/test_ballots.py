"""Voting on the pages, without JavaScript: paper, confirmation, receipt; and who sees what."""

from __future__ import annotations

import re
from datetime import date
from html import unescape

import pytest
from sqlalchemy import func, select

from engine.ballots.models import BallotBox, BallotVoter
from engine.database import db, unit_of_work
from engine.definitions.operations import deploy_package
from engine.definitions.versions import load_definition
from engine.directory.models import Membership
from engine.forms.models import Draft
from engine.ledger.models import LedgerEntry
from engine.runtime import operations
from engine.runtime.models import Instance, Task
from engine.runtime.queries.records import read_trail, step_records
from tests.ballot_builder import ballot_package
from tests.web.conftest import Browser, World

CODE = re.compile(r'class="number">([0-9A-Z]{4}(?:-[0-9A-Z]{4}){3})<')


class Vote:
    """An open ballot of the office, in which worker, leader and deputy have a vote."""

    def __init__(self, world: World, **properties: str) -> None:
        self.world = world
        with unit_of_work() as unit:
            for name in ("worker", "leader", "deputy"):
                unit.add(
                    Membership(
                        person_id=world.people[name],
                        status="full",
                        since=date(2010, 1, 1),
                        organisation_id=world.office,
                        recorded_at=world.clock.now(),
                    )
                )
            deploy_package(unit, ballot_package(**properties), world.clock)
        more = {"actor": world.actor("leader"), "clock": world.clock}
        done = operations.start_instance(
            "review", {}, organisation_id=world.office, subject_id=None, **more
        )
        self.matter = done.instance_id
        self.task = next(iter(done.opened))

    @property
    def box(self) -> BallotBox:
        found: BallotBox = db.session.scalars(
            select(BallotBox)
            .execution_options(populate_existing=True)
            .order_by(BallotBox.id.desc())
        ).first()
        return found

    @property
    def url(self) -> str:
        return f"/ballots/{self.box.id}"

    def answers(self, grade: str = "qualified") -> dict[str, object]:
        filled: dict[str, object] = {
            f"c:grade.{value}": grade for value, _ in self.box.paper["questions"][0]["items"]
        }
        return {**filled, "c:work": "yes", "c:wishes": ["study", "meetings"]}

    def cast(self, browser: Browser, grade: str = "qualified"):
        browser.get(self.url)
        assert browser.post(self.url, self.answers(grade)).status_code == 200
        assert "选票还没有投出" in browser.page
        return browser.post(self.url, {**self.answers(grade), "_confirm": "1"})


@pytest.fixture
def vote(world: World) -> Vote:
    return Vote(world)


def code_of(page: str) -> str:
    found = CODE.search(page)
    assert found, page
    return found[1]


def test_a_voter_finds_the_ballot_votes_and_gets_a_receipt(vote: Vote) -> None:
    worker = vote.world.sign_in("worker")
    for page in ("/inbox", "/mine/"):
        worker.get(page)
        assert "请您投票：民主测评" in worker.page
    assert vote.cast(worker).status_code == 200
    assert "选票已投入票箱" in worker.page
    code = code_of(worker.page)
    worker.get("/inbox")
    assert "请您投票" not in worker.page
    worker.get(vote.url)
    assert "您已投票" in worker.page and code_of(worker.page) == code
    assert '<input type="radio"' not in worker.page


def test_an_incomplete_paper_comes_back_as_it_was_filled_in(vote: Vote) -> None:
    worker = vote.world.sign_in("worker")
    worker.get(vote.url)
    some = vote.answers()
    del some["c:work"]
    assert worker.post(vote.url, some).status_code == 422
    assert "选票还没有投入" in worker.page and "请选择一项" in worker.page
    assert worker.page.count(" checked") == len(some) + 1
    worker.post(vote.url, {**vote.answers(), "_back": "1"})
    assert worker.page.count(" checked") == len(some) + 2
    assert vote.box.sealed == b""


def test_a_double_submit_and_two_windows_give_one_ballot_and_one_message(vote: Vote) -> None:
    worker = vote.world.sign_in("worker")
    vote.cast(worker)
    code, sealed = code_of(worker.page), vote.box.sealed
    again = worker.post(vote.url, {**vote.answers("unqualified"), "_confirm": "1"})
    assert again.status_code == 409
    assert "这一次没有再计入" in worker.page and code_of(worker.page) == code
    elsewhere = vote.world.sign_in("worker")
    elsewhere.get(vote.url)
    assert "没有留存" in elsewhere.page and not CODE.search(elsewhere.page)
    assert elsewhere.post(vote.url, vote.answers("unqualified")).status_code == 409
    assert "以那台设备上显示的回执码为准" in elsewhere.page
    assert vote.box.sealed == sealed


def test_no_result_before_the_end_and_receipts_after_it(vote: Vote) -> None:
    worker, leader = vote.world.sign_in("worker"), vote.world.sign_in("leader")
    vote.cast(worker, "excellent")
    code = code_of(worker.page)
    vote.cast(leader, "excellent")
    for browser in (worker, leader):
        browser.get(vote.url)
        assert "计票结果" not in browser.page
    leader.get(vote.url + "/run")
    assert "计票结果" not in leader.page
    assert "名册 3 人，已投票或已领纸质票 2 人，还有 1 人" in leader.page
    leader.get(vote.url + "/close")
    assert leader.post(vote.url + "/close").status_code == 303
    leader.get(vote.url + "/run")
    assert "计票结果" in leader.page
    worker.get(vote.url)
    assert f"您的回执码 {code} 在下列名单中" in unescape(worker.page)
    assert "有效 2 ＋ 无效 0 ＋ 未交回 1 ＝ 发出 3" in worker.page
    deputy = vote.world.sign_in("deputy")
    deputy.get(vote.url)
    assert deputy.post(vote.url, vote.answers()).status_code == 200
    assert "计票结果" in deputy.page and vote.box.sealed == b""


def test_what_is_not_published_is_read_only_by_who_runs_it(world: World) -> None:
    vote = Vote(world, publish="false")
    worker, leader = world.sign_in("worker"), world.sign_in("leader")
    vote.cast(worker, "excellent")
    vote.cast(leader, "excellent")
    leader.get(f"/tasks/{vote.task}")
    assert "名册 3 人，已投票或已领纸质票 2 人" in leader.page
    assert (
        leader.post(
            f"/tasks/{vote.task}",
            {"_command": leader.hidden("_command"), "_occurred_on": "2026-11-22"},
        ).status_code
        == 303
    )
    worker.get(vote.url)
    assert "不在这里公布" in worker.page and "<td" not in worker.page
    leader.get(vote.url + "/run")
    assert "<td" in leader.page
    assert db.session.get(Task, vote.task, populate_existing=True).state == "completed"


def test_others_do_not_learn_that_there_is_a_ballot(vote: Vote) -> None:
    stranger = vote.world.sign_in("stranger")
    for path in (vote.url, vote.url + "/run", vote.url + "/paper", vote.url + "/close"):
        assert stranger.get(path).status_code == 404
    assert stranger.post(vote.url, {**vote.answers(), "_confirm": "1"}).status_code == 404
    stranger.get("/ballots/")
    assert "目前没有需要您投票的事项" in stranger.page


def test_voters_neither_see_the_roll_nor_close_the_ballot(vote: Vote) -> None:
    worker = vote.world.sign_in("worker")
    worker.get("/inbox")
    for path in ("/run", "/close", "/paper"):
        assert worker.get(vote.url + path).status_code == 403
    for path in ("/close", "/void", "/issue", "/tellers", "/admit", "/strike"):
        answer = worker.post(
            vote.url + path, {"people": vote.world.people["deputy"], "reason": "x"}
        )
        assert answer.status_code == 403, path
    assert vote.box.state == "open"


def test_two_tellers_enter_and_confirm_paper_ballots(vote: Vote) -> None:
    people = vote.world.people
    leader = vote.world.sign_in("leader")
    leader.get(vote.url + "/run")
    assert leader.post(vote.url + "/tellers", {"people": [people["worker"]]}).status_code == 303
    leader.get(vote.url + "/run")
    assert "计票人至少两名" in leader.page
    leader.post(vote.url + "/tellers", {"people": [people["worker"], people["deputy"]]})
    leader.post(vote.url + "/issue", {"people": [people["worker"], people["leader"]]})
    leader.get(vote.url + "/run")
    assert leader.page.count("已领纸质票") >= 2
    worker, deputy = vote.world.sign_in("worker"), vote.world.sign_in("deputy")
    worker.get(vote.url + "/paper")
    numbers = dict.fromkeys(re.findall(r'name="(n:[^"]+)"', worker.page), "0")
    numbers |= {"n:0.collected": "3", "n:0.invalid": "0"}
    assert worker.post(vote.url + "/paper", numbers).status_code == 422
    assert "多于发出的 2 张" in worker.page
    numbers |= {"n:0.collected": "2", "n:0.invalid": "二"}
    assert worker.post(vote.url + "/paper", numbers).status_code == 422
    numbers |= {"n:0.invalid": "2", "_act": "enter"}
    assert worker.post(vote.url + "/paper", numbers).status_code == 303
    worker.get(vote.url + "/paper")
    assert "须由另一名计票人核对" in worker.page and "核对无误" not in worker.page
    assert worker.post(vote.url + "/paper", {"_act": "confirm"}).status_code == 403
    deputy.get(vote.url + "/paper")
    assert "核对无误" in deputy.page
    assert deputy.post(vote.url + "/paper", {"_act": "confirm"}).status_code == 303
    leader.get(vote.url + "/close")
    leader.post(vote.url + "/close")
    assert vote.box.result["invalid"] == 2 and vote.box.result["issued"] == 3


def test_the_roll_changes_with_reasons_and_a_box_is_thrown_away(vote: Vote) -> None:
    leader = vote.world.sign_in("leader")
    leader.get(vote.url + "/run")
    deputy = vote.world.people["deputy"]
    leader.post(vote.url + "/strike", {"person": deputy, "reason": ""})
    leader.get(vote.url + "/run")
    assert "请写明理由" in leader.page
    leader.post(vote.url + "/strike", {"person": deputy, "reason": "转出"})
    leader.get(vote.url + "/run")
    assert "名册 2 人" in leader.page and "已划去" in leader.page
    leader.post(vote.url + "/admit", {"person": deputy, "category": "投票人", "reason": "转回"})
    leader.get(vote.url + "/run")
    assert "名册 3 人" in leader.page
    first = vote.box.id
    assert leader.post(vote.url + "/void", {"reason": "名册有误"}).status_code == 303
    leader.get(f"/tasks/{vote.task}")
    assert "票箱还没有开启" in leader.page
    assert leader.post(f"/ballots/open/{vote.task}/questionnaire").status_code == 303
    assert vote.box.id > first and vote.box.state == "open"


def test_casting_leaves_no_trace_beside_the_box(
    vote: Vote, capsys: pytest.CaptureFixture[str]
) -> None:
    entries = db.session.scalar(select(func.count()).select_from(LedgerEntry))
    worker = vote.world.sign_in("worker")
    entries = db.session.scalar(select(func.count()).select_from(LedgerEntry))
    capsys.readouterr()
    vote.cast(worker, "unqualified")
    code = code_of(worker.page)
    logged = "".join(capsys.readouterr())
    for secret in (code, code.replace("-", ""), "unqualified", "grade", "meetings"):
        assert secret not in logged
    assert db.session.scalar(select(func.count()).select_from(LedgerEntry)) == entries
    assert db.session.scalar(select(func.count()).select_from(Draft)) == 0
    line = db.session.get(
        BallotVoter, (vote.box.id, vote.world.people["worker"]), populate_existing=True
    )
    assert (line.way, line.voted_on) == ("electronic", date(2026, 11, 22))


def test_a_new_sign_in_in_the_same_browser_shows_no_foreign_receipt(vote: Vote) -> None:
    worker = vote.world.sign_in("worker")
    vote.cast(worker)
    worker.sign_in("worker")
    worker.get(vote.url)
    assert "您已投票" in worker.page and not CODE.search(worker.page)


def test_what_is_not_published_is_not_read_on_the_matter_s_page_either(world: World) -> None:
    vote = Vote(world, publish="false")
    worker, leader = world.sign_in("worker"), world.sign_in("leader")
    vote.cast(worker, "excellent")
    vote.cast(leader, "excellent")
    leader.get(f"/tasks/{vote.task}")
    leader.post(
        f"/tasks/{vote.task}", {"_command": leader.hidden("_command"), "_occurred_on": "2026-11-22"}
    )
    view = world.actor("worker")
    trail = read_trail(
        db.session(),
        load_definition(db.session(), db.session.get(Instance, vote.matter).version_id),
        vote.matter,
    )
    [record] = [r for r in step_records(trail, with_data=True, own_only=view.person_id) if r.data]
    assert "发出 3 张" in str(record.data) and "excellent" not in str(record.data)
    [whole] = [r for r in step_records(trail, with_data=True) if r.data]
    assert "excellent 2" in str(whole.data)
