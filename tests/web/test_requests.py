"""The log of requests: enough to find out what happened, nothing about people."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from flask import Flask

from engine.logging import configure_logging, request_id
from tests.web.conftest import World
from web import requests


class Lines:
    """What was logged."""

    def __init__(self, captured: pytest.CaptureFixture[str]) -> None:
        self._captured = captured
        self.text = ""

    def read(self) -> str:
        """Return all that was logged so far."""
        self.text += self._captured.readouterr().err
        return self.text

    def events(self) -> list[dict[str, Any]]:
        """Return what was logged so far as data."""
        return [json.loads(line) for line in self.read().splitlines()]

    def last(self) -> dict[str, Any]:
        """Return the last line as data."""
        return self.events()[-1]


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Iterator[Lines]:
    """Catch the log."""
    configure_logging()
    yield Lines(capsys)
    request_id.set(None)


def test_a_request_leaves_one_line(world: World, lines: Lines) -> None:
    browser = world.sign_in("leader")
    before = len(lines.events())
    browser.get("/inbox?text=万小云")
    (line,) = lines.events()[before:]
    assert line["event"] == "request"
    assert (line["method"], line["endpoint"], line["status"]) == ("GET", "inbox.index", 200)
    assert line["ms"] > 0
    assert isinstance(line["account"], int)


def test_nothing_that_was_typed_or_asked_for_is_logged(world: World, lines: Lines) -> None:
    _, task = world.start()
    browser = world.sign_in("leader")
    browser.get(f"/tasks/{task}?text=万小云")
    browser.post(f"/tasks/{task}", {"approval_note": "理由不足", "_csrf": browser.token})
    browser.client.get("/nowhere/万小云", headers={"Authorization": "Bearer geheim-token"})
    browser.client.get("/api/v1/tasks", headers={"Authorization": "Bearer geheim-token"})
    said = lines.read()
    for word in ("万小云", "理由", "geheim", "leader", "陆明", browser.token, f"/{task}"):
        assert word not in said


def test_the_id_of_a_proxy_is_kept_and_told(world: World, lines: Lines) -> None:
    response = world.browser().get("/login", headers={"X-Request-ID": "proxy-0123456789"})
    assert response.headers["X-Request-ID"] == "proxy-0123456789"
    assert lines.last()["request_id"] == "proxy-0123456789"


@pytest.mark.parametrize(
    "given", ["short", "a" * 65, "with space 123", '"}{"x":1,"y', "万小云万小云万"]
)
def test_any_other_id_is_replaced(world: World, lines: Lines, given: str) -> None:
    headers = {"X-Request-ID": given.encode("utf-8").decode("latin-1")}
    made = world.browser().get("/login", headers=headers).headers["X-Request-ID"]
    assert made != given
    assert len(made) == 16


def test_what_the_engine_logs_meanwhile_carries_the_id(
    world: World, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: Any, **more: Any) -> None:
        structlog.get_logger("engine").error("incident", error="stuck_instance")
        raise RuntimeError("万小云 has a secret")

    monkeypatch.setattr("web.inbox.views.work_page", fail)
    response = world.sign_in("leader").get("/inbox")
    assert response.status_code == 500
    incident, crash, request = lines.events()[-3:]
    ids = {line["request_id"] for line in (incident, crash, request)}
    assert ids == {response.headers["X-Request-ID"]}
    assert incident["event"] == "incident"
    assert request["status"] == 500
    assert crash["exception"][0]["kind"] == "builtins.RuntimeError"
    assert "secret" not in lines.read()


def test_no_request_leaves_anything_to_the_next(world: World, lines: Lines) -> None:
    world.browser().get("/login")
    assert request_id.get() is None


def test_pages_of_the_api_are_logged_too(world: World, lines: Lines) -> None:
    world.browser().get("/api/v1/openapi.json")
    assert lines.last()["endpoint"] == "api.openapi"


def test_a_method_of_ones_own_invention_is_not_repeated(app: Flask, lines: Lines) -> None:
    with app.test_request_context("/login", method="GEHEIM"):
        requests.begin()
        requests.finish(app.response_class())
    assert lines.last()["method"] == "other"
