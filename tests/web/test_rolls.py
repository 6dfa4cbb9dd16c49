"""The list of a step with a task for each on a matter's page: who is missing, one word to all."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import select

from engine.database import unit_of_work
from engine.definitions.operations import deploy_package
from engine.directory.codes import MembershipStatus
from engine.directory.membership import set_status
from engine.runtime import operations
from engine.runtime.models import Task
from tests.gathering import gathering
from tests.web.conftest import Browser, World


@pytest.fixture
def matter(world: World) -> int:
    """A matter in which the worker and the deputy have to say something."""
    with unit_of_work() as session:
        deploy_package(session, gathering(), world.clock)
        for name in ("worker", "deputy", "leader"):
            set_status(
                session,
                world.people[name],
                MembershipStatus.FULL,
                date(2010, 7, 1),
                organisation_id=world.office,
                clock=world.clock,
            )
    done = operations.start_instance(
        "gathering",
        {"members": [world.people["worker"], world.people["deputy"]]},
        organisation_id=world.office,
        subject_id=None,
        actor=world.actor("leader"),
        clock=world.clock,
    )
    return done.instance_id


def say(world: World, matter: int, name: str, words: str) -> None:
    item = f"p{world.people[name]}"
    own = select(Task.id).where(Task.instance_id == matter, Task.item == item)
    task = world.session.scalars(own).one()
    actor = world.actor(name)
    operations.complete_task(task, {"note": words}, actor=actor, clock=world.clock)


def form_of(browser: Browser, **more: str) -> dict[str, str]:
    return {
        "_command": browser.hidden("_command"),
        "_revision": browser.hidden("_revision"),
        "_occurred_on": "2026-11-22",
        "reason": "组织关系转接",
        **more,
    }


def test_the_secretary_sees_who_is_missing_and_reminds_all_with_one_button(
    world: World, matter: int
) -> None:
    browser = world.sign_in("leader")
    page = browser.get(f"/matters/{matter}").get_data(as_text=True)
    assert "已办 0 人，共 2 人" in page
    assert "还差 2 人" in page
    assert page.count("自 11月22日 起等待") == 2
    form = {"_command": browser.hidden("_command")}
    response = browser.post(f"/matters/{matter}/people/say/remind", form)
    assert response.status_code == 303
    page = browser.get(f"/matters/{matter}").get_data(as_text=True)
    assert "已提醒全部未办的人。" in page
    assert "提醒全部未办的人</button>" not in page
    assert "最近提醒：2026年11月22日" in page
    browser.post(f"/matters/{matter}/people/say/remind")
    assert "今天已经提醒过" in browser.get(f"/matters/{matter}").get_data(as_text=True)


def test_a_late_comer_is_added_and_a_leaver_taken_off(world: World, matter: int) -> None:
    browser = world.sign_in("leader")
    page = browser.get(f"/matters/{matter}/people/say/join").get_data(as_text=True)
    assert "陆明" in page
    assert ">万小云<" not in page  # is on the list already
    wrong = browser.post(f"/matters/{matter}/people/say/join", form_of(browser, person="0"))
    assert wrong.status_code == 422
    assert "不符合列入名单的条件" in browser.page
    added = form_of(browser, person=str(world.people["leader"]))
    assert browser.post(f"/matters/{matter}/people/say/join", added).status_code == 303
    page = browser.get(f"/matters/{matter}").get_data(as_text=True)
    assert "共 3 人" in page and "11月22日 增加" in page
    gone = form_of(browser, person=str(world.people["deputy"]))
    assert browser.post(f"/matters/{matter}/people/say/leave", gone).status_code == 303
    page = browser.get(f"/matters/{matter}").get_data(as_text=True)
    assert "共 2 人" in page and "移出 1 人" in page
    assert "增加参与人" in browser.get(f"/matters/{matter}?tab=history").get_data(as_text=True)


def test_a_member_sees_numbers_and_their_own_words_only(world: World, matter: int) -> None:
    say(world, matter, "deputy", "戴强的话")
    page = world.sign_in("worker").get(f"/matters/{matter}").get_data(as_text=True)
    assert "已办 1 人，共 2 人" in page
    assert "戴强的话" not in page
    assert "提醒全部未办的人" not in page and "增加参与人…" not in page
    assert "戴强的话" in world.sign_in("leader").get(f"/matters/{matter}").get_data(as_text=True)
    own = world.sign_in("deputy").get(f"/matters/{matter}").get_data(as_text=True)
    assert "戴强的话" in own


def test_a_member_cannot_do_what_the_secretary_can(world: World, matter: int) -> None:
    browser = world.sign_in("worker")
    browser.get(f"/matters/{matter}")
    assert browser.get(f"/matters/{matter}/people/say/join").status_code == 404
    for path in ("remind", "join", "leave"):
        form = {"person": str(world.people["leader"]), "reason": "x"}
        assert browser.post(f"/matters/{matter}/people/say/{path}", form).status_code == 403
    stranger = world.sign_in("stranger")
    assert stranger.post(f"/matters/{matter}/people/say/remind").status_code == 404


def test_what_each_hands_in_is_not_offered_to_be_done_in_bulk(world: World, matter: int) -> None:
    browser = world.sign_in("leader")
    browser.get("/inbox")
    assert browser.page.count('href="/tasks/') >= 2
    assert 'id="bulk"' not in browser.page


def test_the_list_of_matters_says_once_what_many_have_to_do(world: World, matter: int) -> None:
    browser = world.sign_in("leader")
    browser.get("/matters/")
    assert browser.page.count("（2 人待办）") == 1
