"""The Procrastinate queue. Jobs are enqueued by name inside the caller's transaction.

Arguments are ids, never payload, and every job may run twice without harm.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import procrastinate
from sqlalchemy.orm import Session

from engine.database import run

# Procrastinate's own function, which its versions keep: its client builds the same call around it,
# and takes longer over that than the whole step.
_DEFER = """
SELECT procrastinate_defer_jobs_v1(ARRAY[ROW('default', %(name)s, 0, %(lock)s, NULL,
    %(arguments)s::jsonb, %(at)s)::procrastinate_job_to_defer_v1])
"""


def enqueue(
    session: Session,
    name: str,
    *,
    lock: str | None = None,
    at: datetime | None = None,
    **arguments: Any,
) -> None:
    """Add a job to the queue in the transaction of ``session``.

    ``at`` is the earliest time to run. ``lock`` runs the jobs that share it one after the other in
    the order they were added: one that is scheduled for later holds up all that come after it.
    """
    run(
        session,
        _DEFER,
        {"name": name, "lock": lock, "arguments": json.dumps(arguments), "at": at},
    )


def worker_app(conninfo: str, *, concurrency: int) -> procrastinate.App:
    """Return an app that can run a worker on its own small pool of connections."""
    return procrastinate.App(
        connector=procrastinate.PsycopgConnector(
            conninfo=conninfo, min_size=1, max_size=concurrency + 3
        )
    )
