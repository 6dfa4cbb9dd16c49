"""The inbox: one index range a principal, whatever is open elsewhere in the database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Text, cast, func, literal, or_, select, text, tuple_
from sqlalchemy.engine import Row
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from engine.clock import Clock
from engine.definitions.models import ProcessVersion
from engine.directory.actors import Actor
from engine.directory.models import Organisation
from engine.directory.policy import my_tasks, visible_matters
from engine.errors import N_, InvalidInput
from engine.runtime.models import MATTER_COLUMNS, NO_LIMIT, Instance, Task, TaskCandidate
from engine.runtime.queries.rows import TASK_COLUMNS, TASK_JOINS, Names, task_row
from engine.runtime.views import Bucket, Inbox, TaskRow
from engine.runtime.world import holidays

SOON_DAYS = 10
"""A task is 即将到期 when its limit is at most this many days away."""
MOST_COUNTED = 999
"""Counting stops here: a longer list is not read to its end to say how long it is."""

# The principals' ranges are merged: each gives its first rows in the order of the index.
_MINE = f"""
    SELECT DISTINCT ON (c.due_on, t.id) {TASK_COLUMNS}
    FROM unnest(CAST(:principals AS text[])) AS k(principal)
    CROSS JOIN LATERAL (
        SELECT tc.task_id, tc.due_on FROM task_candidate tc
        JOIN task ft ON ft.id = tc.task_id JOIN instance fi ON fi.id = ft.instance_id
        WHERE tc.principal = k.principal AND tc.due_on BETWEEN :since AND :until
            AND (tc.due_on, tc.task_id) > (:after_due, :after_id) {{filters}}
        ORDER BY tc.due_on, tc.task_id LIMIT :limit
    ) c
    JOIN task t ON t.id = c.task_id {TASK_JOINS}
    ORDER BY c.due_on, t.id LIMIT :limit
"""  # noqa: S608 - built from constants; values are bound

_FILTERS = {
    "process": " AND fi.version_id IN (SELECT id FROM process_version WHERE key = :process)",
    "organisation_id": " AND fi.organisation_id = :organisation_id",
    "text": " AND (fi.title ILIKE :text OR fi.prefix || '-' || fi.year || '-'"
    " || lpad(fi.serial::text, 4, '0') ILIKE :text OR fi.organisation_id IN"
    " (SELECT id FROM organisation WHERE name ILIKE :text OR short_name ILIKE :text))",
}

_FIRST = """
    (SELECT count(DISTINCT c.task_id) FROM unnest(CAST(:principals AS text[])) AS k(principal)
        CROSS JOIN LATERAL (SELECT task_id FROM task_candidate
            WHERE principal = k.principal {} LIMIT :most) c)
"""
_COUNT = text(
    f"""
    SELECT {_FIRST.format("AND due_on < :today")} AS overdue,
        {_FIRST.format("AND due_on BETWEEN :today AND :soon")} AS soon,
        {_FIRST.format("")} AS todo
    """
)

_CHOICES = text(
    """
    SELECT DISTINCT v.key, v.title, o.id, o.short_name
    FROM (SELECT DISTINCT c.task_id FROM unnest(CAST(:principals AS text[])) AS k(principal)
        CROSS JOIN LATERAL (SELECT task_id FROM task_candidate
            WHERE principal = k.principal LIMIT :most) c) mine
    JOIN task t ON t.id = mine.task_id JOIN instance i ON i.id = t.instance_id
    JOIN process_version v ON v.id = i.version_id JOIN organisation o ON o.id = i.organisation_id
    """
)


def inbox(
    session: Session,
    actor: Actor,
    clock: Clock,
    *,
    bucket: Bucket = Bucket.TODO,
    process: str | None = None,
    organisation_id: int | None = None,
    text_wanted: str | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Inbox:
    """Return a page of the actor's tasks, most urgent first, and the counts of the buckets.

    Raises InvalidInput for a cursor that we did not give.
    """
    today = clock.today()
    wanted = {"process": process, "organisation_id": organisation_id, "text": text_wanted}
    filters = {name: value for name, value in wanted.items() if value}
    if "text" in filters:
        filters["text"] = f"%{escaped(str(filters['text']))}%"
    match bucket:
        case Bucket.WAITING:
            rows = _waiting(session, actor, filters, cursor, limit)
        case Bucket.DONE:
            rows = _done(session, actor, filters, cursor, limit)
        case _:
            rows = _mine(session, actor, today, bucket, filters, cursor, limit)
    more = len(rows) > limit
    lines = to_rows(session, rows[:limit], today)
    choices = session.execute(_CHOICES, {"principals": _keys(actor), "most": MOST_COUNTED}).all()
    return Inbox(
        counts=_counts(session, actor, today),
        rows=lines,
        next_cursor=_cursor(bucket, rows[limit - 1]) if more else None,
        processes=tuple(sorted({(row.key, row.title) for row in choices})),
        organisations=tuple(sorted({(row.id, row.short_name) for row in choices})),
        most=MOST_COUNTED,
    )


def list_mine(
    session: Session, actor: Actor, clock: Clock, *, limit: int = 20, cursor: str | None = None
) -> tuple[tuple[TaskRow, ...], str | None]:
    """Return the actor's open tasks, most urgent first, and the cursor of the next page."""
    today = clock.today()
    rows = _mine(session, actor, today, Bucket.TODO, {}, cursor, limit)
    more = _cursor(Bucket.TODO, rows[limit - 1]) if len(rows) > limit else None
    return to_rows(session, rows[:limit], today), more


def to_rows(session: Session, rows: Sequence[Row[Any]], today: date) -> tuple[TaskRow, ...]:
    """Return the lines of a list, with the names they need read at once."""
    names = Names(session)
    names.fetch_candidates(row.candidates for row in rows if row.assignee_id is None)
    table = holidays.get(session)
    return tuple(task_row(session, row, today, table, names) for row in rows)


def _keys(actor: Actor) -> list[str]:
    return sorted(actor.principals)


def _counts(session: Session, actor: Actor, today: date) -> dict[str, int]:
    row = session.execute(
        _COUNT,
        {
            "principals": _keys(actor),
            "today": today,
            "soon": today + timedelta(days=SOON_DAYS),
            "most": MOST_COUNTED,
        },
    ).one()
    return {"overdue": row.overdue, "soon": row.soon, "todo": row.todo}


def _mine(
    session: Session,
    actor: Actor,
    today: date,
    bucket: Bucket,
    filters: dict[str, Any],
    cursor: str | None,
    limit: int,
) -> Sequence[Row[Any]]:
    since, until = date.min, NO_LIMIT
    if bucket is Bucket.OVERDUE:
        until = today - timedelta(days=1)
    elif bucket is Bucket.SOON:
        since, until = today, today + timedelta(days=SOON_DAYS)
    after_due, after_id = _parse(cursor) if cursor else (date.min, 0)
    statement = text(_MINE.format(filters="".join(_FILTERS[name] for name in filters)))
    return session.execute(
        statement,
        {
            "me": actor.person_id,
            "principals": _keys(actor),
            "since": since,
            "until": until,
            "after_due": after_due,
            "after_id": after_id,
            "limit": limit + 1,
            **filters,
        },
    ).all()


def _waiting(
    session: Session, actor: Actor, filters: dict[str, Any], cursor: str | None, limit: int
) -> Sequence[Row[Any]]:
    """Return open tasks of matters the actor sees, which wait for somebody else."""
    mine = (
        select(TaskCandidate.task_id)
        .where(TaskCandidate.task_id == Task.id, my_tasks(actor, TaskCandidate.principal))
        .exists()
    )
    wanted = (
        select(Task.id, Task.due_on)
        .join(Instance, Instance.id == Task.instance_id)
        .where(
            Task.state == "open",
            Instance.status == "active",
            visible_matters(actor, MATTER_COLUMNS),
            ~mine,
            *_conditions(filters),
        )
        .order_by(Task.due_on, Task.id)
        .limit(limit + 1)
    )
    if cursor:
        after = tuple_(literal(_parse(cursor)[0]), literal(_parse(cursor)[1]))
        wanted = wanted.where(tuple_(Task.due_on, Task.id) > after)
    return _fetch(session, actor, wanted, "t.due_on, t.id")


def _done(
    session: Session, actor: Actor, filters: dict[str, Any], cursor: str | None, limit: int
) -> Sequence[Row[Any]]:
    """Return the tasks that the actor has closed, the latest first."""
    wanted = (
        select(Task.id)
        .join(Instance, Instance.id == Task.instance_id)
        .where(Task.closed_by == actor.person_id, *_conditions(filters))
        .order_by(Task.id.desc())
        .limit(limit + 1)
    )
    if cursor:
        wanted = wanted.where(Task.id < _parse(cursor)[1])
    return _fetch(session, actor, wanted, "t.id DESC")


def _fetch(session: Session, actor: Actor, wanted: Any, order: str) -> Sequence[Row[Any]]:
    ids = [row.id for row in session.execute(wanted)]
    statement = text(
        f"SELECT {TASK_COLUMNS} FROM task t {TASK_JOINS} WHERE t.id = ANY(:ids) ORDER BY {order}"  # noqa: S608
    )
    return session.execute(statement, {"me": actor.person_id, "ids": ids}).all()


def _conditions(filters: dict[str, Any]) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if "process" in filters:
        versions = select(ProcessVersion.id).where(ProcessVersion.key == filters["process"])
        found.append(Instance.version_id.in_(versions))
    if "organisation_id" in filters:
        found.append(Instance.organisation_id == filters["organisation_id"])
    if "text" in filters:
        found.append(matches(filters["text"]))
    return found


def matches(pattern: str) -> ColumnElement[bool]:
    """Return the clause for matters whose title, number or organisation contains what is wanted."""
    number = func.concat(
        Instance.prefix, "-", Instance.year, "-", func.lpad(cast(Instance.serial, Text), 4, "0")
    )
    places = select(Organisation.id).where(
        or_(Organisation.name.ilike(pattern), Organisation.short_name.ilike(pattern))
    )
    return or_(
        Instance.title.ilike(pattern),
        number.ilike(pattern),
        Instance.organisation_id.in_(places),
    )


def escaped(wanted: str) -> str:
    """Return ``wanted`` so that LIKE takes it literally."""
    return wanted.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _cursor(bucket: Bucket, row: Row[Any]) -> str:
    return f"{row.due_on.isoformat()}.{row.id}"


def _parse(cursor: str) -> tuple[date, int]:
    day, _, number = cursor.partition(".")
    try:
        return date.fromisoformat(day), int(number)
    except ValueError:
        raise InvalidInput({"cursor": [N_("翻页位置无效，请回到第一页。")]}) from None
