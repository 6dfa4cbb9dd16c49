"""Measure running matters anew: time has passed, a parameter was set, a calendar came out."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from engine.clock import Clock
from engine.database import unit_of_work
from engine.definitions.versions import load_definition
from engine.runtime import listing, store, transitions
from engine.runtime.judging import Judgement, announce_breaches, rejudge
from engine.runtime.locking import instance_row
from engine.runtime.matters import Transition
from engine.runtime.world import make_world, matter_of

BATCH = 500
"""Matters looked up at once; each is measured in a transaction of its own."""

_RUNNING = text(
    """
    SELECT id FROM instance
    WHERE status IN ('active', 'suspended') AND id > :after AND starts_with(path, :path)
    ORDER BY id LIMIT :batch
    """
)

# What a matter found goes on to be put right when the matter itself has ended.
_PUTTING_RIGHT = text(
    """
    SELECT DISTINCT r.instance_id FROM rectification_item r JOIN instance i ON i.id = r.instance_id
    WHERE r.state NOT IN ('closed', 'withdrawn') AND i.status NOT IN ('active', 'suspended')
        AND r.instance_id > :after AND starts_with(i.path, :path)
    ORDER BY r.instance_id LIMIT :batch
    """
)


def rejudge_running(
    clock: Clock, *, path: str = "", progress: Callable[[int], object] = lambda done: None
) -> int:
    """Measure all running matters below ``path``; return how many. Twice does no harm.

    So are those that have ended while something they found is still to be put right.
    """
    done = 0
    for query in (_RUNNING, _PUTTING_RIGHT):
        for instance_id in _ids(query, path):
            rejudge_matter(instance_id, clock)
            done += 1
            progress(done)
    return done


def _ids(query: TextClause, path: str) -> Iterator[int]:
    after = 0
    while True:
        with unit_of_work() as session:
            ids = session.scalars(query, {"after": after, "path": path, "batch": BATCH}).all()
        yield from ids
        if len(ids) < BATCH:
            return
        after = ids[-1]


def rejudge_matter(instance_id: int, clock: Clock) -> None:
    """Measure one matter anew, with the limits of its open tasks. Raises NotFound."""
    with unit_of_work() as session:
        row = instance_row(session, instance_id, running=False)
        definition = load_definition(session, row.version_id)
        judgement, breaches = rejudge(session, row, definition, clock)
        if judgement is not None:
            if row.snapshot is not None:  # otherwise it has ended
                there = transitions.look(matter_of(session, row), make_world(session, clock))
                refresh_limits(session, row.instance_id, there, judgement)
            announce_breaches(session, instance_id, breaches)


def refresh_limits(
    session: Session, instance_id: int, there: Transition, judgement: Judgement | None
) -> None:
    """Set the limits of the open tasks of a matter anew, as it stands ``there``.

    ``judgement`` is None where there are no rules.
    """
    opened = {task.uid: task for task in there.opened}
    for task in store.open_tasks(session, instance_id):
        now = opened[task.uid]
        days = (now.earliest_on, now.due_on) if judgement is None else judgement.days(now)
        listing.set_limits(session, task.id, *days)
