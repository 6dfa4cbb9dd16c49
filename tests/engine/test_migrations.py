"""Migrations go up, down and up again, and say the same as the models."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from psycopg import sql
from sqlalchemy import create_engine

import engine.models  # noqa: F401  (all tables)
from engine import migrations, postgres
from engine.database import Base, sqlalchemy_url
from engine.settings import Settings

VERSIONS = Path(__file__).parents[2] / "migrations" / "versions"


@pytest.fixture
def empty(settings: Settings, database: postgres.Addresses) -> Iterator[postgres.Addresses]:
    """An empty database of its own."""
    name = f"migrations_{os.getpid()}"
    where = postgres.start(settings.data_dir, database=name)
    yield where
    admin = where.owner.replace(f"/{name}?", "/postgres?")
    with psycopg.connect(admin, autocommit=True) as connection:
        drop = sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
        connection.execute(drop)


def objects(where: postgres.Addresses) -> list[str]:
    with psycopg.connect(where.owner) as connection:
        return [
            row[0]
            for row in connection.execute(
                "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
                " AND relname NOT LIKE 'alembic_version%' UNION ALL"
                " SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
            )
        ]


def test_up_down_and_up_again(empty: postgres.Addresses) -> None:
    newest = max(path.name for path in VERSIONS.glob("[0-9]*.py"))[:4]
    assert migrations.pending(empty) == [newest]
    migrations.upgrade(empty)
    assert migrations.pending(empty) == []
    first = sorted(objects(empty))
    migrations.downgrade(empty)
    assert objects(empty) == []
    migrations.upgrade(empty)
    assert sorted(objects(empty)) == first


def test_models_equal_migrations(database: postgres.Addresses) -> None:
    owner = create_engine(sqlalchemy_url(database.owner))
    with owner.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                "compare_server_default": True,
                "include_name": lambda name, kind, parent: (
                    not (kind == "table" and str(name).startswith("procrastinate_"))
                ),
            },
        )
        differences = compare_metadata(context, Base.metadata)
    owner.dispose()
    assert differences == []
