"""Who gets in: tokens, nothing without one, and the form of every refusal."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask

from engine.directory.models import Account
from engine.directory.tokens import list_tokens, revoke_token
from tests.web.api.conftest import API, Program, Town
from web.api.auth import OPEN_ENDPOINTS


def test_no_address_answers_without_a_token(app: Flask, town: Town) -> None:
    nobody = Program(app.test_client(), None)
    rules = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/api/")]
    assert len(rules) > 30
    for rule in rules:
        values = {name: "1" if name.endswith("_id") else "x" for name in rule.arguments}
        address = app.url_map.bind("localhost").build(rule.endpoint, values)
        for method in sorted(rule.methods or ()):
            response = nobody.send(method, address)
            if rule.endpoint in OPEN_ENDPOINTS:
                assert response.status_code == 200
                continue
            assert response.status_code == 401, rule.endpoint
            assert response.headers["WWW-Authenticate"] == 'Bearer realm="guicheng"'
            assert "items" not in response.text


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Basic dTpw", "Bearer gct_x", "Bearer " + "x" * 5000]
)
def test_other_credentials_are_refused(town: Town, header: str) -> None:
    response = town.app.test_client().get(f"{API}/tasks", headers={"Authorization": header})
    assert response.status_code == 401
    assert response.content_type == "application/problem+json"
    assert response.get_json()["code"] == "unauthenticated"
    assert "invalid_token" in response.headers["WWW-Authenticate"]


def test_a_cookie_opens_nothing_and_none_is_set(town: Town) -> None:
    client = town.app.test_client()
    with client.session_transaction() as session:
        session["token"] = "whatever"
    response = client.get(f"{API}/tasks")
    assert response.status_code == 401
    assert "Set-Cookie" not in response.headers
    assert "Set-Cookie" not in town.program("secretary").get("tasks").headers


def test_a_token_ends_with_its_revocation_its_days_and_its_account(town: Town) -> None:
    one, two = town.program("secretary"), town.program("secretary")
    assert one.get("tasks").status_code == two.get("tasks").status_code == 200
    account = town.accounts["secretary"]
    newest = list_tokens(town.session, town.clock, account)[0]
    revoke_token(town.clock, account, newest.id)
    assert (one.get("tasks").status_code, two.get("tasks").status_code) == (200, 401)
    town.clock.set(town.clock.at + timedelta(days=91))
    assert one.get("tasks").status_code == 401
    three = town.program("secretary")
    assert three.get("tasks").status_code == 200
    row = town.session.get(Account, account)
    row.disabled_at = town.clock.now()
    town.session.commit()
    assert three.get("tasks").status_code == 401


def test_unknown_addresses_and_methods_are_problems_too(town: Town) -> None:
    secretary = town.program("secretary")
    absent = secretary.get("nothing-here")
    assert (absent.status_code, absent.get_json()["code"]) == (404, "not_found")
    wrong = secretary.delete("tasks")
    assert (wrong.status_code, wrong.get_json()["code"]) == (405, "method_not_allowed")
    assert "GET" in wrong.headers["Allow"]
    for number in ("0", "-1", "01", "1.5", "9" * 5000, "٣"):
        assert secretary.get(f"tasks/{number}").status_code == 404


def test_pages_keep_their_own_errors(town: Town) -> None:
    response = town.app.test_client().get("/nowhere")
    assert response.status_code == 404
    assert response.content_type.startswith("text/html")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"\xff\xfe{\x00}\x00", 400),
        (b'{"reason": "\xed\xa0\x80"}', 400),
        (b'{"reason": NaN}', 400),
        (b'{"reason": 1e999}', 400),
        (b'{"reason": ' + b"9" * 30 + b"}", 400),
        (b"[" * 100_000, 400),
        (b'{"reason": "\\ud800"}', 422),
        (b'{"reason": "\\u0000"}', 422),
        (b'{"reason": "x", "\\udfff": 1}', 422),
        (b'{"reason": 1}', 422),
        (b'{"reason": null}', 422),
        (b'{"reason": "x", "more": 1}', 422),
        (b"[]", 422),
        (b'"x"', 422),
        (b"", 422),
        (b'{"reason": "' + b"x" * 2_000 + b'y"}', 422),
        (b'"' + b"x" * (1024 * 1024) + b'"', 413),
    ],
)
def test_bodies_are_read_strictly(town: Town, body: bytes, status: int) -> None:
    response = town.program("secretary").post(
        "process-instances/1/cancel", data=body, content_type="application/json"
    )
    assert response.status_code == status, response.text
    assert response.content_type == "application/problem+json"
    assert response.get_json()["status"] == status


def test_bodies_are_json(town: Town) -> None:
    response = town.program("secretary").post("process-instances/1/cancel", data={"reason": "x"})
    assert (response.status_code, response.get_json()["code"]) == (415, "unsupported_media_type")


def test_problems_speak_the_language_asked_for(town: Town) -> None:
    secretary = town.program("secretary")
    chinese = secretary.get("tasks/1", headers={"Accept-Language": "zh-CN,zh;q=0.9"})
    assert chinese.get_json()["title"] == "没有找到"
    for wanted in ("en", "fr", "*", "x" * 500):
        response = secretary.get("tasks/1", headers={"Accept-Language": wanted})
        assert response.get_json()["code"] == "not_found"


def test_a_crash_tells_nothing(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("web.api.tasks.list_mine", broken)
    response = town.program("secretary").get("tasks")
    assert (response.status_code, response.get_json()["code"]) == (500, "internal_error")
    assert "secret" not in response.text
