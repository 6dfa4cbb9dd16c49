"""Ten thousand due timers, two real workers: each fires once, none is lost."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta

import psycopg

from engine.clock import FixedClock
from engine.database import db
from tests.bench.installation import Installation, installation
from tests.bench.packages import TIMER, one_timer
from tests.bench.report import Report, say

TIMERS = 10_000
WORKERS = 2

_FIRED = """
SELECT count(*) FILTER (WHERE fired = 0), count(*) FILTER (WHERE fired > 1),
    extract(epoch FROM max(last) - min(first))
FROM (
    SELECT i.id, count(e.seq) AS fired, min(e.recorded_at) AS first, max(e.recorded_at) AS last
    FROM instance i
    LEFT JOIN ledger_entry e ON e.chain_id = i.id AND e.kind = 'timer_fired'
    GROUP BY i.id
) each
"""


def measure(report: Report) -> None:
    """Start the matters two days ago, let the workers run today, count what the ledger says."""
    with installation("bench_timers", [one_timer()]) as installed:
        _start(installed)
        db.session.remove()
        command = [sys.executable, "-m", "engine.cli", "worker", "--once"]
        workers = [subprocess.Popen(command, env=installed.environment()) for _ in range(WORKERS)]
        for worker in workers:
            if worker.wait(600):
                raise RuntimeError("a worker has failed")
        with psycopg.connect(installed.where.owner) as connection:
            row = connection.execute(_FIRED).fetchone()
    assert row is not None
    lost, doubled, seconds = row
    report.fact("timers lost", lost, key="timers_lost")
    report.fact("timers fired twice", doubled, key="timers_doubled")
    if seconds:
        rate = round((TIMERS - lost) / float(seconds))
        report.fact("timers fired by two workers", rate, key="timers_per_second", unit=" a second")


def _start(installed: Installation) -> None:
    branch = installed.branches[0]
    actor = installed.actor(branch)
    then = FixedClock(installed.clock.now() - timedelta(days=2))
    for number in range(1, TIMERS + 1):
        installed.start(branch, TIMER, actor, then)
        if number % 2_500 == 0:
            say(f"{number:,} timers armed")
