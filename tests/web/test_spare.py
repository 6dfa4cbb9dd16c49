"""Database sessions go from one request to the next with their connection and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.orm import Session

from engine import postgres
from engine.database import db, fetch, unit_of_work
from engine.directory.models import LoginAttempt
from engine.settings import Settings
from web import create_app
from web.context import asked_first

_BACKEND = "SELECT pg_backend_pid() AS pid"


@pytest.fixture
def site(settings: Settings, database: postgres.Addresses) -> Iterator[Flask]:
    """An application with connections of its own: other tests share one transaction."""
    site = create_app(settings, where=database)
    asked: list[str] = []
    site.extensions["asked"] = asked

    @site.get("/backend")
    def backend() -> str:
        return str(fetch(db.session(), _BACKEND, {})[0].pid)

    @site.get("/objects")
    def objects() -> str:
        db.session.add(LoginAttempt(key="spare"))
        return backend()

    @site.get("/nested")
    def nested() -> str:
        backend()
        db.session.begin_nested()
        return backend()

    @site.get("/write")
    def write() -> str:
        with unit_of_work() as session:
            return str(fetch(session, _BACKEND, {})[0].pid)

    yield site
    for session in spare(site):
        session.close()
    with site.app_context():
        db.engine.dispose()


def spare(site: Flask) -> list[Session]:
    return list(site.extensions["guicheng.spare"])


def ask(site: Flask, path: str) -> str:
    response = site.test_client().get(path)
    assert response.status_code == 200
    return response.get_data(as_text=True)


@pytest.mark.parametrize("path", ["/backend", "/write"])
def test_the_next_request_takes_over_the_session_and_its_connection(site: Flask, path: str) -> None:
    first = ask(site, path)
    (left,) = spare(site)
    assert ask(site, path) == first
    assert spare(site) == [left]


def test_no_transaction_is_left_open(site: Flask, database: postgres.Addresses) -> None:
    pid = ask(site, "/backend")
    with psycopg.connect(database.owner) as connection:
        query = "SELECT state FROM pg_stat_activity WHERE pid = %s"
        assert connection.execute(query, (pid,)).fetchone() == ("idle",)


@pytest.mark.parametrize("path", ["/objects", "/nested", "/healthz"])
def test_a_session_with_anything_pending_is_closed(site: Flask, path: str) -> None:
    site.test_client().get(path)
    assert not spare(site)


def test_a_session_remembers_no_objects(site: Flask) -> None:
    ask(site, "/backend")
    (left,) = spare(site)
    assert not left.identity_map
    with site.app_context():
        assert db.session() is not left  # a context without a request makes its own


def test_a_session_whose_request_failed_is_closed(site: Flask) -> None:
    @site.get("/broken")
    def broken() -> str:
        fetch(db.session(), _BACKEND, {})
        db.session.execute(text("SELECT 1/0"))
        return ""

    assert site.test_client().get("/broken").status_code == 500
    assert not spare(site)


def end_backend(database: postgres.Addresses, pid: str) -> None:
    with psycopg.connect(database.owner, autocommit=True) as connection:
        connection.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))


def test_a_lost_connection_costs_one_request(site: Flask, database: postgres.Addresses) -> None:
    pid = ask(site, "/backend")
    end_backend(database, pid)
    assert site.test_client().get("/backend").status_code == 503
    assert ask(site, "/backend") != pid


def test_who_asks_is_asked_again_on_a_new_connection(
    site: Flask, database: postgres.Addresses
) -> None:
    @site.get("/asked")
    def asked() -> str:
        return asked_first(lambda: str(fetch(db.session(), _BACKEND, {})[0].pid))

    pid = ask(site, "/asked")
    end_backend(database, pid)
    assert ask(site, "/asked") != pid


def test_a_wrong_question_is_asked_once(site: Flask) -> None:
    questions: list[int] = []

    @site.get("/wrong")
    def wrong() -> str:
        def question() -> str:
            questions.append(1)
            return str(fetch(db.session(), "SELECT 1 / 0", {}))

        return asked_first(question)

    assert site.test_client().get("/wrong").status_code == 500
    assert questions == [1]


def test_while_the_database_is_away_people_and_programs_are_told(
    site: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*arguments: object) -> None:
        raise psycopg.OperationalError("the connection is lost")

    @site.get("/gone")
    def page() -> str:
        gone()
        return ""

    monkeypatch.setattr("web.api.auth.find_actor", gone)
    told = site.test_client().get("/gone")
    assert told.status_code == 503
    assert "不能确定刚才的操作是否已经生效" in told.get_data(as_text=True)
    token = {"Authorization": "Bearer any"}
    answer = site.test_client().get("/api/v1/tasks", headers=token)
    assert (answer.status_code, answer.get_json()["code"]) == (503, "database_lost")
