"""Lock what a command is about, or say plainly that it is not there or has moved on."""

from __future__ import annotations

from sqlalchemy.orm import Session

from engine.database import Record
from engine.errors import N_, NotFound, NotRunning, StaleRevision
from engine.runtime import store


def instance_row(session: Session, instance_id: int, *, running: bool = True) -> Record:
    """Return the matter's row, locked. Raises NotFound; NotRunning unless ``running`` is False."""
    row = store.lock_instance(session, instance_id)
    if row is None:
        raise NotFound(N_("没有这个事项，或您无权查看。"))
    if running and row.status != "active":
        raise NotRunning
    return row


def task_row(session: Session, task_id: int) -> Record:
    """Return the task with its matter, the matter locked. Raises NotFound."""
    row = store.lock_task(session, task_id)
    if row is None:
        raise NotFound(N_("没有这个任务，或您无权查看。"))
    return row


def same_revision(now: int, seen: int | None) -> None:
    """Raise StaleRevision when what the person saw is no longer so; None means: not asked."""
    if seen is not None and seen != now:
        raise StaleRevision
