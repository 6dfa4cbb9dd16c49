"""Bring a database to the present schema, as its owner."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

from engine.database import sqlalchemy_url
from engine.postgres import Addresses

FOLDER = Path(__file__).resolve().parent.parent / "migrations"


def config(where: Addresses) -> Config:
    """Return Alembic's configuration for the owner's connection."""
    settings = Config()
    settings.set_main_option("script_location", str(FOLDER))
    settings.set_main_option("sqlalchemy.url", sqlalchemy_url(where.owner).replace("%", "%%"))
    return settings


def upgrade(where: Addresses, revision: str = "head") -> None:
    """Apply all migrations up to ``revision``."""
    command.upgrade(config(where), revision)


def downgrade(where: Addresses, revision: str = "base") -> None:
    """Undo migrations down to ``revision``."""
    command.downgrade(config(where), revision)


def pending(where: Addresses) -> list[str]:
    """Return the revisions that have not been applied yet."""
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    script = ScriptDirectory.from_config(config(where))
    engine = create_engine(sqlalchemy_url(where.app))
    try:
        with engine.connect() as connection:
            applied = set(MigrationContext.configure(connection).get_current_heads())
    finally:
        engine.dispose()
    return [head for head in script.get_heads() if head not in applied]
