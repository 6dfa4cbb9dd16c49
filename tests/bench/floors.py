"""The floors: the same acts by hand, in SQL, and behind the barest Flask application.

No policy, form, procedure or record of who did what: only the rows that any inbox needs. One
connection, every statement prepared, each act its own durable commit.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import date
from typing import Any

import psycopg
from flask import Flask, Response, request
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool

from tests.bench.packages import DATA

PAGE = 20
"""The first tasks of a group that are listed, and how many stand open."""

SCHEMA = """
CREATE TABLE floor_matter (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, title text NOT NULL,
    revision integer NOT NULL DEFAULT 1, changed_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE floor_task (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, matter_id bigint NOT NULL,
    owner text NOT NULL, step integer NOT NULL, state text NOT NULL DEFAULT 'open', assignee text,
    due_on date NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now());
CREATE INDEX floor_task_open ON floor_task (owner, due_on, id) WHERE state = 'open';
CREATE INDEX floor_task_matter ON floor_task (matter_id);
CREATE TABLE floor_record (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, matter_id bigint NOT NULL,
    task_id bigint NOT NULL, payload text NOT NULL, made_at timestamptz NOT NULL DEFAULT now());
CREATE INDEX floor_record_matter ON floor_record (matter_id, id);
GRANT ALL ON floor_matter, floor_task, floor_record TO guicheng_app;
"""

LIST = """
SELECT t.id, t.matter_id, t.step, t.assignee, t.due_on, m.title FROM floor_task t
JOIN floor_matter m ON m.id = t.matter_id
WHERE t.owner = %s AND t.state = 'open' ORDER BY t.due_on, t.id LIMIT 20
"""
CLAIM = "UPDATE floor_task SET assignee = %s WHERE id = %s AND state = 'open' AND assignee IS NULL"
RECORD = "INSERT INTO floor_record (matter_id, task_id, payload) VALUES (%s, %s, %s)"
CLOSE = (
    "UPDATE floor_task SET state = 'completed', changed_at = now() WHERE id = %s AND state = 'open'"
)
ADVANCE = "UPDATE floor_matter SET revision = revision + 1, changed_at = now() WHERE id = %s"
OPEN = "INSERT INTO floor_task (matter_id, owner, step, due_on) VALUES (%s, %s, %s, %s)"

NO_LIMIT = date(9999, 12, 31)

Connection = psycopg.Connection[TupleRow]


def connect(url: str) -> Connection:
    """Return a connection that prepares every statement when it is first used."""
    return psycopg.connect(url, autocommit=True, prepare_threshold=0)


def prepare_tables(connection: Connection, owners: Mapping[str, int]) -> None:
    """Make the tables, with so many open tasks for each owner."""
    connection.execute(SCHEMA, prepare=False)
    for owner, matters in owners.items():
        for _ in range(matters):
            row = connection.execute(
                "INSERT INTO floor_matter (title) VALUES ('matter') RETURNING id"
            ).fetchone()
            assert row is not None
            connection.execute(OPEN, (row[0], owner, 1, NO_LIMIT))


def list_tasks(connection: Connection, owner: str) -> list[TupleRow]:
    """List the first open tasks of a group."""
    return connection.execute(LIST, (owner,)).fetchall()


def claim(connection: Connection, owner: str, task_id: int) -> None:
    """Take a task."""
    connection.execute(CLAIM, (owner, task_id))


def complete(
    connection: Connection, owner: str, task_id: int, matter_id: int, step: int, payload: str
) -> None:
    """Record, close, advance and open the next task, in one transaction."""
    with connection.transaction():
        connection.execute(RECORD, (matter_id, task_id, payload))
        connection.execute(CLOSE, (task_id,))
        connection.execute(ADVANCE, (matter_id,))
        connection.execute(OPEN, (matter_id, owner, step + 1, NO_LIMIT))


def payload() -> str:
    """Return the 600 bytes that a step records."""
    return json.dumps(DATA, ensure_ascii=False)


def create_app() -> Flask:
    """Return the bare application: three requests, no more than JSON around the three acts."""
    app = Flask(__name__)
    pool: ConnectionPool[Connection] = ConnectionPool(
        os.environ["FLOOR_URL"],
        min_size=4,
        max_size=8,
        kwargs={"autocommit": True, "prepare_threshold": 0},
        open=True,
    )

    @app.get("/tasks")
    def listed() -> Any:
        with pool.connection() as connection:
            rows = list_tasks(connection, request.args["owner"])
        return [
            {
                "id": task_id,
                "matter_id": matter_id,
                "step": step,
                "assignee": assignee,
                "due_on": due_on.isoformat(),
                "title": title,
            }
            for task_id, matter_id, step, assignee, due_on, title in rows
        ]

    @app.post("/tasks/<int:task_id>/claim")
    def claimed(task_id: int) -> Any:
        with pool.connection() as connection:
            claim(connection, request.args["owner"], task_id)
        return {}

    @app.post("/tasks/<int:task_id>/complete")
    def completed(task_id: int) -> Response:
        given = request.get_json()
        with pool.connection() as connection:
            complete(
                connection,
                request.args["owner"],
                task_id,
                given["matter_id"],
                given["step"],
                json.dumps(given["data"], ensure_ascii=False),
            )
        return Response("{}", content_type="application/json")

    return app
