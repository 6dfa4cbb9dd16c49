"""Frozen figures at the browser: read-only in the form, their records and a recount on a page."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

import pytest

from engine.database import db, unit_of_work
from engine.definitions.operations import deploy_package
from engine.runtime.correcting import correct_entry
from engine.runtime.models import Task
from engine.runtime.operations import complete_task, start_instance
from tests.freezing import gathering, judging
from tests.web.conftest import World


@pytest.fixture
def task(world: World) -> int:
    """One meeting on record yesterday; the step that freezes the year's is open."""
    with unit_of_work() as unit:
        deploy_package(unit, gathering(), world.clock)
        deploy_package(unit, judging(), world.clock)
    more: dict[str, Any] = {"actor": world.actor("leader"), "clock": world.clock}
    place = {"organisation_id": world.office, "subject_id": None}
    done = start_instance("gathering", None, **place, **more)
    complete_task(next(iter(done.opened)), {"decision": "held"}, **more)
    world.clock.set(world.clock.today() + timedelta(days=1))
    done = start_instance("judging", None, **place, **more)
    year = {"year": world.clock.today().year}
    return next(iter(complete_task(next(iter(done.opened)), year, **more).opened))


def posted(browser: Any, day: str, **changes: str) -> dict[str, str]:
    """Return what the page would send: hidden figures and the scores that were reckoned."""
    names = re.findall(
        r'name="(indicators-[^"]*|_command|_revision)"[^>]* value="([^"]*)"', browser.page
    )
    return {**dict(names), "_occurred_on": day, **changes}


def test_figures_are_shown_frozen_looked_at_and_counted_again(world: World, task: int) -> None:
    leader, day = world.sign_in("leader"), world.clock.today().isoformat()
    page = leader.get(f"/tasks/{task}").get_data(as_text=True)
    assert "开会：1" in page and "按记录计算 3.3 分，满分 10 分" in page
    assert 'name="indicators-0.value" value="1"' in page
    assert "没有整改的问题：0" in page
    answer = leader.post(f"/tasks/{task}", posted(leader, day, **{"indicators-0.score": "9"}))
    assert answer.status_code == 422
    assert "请写明调整的理由" in leader.page and "开会：1" in leader.page
    changed = {"indicators-0.score": "9", "indicators-0.reason": "另有纸质记录"}
    answer = leader.post(f"/tasks/{task}", posted(leader, day, **changed))
    assert answer.status_code == 303
    instance = db.session().get_one(Task, task).instance_id
    matter = leader.get(f"/matters/{instance}").get_data(as_text=True)
    link = re.search(r"/matters/\d+/entries/\d+/figures", matter)
    assert link is not None
    assert "1（应有 3），得分 9（满分 10）；按记录计算 3.3" in matter
    page = leader.get(link[0]).get_data(as_text=True)
    assert page.count("复算一致") == 3 and "复算不一致" not in page
    assert "另有纸质记录" in page and "合计 24 分（满分 40 分）" in page
    assert leader.get(link[0].replace("/figures", "9/figures")).status_code == 404
    worker = world.sign_in("worker")
    assert worker.get(link[0]).status_code in (403, 404)


def test_what_is_corrected_later_changes_nothing(world: World, task: int) -> None:
    more: dict[str, Any] = {"actor": world.actor("leader"), "clock": world.clock}
    done = complete_task(task, {}, **more)
    leader = world.sign_in("leader")
    page = leader.get(f"/matters/{done.instance_id}").get_data(as_text=True)
    link = re.search(r"/matters/\d+/entries/\d+/figures", page)
    assert link is not None
    source = re.search(
        r'href="/matters/(\d+)"', leader.get(link[0]).get_data(as_text=True).split("开会")[1]
    )
    assert source is not None
    world.clock.set(world.clock.today() + timedelta(days=1))
    correct_entry(
        int(source[1]), 2, {"decision": "held"}, "日期登错", occurred_on=date(2025, 5, 1), **more
    )
    leader = world.sign_in("leader")
    page = leader.get(link[0]).get_data(as_text=True)
    assert page.count("复算一致") == 3
    assert f"/matters/{source[1]}" in page
