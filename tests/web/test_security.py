"""What every page does by default: headers, cookies, and no change without the session's token."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask

from engine import postgres
from engine.settings import Settings
from tests.web.conftest import World
from web import create_app


def test_every_page_carries_the_protective_headers(world: World) -> None:
    response = world.browser().get("/login")
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "same-origin"
    assert response.headers["Cache-Control"] == "no-store"
    assert "Strict-Transport-Security" not in response.headers


def test_pages_contain_no_inline_script_or_style(world: World) -> None:
    world.start()
    browser = world.sign_in("leader")
    for path in ("/login", "/inbox", "/account", "/start/", "/matters/", "/mine/"):
        browser.get(path)
        assert "<style" not in browser.page
        assert " style=" not in browser.page
        assert " onclick=" not in browser.page
        assert "<script>" not in browser.page


def test_error_pages_carry_the_headers_too(world: World) -> None:
    response = world.browser().get("/nowhere")
    assert response.status_code == 404
    assert "default-src 'self'" in response.headers["Content-Security-Policy"]


def test_answers_to_programs_may_load_nothing_at_all(world: World) -> None:
    for path in ("/api/v1/tasks", "/api/v1/nowhere", "/api/v1/openapi.json"):
        headers = world.browser().get(path).headers
        policy = headers["Content-Security-Policy"]
        assert policy == "default-src 'none'; frame-ancestors 'none'"
        assert headers["X-Content-Type-Options"] == "nosniff"
    assert world.browser().get("/api/v1/tasks").headers["Cache-Control"] == "no-store"
    assert headers["Cache-Control"] == "public, max-age=300"


def test_the_cookie_is_kept_from_scripts_and_other_sites(world: World) -> None:
    response = world.browser().get("/login")
    cookie = response.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_behind_tls_the_cookie_is_secure_and_hsts_is_sent(
    settings: Settings, database: postgres.Addresses
) -> None:
    app = create_app(replace(settings, secure_cookies=True), where=database)
    response = app.test_client().get("/login", base_url="https://localhost")
    assert "__Host-guicheng=" in response.headers["Set-Cookie"]
    assert "Secure" in response.headers["Set-Cookie"]
    assert "max-age=" in response.headers["Strict-Transport-Security"]


def changing_addresses(app: Flask) -> list[str]:
    """Return an address for every rule that takes POST, outside the API."""
    adapter = app.url_map.bind("localhost")
    found = []
    for rule in app.url_map.iter_rules():
        if "POST" in (rule.methods or ()) and not rule.rule.startswith("/api/"):
            values = dict.fromkeys(rule.arguments, 1)
            values |= dict.fromkeys(rule.arguments & {"key"}, "withdraw")
            values |= dict.fromkeys(rule.arguments & {"command"}, "suspend")
            found.append(adapter.build(rule.endpoint, values, method="POST"))
    return found


def test_no_address_changes_anything_without_the_token(world: World) -> None:
    browser = world.sign_in("leader")
    addresses = changing_addresses(world.app)
    assert len(addresses) > 15
    for address in addresses:
        response = browser.client.post(address, data={"_csrf": "wrong"})
        assert response.status_code == 400, address
        assert "没有生效" in response.get_data(as_text=True)


def test_the_login_form_needs_the_token_as_well(world: World) -> None:
    response = world.browser().client.post("/login", data={"login": "worker", "password": "x"})
    assert response.status_code == 400


def test_the_token_of_another_session_is_refused(world: World) -> None:
    first, second = world.sign_in("worker"), world.sign_in("leader")
    second.token = first.token
    assert second.post("/logout").status_code == 400
    assert second.get("/inbox").status_code == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_post_from_another_site_is_refused_even_with_the_token(world: World, site: str) -> None:
    browser = world.sign_in("worker")
    response = browser.post("/logout", headers={"Sec-Fetch-Site": site})
    assert response.status_code == 400


def test_a_stale_page_may_be_sent_once_more_when_the_browser_vouches_for_it(world: World) -> None:
    browser = world.sign_in("worker")
    values = {"_csrf": "old", "language": "en", "note": '"><script>'}
    headers = {"Sec-Fetch-Site": "same-origin"}
    response = browser.client.post("/account/preferences", data=values, headers=headers)
    page = response.get_data(as_text=True)
    assert response.status_code == 400
    assert 'name="language" value="en"' in page
    assert "<script>" not in page
    again = browser.client.post("/account/preferences", data=values)
    assert 'name="language"' not in again.get_data(as_text=True)


def test_a_form_without_any_session_asks_to_sign_in(world: World) -> None:
    response = world.browser().client.post("/tasks/1", data={"_csrf": "old"})
    assert response.status_code == 401
    assert "请重新登录" in response.get_data(as_text=True)


def test_a_nul_is_refused_and_no_fault(world: World) -> None:
    """No browser sends one; PostgreSQL stores none."""
    leader = world.sign_in("leader")
    leader.get("/audit/findings?rule=%00")
    assert "不能保存的空字符" in leader.page
    for address in ("/matters/?q=%00", "/audit/findings?article=%00~a~b", "/audit/trail?since=%00"):
        assert leader.get(address).status_code < 500, address
    stranger = world.browser()
    stranger.get("/login")
    refused = stranger.post("/login", {"login": "a\0", "password": "b"})
    assert refused.status_code == 400
    assert "不能保存的空字符" in stranger.page
