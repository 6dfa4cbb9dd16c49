"""The pages of matters: the list, one matter, its steering, and what the person concerned sees."""

from __future__ import annotations

import re

import pytest

from engine.database import unit_of_work
from engine.ledger.chain import Event
from engine.ledger.kinds import EntryKind
from engine.runtime import store
from tests.web.conftest import Browser, World


def command(browser: Browser, **more: str) -> dict[str, str]:
    return {
        "_command": browser.hidden("_command"),
        "_revision": browser.hidden("_revision"),
        "reason": "盘点期间暂停",
        **more,
    }


def test_matters_are_found_by_person_number_and_status(world: World) -> None:
    matter, _ = world.start()
    browser = world.sign_in("leader")
    page = browser.get("/matters/").get_data(as_text=True)
    number = re.search(r"QJ-2026-\d{4}", page)
    assert number
    for query in ("q=万小云", f"q={number[0]}", "status=active", "process=leave_request"):
        assert f"/matters/{matter}" in browser.get(f"/matters/?{query}").get_data(as_text=True)
    for query in ("q=无此人", "status=completed", "process=nothing"):
        page = browser.get(f"/matters/?{query}").get_data(as_text=True)
        assert "没有符合条件的事项" in page


@pytest.mark.parametrize("tab", ["steps", "diagram", "documents", "history", "nonsense"])
def test_every_part_of_a_matter_has_an_address(world: World, tab: str) -> None:
    matter, _ = world.start()
    response = world.sign_in("leader").get(f"/matters/{matter}?tab={tab}")
    assert response.status_code == 200


def test_the_course_names_step_day_person_and_who_is_awaited(world: World) -> None:
    matter, _ = world.start()
    page = world.sign_in("leader").get(f"/matters/{matter}").get_data(as_text=True)
    assert "提出请假" in page
    assert "2026年11月22日" in page
    assert "万小云" in page
    assert "等待 办公室党小组组长" in page


def test_the_person_concerned_sees_no_trail_and_no_steering(world: World) -> None:
    matter, _ = world.start()
    browser = world.sign_in("worker")
    page = browser.get(f"/matters/{matter}").get_data(as_text=True)
    assert "tab=history" not in page
    assert "对整个事项的处理" not in page
    assert 'id="step-request_leave"' in page
    refused = browser.get(f"/matters/{matter}?tab=history").get_data(as_text=True)
    assert 'class="history"' not in refused


def test_the_diagram_is_sent_to_those_who_may_see_the_matter(world: World) -> None:
    matter, _ = world.start()
    response = world.sign_in("leader").get(f"/matters/{matter}/diagram.bpmn")
    assert response.mimetype == "application/xml"
    assert b"request_leave" in response.data
    assert world.sign_in("stranger").get(f"/matters/{matter}/diagram.bpmn").status_code == 404


def test_a_matter_is_suspended_resumed_and_ended_with_reasons(world: World) -> None:
    matter, task = world.start()
    browser = world.sign_in("leader")
    browser.get(f"/matters/{matter}")
    assert browser.post(f"/matters/{matter}/suspend", command(browser)).status_code == 303
    browser.get(f"/matters/{matter}")
    assert "已挂起" in browser.page
    assert browser.post(f"/tasks/{task}/claim", {"_revision": "1"}).status_code == 409
    browser.get(f"/matters/{matter}")
    assert browser.post(f"/matters/{matter}/resume", command(browser)).status_code == 303
    browser.get(f"/matters/{matter}")
    no_reason = command(browser, reason=" ")
    assert browser.post(f"/matters/{matter}/cancel", no_reason).status_code == 422
    assert "请写明终止的理由" in browser.page
    assert browser.post(f"/matters/{matter}/cancel", command(browser)).status_code == 303
    page = browser.get(f"/matters/{matter}?tab=history").get_data(as_text=True)
    assert "已终止" in page
    assert "盘点期间暂停" in page


def test_an_outdated_page_steers_nothing(world: World) -> None:
    matter, _ = world.start()
    browser = world.sign_in("leader")
    browser.get(f"/matters/{matter}")
    old = command(browser)
    browser.post(f"/matters/{matter}/suspend", old)
    again = {**old, "_command": "3f0c2d0e-7c55-4d39-9c8e-0f7f6a4d1c11"}
    assert browser.post(f"/matters/{matter}/cancel", again).status_code == 409


def test_only_heads_steer(world: World) -> None:
    matter, _ = world.start()
    browser = world.sign_in("worker")
    assert browser.post(f"/matters/{matter}/cancel", {"reason": "x"}).status_code == 403


def test_my_page_says_where_it_stands_and_what_comes_next(world: World) -> None:
    world.start()
    page = world.sign_in("worker").get("/mine/").get_data(as_text=True)
    assert "正在办理：负责人审批" in page
    assert "您现在不需要做什么" in page
    assert "接下来" in page


def test_my_page_says_what_i_must_do_now(world: World) -> None:
    matter, task = world.start()
    leader = world.sign_in("leader")
    leader.get(f"/tasks/{task}")
    leader.post(
        f"/tasks/{task}",
        {
            "_command": leader.hidden("_command"),
            "_revision": leader.hidden("_revision"),
            "_occurred_on": "2026-11-22",
            "approval": "agree",
            "stand_in": str(world.people["deputy"]),
        },
    )
    page = world.sign_in("worker").get("/mine/").get_data(as_text=True)
    assert "现在请您办理：销假" in page
    assert f"/matters/{matter}" in page


def test_somebody_without_a_matter_is_told_so(world: World) -> None:
    page = world.sign_in("stranger").get("/mine/").get_data(as_text=True)
    assert "目前没有以您为当事人的事项" in page


def read_once(world: World, matter: int) -> None:
    with unit_of_work() as session:
        locked = store.lock_instance(session, matter)
        assert locked is not None
        event = Event(
            EntryKind.READ,
            actor_id=world.people["leader"],
            payload={"attachment": 1, "document": "医院证明", "post": f"o{world.office}:secretary"},
        )
        store.write_entry(session, locked, event, world.clock.now())


def test_i_see_who_has_read_my_papers(world: World) -> None:
    matter, _ = world.start()
    browser = world.sign_in("worker")
    browser.get("/mine/")
    assert 'href="/mine/readers"' in browser.page
    browser.get("/mine/readers")
    assert "还没有人查看过敏感材料" in browser.page
    read_once(world, matter)
    for path in ("/mine/readers", f"/matters/{matter}?tab=readers"):
        browser.get(path)
        for words in ("陆明", "办公室书记", "查阅 医院证明", "2026年11月22日"):
            assert words in browser.page, path
    assert browser.get("/mine/readers?cursor=x").status_code == 422


def test_nobody_else_sees_who_has_read_them(world: World) -> None:
    matter, _ = world.start()
    read_once(world, matter)
    stranger = world.sign_in("stranger")
    assert "陆明" not in stranger.get("/mine/readers").get_data(as_text=True)
    assert stranger.get(f"/matters/{matter}?tab=readers").status_code == 404
    deputy = world.sign_in("deputy")  # works in the matter, and yet
    deputy.get(f"/matters/{matter}?tab=readers")
    assert "tab=readers" not in deputy.page
    assert "查阅 医院证明" not in deputy.page


def test_the_health_page_says_what_is_wrong(world: World) -> None:
    response = world.browser().client.get("/healthz")
    assert response.status_code == 503  # no worker runs beside the tests
    assert "guicheng worker" in response.get_data(as_text=True)
