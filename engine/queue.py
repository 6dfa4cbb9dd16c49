"""The Procrastinate queue. Jobs are enqueued by name inside the caller's transaction.

Arguments are ids, never payload, and every job may run twice without harm.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import procrastinate
from sqlalchemy.orm import Session

_deferring = procrastinate.App(connector=procrastinate.SyncPsycopgConnector())
# Only used to build the INSERT: it never opens a connection of its own.


def enqueue(
    session: Session,
    name: str,
    *,
    lock: str | None = None,
    queueing_lock: str | None = None,
    at: datetime | None = None,
    **arguments: Any,
) -> int:
    """Add a job to the queue in the transaction of ``session`` and return its id.

    ``at`` is the earliest time to run. ``lock`` runs the jobs that share it one after the other in
    the order they were added: one that is scheduled for later holds up all that come after it.
    """
    driver = session.connection().connection.driver_connection
    return _deferring.configure_task(
        name,
        lock=lock,
        queueing_lock=queueing_lock,
        schedule_at=at,
        connection=driver,
    ).defer(**arguments)


def worker_app(conninfo: str, *, concurrency: int) -> procrastinate.App:
    """Return an app that can run a worker on its own small pool of connections."""
    return procrastinate.App(
        connector=procrastinate.PsycopgConnector(
            conninfo=conninfo, min_size=1, max_size=concurrency + 3
        )
    )
