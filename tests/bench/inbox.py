"""The inbox of one branch secretary, with ten thousand and with a million open tasks elsewhere."""

from __future__ import annotations

import statistics
import time

import psycopg

from engine.database import db
from engine.runtime.queries.inbox import inbox
from tests.bench.installation import Installation, installation
from tests.bench.packages import TEN, ten_tasks
from tests.bench.report import Report, Spread, say

SMALL, LARGE = 10_000, 1_000_000
MINE = 60
"""Open tasks of the secretary, in both databases: more than a page."""
BRANCHES = 3_000
ROUNDS = 9
CALLS = 20

_PLACES = """
INSERT INTO organisation (parent_id, path, kind, name, short_name, code, can_approve_members,
    has_committee)
SELECT id, path, 'branch', '支部' || n, '支部' || n, 'x' || n, false, false
FROM organisation, generate_series(1, %(branches)s) n WHERE parent_id IS NULL
"""
_PATHS = "UPDATE organisation SET path = path || id || '/' WHERE code LIKE 'x%'"
_MATTERS = """
INSERT INTO instance (version_id, prefix, year, serial, organisation_id, path, title, status,
    revision, snapshot, chain_length, chain_head, started_on, started_at, watch, backfilled)
SELECT i.version_id, 'XX', i.year, n, o.id, o.path, o.short_name, 'active', 1, i.snapshot, 1,
    i.chain_head, i.started_on, i.started_at, 0, false
FROM (SELECT * FROM instance ORDER BY id LIMIT 1) i, generate_series(1, %(tasks)s) n
JOIN (SELECT *, row_number() OVER (ORDER BY id) AS place FROM organisation WHERE code LIKE 'x%%') o
    ON o.place = 1 + n %% %(branches)s
"""
_TASKS = """
INSERT INTO task (instance_id, uid, element, state, organisation_id, candidates, due_on, returned,
    revision, created_at)
SELECT id, gen_random_uuid(), 'task_01', 'open', organisation_id,
    ARRAY['o' || organisation_id || ':secretary'], DATE '2026-01-01' + (id % 700)::int, false, 1,
    started_at
FROM instance WHERE prefix = 'XX'
"""
_LISTED = """
INSERT INTO task_candidate (principal, due_on, task_id)
SELECT t.candidates[1], t.due_on, t.id FROM task t JOIN instance i ON i.id = t.instance_id
WHERE i.prefix = 'XX'
"""


def fill(installed: Installation, tasks: int) -> None:
    """Start the secretary's matters properly; give ``tasks`` to other branches by SQL."""
    branch = installed.branches[0]
    actor = installed.actor(branch)
    for _ in range(MINE):
        installed.start(branch, TEN, actor)
    db.session.remove()
    given = {"branches": BRANCHES, "tasks": tasks}
    with psycopg.connect(installed.where.owner, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")  # nothing to check row by row
        connection.execute(_PLACES, given)
        connection.execute(_PATHS)
        for statement in (_MATTERS, _TASKS, _LISTED):
            connection.execute(statement, given if "%(" in statement else None)
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")


def page(installed: Installation) -> float:
    """Read the whole first page as a request does; return the seconds taken."""
    with installed.app.app_context():
        actor = installed.actor(installed.branches[0])
        began = time.perf_counter()
        found = inbox(db.session(), actor, installed.clock)
        taken = time.perf_counter() - began
    assert len(found.rows) == 50
    assert found.counts["todo"] == MINE
    return taken


def measure(report: Report) -> None:
    """Take turns between both databases."""
    package = ten_tasks()
    with (
        installation("bench_small", [package]) as small,
        installation("bench_large", [package]) as large,
    ):
        sizes = {SMALL: small, LARGE: large}
        for tasks, installed in sizes.items():
            with installed.app.app_context():
                fill(installed, tasks - MINE)
            say(f"filled {tasks:,} open tasks")
        for _ in range(CALLS):
            for installed in sizes.values():
                page(installed)
        medians: dict[int, list[float]] = {tasks: [] for tasks in sizes}
        for number in range(ROUNDS):
            taken: dict[int, list[float]] = {tasks: [] for tasks in sizes}
            for turn in range(CALLS):
                order = list(sizes.items())
                for tasks, installed in order if turn % 2 == 0 else reversed(order):
                    taken[tasks].append(page(installed))
            for tasks, values in taken.items():
                medians[tasks].append(statistics.median(values))
            say(
                f"inbox round {number + 1}/{ROUNDS}: "
                + ", ".join(f"{1000 * v[-1]:.2f} ms of {tasks:,}" for tasks, v in medians.items())
            )
    ratios = [a / b for a, b in zip(medians[LARGE], medians[SMALL], strict=True)]
    for tasks, values in medians.items():
        label = f"inbox page, {tasks:,} open tasks, p50 ms"
        report.add(label, Spread.of([1000 * seconds for seconds in values]))
    report.add("1 000 000 ÷ 10 000 open tasks", Spread.of(ratios), key="inbox_1m_vs_10k")
