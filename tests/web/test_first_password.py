"""A password that somebody else has given is changed before any other page opens."""

from __future__ import annotations

import pytest

from engine.database import unit_of_work
from engine.directory.accounts import find_account
from engine.directory.tokens import create_token
from tests.web.conftest import PASSWORD, Browser, World

NEW = "一条小路通向河边的老树"


@pytest.fixture
def newcomer(world: World) -> Browser:
    """The worker with a password that an administrator has drawn."""
    with unit_of_work() as unit:
        account = find_account(unit, "worker")
        assert account is not None
        account.must_change_password = True
    return world.browser()


def change(browser: Browser, new: str, again: str | None = None) -> int:
    return browser.post(
        "/first-password", {"new": new, "again": new if again is None else again, "next": "/mine"}
    ).status_code


def test_every_page_leads_there(newcomer: Browser) -> None:
    newcomer.get("/login")
    entered = newcomer.post("/login", {"login": "worker", "password": PASSWORD, "next": "/mine"})
    assert entered.status_code == 303 and entered.location == "/mine"
    for path in ("/inbox", "/mine", "/account", "/instances", "/nowhere"):
        led = newcomer.client.get(path)
        assert (led.status_code, led.location.split("?")[0]) == (303, "/first-password"), path
    newcomer.get("/first-password?next=/mine")
    assert "请先设置新密码" in newcomer.page
    assert "主导航" not in newcomer.page and 'value="/mine"' in newcomer.page
    led = newcomer.post("/account/preferences", {"language": "en"})
    assert led.location == "/first-password"
    swapped = newcomer.client.get("/inbox", headers={"HX-Request": "true"})
    assert swapped.status_code == 204
    assert swapped.headers["HX-Redirect"].startswith("/first-password")
    assert newcomer.client.get("/healthz").status_code in (200, 503)
    assert newcomer.post("/logout").location == "/login"


def test_it_is_changed_once_and_the_way_goes_on(world: World, newcomer: Browser) -> None:
    newcomer.sign_in("worker")
    newcomer.get("/first-password")
    assert change(newcomer, NEW, NEW + "。") == 422
    assert "两次填写的密码不一样" in newcomer.page
    assert change(newcomer, "short") == 422
    assert change(newcomer, PASSWORD) == 422
    assert "不能与现在的密码相同" in newcomer.page
    other = world.browser()
    other.sign_in("worker")
    assert change(newcomer, NEW) == 303
    assert newcomer.get("/inbox").status_code == 200
    assert newcomer.client.get("/first-password").status_code == 302
    assert other.client.get("/inbox").status_code == 401  # the other device is signed out
    again = world.browser()
    assert again.sign_in("worker", PASSWORD).status_code == 401
    assert again.sign_in("worker", NEW).status_code == 303
    assert again.get("/inbox").status_code == 200


def test_a_program_waits_for_it_too(world: World, newcomer: Browser) -> None:
    account = find_account(world.session, "worker")
    assert account is not None
    token = create_token(world.clock, account.id, name="报表")
    headers = {"Authorization": f"Bearer {token}"}
    assert newcomer.client.get("/api/v1/tasks", headers=headers).status_code == 401
    newcomer.sign_in("worker")
    newcomer.get("/first-password")
    assert change(newcomer, NEW) == 303
    assert newcomer.client.get("/api/v1/tasks", headers=headers).status_code == 200


def test_without_signing_in_there_is_nothing_to_change(world: World) -> None:
    browser = world.browser()
    assert browser.get("/first-password").status_code == 401
    browser.get("/login")
    assert browser.post("/first-password", {"new": NEW, "again": NEW}).status_code == 401
    known = world.sign_in("leader")
    assert known.client.get("/first-password").status_code == 302
    known.get("/account")
    assert change(known, NEW) == 303
    assert world.browser().sign_in("leader").status_code == 303  # the old one still opens
