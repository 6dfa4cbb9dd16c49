"""Find what was changed behind our back: recompute every digest and compare every chain's end.

Reads the tables directly, in one consistent snapshot, and trusts nothing but the digests and the
signatures. A whole database is shared out among processes that all look at the same snapshot.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Final

import psycopg

from engine.errors import N_
from engine.ledger.checking import FIRST, LAST, check_range
from engine.ledger.faults import Fault, Report
from engine.ledger.verify_checkpoints import check_checkpoints

__all__ = ["Fault", "Report", "verify", "verify_all"]

SHARE: Final = 20_000
"""Entries that a process takes at a time; a smaller ledger is not worth another process."""

_SNAPSHOT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
_SHARES = """
WITH head AS (
    SELECT id, chain_length AS length FROM instance UNION ALL SELECT id, length FROM ledger_chain
),
part AS (SELECT id, sum(length) OVER (ORDER BY id) / %s AS number FROM head)
SELECT min(id) FROM part GROUP BY number ORDER BY 1
"""
_NUMBERS = """
SELECT c.prefix, c.year, c.last, array_agg(i.serial ORDER BY i.serial) AS present
FROM matter_counter c LEFT JOIN instance i ON i.prefix = c.prefix AND i.year = c.year
GROUP BY c.prefix, c.year, c.last
"""


def verify(
    connection: psycopg.Connection[Any],
    report: Report,
    *,
    progress: Callable[[int], object] = lambda count: None,
    batch: int = 2000,
) -> Iterator[Fault]:
    """Yield every fault, one entry after the other on one connection.

    ``progress`` is called with the number of entries just read. The connection may be any role that
    can read; it is left in a finished transaction.
    """
    with connection.transaction():
        connection.execute(_SNAPSHOT)
        yield from check_range(connection, FIRST, LAST, report, progress=progress, batch=batch)
        yield from _missing_numbers(connection)
        yield from check_checkpoints(connection, report)


def verify_all(
    url: str,
    report: Report,
    *,
    processes: int | None = None,
    progress: Callable[[int], object] = lambda count: None,
) -> Iterator[Fault]:
    """Yield every fault, the chains shared out among processes (as many as there are CPUs).

    ``url`` is where each of them connects; they act as the application's role, which reads only.
    Faults of chains come in no particular order.
    """
    with _connect(url) as connection, connection.transaction():
        connection.execute(_SNAPSHOT)
        ranges = _ranges(connection)
        workers = min(processes or os.cpu_count() or 1, len(ranges))
        if workers <= 1:
            yield from check_range(connection, FIRST, LAST, report, progress=progress)
        else:
            found = connection.execute("SELECT pg_export_snapshot()").fetchone()
            assert found is not None
            yield from _share_out(url, found[0], ranges, workers, report, progress)
        yield from _missing_numbers(connection)
        yield from check_checkpoints(connection, report)


def count_entries(url: str) -> int:
    """Return about how many entries there are: what the chains' heads say."""
    with _connect(url) as connection:
        row = connection.execute(
            "SELECT (SELECT coalesce(sum(chain_length), 0) FROM instance)"
            " + (SELECT coalesce(sum(length), 0) FROM ledger_chain)"
        ).fetchone()
    return 0 if row is None else int(row[0])


def _connect(url: str) -> psycopg.Connection[Any]:
    return psycopg.connect(url, options="-c role=guicheng_app -c jit=off")


def _ranges(connection: psycopg.Connection[Any]) -> list[tuple[int, int]]:
    """Return ranges of chains that cover all numbers there are, about alike in entries."""
    starts = [row[0] for row in connection.execute(_SHARES, (SHARE,))] or [FIRST]
    return list(
        zip([FIRST, *starts[1:]], [*(start - 1 for start in starts[1:]), LAST], strict=True)
    )


def _missing_numbers(connection: psycopg.Connection[Any]) -> Iterator[Fault]:
    for prefix, year, last, present in connection.execute(_NUMBERS):
        for serial in sorted(set(range(1, last + 1)) - set(present)):
            yield Fault(
                0, None, "matter_missing", N_("事项 %s 缺失") % f"{prefix}-{year}-{serial:04d}"
            )


# --- other processes ------------------------------------------------------------------------------


def _share_out(
    url: str,
    snapshot: str,
    ranges: list[tuple[int, int]],
    workers: int,
    report: Report,
    progress: Callable[[int], object],
) -> Iterator[Fault]:
    """Let processes take range after range, and yield what they find."""
    todo: SimpleQueue[tuple[int, int]] = SimpleQueue()
    for found in ranges:
        todo.put(found)
    said: SimpleQueue[dict[str, Any] | BaseException | None] = SimpleQueue()
    threads = [
        Thread(target=_drive, args=(url, snapshot, todo, said), daemon=True) for _ in range(workers)
    ]
    for thread in threads:
        thread.start()
    working = workers
    while working:
        message = said.get()
        if message is None:
            working -= 1
        elif isinstance(message, BaseException):
            raise message
        elif "seen" in message:
            progress(message["seen"])
        elif "fault" in message:
            yield Fault.from_json(message["fault"])
        else:
            report.add(Report(**message["report"]))


def _drive(
    url: str,
    snapshot: str,
    todo: SimpleQueue[tuple[int, int]],
    said: SimpleQueue[dict[str, Any] | BaseException | None],
) -> None:
    """Run a process and hand it ranges until there are none left."""
    try:
        with subprocess.Popen(
            [sys.executable, "-m", "engine.ledger.verify_worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            # The address may hold a password: it is told, not put on the command line.
            process.stdin.write(json.dumps({"url": url, "snapshot": snapshot}) + "\n")
            while True:
                try:
                    process.stdin.write(json.dumps(todo.get_nowait()) + "\n")
                except Empty:
                    break
                process.stdin.flush()
                for line in process.stdout:
                    message = json.loads(line)
                    said.put(message)
                    if "report" in message:
                        break
                else:
                    break
            process.stdin.close()
        if process.returncode:
            raise RuntimeError(f"a process that verifies ended with status {process.returncode}")
    except BaseException as error:
        said.put(error)
    said.put(None)
