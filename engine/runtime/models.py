"""The tables of running matters. Rows are written by ``engine.runtime.store`` only."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    Date,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from engine.database import Moment, db
from engine.directory.policy import MatterColumns
from engine.ledger.models import chain_id_sequence

NO_LIMIT = date(9999, 12, 31)
"""The due date of a task without a limit, so that one index orders all."""


class Instance(db.Model):  # type: ignore[name-defined,misc]
    """A matter (办理事项): one running or finished process instance. Its id is its chain's id."""

    __tablename__ = "instance"
    __table_args__ = (
        Index("uq_instance_number", "prefix", "year", "serial", unique=True),
        Index("ix_instance_path", "path", "id", postgresql_ops={"path": "text_pattern_ops"}),
        Index(
            "ix_instance_running",
            "path",
            postgresql_ops={"path": "text_pattern_ops"},
            postgresql_where="status IN ('active', 'suspended')",
        ),
        Index("ix_instance_ended_at", "ended_at", postgresql_where="ended_at IS NOT NULL"),
    )

    id: Mapped[int] = mapped_column(
        BigInteger,
        chain_id_sequence,
        server_default=chain_id_sequence.next_value(),
        primary_key=True,
    )
    version_id: Mapped[int] = mapped_column(ForeignKey("process_version.id"))
    prefix: Mapped[str] = mapped_column(Text)
    year: Mapped[int] = mapped_column(SmallInteger)
    serial: Mapped[int] = mapped_column(Integer)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    path: Mapped[str] = mapped_column(Text)
    """The organisation's path when the matter began: who above may see it."""
    subject_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), index=True)
    title: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text, default="active")
    outcome: Mapped[str | None] = mapped_column(Text)
    stage: Mapped[str | None] = mapped_column(Text)
    revision: Mapped[int] = mapped_column(Integer, default=1)
    snapshot: Mapped[bytes | None] = mapped_column(LargeBinary)
    """The workflow's state; null once the matter has ended."""
    chain_length: Mapped[int] = mapped_column(Integer, default=0)
    chain_head: Mapped[bytes] = mapped_column(LargeBinary, default=b"")
    started_on: Mapped[date] = mapped_column(Date)
    started_at: Mapped[datetime] = mapped_column(Moment)
    ended_on: Mapped[date | None] = mapped_column(Date)
    ended_at: Mapped[datetime | None] = mapped_column(Moment)
    watch: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    """Changes when the matter's timers or subscriptions do; spares a step from reading them."""
    backfilled: Mapped[bool] = mapped_column(Boolean, default=False)
    """True for ever once a step was recorded later than the organisation allows (补录)."""

    @property
    def number(self) -> str:
        """Return the matter's number, such as ``FZ-2026-0031``."""
        return format_number(self.prefix, self.year, self.serial)


def format_number(prefix: str, year: int, serial: int) -> str:
    """Return a matter's number as people write it."""
    return f"{prefix}-{year}-{serial:04d}"


class MatterCounter(db.Model):  # type: ignore[name-defined,misc]
    """The last number given out for a prefix and year. No gaps: a gap is a removed matter."""

    __tablename__ = "matter_counter"

    prefix: Mapped[str] = mapped_column(Text, primary_key=True)
    year: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    last: Mapped[int] = mapped_column(Integer)


class Participant(db.Model):  # type: ignore[name-defined,misc]
    """A person's role in a matter: subject, contact, introducer."""

    __tablename__ = "instance_participant"

    instance_id: Mapped[int] = mapped_column(ForeignKey("instance.id"), primary_key=True)
    role: Mapped[str] = mapped_column(Text, primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True, index=True)


class Task(db.Model):  # type: ignore[name-defined,misc]
    """A task (任务) of a matter: open, or closed and kept for the history."""

    __tablename__ = "task"
    __table_args__ = (
        Index("ix_task_instance_id", "instance_id", "id"),
        Index("ix_task_closed_by", "closed_by", "id", postgresql_where="closed_by IS NOT NULL"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    instance_id: Mapped[int] = mapped_column(ForeignKey("instance.id"))
    uid: Mapped[UUID] = mapped_column(Uuid)
    """The task's id inside the workflow; a send-back may use it again in a new row."""
    element: Mapped[str] = mapped_column(Text)
    item: Mapped[str | None] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text, default="open")
    organisation_id: Mapped[int | None] = mapped_column(BigInteger)
    """The organisation that has to act: the branch, or the committee above it."""
    candidates: Mapped[list[str]] = mapped_column(ARRAY(Text))
    """The principals who may do it; kept when the task is claimed, to be restored."""
    assignee_id: Mapped[int | None] = mapped_column(BigInteger)
    not_before: Mapped[date | None] = mapped_column(Date)
    earliest_on: Mapped[date | None] = mapped_column(Date)
    due_on: Mapped[date] = mapped_column(Date, default=NO_LIMIT)
    returned: Mapped[bool] = mapped_column(Boolean, default=False)
    """True when the task is open again because a later step was sent back to it."""
    revision: Mapped[int] = mapped_column(Integer, default=1)
    created_at: Mapped[datetime] = mapped_column(Moment)
    closed_at: Mapped[datetime | None] = mapped_column(Moment)
    closed_by: Mapped[int | None] = mapped_column(BigInteger)


class TaskCandidate(db.Model):  # type: ignore[name-defined,misc]
    """One line of somebody's inbox. Only open, unsuspended tasks have rows here.

    The primary key is the order of the inbox: one index range a principal, whatever the number of
    open tasks elsewhere.
    """

    __tablename__ = "task_candidate"

    principal: Mapped[str] = mapped_column(Text, primary_key=True)
    due_on: Mapped[date] = mapped_column(Date, primary_key=True)
    task_id: Mapped[int] = mapped_column(
        BigInteger, primary_key=True, autoincrement=False, index=True
    )


class Timer(db.Model):  # type: ignore[name-defined,misc]
    """A moment at which a matter has to be looked at. One row a waiting timer."""

    __tablename__ = "timer"
    __table_args__ = (Index("ix_timer_due_at", "due_at"),)

    instance_id: Mapped[int] = mapped_column(ForeignKey("instance.id"), primary_key=True)
    uid: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    element: Mapped[str] = mapped_column(Text)
    due_at: Mapped[datetime] = mapped_column(Moment)


class Subscription(db.Model):  # type: ignore[name-defined,misc]
    """A message that a matter waits for."""

    __tablename__ = "message_subscription"
    __table_args__ = (Index("ix_message_subscription_name", "name", "instance_id"),)

    instance_id: Mapped[int] = mapped_column(ForeignKey("instance.id"), primary_key=True)
    uid: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    element: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)


class OutboxMessage(db.Model):  # type: ignore[name-defined,misc]
    """A message thrown by a matter that has not reached another one yet."""

    __tablename__ = "message_outbox"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    sender_id: Mapped[int] = mapped_column(ForeignKey("instance.id"), index=True)
    name: Mapped[str] = mapped_column(Text, index=True)
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(Moment)


class Incident(db.Model):  # type: ignore[name-defined,misc]
    """A command that the engine could not carry out. The matter is as it was; it can be retried."""

    __tablename__ = "incident"
    __table_args__ = (
        Index(
            "uq_incident_open", "fingerprint", unique=True, postgresql_where="resolved_at IS NULL"
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    instance_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    fingerprint: Mapped[str] = mapped_column(Text)
    """The same for the same command, so that failing again counts an attempt and adds no row."""
    command: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """What to carry out again; emptied once the incident is resolved."""
    code: Mapped[str] = mapped_column(Text)
    message: Mapped[str] = mapped_column(Text)
    actor_id: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(Moment)
    attempts: Mapped[int] = mapped_column(Integer, default=1)
    resolved_at: Mapped[datetime | None] = mapped_column(Moment)
    resolved_by: Mapped[int | None] = mapped_column(BigInteger)


MATTER_COLUMNS = MatterColumns(
    id=Instance.id,
    organisation_id=Instance.organisation_id,
    path=Instance.path,
    subject_id=Instance.subject_id,
    participant_instance_id=Participant.instance_id,
    participant_person_id=Participant.person_id,
    task_id=Task.id,
    task_instance_id=Task.instance_id,
    candidate_task_id=TaskCandidate.task_id,
    candidate_principal=TaskCandidate.principal,
)
"""Where the access policy finds what decides who sees a matter."""
