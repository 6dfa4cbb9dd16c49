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
def kept_database(data_dir: Path, name: str, first_version: int) -> Iterator[postgres.Addresses]:
    """Make a database with all tables, whose commits stay until the block ends.

    Definitions are cached by version: its ids, from ``first_version`` on, must not meet those of
    other databases.
    """
    name = f"{name}_{os.getpid()}"
    where = postgres.start(data_dir, database=name)
    upgrade(where)
    with psycopg.connect(where.owner) as connection:
        restart = sql.SQL("ALTER TABLE process_version ALTER COLUMN id RESTART WITH {}")
        connection.execute(restart.format(first_version))
    yield where
    elsewhere = where.owner.replace(f"/{name}?", "/postgres?")
    with psycopg.connect(elsewhere, autocommit=True) as connection:
        drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
        connection.execute(drop.format(sql.Identifier(name)))
