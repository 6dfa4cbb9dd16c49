"""Robots: what they are told, how it is signed, and what an address may not be."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select

from engine.database import db, unit_of_work
from engine.errors import InvalidInput, NotAllowed, NotFound
from engine.ledger.models import LedgerEntry
from engine.notifications import posting, webhooks
from engine.notifications.delivering import deliver, try_webhook
from engine.notifications.kinds import DeliveryState
from engine.notifications.mail import Failed
from engine.notifications.models import Webhook
from engine.notifications.posting import Answer, check_url, post
from engine.notifications.webhooks import (
    add_webhook,
    open_target,
    remove_webhook,
    webhooks_kept,
)
from engine.settings import Settings
from tests.engine.notifications.conftest import Told
from tests.engine.notifications.receivers import Receiver, receiver
from tests.engine.notifications.test_sweeping import begin, tick
from tests.factories import two_steps

SECRET = "a secret of some length"
SENT, WAITING, DEAD = DeliveryState.SENT, DeliveryState.WAITING, DeliveryState.DEAD


@pytest.fixture
def place() -> Iterator[Receiver]:
    """A receiver on this machine."""
    with receiver() as server:
        yield server


@pytest.fixture
def calling(told: Told, place: Receiver) -> Told:
    """An installation that may reach it."""
    told.settings = replace(told.settings, webhook_hosts=frozenset({place.host}))
    return told


def robot(told: Told, place: Receiver, **changes: Any) -> int:
    given: dict[str, Any] = {
        "name": "支部群",
        "url": f"http://{place.host}/hook?key=4711",
        "format": "generic",
        "secret": SECRET,
        "kinds": ["opened", "overdue", "finding"],
        "below": False,
        "actor": told.desk.actor("administrator"),
        "clock": told.clock,
    }
    return add_webhook(told.settings, told.desk.town.branch, **{**given, **changes})


def news(told: Told) -> None:
    """Two tasks of the same step come to the branch."""
    for key in ("robot_one", "robot_one"):
        tick(told)
        told.desk.start(two_steps(key))
    told.sweep()


def test_a_branch_s_robot_is_told_once_a_sweep_and_the_receiver_can_check_it(
    calling: Told, place: Receiver
) -> None:
    robot(calling, place)
    news(calling)
    calling.sweep()
    assert calling.send_all() == [SENT]
    (posted,) = place.posts
    assert posted.path == "/hook?key=4711"
    body = json.loads(posted.body)
    assert body["event"] == "notices"
    assert body["items"] == [
        {
            "kind": "opened",
            "procedure": "robot_one",
            "step": "apply",
            "due_on": None,
            "count": 2,
            "text": "robot_one apply（有新的待办，2 项）",
        }
    ]
    assert body["id"] == posted.headers["X-Guicheng-Delivery"] == str(calling.deliveries()[0].key)
    stamp = posted.headers["X-Guicheng-Timestamp"]
    assert int(stamp) == int(calling.clock.now().timestamp())
    wanted = hmac.new(SECRET.encode(), stamp.encode() + b"." + posted.body, hashlib.sha256)
    assert posted.headers["X-Guicheng-Signature"] == f"sha256={wanted.hexdigest()}"
    for name in (*calling.desk.town.people, "TO-2026"):
        assert name not in posted.body.decode()


def test_what_concerns_one_person_alone_is_not_for_a_group(calling: Told, place: Receiver) -> None:
    robot(calling, place)
    begin(calling)
    calling.sweep()
    assert calling.to("applicant") == ["opened"]
    assert calling.deliveries() == []


def test_a_robot_hears_of_branches_below_only_if_it_shall(calling: Told, place: Receiver) -> None:
    committee = calling.desk.town.organisations["committee"]
    chief = calling.desk.actor("administrator")
    common: dict[str, Any] = {
        "name": "党委群",
        "url": f"http://{place.host}/",
        "format": "generic",
        "secret": SECRET,
        "kinds": ["opened"],
        "actor": chief,
        "clock": calling.clock,
    }
    add_webhook(calling.settings, committee, below=False, **common)
    news(calling)
    assert calling.deliveries() == []
    add_webhook(calling.settings, committee, below=True, **common)
    tick(calling)
    calling.desk.start(two_steps("robot_two"))
    calling.sweep()
    assert len(calling.deliveries()) == 1


def test_wecom_s_text_and_dingtalk_s_sign(calling: Told, place: Receiver) -> None:
    robot(calling, place, format="wecom", secret="")
    robot(calling, place, format="dingtalk")
    news(calling)
    assert calling.send_all() == [SENT, SENT]
    wecom, dingtalk = place.posts
    for posted in (wecom, dingtalk):
        body = json.loads(posted.body)
        assert body["msgtype"] == "text"
        assert body["text"]["content"].splitlines() == [
            "本组织有 2 项新情况，请有关同志登录规程查看。",
            "- robot_one apply（有新的待办，2 项）",
            "查看：https://guicheng.example",
        ]
    assert wecom.path == "/hook?key=4711"
    query = parse_qs(urlsplit(dingtalk.path).query)
    stamp = query["timestamp"][0]
    said = f"{stamp}\n{SECRET}".encode()
    wanted = base64.b64encode(hmac.new(SECRET.encode(), said, hashlib.sha256).digest()).decode()
    assert query["sign"] == [wanted]
    assert len(stamp) == 13


@pytest.mark.parametrize(
    ("answer", "format", "state", "error"),
    [
        ((500, {}, b""), "generic", WAITING, "webhook_500"),
        ((429, {}, b""), "generic", WAITING, "webhook_429"),
        ((404, {}, b""), "generic", DEAD, "webhook_404"),
        ((302, {"Location": "http://127.0.0.1:1/"}, b""), "generic", DEAD, "webhook_302"),
        ((204, {}, b""), "generic", SENT, None),
        ((200, {}, b'{"errcode": 45009}'), "wecom", WAITING, "robot_45009"),
        ((200, {}, b'{"errcode": 93000}'), "wecom", DEAD, "robot_93000"),
        ((200, {}, b'{"errcode": 310000}'), "dingtalk", DEAD, "robot_310000"),
        ((200, {}, b"<html>"), "dingtalk", DEAD, "webhook_answer"),
        ((200, {}, b"[]"), "wecom", DEAD, "webhook_answer"),
    ],
)
def test_what_a_receiver_answers(
    calling: Told, place: Receiver, answer: Any, format: str, state: str, error: str | None
) -> None:
    robot(calling, place, format=format)
    news(calling)
    place.answers = [answer]
    assert calling.send_all() == [state]
    assert calling.deliveries()[0].error == error
    assert len(place.posts) == 1  # no redirect is followed


def test_after_two_500s_it_comes_through_under_the_same_id(calling: Told, place: Receiver) -> None:
    robot(calling, place)
    news(calling)
    place.answers = [(500, {}, b""), (500, {}, b""), (200, {}, b"")]
    for state in (WAITING, WAITING, SENT):
        assert calling.send_all() == [state]
        calling.clock.set(calling.deliveries()[0].next_at)
    assert len({posted.headers["X-Guicheng-Delivery"] for posted in place.posts}) == 1
    assert len({posted.body for posted in place.posts}) == 1


@pytest.mark.parametrize("how", ["silent", "drip"])
def test_a_receiver_cannot_hold_us_up(
    calling: Told, place: Receiver, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posting, "SECONDS", 0.3)
    robot(calling, place)
    news(calling)
    setattr(place, how, True)
    assert calling.send_all() == [WAITING]
    assert calling.deliveries()[0].error == "webhook_timeout"


def test_no_more_of_an_answer_is_read_than_is_needed(settings: Settings, place: Receiver) -> None:
    place.answers = [(200, {}, b"x" * 1_000_000)]
    reach = replace(settings, webhook_hosts=frozenset({place.host}))
    answer = post(reach, f"http://{place.host}/", b"{}", {})
    assert isinstance(answer, Answer)
    assert len(answer.body) == posting.MOST_BYTES


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/hook",
        "ftp://example.org/",
        "https://user:word@example.org/",
        "https://example.org/#part",
        "https://exa mple.org/",
        "https://example.org/\r\nX: y",
        "https://例子.org/",
        "https:///hook",
        "https://example.org:99999/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://10.1.2.3/",
        "https://169.254.169.254/latest",
        "https://[fd00::1]/",
        "https://[64:ff9b::a00:1]/",
        "https://0.0.0.0/",
        "https://100.64.0.1/",
        "https://224.0.0.1/",
        "nonsense",
        "",
    ],
)
def test_an_address_that_is_refused(settings: Settings, url: str) -> None:
    with pytest.raises(InvalidInput):
        check_url(settings, url)


def test_an_address_that_is_taken(settings: Settings) -> None:
    assert check_url(settings, "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=1").hostname
    assert check_url(settings, "https://8.8.8.8/").hostname


@pytest.mark.parametrize(
    "addresses", [["10.0.0.1"], ["93.184.216.34", "127.0.0.1"], ["fe80::1%lo"], ["::1"]]
)
def test_a_name_that_leads_inside_is_refused_when_it_is_used(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, addresses: list[str]
) -> None:
    def look_up(*arguments: Any, **more: Any) -> Any:
        return [(2, 1, 6, "", (address, 443)) for address in addresses]

    def connect(*arguments: Any, **more: Any) -> Any:
        raise AssertionError("nothing may be connected to")

    monkeypatch.setattr(posting.socket, "getaddrinfo", look_up)
    monkeypatch.setattr(posting.socket, "create_connection", connect)
    answer = post(settings, "https://inside.example.org/", b"{}", {})
    assert answer == Failed("webhook_address", final=True)


def test_another_port_of_a_named_host_is_not_named(settings: Settings, place: Receiver) -> None:
    reach = replace(settings, webhook_hosts=frozenset({"127.0.0.1:1"}))
    answer = post(reach, f"http://{place.host}/", b"{}", {})
    assert answer == Failed("webhook_address", final=True)
    assert place.posts == []


# -- who may ----------------------------------------------------------------------------------


def test_only_administrators_of_that_part_may(calling: Told, place: Receiver) -> None:
    for name in ("secretary", "superior", "stranger"):
        with pytest.raises(NotAllowed):
            robot(calling, place, actor=calling.desk.actor(name))
    number = robot(calling, place)
    secretary, chief = calling.desk.actor("secretary"), calling.desk.actor("administrator")
    with unit_of_work() as session:
        assert webhooks_kept(session, secretary) == []
        assert [hook.name for hook in webhooks_kept(session, chief)] == ["支部群"]
    for command in (try_webhook, remove_webhook):
        with pytest.raises(NotFound):
            command(number, actor=secretary, clock=calling.clock)


def test_adding_and_removing_is_recorded_without_the_address(
    calling: Told, place: Receiver
) -> None:
    number = robot(calling, place)
    remove_webhook(number, actor=calling.desk.actor("administrator"), clock=calling.clock)
    payloads = db.session.scalars(
        select(LedgerEntry.payload)
        .where(LedgerEntry.kind == "directory", LedgerEntry.payload.contains("webhook"))
        .order_by(LedgerEntry.seq)
    ).all()
    assert [json.loads(said or "")["action"] for said in payloads] == [
        "webhook_added",
        "webhook_removed",
    ]
    assert "4711" not in "".join(map(str, payloads))
    news(calling)
    assert calling.deliveries() == []


def test_a_removed_robot_gets_nothing_that_was_under_way(calling: Told, place: Receiver) -> None:
    number = robot(calling, place)
    news(calling)
    remove_webhook(number, actor=calling.desk.actor("administrator"), clock=calling.clock)
    assert calling.send_all() == [None]
    assert place.posts == []


def test_address_and_secret_are_of_no_use_without_the_installation_s_key(
    calling: Told, place: Receiver
) -> None:
    robot(calling, place)
    sealed = db.session.scalars(select(Webhook.sealed)).one()
    assert b"4711" not in sealed
    target = open_target(calling.settings, sealed)
    assert target is not None and target.secret == SECRET
    other = replace(calling.settings, secret_key="another")
    assert open_target(other, sealed) is None
    news(calling)
    number = calling.deliveries()[0].id
    assert deliver(number, settings=other, clock=calling.clock) is DEAD


def test_a_test_message_says_so(calling: Told, place: Receiver) -> None:
    number = robot(calling, place, format="wecom", secret="")
    try_webhook(number, actor=calling.desk.actor("administrator"), clock=calling.clock)
    assert calling.send_all() == [SENT]
    assert "测试消息" in json.loads(place.posts[0].body)["text"]["content"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": " "}, "name"),
        ({"format": "slack"}, "format"),
        ({"secret": "short"}, "secret"),
        ({"kinds": []}, "kinds"),
        ({"kinds": ["incident"]}, "kinds"),
        ({"url": "http://10.0.0.1/"}, "url"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    calling: Told, place: Receiver, change: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        robot(calling, place, **change)
    assert list(refusal.value.fields) == [field]


def test_an_organisation_has_ten_at_most(calling: Told, place: Receiver) -> None:
    for _ in range(webhooks.MOST):
        robot(calling, place)
    with pytest.raises(InvalidInput):
        robot(calling, place)
