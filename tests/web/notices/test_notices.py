"""The pages of notices, without JavaScript, for whom they are and for nobody else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from flask_babel import refresh
from sqlalchemy import select, text, update

from engine.database import db, unit_of_work
from engine.directory.models import Account, Post
from engine.directory.tokens import create_token
from engine.notifications.delivering import deliver
from engine.notifications.models import Delivery, NoticePreference
from engine.notifications.sweeping import sweep_notices
from engine.settings import Settings
from tests.engine.notifications.receivers import MailServer, mail_server
from tests.factories import make_administrator
from tests.web.conftest import World


@pytest.fixture
def boxes() -> Iterator[MailServer]:
    """A mail server without encryption."""
    with mail_server() as server:
        yield server


@pytest.fixture
def told(world: World, boxes: MailServer) -> Iterator[World]:
    """The office, with mail and an administrator; what was before is not told."""
    kept: Settings = world.app.extensions["guicheng"]
    world.app.extensions["guicheng"] = replace(
        kept,
        smtp_host="127.0.0.1",
        smtp_port=boxes.port,
        smtp_tls="none",
        mail_from="guicheng@example.org",
    )
    make_administrator(world.people["deputy"], world.office)
    sweep(world)
    yield world
    world.app.extensions["guicheng"] = kept


def sweep(world: World) -> None:
    world.clock.set(world.clock.now() + timedelta(seconds=40))
    sweep_notices(world.app.extensions["guicheng"], world.clock)


def send_all(world: World) -> None:
    db.session.rollback()
    for number in db.session.scalars(select(Delivery.id).order_by(Delivery.id)).all():
        deliver(number, settings=world.app.extensions["guicheng"], clock=world.clock)


def some_news(world: World) -> int:
    world.clock.set(world.clock.now() + timedelta(seconds=40))
    _, task = world.start("worker")
    sweep(world)
    return task


def test_the_frame_counts_what_is_unread(told: World) -> None:
    leader = told.sign_in("leader")
    leader.get("/inbox")
    assert "通知：0 条未读" in leader.page
    some_news(told)
    leader.get("/inbox")
    assert "通知：1 条未读" in leader.page
    assert re.search(r'class="me bell".*<b>1</b>', leader.page)
    worker = told.sign_in("worker")
    worker.get("/inbox")
    assert "通知：0 条未读" in worker.page


def test_a_line_leads_to_its_task_and_is_read_then(told: World) -> None:
    task = some_news(told)
    leader = told.sign_in("leader")
    leader.get("/notices")
    assert "有新的待办" in leader.page
    assert "万小云" in leader.page
    found = re.search(r'href="(/notices/\d+)"', leader.page)
    assert found
    response = leader.get(found[1])
    assert (response.status_code, response.location) == (303, f"/tasks/{task}")
    leader.get("/notices")
    assert "通知：0 条未读" in leader.page
    assert "is-unread" not in leader.page
    leader.get("/notices?unread=1")
    assert "没有未读的通知" in leader.page


def test_marking_one_and_all_as_read(told: World) -> None:
    for name in ("worker", "deputy"):
        told.clock.set(told.clock.now() + timedelta(seconds=40))
        told.start(name)
    sweep(told)
    leader = told.sign_in("leader")
    leader.get("/notices")
    found = re.search(r'action="(/notices/\d+/read)"', leader.page)
    assert found
    assert leader.post(found[1]).status_code == 303
    leader.get("/notices")
    assert "通知：1 条未读" in leader.page
    assert leader.post("/notices/read").status_code == 303
    leader.get("/notices")
    assert "全部通知已标为已读" in leader.page
    assert "通知：0 条未读" in leader.page


def test_nobody_reaches_another_s_line(told: World) -> None:
    some_news(told)
    leader, stranger = told.sign_in("leader"), told.sign_in("stranger")
    leader.get("/notices")
    found = re.search(r'href="(/notices/\d+)"', leader.page)
    assert found
    stranger.get("/notices")
    assert "还没有通知" in stranger.page
    assert stranger.get(found[1]).status_code == 404
    stranger.get("/notices")
    assert stranger.post(f"{found[1]}/read").status_code == 404
    leader.get("/notices")
    assert "通知：1 条未读" in leader.page


def test_who_lost_the_right_to_see_it_sees_no_name(told: World) -> None:
    some_news(told)
    with unit_of_work() as session:
        session.execute(
            Post.__table__.update()
            .where(Post.person_id == told.people["leader"])
            .values(until=told.clock.today() - timedelta(days=1))
        )
    leader = told.sign_in("leader")
    leader.get("/notices")
    assert "您已无权查看该事项" in leader.page
    assert "万小云" not in leader.page


def test_what_is_done_comes_to_rest_when_the_list_is_opened(told: World) -> None:
    task = some_news(told)
    with unit_of_work() as session:
        session.execute(text("UPDATE task SET state = 'completed' WHERE id = :id"), {"id": task})
    leader = told.sign_in("leader")
    leader.get("/notices")
    assert "已无需办理" in leader.page
    assert "通知：0 条未读" in leader.page


def test_an_address_counts_once_its_code_came_back(told: World, boxes: MailServer) -> None:
    leader = told.sign_in("leader")
    leader.get("/notices/settings")
    assert leader.post("/notices/settings/email", {"email": "not an address"}).status_code == 422
    assert "请填写正确的邮箱地址" in leader.page
    leader.post("/notices/settings/email", {"email": "leader@example.org"})
    send_all(told)
    (mail,) = boxes.mails
    found = re.search(r"\d{6}", mail.get_content())
    assert found
    code = found[0]
    wrong = "000000" if code != "000000" else "111111"
    leader.get("/notices/settings")
    assert leader.post("/notices/settings/email/confirm", {"code": wrong}).status_code == 422
    assert "验证码不对" in leader.page
    assert leader.post("/notices/settings/email/confirm", {"code": code}).status_code == 303
    leader.get("/notices/settings")
    assert "leader@example.org" in leader.page
    assert "已确认" in leader.page
    # Used up: it confirms nothing a second time.
    assert leader.post("/notices/settings/email/confirm", {"code": code}).status_code == 422
    leader.post("/notices/settings/email/forget")
    leader.get("/notices/settings")
    assert "leader@example.org" not in leader.page


def test_a_code_ends_after_half_an_hour_and_after_five_tries(
    told: World, boxes: MailServer
) -> None:
    leader = told.sign_in("leader")
    leader.get("/notices/settings")

    def ask() -> str:
        leader.post("/notices/settings/email", {"email": "leader@example.org"})
        send_all(told)
        found = re.search(r"\d{6}", boxes.mails[-1].get_content())
        assert found
        return found[0]

    def answer(code: str) -> int:
        return leader.post("/notices/settings/email/confirm", {"code": code}).status_code

    code = ask()
    told.clock.set(told.clock.now() + timedelta(minutes=30))
    assert answer(code) == 422
    code = ask()
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"
    assert [answer(wrong) for _ in range(5)] == [422] * 5
    assert answer(code) == 422
    code = ask()
    told.clock.set(told.clock.now() + timedelta(minutes=29, seconds=59))
    assert answer(code) == 303
    for _ in range(2):
        ask()
    response = leader.post("/notices/settings/email", {"email": "leader@example.org"})
    assert response.status_code == 422
    assert "今天发送的验证码太多" in leader.page


def test_choices_are_kept_and_what_is_expressly_asked_stays(told: World) -> None:
    leader = told.sign_in("leader")
    leader.get("/notices/settings")
    chosen = {
        "page": ["moved"],
        "mail": ["opened"],
        "mode": "instant",
        "quiet_from": "22:00",
        "quiet_until": "07:00",
    }
    assert leader.post("/notices/settings", chosen).status_code == 303
    row = db.session.get(NoticePreference, told.people["leader"], populate_existing=True)
    assert row is not None
    assert (row.mode, str(row.quiet_from), str(row.quiet_until)) == (
        "instant",
        "22:00:00",
        "07:00:00",
    )
    assert "opened" in row.page_off and "moved" not in row.page_off
    assert not {"delegated", "reminded", "asked", "incident"} & set(row.page_off)
    assert "opened" not in row.mail_off and "moved" in row.mail_off
    leader.get("/notices/settings")
    assert 'value="22:00"' in leader.page
    for change in ({"quiet_until": ""}, {"quiet_from": "noon"}, {"mode": "always"}):
        assert leader.post("/notices/settings", chosen | change).status_code == 422


def test_channels_are_for_administrators(told: World) -> None:
    leader = told.sign_in("leader")
    assert leader.get("/admin/channels").status_code == 404
    assert leader.post("/admin/channels/webhooks", {}).status_code in (400, 403, 404)
    chief = told.sign_in("deputy")
    assert chief.get("/admin/channels").status_code == 200
    robot = {
        "organisation": str(told.office),
        "name": "办公室群",
        "format": "wecom",
        "url": "https://10.0.0.1/hook?key=4711",
        "kinds": ["opened"],
    }
    assert chief.post("/admin/channels/webhooks", robot).status_code == 422
    assert "不能填写内部网络的地址" in chief.page
    robot["url"] = "https://qyapi.example.org/hook?key=4711"
    assert chief.post("/admin/channels/webhooks", robot).status_code == 303
    chief.get("/admin/channels")
    assert "办公室群" in chief.page and "qyapi.example.org" in chief.page
    assert "4711" not in chief.page
    found = re.search(r'action="(/admin/channels/webhooks/\d+)/remove"', chief.page)
    assert found
    leader.get("/notices")
    assert leader.post(f"{found[1]}/remove").status_code == 404
    assert chief.post(f"{found[1]}/test").status_code == 303
    assert chief.post(f"{found[1]}/remove").status_code == 303
    chief.get("/admin/channels")
    assert "办公室群" not in chief.page


def test_what_failed_is_listed_and_sent_again(told: World, boxes: MailServer) -> None:
    boxes.refuse["RCPT"] = "550 no such user"
    leader = told.sign_in("leader")
    leader.get("/notices/settings")
    leader.post("/notices/settings/email", {"email": "leader@example.org"})
    send_all(told)
    chief = told.sign_in("deputy")
    chief.get("/admin/channels")
    assert "陆明" in chief.page
    assert "邮件服务器拒绝了这封邮件" in chief.page
    assert "leader@example.org" not in chief.page
    found = re.search(r'action="(/admin/channels/deliveries/\d+)/again"', chief.page)
    assert found
    leader.get("/notices")
    assert leader.post(f"{found[1]}/again").status_code == 404
    boxes.refuse.clear()
    assert chief.post(f"{found[1]}/again").status_code == 303
    send_all(told)
    assert len(boxes.mails) == 1
    chief.get("/admin/channels")
    assert "没有发送失败的消息" in chief.page


def test_without_a_mail_server_the_page_speaks_of_none(world: World) -> None:
    leader = world.sign_in("leader")
    leader.get("/notices/settings")
    assert "没有设置邮件服务器" in leader.page
    assert 'name="mode"' not in leader.page
    assert leader.post("/notices/settings", {"page": ["moved"]}).status_code == 303


def test_english(told: World) -> None:
    with unit_of_work() as session:
        session.execute(update(Account).values(language="en"))
    some_news(told)
    leader = told.sign_in("leader")
    # The test's one application context keeps the language of the page before.
    for path, words in (("/notices", "New task"), ("/notices/settings", "Quiet hours")):
        refresh()
        leader.get(path)
        assert words in leader.page
    refresh()


def test_programs_read_them_too(told: World) -> None:
    task = some_news(told)
    tokens = {}
    for name in ("leader", "stranger"):
        account = db.session.scalars(
            select(Account.id).where(Account.person_id == told.people[name])
        ).one()
        tokens[name] = create_token(told.clock, account, name="test", days=1)
    client = told.app.test_client()

    def ask(name: str, method: str, path: str = "") -> tuple[int, dict[str, object]]:
        response = client.open(
            f"/api/v1/notices{path}",
            method=method,
            headers={"Authorization": f"Bearer {tokens[name]}"},
        )
        return response.status_code, response.get_json(silent=True) or {}

    status, body = ask("leader", "GET")
    assert (status, body["unread_count"]) == (200, 1)
    (line,) = body["items"]  # type: ignore[misc]
    assert (line["kind"], line["task_id"], line["unread"]) == ("opened", task, True)
    assert ask("stranger", "GET")[1]["items"] == []
    assert ask("stranger", "POST", f"/{line['id']}/read")[0] == 404
    assert ask("leader", "POST", f"/{line['id']}/read")[0] == 204
    assert ask("leader", "GET", "?show=unread")[1]["items"] == []
    assert ask("leader", "GET", "?show=read")[0] == 422
    assert ask("leader", "GET", "?cursor=7")[0] == 422
    assert ask("leader", "POST", "/read")[0] == 204
