"""What the subcommands share: the settings, the application and how errors are shown."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click
from flask import Flask

from engine import migrations
from engine.application import create_core_app
from engine.errors import GuichengError
from engine.settings import Settings


@contextmanager
def application(*, pool_size: int = 5, migrated: bool = True) -> Iterator[Flask]:
    """Open the core application; say so plainly when the database is not up to date."""
    app = create_core_app(Settings.from_environment(), pool_size=pool_size)
    where = app.extensions["guicheng.addresses"]
    if migrated and migrations.pending(where):
        raise click.ClickException("数据库结构不是最新的，请先运行：guicheng db upgrade")
    with app.app_context(), plain_errors():
        yield app


@contextmanager
def plain_errors() -> Iterator[None]:
    """Turn the engine's errors into one line for the person at the terminal."""
    try:
        yield
    except GuichengError as error:
        raise click.ClickException(str(error)) from error
