"""Verification finds every change made behind our back and names the entry."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from flask import Flask
from psycopg import sql
from sqlalchemy import text

from engine import postgres
from engine.clock import FixedClock
from engine.database import db, unit_of_work
from engine.ledger.chain import Event
from engine.ledger.operations import append
from engine.ledger.verify import Report, verify

Connection = psycopg.Connection[tuple[object, ...]]


@pytest.fixture
def chain(app: Flask, clock: FixedClock, database: postgres.Addresses) -> Iterator[int]:
    """A committed chain of five entries, removed again as the owner."""
    with app.app_context():
        for number in range(5):
            with unit_of_work() as session:
                append(session, "test", Event("read", payload={"n": number}), clock)
        chain_id = db.session.execute(
            text("SELECT id FROM ledger_chain WHERE name = 'test'")
        ).scalar_one()
        db.session.remove()
    yield chain_id
    with owner(database) as connection:
        connection.execute("DELETE FROM ledger_entry WHERE chain_id = %s", (chain_id,))
        connection.execute("DELETE FROM ledger_chain WHERE id = %s", (chain_id,))


def owner(database: postgres.Addresses) -> Connection:
    """A connection of somebody who owns the server and switches the guards off."""
    connection = psycopg.connect(database.owner)
    connection.execute("SET session_replication_role = replica")
    return connection


def faults(database: postgres.Addresses, chain_id: int) -> list[tuple[int | None, str]]:
    with psycopg.connect(database.app) as connection:
        return [
            (fault.seq, fault.code)
            for fault in verify(connection, Report())
            if fault.chain_id == chain_id
        ]


def test_an_untouched_chain_verifies(database: postgres.Addresses, chain: int) -> None:
    assert faults(database, chain) == []


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        ("kind", "completed", "entry_changed"),
        ("recorded_at", "2020-01-01T00:00:00Z", "entry_changed"),
        ("occurred_on", "2020-01-01", "entry_changed"),
        ("actor_id", 99, "entry_changed"),
        ("on_behalf_of", 99, "entry_changed"),
        ("element", "x", "entry_changed"),
        ("task_id", 99, "entry_changed"),
        ("command_id", "00000000-0000-0000-0000-000000000001", "entry_changed"),
        ("payload", '{"n":7}', "payload_changed"),
        ("salt", b"0123456789abcdef", "payload_changed"),
        ("payload_digest", b"x" * 32, "entry_changed"),
        ("snapshot", b"x", "entry_changed"),
        ("form", 2, "entry_changed"),
        ("form", 77, "form_unknown"),
        ("previous", b"x" * 32, "link_broken"),
        ("digest", b"x" * 32, "entry_changed"),
    ],
)
def test_a_changed_field_is_found_at_its_entry(
    database: postgres.Addresses, chain: int, column: str, value: object, code: str
) -> None:
    with owner(database) as connection:
        connection.execute(
            sql.SQL("UPDATE ledger_entry SET {} = %s WHERE chain_id = %s AND seq = 3").format(
                sql.Identifier(column)
            ),
            (value, chain),
        )
    assert (3, code) in faults(database, chain)


@pytest.mark.parametrize(
    ("seq", "where"), [(1, 2), (3, 4), (5, 5)], ids=["first", "middle", "last"]
)
def test_a_removed_entry_is_found(
    database: postgres.Addresses, chain: int, seq: int, where: int
) -> None:
    with owner(database) as connection:
        connection.execute(
            "DELETE FROM ledger_entry WHERE chain_id = %s AND seq = %s", (chain, seq)
        )
    assert (where, "entry_missing") in faults(database, chain)


def test_two_entries_in_each_other_s_place_are_found(
    database: postgres.Addresses, chain: int
) -> None:
    with owner(database) as connection:
        for old, new in ((2, -1), (4, 2), (-1, 4)):
            connection.execute(
                "UPDATE ledger_entry SET seq = %s WHERE chain_id = %s AND seq = %s",
                (new, chain, old),
            )
    found = faults(database, chain)
    assert (2, "entry_changed") in found
    assert (4, "entry_changed") in found


def test_an_inserted_entry_is_found(database: postgres.Addresses, chain: int) -> None:
    with owner(database) as connection:
        connection.execute(
            """
            INSERT INTO ledger_entry SELECT chain_id, 6, form, kind, recorded_at, occurred_on,
                actor_id, on_behalf_of, element, task_id, command_id, payload, salt,
                payload_digest, snapshot, previous, digest
            FROM ledger_entry WHERE chain_id = %s AND seq = 5
            """,
            (chain,),
        )
    assert (6, "entry_inserted") in faults(database, chain) or (
        6,
        "entry_changed",
    ) in faults(database, chain)


def test_a_removed_chain_is_found(database: postgres.Addresses, chain: int) -> None:
    with owner(database) as connection:
        connection.execute("DELETE FROM ledger_entry WHERE chain_id = %s", (chain,))
    assert faults(database, chain) == [(None, "chain_missing")]


def test_a_payload_erased_without_a_record_is_found(
    database: postgres.Addresses, chain: int
) -> None:
    with owner(database) as connection:
        connection.execute(
            "UPDATE ledger_entry SET payload = NULL, salt = NULL WHERE chain_id = %s AND seq = 2",
            (chain,),
        )
    assert faults(database, chain) == [(2, "erased_silently")]


@pytest.mark.parametrize(
    "change", ["UPDATE ledger_entry SET kind = 'x'", "DELETE FROM ledger_entry"]
)
def test_the_application_s_role_cannot_change_an_entry(
    database: postgres.Addresses, chain: int, change: str
) -> None:
    with (
        psycopg.connect(database.app) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(change)


@pytest.mark.parametrize(
    "change",
    ["UPDATE ledger_entry SET kind = 'x'", "DELETE FROM ledger_entry", "TRUNCATE ledger_entry"],
)
def test_even_the_owner_is_stopped_by_the_trigger(
    database: postgres.Addresses, chain: int, change: str
) -> None:
    with (
        psycopg.connect(database.owner) as connection,
        pytest.raises(psycopg.errors.RaiseException, match="never changed"),
    ):
        connection.execute(change)
