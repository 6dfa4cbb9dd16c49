"""Chains, checkpoints and the owner of the server who changes what he likes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask
from sqlalchemy import text

from engine import postgres
from engine.clock import FixedClock
from engine.database import db, unit_of_work
from engine.ledger.chain import Event
from engine.ledger.models import LedgerChain
from engine.ledger.operations import append
from engine.settings import Settings

Connection = psycopg.Connection[tuple[Any, ...]]
Grow = Callable[..., int]


@pytest.fixture
def own(settings: Settings, tmp_path: Path) -> Settings:
    """Settings with a data folder, and so a signing key, of this test's own."""
    return replace(settings, data_dir=tmp_path)


@pytest.fixture
def grow(session: Any, clock: FixedClock) -> Grow:
    """A function that adds entries to a chain and returns its id, all undone after the test."""

    def add(name: str, count: int = 1) -> int:
        for number in range(count):
            append(session, name, Event("read", payload={"n": number}), clock)
        found: int = session.execute(
            text("SELECT id FROM ledger_chain WHERE name = :name"), {"name": name}
        ).scalar_one()
        return found

    return add


@pytest.fixture
def lasting(app: Flask, database: postgres.Addresses, clock: FixedClock) -> Iterator[Grow]:
    """Like ``grow``, but committed, as other connections shall see it; removed again by the owner.

    Checkpoints and keys made meanwhile go as well.
    """

    def add(name: str, *events: Event) -> int:
        with app.app_context():
            for event in events:
                with unit_of_work() as session:
                    append(session, name, event, clock)
            found: int = db.session.query(LedgerChain.id).filter_by(name=name).scalar()
            db.session.remove()
        return found

    yield add
    with owner(database) as connection:
        for table in ("ledger_entry", "ledger_chain", *CHECKPOINTS):
            connection.execute(f"DELETE FROM {table}")


CHECKPOINTS = ("checkpoint", "checkpoint_leaf", "checkpoint_key")


def owner(database: postgres.Addresses) -> Connection:
    """A connection of somebody who owns the server and switches the guards off."""
    connection = psycopg.connect(database.owner)
    connection.execute("SET session_replication_role = replica")
    return connection
