"""The SQL of a step: everything a step writes, in as few statements as possible.

This is the hot path, so it is written by hand: one statement locks and reads, one writes the entry,
the matter, the closed and the opened tasks. Timers, subscriptions and participants follow only when
they change. Nothing here decides anything, and nothing here commits.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, LargeBinary, Text, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.engine import Row
from sqlalchemy.orm import Session

from engine.ledger.chain import Event, Head, seal
from engine.runtime.models import NO_LIMIT

_INSTANCE = """
    i.id AS instance_id, i.version_id, i.prefix, i.year, i.serial, i.organisation_id, i.path,
    i.subject_id, i.title, i.status, i.outcome, i.stage, i.revision, i.snapshot, i.chain_length,
    i.chain_head, i.started_on, i.started_at, i.watch
"""

_LOCK_INSTANCE = text(f"SELECT {_INSTANCE} FROM instance i WHERE i.id = :id FOR UPDATE")  # noqa: S608
# The columns are constants of this module; values are bound.

_LOCK_TASK = text(
    f"""
    SELECT {_INSTANCE}, t.id AS task_id, t.uid, t.element, t.item, t.state,
        t.organisation_id AS task_organisation_id, t.candidates, t.assignee_id, t.not_before,
        t.earliest_on, t.due_on, t.revision AS task_revision, i.xmin <> seen.xmin AS waited
    FROM task t JOIN instance i ON i.id = t.instance_id JOIN instance seen ON seen.id = i.id
    WHERE t.id = :id FOR UPDATE OF i
    """  # noqa: S608
)

_ENTRY_COLUMNS = (
    "chain_id, seq, form, kind, recorded_at, occurred_on, actor_id, on_behalf_of, element,"
    " task_id, command_id, payload, salt, payload_digest, snapshot, previous, digest"
)
_ENTRY = f"""
    INSERT INTO ledger_entry ({_ENTRY_COLUMNS})
    VALUES ({", ".join(f":{name.strip()}" for name in _ENTRY_COLUMNS.split(","))})
"""  # noqa: S608

_STEP = text(
    f"""
    WITH entry AS ({_ENTRY}),
    matter AS (
        UPDATE instance SET snapshot = :state, revision = revision + 1, chain_length = :seq,
            chain_head = :digest, status = :status, outcome = :outcome, stage = :stage,
            ended_on = :ended_on, ended_at = :ended_at, backfilled = backfilled OR :backfilled,
            watch = :watch
        WHERE id = :chain_id
    ),
    closed AS (
        UPDATE task SET state = CASE WHEN id = :task_id THEN :closed_state ELSE :dropped_state END,
            closed_at = :recorded_at, closed_by = CASE WHEN id = :task_id THEN :actor_id END,
            revision = revision + 1
        WHERE id = ANY(:closing)
    ),
    unlisted AS (DELETE FROM task_candidate WHERE task_id = ANY(:closing)),
    undrafted AS (DELETE FROM draft WHERE task_id = ANY(:closing)),
    opened AS (
        INSERT INTO task (instance_id, uid, element, item, state, organisation_id, candidates,
            not_before, earliest_on, due_on, returned, revision, created_at)
        SELECT :chain_id, n.uid, n.element, n.item, 'open', n.organisation_id, n.candidates,
            n.not_before, n.earliest_on, n.due_on, :returned, 1, :recorded_at
        FROM jsonb_to_recordset(:opening) AS n(uid uuid, element text, item text,
            organisation_id bigint, candidates text[], not_before date, earliest_on date,
            due_on date)
        RETURNING id, uid, element, candidates, due_on
    ),
    listed AS (
        INSERT INTO task_candidate (principal, due_on, task_id)
        SELECT DISTINCT p, o.due_on, o.id FROM opened o, unnest(o.candidates) p
    )
    SELECT id, uid, element FROM opened ORDER BY id
    """  # noqa: S608
).bindparams(
    bindparam("closing", type_=ARRAY(BigInteger)),
    bindparam("opening", type_=JSONB),
    bindparam("state", type_=LargeBinary),
)

_ASSIGN = text(
    f"""
    WITH entry AS ({_ENTRY}),
    matter AS (
        UPDATE instance SET chain_length = :seq, chain_head = :digest WHERE id = :chain_id
    ),
    assigned AS (
        UPDATE task SET assignee_id = :assignee_id, revision = revision + 1 WHERE id = :task_id
        RETURNING id, due_on
    ),
    unlisted AS (
        DELETE FROM task_candidate WHERE task_id = :task_id AND principal <> ALL(:principals)
    )
    INSERT INTO task_candidate (principal, due_on, task_id)
    SELECT p, a.due_on, a.id FROM assigned a, unnest(:principals) p
    ON CONFLICT DO NOTHING
    """  # noqa: S608
).bindparams(bindparam("principals", type_=ARRAY(Text)))

_STATUS = text(
    f"""
    WITH entry AS ({_ENTRY})
    UPDATE instance SET status = :status, revision = revision + 1, chain_length = :seq,
        chain_head = :digest
    WHERE id = :chain_id
    """  # noqa: S608
)

_OPEN_TASKS = text("SELECT id, uid, element FROM task WHERE instance_id = :id AND state = 'open'")

_NUMBER = text(
    """
    INSERT INTO matter_counter (prefix, year, last) VALUES (:prefix, :year, 1)
    ON CONFLICT (prefix, year) DO UPDATE SET last = matter_counter.last + 1
    RETURNING last
    """
)

_NEW_INSTANCE = text(
    """
    INSERT INTO instance (version_id, prefix, year, serial, organisation_id, path, subject_id,
        title, status, revision, chain_length, chain_head, started_on, started_at, backfilled)
    VALUES (:version_id, :prefix, :year, :serial, :organisation_id, :path, :subject_id, :title,
        'active', 0, 0, '', :started_on, :started_at, false)
    RETURNING id
    """
)


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


@dataclass(frozen=True)
class Watch:
    """Timers and message subscriptions of a matter, as they are after a step."""

    timers: Mapping[UUID, tuple[str, datetime]] = field(default_factory=dict)
    subscriptions: Mapping[UUID, tuple[str, str]] = field(default_factory=dict)

    @property
    def mark(self) -> int:
        """Return a number that differs when the watch does; 0 when there is nothing to watch."""
        if not self.timers and not self.subscriptions:
            return 0
        lines = sorted(f"{uid}{value}" for uid, value in self.timers.items())
        lines += sorted(f"{uid}{value}" for uid, value in self.subscriptions.items())
        # Wide enough that no change is ever missed: a missed one would be a lost timer.
        digest = hashlib.blake2b("\n".join(lines).encode(), digest_size=8).digest()
        return 1 + (int.from_bytes(digest) >> 2)


def lock_instance(session: Session, instance_id: int) -> Row[Any] | None:
    """Return the matter's row, locked until the end of the transaction."""
    return session.execute(_LOCK_INSTANCE, {"id": instance_id}).one_or_none()


def lock_task(session: Session, task_id: int) -> Row[Any] | None:
    """Return the task with its matter, the matter locked until the end of the transaction.

    Whoever had to wait for the lock gets the matter as it is now, but the task as it was when they
    asked: PostgreSQL reads again only the rows it locks. They have to look once more.
    """
    row = session.execute(_LOCK_TASK, {"id": task_id}).one_or_none()
    if row is not None and row.waited:
        row = session.execute(_LOCK_TASK, {"id": task_id}).one_or_none()
    return row


def open_tasks(session: Session, instance_id: int) -> Sequence[Row[Any]]:
    """Return id, uid and element of the matter's open tasks."""
    return session.execute(_OPEN_TASKS, {"id": instance_id}).all()


def head_of(row: Row[Any]) -> Head:
    """Return the chain head that a locked matter row carries."""
    return Head(row.chain_length, bytes(row.chain_head))


def create_instance(session: Session, *, prefix: str, year: int, **values: Any) -> tuple[int, int]:
    """Insert a matter under the next number of ``prefix`` and ``year``; return (id, serial)."""
    serial: int = session.execute(_NUMBER, {"prefix": prefix, "year": year}).scalar_one()
    instance_id: int = session.execute(
        _NEW_INSTANCE, {"prefix": prefix, "year": year, "serial": serial, **values}
    ).scalar_one()
    return instance_id, serial


def write_step(session: Session, write: Write) -> dict[UUID, int]:
    """Write a step and return the new tasks' ids by their uid in the workflow."""
    parameters = {
        **write.entry,
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
        "opening": [_new_task(task) for task in write.opening],
    }
    rows = session.execute(_STEP, parameters)
    return {row.uid: row.id for row in rows}


def write_entry(session: Session, row: Row[Any], event: Event, now: datetime) -> None:
    """Write an entry that changes nothing else, such as a reading."""
    write_status(session, row, row.status, event, now)


def write_status(session: Session, row: Row[Any], status: str, event: Event, now: datetime) -> None:
    """Write an entry that changes nothing of a matter but its status."""
    entry, _ = seal(row.instance_id, head_of(row), event, now)
    session.execute(_STATUS, {**entry, "status": status})


def write_assignment(
    session: Session,
    row: Row[Any],
    event: Event,
    now: datetime,
    *,
    assignee_id: int | None,
    principals: Sequence[str],
) -> None:
    """Give the event's task to somebody (or back to its candidates) and list it accordingly."""
    entry, _ = seal(row.instance_id, head_of(row), event, now)
    session.execute(_ASSIGN, {**entry, "assignee_id": assignee_id, "principals": list(principals)})


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


def read_watch(session: Session, instance_id: int) -> Watch:
    """Return the stored timers and subscriptions of a matter."""
    timers = session.execute(
        text("SELECT uid, element, due_at FROM timer WHERE instance_id = :id"), {"id": instance_id}
    )
    subscriptions = session.execute(
        text("SELECT uid, element, name FROM message_subscription WHERE instance_id = :id"),
        {"id": instance_id},
    )
    return Watch(
        {row.uid: (row.element, row.due_at) for row in timers},
        {row.uid: (row.element, row.name) for row in subscriptions},
    )


def write_watch(session: Session, instance_id: int, before: Watch, after: Watch) -> list[datetime]:
    """Store what changed between two watches; return the due times that are new."""
    gone = [uid for uid, value in before.timers.items() if after.timers.get(uid) != value]
    new = {uid: value for uid, value in after.timers.items() if before.timers.get(uid) != value}
    if gone:
        session.execute(
            text("DELETE FROM timer WHERE instance_id = :id AND uid = ANY(:uids)"),
            {"id": instance_id, "uids": gone},
        )
    if new:
        session.execute(
            text(
                "INSERT INTO timer (instance_id, uid, element, due_at)"
                " VALUES (:id, :uid, :element, :due_at)"
            ),
            [
                {"id": instance_id, "uid": uid, "element": element, "due_at": due_at}
                for uid, (element, due_at) in new.items()
            ],
        )
    lost = [uid for uid in before.subscriptions if uid not in after.subscriptions]
    found = {u: v for u, v in after.subscriptions.items() if u not in before.subscriptions}
    if lost:
        session.execute(
            text("DELETE FROM message_subscription WHERE instance_id = :id AND uid = ANY(:uids)"),
            {"id": instance_id, "uids": lost},
        )
    if found:
        session.execute(
            text(
                "INSERT INTO message_subscription (instance_id, uid, element, name)"
                " VALUES (:id, :uid, :element, :name)"
            ),
            [
                {"id": instance_id, "uid": uid, "element": element, "name": name}
                for uid, (element, name) in found.items()
            ],
        )
    return [due_at for _, due_at in new.values()]


def replace_participants(
    session: Session, instance_id: int, role: str, people: Sequence[int]
) -> None:
    """Set who holds ``role`` in a matter."""
    session.execute(
        text("DELETE FROM instance_participant WHERE instance_id = :id AND role = :role"),
        {"id": instance_id, "role": role},
    )
    if people:
        session.execute(
            text(
                "INSERT INTO instance_participant (instance_id, role, person_id)"
                " VALUES (:id, :role, :person)"
            ),
            [{"id": instance_id, "role": role, "person": person} for person in people],
        )


def read_participants(session: Session, instance_id: int) -> dict[str, tuple[int, ...]]:
    """Return the people of a matter by role."""
    roles: dict[str, list[int]] = {}
    for row in session.execute(
        text(
            "SELECT role, person_id FROM instance_participant WHERE instance_id = :id"
            " ORDER BY role, person_id"
        ),
        {"id": instance_id},
    ):
        roles.setdefault(row.role, []).append(row.person_id)
    return {role: tuple(people) for role, people in roles.items()}


def list_candidates(session: Session, instance_id: int) -> None:
    """Put the matter's open tasks back into inboxes (after a suspension)."""
    session.execute(
        text(
            """
            INSERT INTO task_candidate (principal, due_on, task_id)
            SELECT DISTINCT p, t.due_on, t.id
            FROM task t, unnest(CASE WHEN t.assignee_id IS NULL THEN t.candidates
                ELSE ARRAY['p' || t.assignee_id] END) p
            WHERE t.instance_id = :id AND t.state = 'open'
            ON CONFLICT DO NOTHING
            """
        ),
        {"id": instance_id},
    )


def unlist_candidates(session: Session, instance_id: int) -> None:
    """Take the matter's open tasks out of all inboxes (while it is suspended)."""
    session.execute(
        text(
            "DELETE FROM task_candidate WHERE task_id IN"
            " (SELECT id FROM task WHERE instance_id = :id AND state = 'open')"
        ),
        {"id": instance_id},
    )
