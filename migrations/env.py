"""Alembic's entry: runs migrations as the owner of the tables."""

from alembic import context
from flask import current_app
from sqlalchemy import create_engine, pool

import engine.models  # noqa: F401  (all tables)
from engine.database import Base, sqlalchemy_url


def include(name: str | None, kind: str, parent: object) -> bool:
    """Leave the queue's own tables to the queue."""
    return not (kind == "table" and name is not None and name.startswith("procrastinate_"))


def run() -> None:
    # `guicheng db` names the owner's address; under `flask db` the application knows it.
    url = context.config.get_main_option("sqlalchemy.url")
    if not url:
        url = sqlalchemy_url(current_app.extensions["guicheng.addresses"].owner)
    engine = create_engine(url, poolclass=pool.NullPool)
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            include_name=include,
            compare_server_default=True,
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()


run()
