"""What has to hold of a matter after every step: its rows agree with its snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.engine import Row

from engine.clock import FixedClock
from engine.database import db
from engine.runtime import store, transitions
from engine.runtime.watching import read_watch
from engine.runtime.world import make_world, matter_of


def is_consistent(instance_id: int, clock: FixedClock) -> None:
    """Assert that every row of a matter says what its workflow says, and its chain is whole."""
    session = db.session()
    row = store.lock_instance(session, instance_id)
    assert row is not None
    tasks = session.execute(
        text(
            "SELECT id, uid, element, item, candidates, assignee_id FROM task"
            " WHERE instance_id = :id AND state = 'open'"
        ),
        {"id": instance_id},
    ).all()
    watch = read_watch(session, instance_id)
    if row.status in ("completed", "cancelled"):
        assert row.snapshot is None
        assert not tasks
        assert not watch.timers
        assert not watch.subscriptions
        assert row.watch == 0
    else:
        there = transitions.look(matter_of(session, row), make_world(session, clock))
        assert _sorted((t.uid, t.element, t.item) for t in tasks) == _sorted(
            (t.uid, t.element, t.item) for t in there.opened
        )
        assert watch.timers == {t.uid: (t.element, t.due_at) for t in there.timers}
        assert watch.subscriptions == {s.uid: (s.element, s.name) for s in there.subscriptions}
        assert row.watch == watch.mark
    _inboxes_agree(row, tasks)
    chain = session.execute(
        text("SELECT count(*) AS length, max(seq) AS last FROM ledger_entry WHERE chain_id = :id"),
        {"id": instance_id},
    ).one()
    assert chain.length == chain.last == row.chain_length
    stray = "SELECT count(*) FROM draft d JOIN task t ON t.id = d.task_id WHERE t.state <> 'open'"
    assert session.scalar(text(stray + " AND t.instance_id = :id"), {"id": instance_id}) == 0
    session.rollback()


def _inboxes_agree(row: Row[Any], tasks: Sequence[Row[Any]]) -> None:
    listed = db.session().execute(
        text(
            "SELECT c.task_id, c.principal FROM task_candidate c JOIN task t ON t.id = c.task_id"
            " WHERE t.instance_id = :id"
        ),
        {"id": row.instance_id},
    )
    wanted: set[tuple[int, str]] = set()
    if row.status == "active":
        for task in tasks:
            keys = task.candidates if task.assignee_id is None else [f"p{task.assignee_id}"]
            wanted |= {(task.id, key) for key in keys}
    assert {(line.task_id, line.principal) for line in listed} == wanted


def _sorted(rows: Any) -> list[Any]:
    return sorted(rows, key=lambda row: str(row[0]))
