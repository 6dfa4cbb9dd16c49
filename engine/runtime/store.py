"""The SQL of a step: everything a step writes, in as few statements as possible.

This is the hot path, so it is written by hand: one statement locks and reads, one writes the entry,
the matter, the closed and the opened tasks. Timers, subscriptions and participants follow only when
they change. Nothing here decides anything, and nothing here commits.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from engine.database import Later, Record, fetch, fetch_later, precede, run
from engine.ledger.chain import Event, Head, seal
from engine.runtime.models import NO_LIMIT
from engine.runtime.roles import TOLD_BY_TASK

_INSTANCE = """
    i.id AS instance_id, i.version_id, i.organisation_id, i.path, i.subject_id, i.status, i.outcome,
    i.stage, i.revision, i.snapshot, i.chain_length, i.chain_head, i.started_on, i.watch
"""

_LOCK_INSTANCE = f"SELECT {_INSTANCE} FROM instance i WHERE i.id = %(id)s FOR UPDATE"  # noqa: S608
# The columns are constants of this module; values are bound.

_TASK = f"""
    t.id AS task_id, t.uid, t.element, t.state, t.organisation_id AS task_organisation_id,
    t.candidates, t.assignee_id, t.revision AS task_revision,
    {TOLD_BY_TASK}
"""

_LOCK_TASK = f"""
    SELECT {_INSTANCE}, {_TASK}, i.xmin <> seen.xmin AS waited,
        kept.facts, kept.standing
    FROM task t JOIN instance i ON i.id = t.instance_id JOIN instance seen ON seen.id = i.id
    LEFT JOIN matter_facts kept ON kept.instance_id = i.id
    WHERE t.id = %(id)s FOR UPDATE OF i
"""  # noqa: S608

# Locks a matter that is as it was seen. Otherwise it fails, and with it whatever was sent along.
_HOLD = """
    SELECT 1 / count(*) FROM (
        SELECT FROM instance WHERE id = %(id)s AND chain_length = %(length)s
            AND chain_head = %(head)s AND path = %(path)s
        FOR UPDATE
    ) held
"""

_ENTRY_COLUMNS = (
    "chain_id, seq, form, kind, recorded_at, occurred_on, actor_id, on_behalf_of, element,"
    " task_id, command_id, payload, salt, payload_digest, snapshot, previous, digest"
)
_ENTRY = f"""
    INSERT INTO ledger_entry ({_ENTRY_COLUMNS})
    VALUES ({", ".join(f"%({name.strip()})s" for name in _ENTRY_COLUMNS.split(","))})
"""  # noqa: S608

# It fails like _HOLD where the matter is not as it was seen or locked.
_STEP_AFTER_ENTRY = """
    matter AS (
        UPDATE instance SET snapshot = %(state)s, revision = revision + 1, chain_length = %(seq)s,
            chain_head = %(digest)s, status = %(status)s, outcome = %(outcome)s, stage = %(stage)s,
            ended_on = %(ended_on)s, ended_at = %(ended_at)s, watch = %(watch)s,
            backfilled = backfilled OR %(backfilled)s
        WHERE id = %(chain_id)s AND chain_length = %(seq)s - 1 AND chain_head = %(previous)s
            AND path = %(path)s
        RETURNING id
    ),
    closed AS (
        UPDATE task SET closed_at = %(recorded_at)s, revision = revision + 1,
            state = CASE WHEN id = %(task_id)s THEN %(closed_state)s ELSE %(dropped_state)s END,
            closed_by = CASE WHEN id = %(task_id)s THEN %(actor_id)s END
        WHERE id = ANY(%(closing)s::bigint[])
    ),
    unlisted AS (DELETE FROM task_candidate WHERE task_id = ANY(%(closing)s::bigint[])),
    undrafted AS (DELETE FROM draft WHERE task_id = ANY(%(closing)s::bigint[])),
    opened AS (
        INSERT INTO task (instance_id, uid, element, item, state, organisation_id, candidates,
            not_before, earliest_on, due_on, returned, revision, created_at)
        SELECT %(chain_id)s, n.uid, n.element, n.item, 'open', n.organisation_id, n.candidates,
            n.not_before, n.earliest_on, n.due_on, %(returned)s, 1, %(recorded_at)s
        FROM jsonb_to_recordset(%(opening)s::jsonb) AS n(uid uuid, element text, item text,
            organisation_id bigint, candidates text[], not_before date, earliest_on date,
            due_on date)
        RETURNING id, element, candidates, due_on
    ),
    listed AS (
        INSERT INTO task_candidate (principal, due_on, task_id)
        SELECT DISTINCT p, o.due_on, o.id FROM opened o, unnest(o.candidates) p
    )
"""
_OPENED = """
    SELECT id, element FROM opened
    WHERE 1 / (SELECT count(*) FROM matter) = 1
"""
_STEP = f"WITH entry AS ({_ENTRY}), {_STEP_AFTER_ENTRY} {_OPENED} ORDER BY id"

_ASSIGN = f"""
    WITH entry AS ({_ENTRY}),
    matter AS (
        UPDATE instance SET chain_length = %(seq)s, chain_head = %(digest)s WHERE id = %(chain_id)s
    ),
    assigned AS (
        UPDATE task SET assignee_id = %(assignee_id)s, revision = revision + 1
        WHERE id = %(task_id)s
        RETURNING id, due_on
    ),
    unlisted AS (
        DELETE FROM task_candidate
        WHERE task_id = %(task_id)s AND principal <> ALL(%(principals)s::text[])
    )
    INSERT INTO task_candidate (principal, due_on, task_id)
    SELECT p, a.due_on, a.id FROM assigned a, unnest(%(principals)s::text[]) p
    ON CONFLICT DO NOTHING
"""  # noqa: S608

# The same for a task that was only seen in a list, not locked: all of it, or nothing when the chain
# has moved on since. It returns what locking the task would.
_CLAIM = f"""
    WITH i AS (
        UPDATE instance i SET chain_length = %(seq)s, chain_head = %(digest)s
        WHERE id = %(chain_id)s AND chain_length = %(seq)s - 1 AND chain_head = %(previous)s
        RETURNING {_INSTANCE}
    ),
    entry AS (
        INSERT INTO ledger_entry ({_ENTRY_COLUMNS})
        SELECT {", ".join(f"%({name.strip()})s" for name in _ENTRY_COLUMNS.split(","))} FROM i
    ),
    t AS (
        UPDATE task t SET assignee_id = %(actor_id)s, revision = revision + 1
        WHERE id = %(task_id)s AND EXISTS (SELECT FROM i)
        RETURNING {_TASK}, t.due_on
    ),
    unlisted AS (
        DELETE FROM task_candidate WHERE task_id = %(task_id)s AND principal <> %(principal)s
            AND EXISTS (SELECT FROM i)
    ),
    listed AS (
        INSERT INTO task_candidate (principal, due_on, task_id)
        SELECT %(principal)s, t.due_on, t.task_id FROM t
        ON CONFLICT DO NOTHING
    )
    SELECT * FROM i, t
"""  # noqa: S608

_STATUS = f"""
    WITH entry AS ({_ENTRY})
    UPDATE instance SET status = %(status)s, chain_length = %(seq)s, chain_head = %(digest)s,
        revision = revision + CASE WHEN status = %(status)s THEN 0 ELSE 1 END
    WHERE id = %(chain_id)s
"""  # noqa: S608

_OPEN_TASKS = "SELECT id, uid, element FROM task WHERE instance_id = %(id)s AND state = 'open'"

_NEW_INSTANCE = """
    WITH number AS (
        INSERT INTO matter_counter (prefix, year, last) VALUES (%(prefix)s, %(year)s, 1)
        ON CONFLICT (prefix, year) DO UPDATE SET last = matter_counter.last + 1
        RETURNING last
    )
    INSERT INTO instance (version_id, prefix, year, serial, organisation_id, path, subject_id,
        title, status, revision, chain_length, chain_head, started_on, started_at, backfilled)
    SELECT %(version_id)s, %(prefix)s, %(year)s, number.last, %(organisation_id)s, %(path)s,
        %(subject_id)s, %(title)s, 'active', 0, 0, '', %(started_on)s, %(started_at)s, false
    FROM number
    RETURNING id, serial
"""


@dataclass(frozen=True)
class NewTask:
    """A task to open."""

    uid: UUID
    element: str
    candidates: Sequence[str]
    organisation_id: int | None = None
    item: str | None = None
    not_before: date | None = None
    earliest_on: date | None = None
    due_on: date | None = None


@dataclass(frozen=True)
class Write:
    """All that a step changes in the rows of its matter."""

    entry: Mapping[str, Any]
    path: str
    """Where the matter stood in the tree when it was seen or locked."""
    snapshot: bytes | None
    status: str
    outcome: str | None = None
    stage: str | None = None
    ended_on: date | None = None
    ended_at: datetime | None = None
    backfilled: bool = False
    watch: int = 0
    closing: Sequence[int] = ()
    """Ids of the tasks that end; the entry's own task gets ``closed_state``."""
    closed_state: str = "completed"
    dropped_state: str = "cancelled"
    returned: bool = False
    """The tasks open again after a send-back."""
    opening: Sequence[NewTask] = ()


def lock_instance(session: Session, instance_id: int) -> Record | None:
    """Return the matter's row, locked until the end of the transaction."""
    return next(iter(fetch(session, _LOCK_INSTANCE, {"id": instance_id})), None)


def lock_task(session: Session, task_id: int) -> Record | None:
    """Return the task with its matter, the matter locked until the end of the transaction.

    Whoever had to wait for the lock gets the matter as it is now, but the task as it was when they
    asked: PostgreSQL reads again only the rows it locks. They have to look once more.
    """
    row = next(iter(fetch(session, _LOCK_TASK, {"id": task_id})), None)
    if row is not None and row.waited:
        row = next(iter(fetch(session, _LOCK_TASK, {"id": task_id})), None)
    return row


def hold(session: Session, row: Record) -> None:
    """Lock the matter of a row that was only seen, together with what comes next.

    Should the matter have moved on since, that fails with psycopg's DivisionByZero. So does the
    statement that writes a step, if it is all that comes.
    """
    head = {"length": row.chain_length, "head": bytes(row.chain_head)}
    precede(session, _HOLD, {"id": row.instance_id, "path": row.path, **head})


def open_tasks(session: Session, instance_id: int) -> Sequence[Record]:
    """Return id, uid and element of the matter's open tasks."""
    return fetch(session, _OPEN_TASKS, {"id": instance_id})


def head_of(row: Record) -> Head:
    """Return the chain head that a locked matter row carries."""
    return Head(row.chain_length, bytes(row.chain_head))


def create_instance(session: Session, *, prefix: str, year: int, **values: Any) -> tuple[int, int]:
    """Insert a matter under the next number of ``prefix`` and ``year``; return (id, serial)."""
    made = fetch(session, _NEW_INSTANCE, {"prefix": prefix, "year": year, **values})[0]
    return made.id, made.serial


class Opened(Mapping[int, str]):
    """The tasks that a step opens: elements by id. Known once the step has been carried out."""

    def __init__(self, later: Later) -> None:
        self._later = later

    @cached_property
    def _found(self) -> dict[int, str]:
        return {row.id: row.element for row in self._later.rows()}

    def __getitem__(self, task_id: int) -> str:
        return self._found[task_id]

    def __iter__(self) -> Iterator[int]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def __repr__(self) -> str:
        return repr(self._found)


def write_step(session: Session, write: Write) -> Opened:
    """Write a step, with what comes next; return its new tasks in the order given."""
    parameters = {
        **write.entry,
        "path": write.path,
        "state": write.snapshot,
        "status": write.status,
        "outcome": write.outcome,
        "stage": write.stage,
        "ended_on": write.ended_on,
        "ended_at": write.ended_at,
        "backfilled": write.backfilled,
        "watch": write.watch,
        "closing": list(write.closing),
        "closed_state": write.closed_state,
        "dropped_state": write.dropped_state,
        "returned": write.returned,
        "opening": json.dumps([_new_task(task) for task in write.opening]),
    }
    return Opened(fetch_later(session, _STEP, parameters))


def write_entry(session: Session, row: Record, event: Event, now: datetime) -> Mapping[str, Any]:
    """Write an entry that changes nothing else, such as a reading: the revision stays.

    Returns the row as it was sealed.
    """
    return write_status(session, row, row.status, event, now)


def write_status(
    session: Session, row: Record, status: str, event: Event, now: datetime
) -> Mapping[str, Any]:
    """Write an entry that changes nothing of a matter but its status; return it as sealed."""
    entry, _ = seal(row.instance_id, head_of(row), event, now)
    run(session, _STATUS, {**entry, "status": status})
    return entry


def write_assignment(
    session: Session,
    row: Record,
    event: Event,
    now: datetime,
    *,
    assignee_id: int | None,
    principals: Sequence[str],
) -> None:
    """Give the event's task to somebody (or back to its candidates) and list it accordingly."""
    entry, _ = seal(row.instance_id, head_of(row), event, now)
    run(session, _ASSIGN, {**entry, "assignee_id": assignee_id, "principals": list(principals)})


def write_claim(
    session: Session, row: Record, event: Event, now: datetime, principal: str
) -> Later:
    """Give a task, as ``row`` of a list showed it, to the event's actor, with what comes next.

    The row that comes back is the task as :func:`lock_task` would find it now. None comes back when
    the matter's chain has moved on since; then nothing was written.
    """
    entry, _ = seal(row.instance_id, head_of(row), event, now)
    return fetch_later(session, _CLAIM, {**entry, "principal": principal})


def _new_task(task: NewTask) -> dict[str, Any]:
    return {
        "uid": str(task.uid),
        "element": task.element,
        "item": task.item,
        "organisation_id": task.organisation_id,
        "candidates": list(task.candidates),
        "not_before": task.not_before and task.not_before.isoformat(),
        "earliest_on": task.earliest_on and task.earliest_on.isoformat(),
        "due_on": (task.due_on or NO_LIMIT).isoformat(),
    }
