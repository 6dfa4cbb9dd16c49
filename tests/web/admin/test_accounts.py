"""管理 · 账号: opened, reset, locked and signed out by administrators, in their own part only."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from engine.database import unit_of_work
from engine.directory.models import Account, Person
from engine.ledger.models import LedgerEntry
from tests.factories import make_administrator
from tests.web.conftest import Browser, World

ACTIONS = ("password", "lock", "unlock", "sign-out", "open")


@pytest.fixture
def admin(world: World) -> Browser:
    make_administrator(world.people["deputy"], world.office)
    return world.sign_in("deputy")


@pytest.fixture
def clerk(world: World) -> int:
    """Somebody of the office without an account."""
    with unit_of_work() as unit:
        made = Person(name="文员", organisation_id=world.office, created_at=world.clock.now())
        unit.add(made)
        unit.flush()
        return made.id


def shown(browser: Browser) -> str:
    found = re.search(r'<code class="big">([a-z0-9-]{19})</code>', browser.page)
    assert found, "no password on the page"
    return found[1]


def act(browser: Browser, person: int, what: str, **values: str) -> int:
    browser.get(f"/admin/accounts/{person}")
    return browser.post(f"/admin/accounts/{person}/{what}", values).status_code


def test_an_account_from_its_opening_to_the_first_login(
    world: World, admin: Browser, clerk: int
) -> None:
    assert act(admin, clerk, "open", login="a b") == 422
    assert 'value="a b"' in admin.page and "用户名只能用" in admin.page
    assert act(admin, clerk, "open", login="worker") == 422
    assert act(admin, clerk, "open", login="wenyuan") == 200
    password = shown(admin)
    admin.get(f"/admin/accounts/{clerk}")
    assert password not in admin.page and "初始密码未改" in admin.page
    assert act(admin, clerk, "open", login="twice") == 303  # there is one: nothing happens
    browser = world.browser()
    assert browser.sign_in("wenyuan", password).status_code == 303
    assert browser.client.get("/inbox").location.startswith("/first-password")
    recorded = world.session.scalars(
        select(LedgerEntry.payload).where(LedgerEntry.kind == "account")
    ).all()
    assert [password in str(payload) or "wenyuan" in str(payload) for payload in recorded] == [
        False
    ]


def test_reset_lock_unlock_and_sign_out(world: World, admin: Browser) -> None:
    worker, person = world.sign_in("worker"), world.people["worker"]
    assert act(admin, person, "sign-out") == 303
    assert worker.client.get("/inbox").status_code == 401
    worker.sign_in("worker")
    assert act(admin, person, "lock") == 303
    assert worker.client.get("/inbox").status_code == 401
    assert worker.sign_in("worker").status_code == 401
    admin.get(f"/admin/accounts/{person}")
    assert "启用账号" in admin.page and "停用账号" not in admin.page
    assert act(admin, person, "unlock") == 303
    assert worker.sign_in("worker").status_code == 303
    assert act(admin, person, "password") == 200
    password = shown(admin)
    assert worker.client.get("/inbox").status_code == 401
    assert worker.sign_in("worker").status_code == 401
    assert worker.sign_in("worker", password).status_code == 303
    changes = world.session.scalars(
        select(LedgerEntry.payload).where(LedgerEntry.kind == "account").order_by(LedgerEntry.seq)
    ).all()
    assert [re.search(r'"change":"(\w+)"', str(p).replace(" ", ""))[1] for p in changes] == [  # type: ignore[index]
        "end_sessions",
        "disable_account",
        "enable_account",
        "reset_password",
    ]


@pytest.mark.parametrize("name", ["worker", "leader", "stranger"])
def test_nobody_else_finds_them(world: World, admin: Browser, name: str) -> None:
    other, person = world.sign_in(name), world.people["worker"]
    assert other.get("/admin/accounts/").status_code == 404
    assert other.get(f"/admin/accounts/{person}").status_code == 404
    for what in ACTIONS:
        assert other.post(f"/admin/accounts/{person}/{what}").status_code == 404, what
    locked = world.session.scalars(select(Account).where(Account.disabled_at.is_not(None))).all()
    assert locked == []


def test_not_ones_own_and_not_outside_ones_part(world: World, admin: Browser) -> None:
    own, stranger = world.people["deputy"], world.people["stranger"]
    admin.get(f"/admin/accounts/{own}")
    assert "这是您自己的账号" in admin.page and "停用账号" not in admin.page
    assert admin.post(f"/admin/accounts/{own}/lock").status_code == 409
    assert admin.get(f"/admin/accounts/{stranger}").status_code == 404
    admin.get("/admin/accounts/")
    for what in ACTIONS:
        assert admin.post(f"/admin/accounts/{stranger}/{what}").status_code in (403, 404), what
    assert admin.get("/admin/accounts/999999").status_code == 404


def test_the_list_is_filtered(world: World, admin: Browser, clerk: int) -> None:
    admin.get("/admin/accounts/")
    assert "文员" in admin.page and "没有账号" in admin.page and "石磊" not in admin.page
    admin.get("/admin/accounts/?state=active")
    assert "文员" not in admin.page
    admin.get(f"/admin/accounts/?organisation={world.office}&q=文")
    assert "文员" in admin.page
    for query in ("?q=%00", "?state=x", "?cursor=x", "?organisation=x"):
        assert admin.get(f"/admin/accounts/{query}").status_code == 200, query
    assert admin.get("/admin/accounts/?organisation=999999").status_code == 404


def test_a_long_list_goes_on(world: World, admin: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.admin.accounts.PAGE", 2)
    admin.get("/admin/accounts/")
    first = admin.page
    admin.get("/admin/accounts/?cursor=" + first.split("cursor=")[1].split('"')[0])
    assert "戴强" in admin.page and "戴强" not in first.split("<main")[1]
