"""Bytes: the snapshot of a long matter, and all that a finished matter leaves in the database."""

from __future__ import annotations

import statistics

import psycopg

from engine.directory.actors import Actor
from engine.runtime.assignment import claim_task
from engine.runtime.completing import complete_task
from tests.bench.installation import Installation, installation
from tests.bench.packages import DATA, LONG, LONG_STEPS, TEN, long_way, ten_tasks
from tests.bench.report import Report, say

MATTERS = 300


def measure(report: Report) -> None:
    """Measure both, after VACUUM, indexes included; the write-ahead log is not."""
    with installation("bench_size", [ten_tasks(), long_way()]) as installed:
        actor = installed.actor(installed.branches[0])
        snapshots = _snapshots(installed, actor)
        _work_off(installed, actor, 20)  # the first pages of every table
        before = _database_bytes(installed)
        _work_off(installed, actor, MATTERS)
        after = _database_bytes(installed)
    report.fact(
        "largest snapshot of a 25-step matter", max(snapshots), key="snapshot_bytes", unit=" bytes"
    )
    report.fact("median snapshot of it", statistics.median(snapshots), unit=" bytes")
    report.fact(
        "database bytes a finished ten-task matter",
        round((after - before) / MATTERS),
        key="bytes_per_matter",
        unit=" bytes",
    )


def _snapshots(installed: Installation, actor: Actor) -> list[int]:
    """Return the sizes of the snapshots that a matter has before each of its steps."""
    task_id = installed.start(installed.branches[0], LONG, actor)
    sizes = []
    with psycopg.connect(installed.where.owner, autocommit=True) as connection:
        for _ in LONG_STEPS:
            row = connection.execute(
                "SELECT length(i.snapshot) FROM instance i JOIN task t ON t.instance_id = i.id"
                " WHERE t.id = %s",
                (task_id,),
            ).fetchone()
            assert row is not None
            sizes.append(row[0])
            done = complete_task(task_id, DATA, actor=actor, clock=installed.clock)
            task_id = next(iter(done.opened), 0)
    assert done.ended
    return sizes


def _work_off(installed: Installation, actor: Actor, matters: int) -> None:
    for _ in range(matters):
        task_id = installed.start(installed.branches[0], TEN, actor)
        while task_id:
            claim_task(task_id, actor=actor, clock=installed.clock)
            done = complete_task(task_id, DATA, actor=actor, clock=installed.clock)
            task_id = next(iter(done.opened), 0)
    say(f"{matters} matters finished")


def _database_bytes(installed: Installation) -> int:
    with psycopg.connect(installed.where.owner, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
        row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    assert row is not None
    found: int = row[0]
    return found
