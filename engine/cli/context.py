"""What the subcommands share: the settings, the application and how errors are shown."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click
import psycopg
import sqlalchemy.exc
from flask import Flask

from engine import migrations
from engine.application import create_core_app
from engine.database import db
from engine.errors import GuichengError
from engine.postgres import Addresses
from engine.settings import Settings


@contextmanager
def application(*, pool_size: int = 5, migrated: bool = True) -> Iterator[Flask]:
    """Open the core application; say so plainly when the database is not up to date."""
    with plain_errors():
        app = create_core_app(Settings.from_environment(), pool_size=pool_size)
    if migrated:
        require_tables(app.extensions["guicheng.addresses"])
    with app.app_context(), plain_errors():
        try:
            yield app
        finally:
            db.session.remove()
            db.engine.dispose()


def require_tables(where: Addresses) -> None:
    """Say what to run when the database is not up to date."""
    with plain_errors():
        pending = migrations.pending(where)
    if pending:
        raise click.ClickException("数据库结构不是最新的，请先运行：guicheng db upgrade")


@contextmanager
def plain_errors() -> Iterator[None]:
    """Turn the engine's errors into one line for the person at the terminal."""
    try:
        yield
    except GuichengError as error:
        raise click.ClickException(str(error)) from error
    except (psycopg.OperationalError, sqlalchemy.exc.OperationalError) as error:
        told = getattr(error, "orig", None) or error
        reason = " ".join(str(told).split())
        raise click.ClickException(f"数据库无法使用：{reason}") from error
