"""Rectification items over REST: lists, one with its history, and what is said of it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from engine.clock import FixedClock
from engine.database import unit_of_work
from engine.directory.models import Account
from engine.directory.tokens import create_token
from tests.factories import Desk, Matter, create_town
from tests.rectifying import days, found, item, items
from tests.web.api.conftest import Program

NAMES = ("member", "other_member", "secretary", "stranger")


@dataclass
class Town:
    """A matter with one item of ``member``, and people's programs."""

    desk: Desk
    matter: Matter
    programs: dict[str, Program]

    @property
    def item(self) -> int:
        return items(self.matter)[0].id


@pytest.fixture
def town(app: Flask, session: Session, clock: FixedClock) -> Town:
    app.extensions["guicheng.clock"] = clock
    desk = Desk(create_town(clock), clock)
    matter = found(desk, item(desk))
    programs = {}
    for name in NAMES:
        with unit_of_work() as unit:
            account = Account(
                person_id=desk.town.people[name],
                login=f"{name}-{uuid4()}",
                password_hash="-",
                created_at=clock.now(),
            )
            unit.add(account)
            unit.flush()
        programs[name] = Program(app.test_client(), create_token(clock, account.id, name="测试"))
    return Town(desk, matter, programs)


def test_items_are_listed_for_those_who_may_see_them(town: Town) -> None:
    (line,) = town.programs["secretary"].get("rectification-items").get_json()["items"]
    assert (line["problem"], line["state"], line["overdue"]) == ("学习不够经常", "open", False)
    assert line["due_on"] == days(town.desk, 30).isoformat()
    for name, seen in (("member", 1), ("other_member", 0), ("stranger", 0)):
        body = town.programs[name].get("rectification-items").get_json()
        assert len(body["items"]) == seen
    for query, seen in (
        ("show=overdue", 0),
        ("show=settled", 0),
        ("show=all", 1),
        ("state=open", 1),
        ("text=学习", 1),
        (f"owner_id={town.desk.town.people['secretary']}", 0),
        (f"instance_id={town.matter.id}", 1),
    ):
        body = town.programs["secretary"].get(f"rectification-items?{query}").get_json()
        assert len(body["items"]) == seen, query
    assert town.programs["secretary"].get("rectification-items?state=gone").status_code == 422
    assert town.programs["secretary"].get("rectification-items?cursor=x").status_code == 422


def test_an_item_is_reported_and_closed_once_and_as_it_was_seen(town: Town) -> None:
    member, secretary = town.programs["member"], town.programs["secretary"]
    address = f"rectification-items/{town.item}"
    file = member.upload("学习记录.pdf")
    said = {"text": "全部完成", "done": True, "files": [file]}
    for unclear in (1, "true", None):
        refused = member.command(f"{address}/report", {**said, "done": unclear})
        assert refused.status_code == 422, unclear
    assert member.command(f"{address}/report", said).status_code == 200
    shown = secretary.get(address)
    body = shown.get_json()
    assert body["may"] == ["close", "extend", "report"]
    assert body["notes"][0]["files"] == [file]
    tag = {"If-Match": shown.headers["ETag"]}
    assert member.get(address).get_json()["may"] == ["report"]
    assert member.command(f"{address}/close", {"text": "好了"}).status_code == 403
    stale = secretary.command(f"{address}/close", {"text": "属实"}, headers={"If-Match": '"1"'})
    assert stale.status_code == 412
    key = uuid4()
    for _ in range(2):
        done = secretary.command(f"{address}/close", {"text": "属实"}, key=key, headers=tag)
        assert done.status_code == 200
        assert done.get_json()["instance_id"] == town.matter.id
    assert secretary.get(address).get_json()["state"] == "closed"
    due = days(town.desk, 9).isoformat()
    again = secretary.command(f"{address}/reopen", {"text": "反弹", "due": due})
    assert again.status_code == 200
    later = {"text": "雨季", "due": days(town.desk, 20).isoformat()}
    assert secretary.command(f"{address}/extend", later).status_code == 200


def test_who_may_not_see_it_learns_nothing(town: Town) -> None:
    for name in ("other_member", "stranger"):
        program = town.programs[name]
        assert program.get(f"rectification-items/{town.item}").status_code == 404
        answer = program.command(f"rectification-items/{town.item}/report", {"text": "我来"})
        assert answer.status_code == 404
    missing = town.programs["secretary"].command(
        f"rectification-items/{town.item}/extend", {"text": "没写日期"}
    )
    assert missing.status_code == 422
