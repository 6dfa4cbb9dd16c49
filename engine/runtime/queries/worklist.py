"""A person's whole list of tasks: in the order wanted, for export, and those chosen from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from engine.clock import Clock
from engine.directory.actors import Actor
from engine.directory.policy import my_tasks
from engine.errors import N_, InvalidInput
from engine.runtime.models import Task, TaskCandidate
from engine.runtime.queries.inbox import inbox, read_tasks, to_rows
from engine.runtime.views import Bucket, Inbox, TaskRow

MOST_LISTED: Final = 5_000
"""A list is sorted and exported up to this many tasks, the most urgent ones."""


class Sort(StrEnum):
    """The orders of a list of tasks."""

    DUE = "due"
    PERSON = "person"
    STEP = "step"

    @property
    def label(self) -> str:
        """Return the Chinese name (a message id)."""
        return _LABELS[self]


_LABELS: Final = {
    Sort.DUE: N_("按期限"),
    Sort.PERSON: N_("按人员"),
    Sort.STEP: N_("按环节"),
}


@dataclass(frozen=True)
class Filters:
    """What a list is narrowed to; None and empty text mean everything."""

    process: str | None = None
    organisation_id: int | None = None
    text_wanted: str | None = None

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of :func:`~engine.runtime.queries.inbox.inbox`."""
        return {
            "process": self.process,
            "organisation_id": self.organisation_id,
            "text_wanted": self.text_wanted,
        }


def work_list(
    session: Session,
    actor: Actor,
    clock: Clock,
    *,
    bucket: Bucket = Bucket.TODO,
    filters: Filters | None = None,
    sort: Sort = Sort.DUE,
) -> Inbox:
    """Return one bucket as a whole, up to :data:`MOST_LISTED` tasks.

    ``next_cursor`` is set when there are more, which only the pages of the inbox show.
    """
    found = inbox(
        session,
        actor,
        clock,
        bucket=bucket,
        limit=MOST_LISTED,
        **(filters or Filters()).arguments(),
    )
    key = _KEYS.get(sort)
    return found if key is None else replace(found, rows=tuple(sorted(found.rows, key=key)))


def work_page(
    session: Session,
    actor: Actor,
    clock: Clock,
    *,
    bucket: Bucket = Bucket.TODO,
    filters: Filters | None = None,
    sort: Sort = Sort.DUE,
    cursor: str | None = None,
    limit: int = 50,
) -> Inbox:
    """Return a page of a bucket in the order wanted. Raises InvalidInput for a foreign cursor.

    By limit the pages follow the index. The other orders need the whole list of the person, of
    which the pages are cut.
    """
    wanted = filters or Filters()
    if sort is Sort.DUE:
        return inbox(
            session, actor, clock, bucket=bucket, cursor=cursor, limit=limit, **wanted.arguments()
        )
    start = 0
    if cursor:
        if not cursor.isdecimal() or len(cursor) > 6:
            raise InvalidInput({"cursor": [N_("翻页位置无效，请回到第一页。")]})
        start = int(cursor)
    found = work_list(session, actor, clock, bucket=bucket, filters=wanted, sort=sort)
    rest = found.rows[start:]
    more = str(start + limit) if len(rest) > limit else None
    return replace(found, rows=rest[:limit], next_cursor=more)


def chosen_tasks(
    session: Session, actor: Actor, clock: Clock, ids: Iterable[int]
) -> tuple[TaskRow, ...]:
    """Return those of the tasks that lie in the actor's inbox, or that the actor has closed."""
    mine = (
        select(TaskCandidate.task_id)
        .where(TaskCandidate.task_id == Task.id, my_tasks(actor, TaskCandidate.principal))
        .exists()
    )
    wanted = select(Task.id).where(
        Task.id.in_(sorted(set(ids))), or_(Task.closed_by == actor.person_id, mine)
    )
    rows = read_tasks(session, actor, wanted, "t.due_on, t.id")
    return to_rows(session, rows, clock.today())


def by_name(name: str) -> bytes:
    """Return a sort key for Chinese names: GB 18030 keeps the common characters by their sound."""
    return name.encode("gb18030", "replace")


def _by_person(row: TaskRow) -> tuple[Any, ...]:
    return (not row.subject_name, by_name(row.subject_name or ""), row.subject_id or 0, *_due(row))


def _by_step(row: TaskRow) -> tuple[Any, ...]:
    number = row.step_number
    return (by_name(row.process_title), number is None, number or "", row.element, *_due(row))


def _due(row: TaskRow) -> tuple[date, int]:
    return row.due_on or date.max, row.id


_KEYS: Final[dict[Sort, Callable[[TaskRow], tuple[Any, ...]]]] = {
    Sort.PERSON: _by_person,
    Sort.STEP: _by_step,
}
