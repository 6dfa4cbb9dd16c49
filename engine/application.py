"""The core Flask application: the database and nothing of the web. The CLI and workers use it."""

from __future__ import annotations

import gc

from flask import Flask
from flask_migrate import Migrate

from engine import sealing
from engine.database import db, engine_options, keep_statements, sqlalchemy_url
from engine.digests import use_digest
from engine.migrations import FOLDER
from engine.postgres import Addresses, addresses
from engine.settings import Settings


def create_core_app(
    settings: Settings, *, where: Addresses | None = None, pool_size: int = 10
) -> Flask:
    """Return a Flask app bound to the database, the embedded one unless another is configured."""
    app = Flask("guicheng")
    configure(app, settings, where=where, pool_size=pool_size)
    settle()
    return app


def configure(
    app: Flask, settings: Settings, *, where: Addresses | None = None, pool_size: int = 10
) -> None:
    """Bind ``app`` to the database. ``app.extensions["guicheng"]`` holds settings and addresses."""
    use_digest(settings.ledger_digest)
    sealing.use_folder(settings.data_dir / "ballot_keys")
    where = where or addresses(settings)
    app.config["SQLALCHEMY_DATABASE_URI"] = sqlalchemy_url(where.app)
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = engine_options(where.app, pool_size=pool_size)
    app.extensions["guicheng"] = settings
    app.extensions["guicheng.addresses"] = where
    db.init_app(app)
    with app.app_context():
        keep_statements(db.engine)
    Migrate(app, db, directory=str(FOLDER))


def settle() -> None:
    """Keep the garbage collector from walking through all that start-up has made, again and again.

    A request makes some thousand objects and hardly a cycle; with Python's defaults every few of
    them pay for a round through the whole heap, a tenth of all time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
