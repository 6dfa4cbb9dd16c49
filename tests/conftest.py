"""Fixtures for all tests: a real embedded PostgreSQL, one database a run, rolled back a test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import hypothesis
import psycopg
import pytest
from flask import Flask
from psycopg import sql
from sqlalchemy.orm import Session

from engine import postgres
from engine.application import create_core_app
from engine.clock import ZONE, FixedClock
from engine.database import db
from engine.migrations import upgrade
from engine.settings import Settings

hypothesis.settings.register_profile(
    # A busy machine is no failure; in CI the same examples are tried each time.
    "guicheng",
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
)
hypothesis.settings.load_profile("guicheng")

TEST_DATA = Path(os.environ.get("TEST_DATA_DIR", "var/test")).resolve()


@pytest.fixture(scope="session")
def settings() -> Settings:
    """Settings of the test installation; its files live below ``var/test``."""
    TEST_DATA.mkdir(parents=True, exist_ok=True)
    return Settings(data_dir=TEST_DATA, secret_key="test-secret-key", port=0)


@pytest.fixture(scope="session")
def database(settings: Settings) -> Iterator[postgres.Addresses]:
    """A fresh, migrated database for this run."""
    name = f"test_{os.getpid()}"
    where = postgres.start(settings.data_dir, database=name)
    upgrade(where)
    yield where
    db_url = where.owner.replace(f"/{name}?", "/postgres?")
    with psycopg.connect(db_url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        )


@pytest.fixture(scope="session")
def app(settings: Settings, database: postgres.Addresses) -> Iterator[Flask]:
    """The core application, bound to the test database."""
    app = create_core_app(settings, where=database)
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def session(app: Flask) -> Iterator[Session]:
    """The session of an application context; whatever a test commits is undone after it."""
    with app.app_context():
        engines = db._app_engines[app]
        engine = engines[None]
        with engine.connect() as connection:
            outer = connection.begin()
            # Every session of this test, a request's too, works inside the outer transaction.
            engines[None] = connection  # type: ignore[assignment]
            try:
                yield db.session()
            finally:
                db.session.remove()
                engines[None] = engine
                outer.rollback()


@pytest.fixture
def clock() -> FixedClock:
    """Noon in Shanghai on 22 November 2026."""
    return FixedClock(datetime(2026, 11, 22, 12, 0, tzinfo=ZONE))
