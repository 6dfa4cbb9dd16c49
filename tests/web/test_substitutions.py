"""代办授权: lent, used, seen, and taken back."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from engine.database import unit_of_work
from engine.directory.codes import MembershipStatus
from engine.directory.membership import set_status
from engine.directory.models import Substitution
from engine.ledger.models import LedgerChain, LedgerEntry
from tests.web.conftest import Browser, World


@pytest.fixture
def members(world: World) -> World:
    """The office, with all its people full members."""
    with unit_of_work() as session:
        for name in ("worker", "leader", "deputy"):
            set_status(
                session,
                world.people[name],
                MembershipStatus.FULL,
                date(2015, 1, 1),
                clock=world.clock,
                organisation_id=world.office,
            )
    return world


def fill(world: World, **changes: Any) -> dict[str, Any]:
    """Return what the page posts: the leader lends the secretary's post to the worker."""
    return {
        "organisation": world.office,
        "substitute": world.people["worker"],
        "posts": ["secretary", "group_leader"],
        "since": "2026-11-22",
        "until": "2026-11-30",
        "reason": "外出学习",
        **changes,
    }


def lend(world: World, **changes: Any) -> Browser:
    browser = world.sign_in("leader")
    browser.get("/account/substitutions")
    response = browser.post("/account/substitutions", fill(world, **changes))
    assert response.status_code == 303, browser.page
    browser.get("/account/substitutions")
    return browser


def stored(world: World) -> list[Substitution]:
    world.session.expire_all()
    return list(world.session.scalars(select(Substitution)))


def test_the_account_page_leads_there(members: World) -> None:
    browser = members.sign_in("leader")
    browser.get("/account")
    assert 'href="/account/substitutions"' in browser.page


def test_only_those_with_a_post_see_the_form(members: World) -> None:
    browser = members.sign_in("worker")
    browser.get("/account/substitutions")
    assert "没有人委托您代办" in browser.page
    assert 'name="substitute"' not in browser.page


def test_the_list_offers_full_members_but_not_oneself(members: World) -> None:
    browser = members.sign_in("leader")
    browser.get("/account/substitutions")
    offered = set(map(int, re.findall(r'<option value="(\d+)"', browser.page)))
    assert offered == {members.people["worker"], members.people["deputy"]}


def test_a_post_is_lent_and_the_ledger_knows(members: World) -> None:
    browser = lend(members)
    assert "生效中" in browser.page
    assert "万小云" in browser.page
    kept = stored(members)
    assert [(s.principal_id, s.substitute_id) for s in kept] == [
        (members.people["leader"], members.people["worker"])
    ]
    chain = members.session.scalar(select(LedgerChain.id).where(LedgerChain.name == "directory"))
    payloads = members.session.scalars(
        select(LedgerEntry.payload).where(LedgerEntry.chain_id == chain)
    ).all()
    assert any('"lend_posts"' in (payload or "") for payload in payloads)


def test_the_substitute_sees_for_whom_and_does_the_task(members: World) -> None:
    lend(members)
    _, task = members.start("deputy")
    browser = members.sign_in("worker")
    browser.get("/inbox")
    assert "代 陆明 办理" in browser.page
    assert f'href="/tasks/{task}"' in browser.page
    browser.get("/account/substitutions")
    assert "外出学习" in browser.page
    assert "立即撤销" not in browser.page


def test_what_is_lent_to_me_is_not_my_post(members: World) -> None:
    lend(members)
    browser = members.sign_in("worker")
    browser.get("/account/substitutions")
    assert 'name="substitute"' not in browser.page
    assert "办公室 书记、党小组组长" in browser.page
    response = browser.post(
        "/account/substitutions", fill(members, substitute=members.people["deputy"])
    )
    assert response.status_code == 422
    assert len(stored(members)) == 1


def test_taking_back_is_at_once(members: World) -> None:
    browser = lend(members)
    number = stored(members)[0].id
    response = browser.post(f"/account/substitutions/{number}/revoke")
    assert response.status_code == 303
    browser.get("/account/substitutions")
    assert "已撤销" in browser.page
    other = members.sign_in("worker")
    other.get("/inbox")
    assert "代 陆明 办理" not in other.page


def test_nobody_else_takes_it_back(members: World) -> None:
    lend(members)
    number = stored(members)[0].id
    for name in ("worker", "deputy"):
        browser = members.sign_in(name)
        browser.get("/account/substitutions")
        assert browser.post(f"/account/substitutions/{number}/revoke").status_code == 404
    assert stored(members)[0].revoked_at is None


@pytest.mark.parametrize(
    ("changes", "target"),
    [
        ({"substitute": ""}, "substitute_id"),
        ({"posts": []}, "posts"),
        ({"since": ""}, "since"),
        ({"until": "昨天"}, "until"),
        ({"until": "2026-11-01"}, "until"),
        ({"until": "2027-11-30"}, "until"),
        ({"reason": " "}, "reason"),
        ({"posts": ["auditor"]}, "posts"),
        ({"posts": ["nonsense"]}, "posts"),
        ({"substitute": "1"}, "substitute_id"),
    ],
)
def test_what_is_wrong_is_said_at_its_place(
    members: World, changes: dict[str, Any], target: str
) -> None:
    browser = members.sign_in("leader")
    browser.get("/account/substitutions")
    response = browser.post("/account/substitutions", fill(members, **changes))
    assert response.status_code == 422
    assert f'href="#{target}"' in browser.page
    assert f'id="{target}-wrong"' in browser.page
    assert stored(members) == []


def test_a_foreign_organisation_is_not_offered(members: World) -> None:
    browser = members.sign_in("leader")
    browser.get("/account/substitutions")
    response = browser.post("/account/substitutions", fill(members, organisation=1))
    assert response.status_code == 422
    assert stored(members) == []


def test_it_says_when_it_begins_and_when_it_is_over(members: World) -> None:
    browser = lend(members, since="2026-11-25")
    assert "尚未开始" in browser.page
    members.clock.set(members.clock.now() + timedelta(days=20))
    browser = members.sign_in("leader")
    browser.get("/account/substitutions")
    assert "已到期" in browser.page
    assert "立即撤销" not in browser.page
