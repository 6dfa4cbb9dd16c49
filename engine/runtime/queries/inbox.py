"""The inbox: one index range a principal, whatever is open elsewhere in the database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Text, cast, func, literal, or_, select, text, tuple_
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from engine.clock import Clock
from engine.compliance.grounds import Grounds
from engine.database import Record, read
from engine.definitions.models import ProcessVersion
from engine.directory.actors import Actor
from engine.directory.models import Organisation
from engine.directory.policy import my_tasks, visible_matters
from engine.errors import N_, InvalidInput
from engine.ledger.kinds import EntryKind
from engine.ledger.models import LedgerEntry
from engine.runtime.models import MATTER_COLUMNS, Instance, Task, TaskCandidate
from engine.runtime.queries.rows import TASK_COLUMNS, TASK_JOINS, Names, task_row
from engine.runtime.seen import listed
from engine.runtime.views import Bucket, Inbox, TaskRow
from engine.runtime.world import holidays

SOON_DAYS = 10
"""A task is 即将到期 when its limit is at most this many days away."""
MOST_COUNTED = 999
"""Counting stops here: a longer list is not read to its end to say how long it is."""

# The principals' ranges are merged: each gives its first rows in the order of the index. What the
# planner cannot see (SELECT …) it cannot plan for anew each time: the plan is the same for all.
_MINE = f"""
    SELECT {TASK_COLUMNS}, i.chain_length, i.chain_head FROM (
        SELECT DISTINCT c.due_on, c.task_id
        FROM unnest((SELECT %(principals)s::text[])) AS k(principal)
        CROSS JOIN LATERAL (
            SELECT tc.due_on, tc.task_id FROM task_candidate tc {{joins}}
            WHERE tc.principal = k.principal {{conditions}}
            ORDER BY tc.due_on, tc.task_id LIMIT (SELECT %(limit)s::bigint)
        ) c
        ORDER BY c.due_on, c.task_id LIMIT (SELECT %(limit)s::bigint)
    ) mine
    JOIN task t ON t.id = mine.task_id {TASK_JOINS}
    ORDER BY mine.due_on, mine.task_id
"""  # noqa: S608 - built from constants; values are bound

_BETWEEN = " AND tc.due_on BETWEEN %(since)s AND %(until)s"
_AFTER = " AND (tc.due_on, tc.task_id) > (%(after_due)s, %(after_id)s)"
_FILTER_JOINS = "JOIN task ft ON ft.id = tc.task_id JOIN instance fi ON fi.id = ft.instance_id"
_FILTERS = {
    "process": " AND fi.version_id IN (SELECT id FROM process_version WHERE key = %(process)s)",
    "organisation_id": " AND fi.organisation_id = %(organisation_id)s",
    "text": " AND (fi.title ILIKE %(text)s OR fi.prefix || '-' || fi.year || '-'"
    " || lpad(fi.serial::text, greatest(4, length(fi.serial::text)), '0') ILIKE %(text)s"
    " OR fi.organisation_id IN (SELECT id FROM organisation"
    " WHERE name ILIKE %(text)s OR short_name ILIKE %(text)s))",
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


def to_rows(session: Session, rows: Sequence[Record], today: date) -> tuple[TaskRow, ...]:
    """Return the lines of a list, with the names they need read at once."""
    names = Names(session)
    names.know_organisations((row.task_organisation_id, row.place_name) for row in rows)
    names.fetch_candidates(row.candidates for row in rows if row.assignee_id is None)
    table = holidays.get(session)
    days = _days_done(session, [(row.instance_id, row.id) for row in rows if row.closed_at])
    grounds = Grounds(session)
    return tuple(
        task_row(session, row, today, table, names, grounds, days.get(row.id, today))
        for row in rows
    )


def _days_done(session: Session, tasks: Sequence[tuple[int, int]]) -> dict[int, date]:
    """Return on which day each of these tasks of matters was last done, by task."""
    if not tasks:
        return {}
    found = session.execute(
        select(LedgerEntry.task_id, LedgerEntry.occurred_on)
        .where(
            LedgerEntry.chain_id.in_({matter for matter, _ in tasks}),
            LedgerEntry.task_id.in_([task for _, task in tasks]),
            LedgerEntry.kind == EntryKind.COMPLETED,
            LedgerEntry.occurred_on.is_not(None),
        )
        .order_by(LedgerEntry.seq)
    )
    return {row.task_id: row.occurred_on for row in found}


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
) -> Sequence[Record]:
    given: dict[str, Any] = {"me": actor.person_id, "principals": _keys(actor), "limit": limit + 1}
    conditions = "".join(_FILTERS[name] for name in filters)
    if bucket is Bucket.OVERDUE:
        conditions += _BETWEEN
        given |= {"since": date.min, "until": today - timedelta(days=1)}
    elif bucket is Bucket.SOON:
        conditions += _BETWEEN
        given |= {"since": today, "until": today + timedelta(days=SOON_DAYS)}
    if cursor:
        conditions += _AFTER
        given["after_due"], given["after_id"] = _parse(cursor)
    statement = _MINE.format(joins=_FILTER_JOINS if filters else "", conditions=conditions)
    rows = read(session, statement, {**given, **filters})
    listed.keep(rows)
    return rows


def _waiting(
    session: Session, actor: Actor, filters: dict[str, Any], cursor: str | None, limit: int
) -> Sequence[Record]:
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
    return read_tasks(session, actor, wanted, "t.due_on, t.id")


def _done(
    session: Session, actor: Actor, filters: dict[str, Any], cursor: str | None, limit: int
) -> Sequence[Record]:
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
    return read_tasks(session, actor, wanted, "t.id DESC")


def read_tasks(session: Session, actor: Actor, wanted: Any, order: str) -> Sequence[Record]:
    """Return the lines of the tasks that a query of ids wants."""
    ids = [row.id for row in session.execute(wanted)]
    statement = (
        f"SELECT {TASK_COLUMNS} FROM task t {TASK_JOINS}"  # noqa: S608
        f" WHERE t.id = ANY(%(ids)s::bigint[]) ORDER BY {order}"
    )
    return read(session, statement, {"me": actor.person_id, "ids": ids})


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
    serial = cast(Instance.serial, Text)
    padded = func.lpad(serial, func.greatest(4, func.length(serial)), "0")
    number = func.concat(Instance.prefix, "-", Instance.year, "-", padded)
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
    stored = wanted.replace("\x00", "")  # PostgreSQL stores none, so none is looked for
    return stored.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _cursor(bucket: Bucket, row: Record) -> str:
    return f"{row.due_on.isoformat()}.{row.id}"


def _parse(cursor: str) -> tuple[date, int]:
    day, _, number = cursor.partition(".")
    try:
        if len(number) > len(str(2**63)) - 1:
            raise ValueError(number)
        return date.fromisoformat(day), int(number)
    except ValueError:
        raise InvalidInput({"cursor": [N_("翻页位置无效，请回到第一页。")]}) from None
