"""Databases of their own, for tests whose commits are real."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from engine import postgres
from engine.migrations import upgrade


@contextmanager
def kept_database(data_dir: Path, name: str, first_id: int) -> Iterator[postgres.Addresses]:
    """Make a database with all tables, whose commits stay until the block ends.

    Definitions are cached by version, what was last seen of a task by its id: these ids, from
    ``first_id`` on, must not meet those of other databases.
    """
    name = f"{name}_{os.getpid()}"
    where = postgres.start(data_dir, database=name)
    upgrade(where)
    with psycopg.connect(where.owner) as connection:
        restart = sql.SQL("ALTER TABLE {} ALTER COLUMN id RESTART WITH {}")
        for table in ("process_version", "task"):
            connection.execute(restart.format(sql.Identifier(table), first_id))
    yield where
    elsewhere = where.owner.replace(f"/{name}?", "/postgres?")
    with psycopg.connect(elsewhere, autocommit=True) as connection:
        drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
        connection.execute(drop.format(sql.Identifier(name)))
