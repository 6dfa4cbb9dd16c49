"""Signing in and out: sessions that can be listed and revoked, and a brake on guessing."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.web.conftest import World


def test_signing_in_leads_to_the_inbox(world: World) -> None:
    response = world.browser().sign_in("worker")
    assert response.status_code == 303
    assert response.location == "/inbox"


def test_signing_in_leads_back_to_the_page_that_asked(world: World) -> None:
    browser = world.browser()
    page = browser.get("/matters/").get_data(as_text=True)
    assert 'href="/login?next=/matters/"' in page
    assert browser.sign_in("worker", next="/matters/").location == "/matters/"


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:1", ""]
)
def test_signing_in_never_leads_to_another_site(world: World, target: str) -> None:
    assert world.browser().sign_in("worker", next=target).location == "/inbox"


def test_a_wrong_password_and_an_unknown_login_look_the_same(world: World) -> None:
    browser = world.browser()
    first = browser.sign_in("worker", "wrong password")
    page = browser.page.replace("worker", "")
    second = browser.sign_in("nobody", "wrong password")
    assert first.status_code == second.status_code == 401
    assert page.split("_csrf")[0] == browser.page.replace("nobody", "").split("_csrf")[0]


def test_guessing_is_braked_and_the_page_says_how_long(world: World) -> None:
    browser = world.browser()
    for _ in range(5):
        assert browser.sign_in("worker", "wrong password").status_code == 401
    refused = browser.sign_in("worker")
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 0
    assert "秒后再试" in browser.page
    world.clock.at += timedelta(minutes=20)
    assert browser.sign_in("worker").status_code == 303


@pytest.mark.parametrize("path", ["/inbox", "/tasks/1", "/matters/", "/mine/", "/account"])
def test_pages_ask_visitors_to_sign_in(world: World, path: str) -> None:
    browser = world.browser()
    assert browser.get(path).status_code == 401
    assert "请重新登录" in browser.page


def test_the_front_door_leads_to_the_sign_in_and_then_to_the_inbox(world: World) -> None:
    assert world.browser().get("/").location == "/login"
    assert world.sign_in("worker").get("/").location == "/inbox"


def test_sessions_are_listed_and_another_one_can_be_ended(world: World) -> None:
    here, there = world.sign_in("worker"), world.sign_in("worker")
    here.get("/account")
    address = here.page.split('action="/account/sessions/')[1].split('"')[0]
    assert here.post(f"/account/sessions/{address}").status_code == 303
    assert here.get("/inbox").status_code == 200
    assert there.get("/inbox").status_code == 401


def test_nobody_ends_the_session_of_another_account(world: World) -> None:
    world.sign_in("leader")
    browser = world.sign_in("worker")
    leaders = world.sign_in("leader")
    leaders.get("/account")
    address = leaders.page.split('action="/account/sessions/')[1].split('"')[0]
    assert browser.post(f"/account/sessions/{address}").status_code == 404


def test_signing_out_ends_the_session_even_for_a_copied_cookie(world: World) -> None:
    browser = world.sign_in("worker")
    copied = world.app.test_client()
    cookie = browser.client.get_cookie("guicheng")
    assert cookie is not None
    copied.set_cookie("guicheng", cookie.value)
    assert copied.get("/inbox").status_code == 200
    browser.post("/logout")
    assert copied.get("/inbox").status_code == 401


def test_a_session_ends_after_idle_time(world: World) -> None:
    browser = world.sign_in("worker")
    world.clock.at += timedelta(minutes=61)
    assert browser.get("/inbox").status_code == 401


def test_an_expired_session_changes_nothing_and_says_so(world: World) -> None:
    _, task = world.start()
    browser = world.sign_in("leader")
    browser.get(f"/tasks/{task}")
    world.clock.at += timedelta(minutes=61)
    response = browser.post(f"/tasks/{task}", {"approval": "agree"})
    assert response.status_code == 401
    assert "没有生效" in browser.page
    assert f'href="/login?next=/tasks/{task}"' in browser.page
    again = world.sign_in("leader")
    assert "提交审批意见" in again.get(f"/tasks/{task}").get_data(as_text=True)


def test_changing_the_password_ends_the_other_sessions(world: World) -> None:
    here, there = world.sign_in("worker"), world.sign_in("worker")
    here.get("/account")
    new = "another quiet river"
    wrong = here.post("/account/password", {"old": "no", "new": new})
    assert wrong.status_code == 422
    right = here.post("/account/password", {"old": "a quiet river bends", "new": new})
    assert right.status_code == 303
    assert here.get("/inbox").status_code == 200
    assert there.get("/inbox").status_code == 401


def test_language_and_large_print_are_kept_with_the_account(world: World) -> None:
    browser = world.sign_in("worker")
    browser.get("/account")
    browser.post("/account/preferences", {"language": "en", "large_print": "1"})
    page = world.sign_in("worker").get("/account").get_data(as_text=True)
    assert '<html lang="en" class="large">' in page


def test_demo_accounts_exist_only_in_a_demonstration(world: World) -> None:
    browser = world.browser()
    browser.get("/login")
    assert "演示账号" not in browser.page
    assert browser.post("/login/demo", {"account": "1"}).status_code == 404
