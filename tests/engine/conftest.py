"""The invented town, in a transaction that is undone, or really committed for tests of races."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
import pytest
from flask import Flask
from sqlalchemy.orm import Session

from engine import postgres
from engine.application import create_core_app
from engine.clock import FixedClock
from engine.database import db
from engine.ledger.verify import Fault, Report, verify
from engine.settings import Settings
from tests.conftest import TEST_DATA
from tests.databases import kept_database
from tests.factories import Desk, create_town


@pytest.fixture
def desk(session: Session, clock: FixedClock) -> Desk:
    """The town; everything that happens in it is undone after the test."""
    return Desk(create_town(clock), clock)


@dataclass
class Live:
    """A database of its own in which commits are real: for threads, processes and workers."""

    app: Flask
    where: postgres.Addresses
    desk: Desk

    @property
    def clock(self) -> FixedClock:
        """The clock of the desk."""
        return self.desk.clock

    def environment(self) -> dict[str, str]:
        """Return the environment of a process that works on this database."""
        return {
            **os.environ,
            "DATABASE_URL": self.where.app,
            "DATABASE_OWNER_URL": self.where.owner,
            "DATA_DIR": str(TEST_DATA),
            "PYTHONPATH": os.getcwd(),  # noqa: PTH109 - what the variable wants
        }

    def faults(self) -> list[Fault]:
        """Return what verification finds in the whole database."""
        with psycopg.connect(self.where.app) as connection:
            return list(verify(connection, Report()))


@pytest.fixture(scope="session")
def live_database(settings: Settings) -> Iterator[postgres.Addresses]:
    """A second database, whose commits stay until the run ends."""
    with kept_database(settings.data_dir, "live", 1_000_000) as where:
        yield where


@pytest.fixture
def live(
    settings: Settings, live_database: postgres.Addresses, clock: FixedClock
) -> Iterator[Live]:
    """A town of its own for this test, in the database that keeps what is committed."""
    app = create_core_app(settings, where=live_database, pool_size=8)
    with app.app_context():
        try:
            yield Live(app, live_database, Desk(create_town(clock), clock))
        finally:
            db.session.remove()
            db.engine.dispose()
