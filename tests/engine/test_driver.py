"""The connection: what it sends when, what it keeps, and what happens when something goes wrong."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from uuid import UUID, uuid4

import psycopg
import pytest
from flask import Flask
from psycopg.pq import TransactionStatus
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from engine import postgres
from engine.database import db, fetch, fetch_later, run, unit_of_work
from engine.driver import Connection

VALUES = {
    "number": 9_000_000_000,
    "words": "规程 \"引号\" \\ '撇号' {括号}, NULL",
    "truth": True,
    "day": date(2026, 11, 22),
    "moment": datetime(2026, 11, 22, 4, 0, 0, 123456, tzinfo=UTC),
    "uid": UUID("6f6d2f5e-5f4e-4a43-9d6d-5a5a5a5a5a5a"),
    "data": b"\x00\xff\\x",
    "texts": ["a,b", '"', "\\", "{}", "null", ""],
    "numbers": [1, -2],
    "nothing": None,
}
TYPES = {
    "number": "bigint",
    "words": "text",
    "truth": "boolean",
    "day": "date",
    "moment": "timestamptz",
    "uid": "uuid",
    "data": "bytea",
    "texts": "text[]",
    "numbers": "bigint[]",
    "nothing": "text",
}


@pytest.fixture
def connection(database: postgres.Addresses) -> Iterator[Connection]:
    made = Connection.connect(database.app, options="-c timezone=UTC")
    assert isinstance(made, Connection)
    made.cursor().execute("CREATE TEMP TABLE thing (id int PRIMARY KEY, word text)")
    made.commit()
    yield made
    made.close()


def words(connection: Connection) -> list[str]:
    found = connection.cursor().execute("SELECT word FROM thing ORDER BY id").fetchall()
    return [word for (word,) in found]


INSERT = "INSERT INTO thing VALUES (%(id)s, %(word)s)"


def test_every_kind_of_value_comes_back_as_it_went(connection: Connection) -> None:
    asked = ", ".join(f"%({name})s::{TYPES[name]} AS {name}" for name in VALUES)
    (row,) = connection.fetch(f"SELECT {asked}", VALUES)
    assert {name: getattr(row, name) for name in VALUES} == VALUES


def test_a_text_with_a_nul_is_refused_and_not_cut_short(connection: Connection) -> None:
    with pytest.raises(psycopg.DataError):
        connection.fetch("SELECT %(word)s::text AS word", {"word": "a\0b"})


def test_a_percent_sign_is_written_twice(connection: Connection) -> None:
    (row,) = connection.fetch("SELECT 7 %% %(by)s::int AS rest", {"by": 4})
    assert row.rest == 3


def test_what_runs_is_there_for_the_next_statement(connection: Connection) -> None:
    connection.run(INSERT, {"id": 1, "word": "one"})
    assert [row.word for row in connection.fetch("SELECT word FROM thing", {})] == ["one"]
    connection.run(INSERT, {"id": 2, "word": "two"})
    assert words(connection) == ["one", "two"]


def test_what_runs_last_goes_with_the_commit(connection: Connection) -> None:
    connection.run(INSERT, {"id": 1, "word": "one"})
    assert connection.info.transaction_status == TransactionStatus.IDLE
    connection.commit()
    connection.rollback()
    assert words(connection) == ["one"]


def test_rows_asked_for_later_are_there_after_the_commit(connection: Connection) -> None:
    later = connection.fetch_later(f"{INSERT} RETURNING id", {"id": 1, "word": "one"})
    connection.commit()
    assert [row.id for row in later.rows()] == [1]


def test_rows_asked_for_later_can_be_had_at_once(connection: Connection) -> None:
    later = connection.fetch_later(f"{INSERT} RETURNING id", {"id": 1, "word": "one"})
    assert [row.id for row in later.rows()] == [1]
    connection.rollback()
    assert words(connection) == []


def test_a_rollback_forgets_what_was_not_sent_yet(connection: Connection) -> None:
    connection.run(INSERT, {"id": 1, "word": "one"})
    connection.rollback()
    connection.commit()
    assert words(connection) == []


def test_an_error_in_what_waits_comes_with_the_commit_and_nothing_is_committed(
    connection: Connection,
) -> None:
    connection.run(INSERT, {"id": 1, "word": "one"})
    connection.run(INSERT, {"id": 1, "word": "again"})
    with pytest.raises(psycopg.errors.UniqueViolation):
        connection.commit()
    connection.rollback()
    assert words(connection) == []


def test_what_is_sent_off_is_worked_on_meanwhile(
    connection: Connection, database: postgres.Addresses
) -> None:
    held = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711"
    connection.run("SELECT pg_advisory_xact_lock(4711)", {})
    with psycopg.connect(database.app, autocommit=True) as other:
        assert other.execute(held).fetchone() is None
        connection.set_off()
        until = time.monotonic() + 20
        while other.execute(held).fetchone() is None:
            assert time.monotonic() < until
            time.sleep(0.01)
        connection.rollback()
        assert other.execute(held).fetchone() is None


def test_what_comes_after_what_was_sent_off_finds_it_done(connection: Connection) -> None:
    for number in (1, 2):  # the second time everything is prepared already
        first = connection.fetch_later(
            f"{INSERT} RETURNING id", {"id": number, "word": "on its way"}
        )
        connection.set_off()
        connection.set_off()
        connection.run("UPDATE thing SET word = 'seen' WHERE id = %(id)s", {"id": number})
        assert len(connection.read("SELECT id FROM thing WHERE word = 'seen'", {})) == number
        assert [row.id for row in first.rows()] == [number]
        connection.run(INSERT, {"id": number + 10, "word": "after"})
        connection.set_off()
        assert len(words(connection)) == 2 * number
        connection.commit()
    connection.rollback()
    assert words(connection) == ["seen", "seen", "after", "after"]


def test_a_commit_takes_along_what_was_sent_off(connection: Connection) -> None:
    later = connection.fetch_later(f"{INSERT} RETURNING id", {"id": 1, "word": "one"})
    connection.set_off()
    connection.commit()
    assert connection.info.transaction_status == TransactionStatus.IDLE
    assert [row.id for row in later.rows()] == [1]
    connection.rollback()
    assert words(connection) == ["one"]


def test_a_rollback_undoes_what_was_sent_off(connection: Connection) -> None:
    connection.run(INSERT, {"id": 1, "word": "one"})
    connection.set_off()
    connection.rollback()
    assert connection.info.transaction_status == TransactionStatus.IDLE
    assert words(connection) == []


def test_an_error_in_what_was_sent_off_comes_with_the_next_statement(
    connection: Connection,
) -> None:
    connection.run(INSERT, {"id": 1, "word": "one"})
    connection.run(INSERT, {"id": 1, "word": "again"})
    connection.set_off()
    with pytest.raises(psycopg.errors.UniqueViolation):
        connection.fetch("SELECT word FROM thing", {})
    connection.rollback()
    assert words(connection) == []
    connection.run(INSERT, {"id": 1, "word": "one"})
    connection.run(INSERT, {"id": 1, "word": "again"})
    connection.set_off()
    connection.rollback()  # nobody asked, so nobody has to hear of it
    assert words(connection) == []


def test_nothing_is_sent_off_where_nothing_waits(connection: Connection) -> None:
    connection.set_off()
    assert connection.info.transaction_status == TransactionStatus.IDLE
    assert words(connection) == []


def test_a_connection_lost_with_something_on_its_way_is_an_error_and_closes(
    connection: Connection,
) -> None:
    connection.run(INSERT, {"id": 1, "word": "one"})
    connection.set_off()
    connection.fetch("SELECT 1 AS one", {})
    connection.run("SELECT pg_terminate_backend(pg_backend_pid())", {})
    connection.set_off()
    with pytest.raises(psycopg.OperationalError):
        connection.commit()
    assert connection.closed


NONE_YET = "SELECT 1 / (1 - count(*)) FROM thing"
"""Fails where the table holds exactly one row."""


def test_what_precedes_goes_before_the_next_statement_and_can_stop_it(
    connection: Connection,
) -> None:
    connection.precede(NONE_YET, {})
    connection.fetch(INSERT, {"id": 1, "word": "one"})
    connection.commit()
    connection.precede(NONE_YET, {})
    with pytest.raises(psycopg.errors.DivisionByZero):
        connection.fetch(INSERT, {"id": 2, "word": "two"})
    connection.rollback()
    connection.precede(NONE_YET, {})
    with pytest.raises(psycopg.errors.DivisionByZero):
        connection.read("SELECT 1 AS one", {})
    connection.rollback()
    connection.precede(NONE_YET, {})
    with pytest.raises(psycopg.errors.DivisionByZero):
        connection.cursor()
    connection.rollback()
    connection.precede(NONE_YET, {})
    connection.run(INSERT, {"id": 2, "word": "two"})
    connection.run(INSERT, {"id": 3, "word": "three"})
    with pytest.raises(psycopg.errors.DivisionByZero):
        connection.commit()
    connection.rollback()
    assert words(connection) == ["one"]


def test_what_precedes_is_left_out_before_a_lone_statement_and_the_commit(
    connection: Connection,
) -> None:
    connection.run(INSERT, {"id": 1, "word": "one"})
    connection.commit()
    connection.precede(NONE_YET, {})
    connection.run(INSERT, {"id": 2, "word": "two"})
    connection.commit()
    assert connection.info.transaction_status == TransactionStatus.IDLE
    assert words(connection) == ["one", "two"]


def test_what_precedes_is_forgotten_by_a_rollback(connection: Connection) -> None:
    connection.run(INSERT, {"id": 1, "word": "one"})
    connection.commit()
    connection.precede(NONE_YET, {})
    connection.rollback()
    assert words(connection) == ["one"]


def test_statements_stay_prepared_over_a_rollback(connection: Connection) -> None:
    for _ in range(3):
        connection.fetch("SELECT 1 AS one", {})
        connection.rollback()
    (row,) = connection.fetch(
        "SELECT count(*) AS number FROM pg_prepared_statements WHERE statement = 'SELECT 1 AS one'",
        {},
    )
    assert row.number == 1


def test_statements_are_prepared_again_when_psycopg_has_dropped_them_all(
    connection: Connection,
) -> None:
    connection.fetch("SELECT 1 AS one", {})
    cursor = connection.cursor()
    for _ in range(8):
        cursor.execute("SELECT %s", (1,))
    cursor.execute("SAVEPOINT here")
    cursor.execute("ROLLBACK TO SAVEPOINT here")
    cursor.execute("SELECT 2")
    assert connection.fetch("SELECT 1 AS one", {})[0].one == 1


def test_a_large_value_passes_together_with_others(connection: Connection) -> None:
    word = "规" * 3_000_000
    connection.run(INSERT, {"id": 1, "word": word})
    connection.run(INSERT, {"id": 2, "word": word})
    connection.commit()
    assert words(connection) == [word, word]


def test_a_lost_connection_is_an_error_and_closes(connection: Connection) -> None:
    pid = connection.info.backend_pid
    connection.run(INSERT, {"id": 1, "word": "one"})
    with psycopg.connect(connection.info.dsn, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", (pid,))
    with pytest.raises(psycopg.Error):
        connection.commit()
    with pytest.raises(psycopg.Error):
        connection.fetch("SELECT 1 AS one", {})


# --- under a session, on the real pool ------------------------------------------------------------


@pytest.fixture
def table(app: Flask, database: postgres.Addresses) -> Iterator[str]:
    name = f"thing_{uuid4().hex[:8]}"
    with psycopg.connect(database.owner, autocommit=True) as owner:
        owner.execute(f"CREATE TABLE {name} (id int PRIMARY KEY)")
        owner.execute(f"GRANT ALL ON {name} TO guicheng_app")
        yield name
        owner.execute(f"DROP TABLE {name}")


def count(app: Flask, table: str) -> int:
    with app.app_context():
        found: int = db.session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()
        return found


def test_a_unit_of_hot_statements_is_committed(app: Flask, table: str) -> None:
    insert = f"INSERT INTO {table} VALUES (%(id)s) RETURNING id"
    with app.app_context():
        with unit_of_work() as session:
            run(session, insert, {"id": 1})
        with unit_of_work() as session:
            later = fetch_later(session, insert, {"id": 2})
        assert later.rows()[0].id == 2
        assert count(app, table) == 2


def test_a_unit_that_fails_leaves_nothing_and_the_next_one_works(app: Flask, table: str) -> None:
    insert = f"INSERT INTO {table} VALUES (%(id)s)"
    with app.app_context():
        with pytest.raises(psycopg.errors.UniqueViolation), unit_of_work() as session:
            run(session, insert, {"id": 1})
            run(session, insert, {"id": 1})
        assert count(app, table) == 0
        with unit_of_work() as session:
            run(session, insert, {"id": 1})
        assert count(app, table) == 1


def test_a_unit_sees_what_others_committed_since_the_read_before_it(app: Flask, table: str) -> None:
    number = f"SELECT count(*) AS number FROM {table}"
    with app.app_context():
        assert fetch(db.session(), number, {})[0].number == 0
        with app.app_context(), unit_of_work() as other:
            run(other, f"INSERT INTO {table} VALUES (%(id)s)", {"id": 1})
        with unit_of_work() as session:
            assert fetch(session, number, {})[0].number == 1


def test_the_pool_gets_over_a_lost_connection(
    app: Flask, database: postgres.Addresses, table: str
) -> None:
    with app.app_context():
        pid = fetch(db.session(), "SELECT pg_backend_pid() AS pid", {})[0].pid
        with psycopg.connect(database.owner, autocommit=True) as owner:
            owner.execute("SELECT pg_terminate_backend(%s)", (pid,))
        with pytest.raises((psycopg.Error, SQLAlchemyError)), unit_of_work() as session:
            run(session, f"INSERT INTO {table} VALUES (%(id)s)", {"id": 1})
    assert count(app, table) == 0
