"""整改 at the browser: own items in the inbox, the list, one item, and what people say of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from io import BytesIO
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import select

from engine.database import db, unit_of_work
from engine.definitions.operations import deploy_package
from engine.directory.codes import MembershipStatus, PostKind
from engine.directory.membership import set_status
from engine.directory.posts import add_post
from engine.runtime.operations import complete_task, start_instance
from engine.runtime.rectification.models import RectificationItem
from tests.rectifying import life
from tests.web.conftest import World, exported


@pytest.fixture
def item(world: World) -> int:
    """A problem for the worker to put right within ten days; leader and deputy lead the office."""
    with unit_of_work() as unit:
        deploy_package(unit, life(), world.clock)
        add_post(
            unit,
            world.people["deputy"],
            world.office,
            PostKind.DEPUTY_SECRETARY,
            date(2020, 1, 1),
        )
        for person in ("worker", "leader", "deputy"):
            set_status(
                unit,
                world.people[person],
                MembershipStatus.FULL,
                date(2020, 1, 1),
                organisation_id=world.office,
                source=None,
                clock=world.clock,
            )
    return raise_item(world)


def raise_item(world: World, **changes: Any) -> int:
    row = {
        "problem": "学习不够经常",
        "owner": world.people["worker"],
        "measure": "每月集中学习一次",
        "due": "2026-12-02",
        **changes,
    }
    actor = world.actor("leader")
    done = start_instance(
        "review_life",
        None,
        organisation_id=world.office,
        subject_id=None,
        actor=actor,
        clock=world.clock,
    )
    more: dict[str, Any] = {"actor": actor, "clock": world.clock}
    done = complete_task(next(iter(done.opened)), {"last_time": []}, **more)
    complete_task(next(iter(done.opened)), {"items": [row]}, **more)
    found = db.session().scalar(
        select(RectificationItem.id).order_by(RectificationItem.id.desc()).limit(1)
    )
    assert found is not None
    return int(found)


def test_the_owner_finds_it_in_the_inbox_reports_and_the_leader_closes(
    world: World, item: int, pdf: Callable[[], Any]
) -> None:
    worker = world.sign_in("worker")
    assert "由您负责整改" in worker.get("/inbox").get_data(as_text=True)
    page = worker.get(f"/rectification/{item}").get_data(as_text=True)
    assert "填报整改进展" in page
    assert f"/rectification/{item}/close" not in page  # not the owner alone
    answer = worker.post(
        f"/rectification/{item}/report",
        {
            "text": "已组织三次学习",
            "done": "yes",
            "occurred_on": "2026-11-22",
            "files": pdf(),
            "_command": worker.hidden("_command"),
            "_revision": worker.hidden("_revision"),
        },
        content_type="multipart/form-data",
    )
    assert answer.status_code == 303
    page = worker.get(f"/rectification/{item}").get_data(as_text=True)
    assert "待销号" in page
    assert "已组织三次学习" in page
    evidence = re.search(rf"/rectification/{item}/files/\d+", page)
    assert evidence is not None
    assert worker.get(evidence[0]).status_code == 200
    leader = world.sign_in("leader")
    assert "等您核对销号" in leader.get("/inbox").get_data(as_text=True)
    assert leader.get(evidence[0]).status_code == 200
    leader.get(f"/rectification/{item}")
    answer = leader.post(
        f"/rectification/{item}/close",
        {"text": "核对属实", "occurred_on": "2026-11-22", "_command": leader.hidden("_command")},
    )
    assert answer.status_code == 303
    assert "已销号" in leader.get(f"/rectification/{item}").get_data(as_text=True)
    assert "由您负责整改" not in worker.get("/inbox").get_data(as_text=True)


def test_nothing_typed_is_lost_on_a_refusal(
    world: World, item: int, pdf: Callable[[], Any]
) -> None:
    worker = world.sign_in("worker")
    worker.get(f"/rectification/{item}")
    answer = worker.post(
        f"/rectification/{item}/report",
        {"text": "做了一半", "occurred_on": "2026-11-23", "files": pdf(), "done": "yes"},
        content_type="multipart/form-data",
    )
    assert answer.status_code == 422
    assert "发生日期不能晚于今天" in worker.page
    assert "做了一半" in worker.page
    assert "证明.pdf" in worker.page
    leader = world.sign_in("leader")
    leader.get(f"/rectification/{item}")
    answer = leader.post(
        f"/rectification/{item}/extend",
        {"text": "雨季", "due": "2026-12-02", "occurred_on": "2026-11-22"},
    )
    assert answer.status_code == 422
    assert "新的整改期限须晚于原来的期限" in leader.page


def test_strangers_learn_nothing_and_own_colleagues_without_a_post_neither(
    world: World, item: int
) -> None:
    stranger = world.sign_in("stranger")
    assert stranger.get(f"/rectification/{item}").status_code == 404
    assert "学习不够经常" not in stranger.get("/rectification/").get_data(as_text=True)
    leader = world.sign_in("leader")
    leader.get("/rectification/")
    assert "学习不够经常" in leader.page
    assert stranger.post(f"/rectification/{item}/report", {"text": "我来"}).status_code == 404
    assert leader.post(f"/rectification/{item}/reopen", {"text": "还没完"}).status_code == 409


def test_the_list_is_narrowed_by_tab_and_words_and_goes_out_as_a_workbook(
    world: World, item: int
) -> None:
    leader = world.sign_in("leader")
    assert "学习不够经常" not in leader.get("/rectification/?show=overdue").get_data(as_text=True)
    world.clock.set(date(2026, 12, 3))
    leader = world.sign_in("leader")
    assert "学习不够经常" in leader.get("/rectification/?show=overdue").get_data(as_text=True)
    assert "已超期 1 天" in leader.page
    assert "学习不够经常" in leader.get("/rectification/?text=万小云").get_data(as_text=True)
    assert "学习不够经常" not in leader.get("/rectification/?text=别的").get_data(as_text=True)
    assert "学习不够经常" not in leader.get("/rectification/?show=closed").get_data(as_text=True)
    sheet = load_workbook(BytesIO(leader.get("/rectification/export.xlsx?text=万小云").data)).active
    (told,) = exported(world.session)
    assert (told["what"], told["names"], told["criteria"]["text"]) == ("items", True, True)
    assert sheet is not None
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert rows[0][3] == "存在问题"
    assert rows[1][3] == "学习不够经常"
    assert rows[1][5] == "万小云"


def test_the_next_meeting_shows_what_is_open_and_takes_the_answers(world: World, item: int) -> None:
    actor = world.actor("leader")
    done = start_instance(
        "review_life",
        None,
        organisation_id=world.office,
        subject_id=None,
        actor=actor,
        clock=world.clock,
    )
    task = next(iter(done.opened))
    leader = world.sign_in("leader")
    page = leader.get(f"/tasks/{task}").get_data(as_text=True)
    assert "学习不够经常" in page
    assert "万小云" in page
    assert leader.hidden("last_time-0.item") == str(item)
    sent = {
        "_command": leader.hidden("_command"),
        "_revision": leader.hidden("_revision"),
        "_occurred_on": "2026-11-22",
        "last_time-0.item": str(item),
    }
    refused = leader.post(f"/tasks/{task}", sent)
    assert refused.status_code == 422
    assert "学习不够经常" in leader.page
    answer = leader.post(f"/tasks/{task}", {**sent, "last_time-0.answer": "done"})
    assert answer.status_code == 303
    page = leader.get(f"/rectification/{item}").get_data(as_text=True)
    assert "已销号" in page
    assert "ZH-2026-0002" in page
    matter = leader.get(f"/matters/{done.instance_id}").get_data(as_text=True)
    assert "学习不够经常" in matter
