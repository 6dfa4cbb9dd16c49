"""The tables of duties. Rows are written by this room only; all can be made again from the ledger,
the directory and the packages, but for when a draft was started and people were reminded.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Date,
    ForeignKey,
    Identity,
    Index,
    Integer,
    SmallInteger,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from engine.database import Moment, db
from engine.duties.codes import DutyState

_STATES = ", ".join(f"'{state}'" for state in DutyState)


class DutyRow(db.Model):  # type: ignore[name-defined,misc]
    """What one organisation owes in one period. There is at most one, so nothing starts twice."""

    __tablename__ = "duty"
    __table_args__ = (
        UniqueConstraint("organisation_id", "key", "since"),
        CheckConstraint(f"state IN ({_STATES})", name="state_known"),
        CheckConstraint("since <= until AND until <= due_on", name="span"),
        Index(
            "ix_duty_path",
            "path",
            "since",
            postgresql_ops={"path": "text_pattern_ops"},
        ),
        Index("ix_duty_key", "key", "since"),
        Index("ix_duty_open", "due_on", postgresql_where="state IN ('planned', 'due')"),
        Index("ix_duty_instance_id", "instance_id", postgresql_where="instance_id IS NOT NULL"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    path: Mapped[str] = mapped_column(Text)
    """The organisation's, until the duty is done or late: who was above it then answers for it."""
    key: Mapped[str] = mapped_column(Text)
    process_key: Mapped[str] = mapped_column(Text)
    rule: Mapped[str] = mapped_column(Text)
    since: Mapped[date] = mapped_column(Date)
    until: Mapped[date] = mapped_column(Date)
    """First and last day of the period."""
    due_on: Mapped[date] = mapped_column(Date)
    """The last day on which it is in time: the end of the period, or later if it carries over."""
    draft_on: Mapped[date] = mapped_column(Date)
    remind_on: Mapped[date] = mapped_column(Date)
    times: Mapped[int] = mapped_column(SmallInteger)
    done: Mapped[int] = mapped_column(SmallInteger, default=0, server_default=text("0"))
    done_on: Mapped[date | None] = mapped_column(Date)
    """The day on which it was done as often as is owed."""
    state: Mapped[str] = mapped_column(Text)
    instance_id: Mapped[int | None] = mapped_column(ForeignKey("instance.id"))
    """The draft that was started for it."""
    drafted_at: Mapped[datetime | None] = mapped_column(Moment)
    reminded_at: Mapped[datetime | None] = mapped_column(Moment)
    late_at: Mapped[datetime | None] = mapped_column(Moment)
    changed_at: Mapped[datetime] = mapped_column(Moment)


class DutyEvent(db.Model):  # type: ignore[name-defined,misc]
    """A step that counts for a duty of its organisation, and the period to which it was put."""

    __tablename__ = "duty_event"
    __table_args__ = (
        Index("ix_duty_event_place", "organisation_id", "key", "day"),
        Index("ix_duty_event_duty_id", "duty_id", postgresql_where="duty_id IS NOT NULL"),
    )

    instance_id: Mapped[int] = mapped_column(ForeignKey("instance.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(Integer, primary_key=True)
    """The ledger entry of the step."""
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    element: Mapped[str] = mapped_column(Text)
    day: Mapped[date] = mapped_column(Date)
    also: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    """It is required for itself, and counts here only where a parameter lets it (R-TM-10)."""
    duty_id: Mapped[int | None] = mapped_column(ForeignKey("duty.id"))
    shares: Mapped[dict[str, float] | None] = mapped_column(JSONB(none_as_null=True))
    """Of a duty that is a tally: what each person (by id) is credited with."""


class DutyMatter(db.Model):  # type: ignore[name-defined,misc]
    """How far the ledger of a matter was read for steps that count, and by which catalogue."""

    __tablename__ = "duty_matter"

    instance_id: Mapped[int] = mapped_column(
        ForeignKey("instance.id"), primary_key=True, autoincrement=False
    )
    length: Mapped[int] = mapped_column(Integer)
    catalogue: Mapped[str] = mapped_column(Text)


class DutyYear(db.Model):  # type: ignore[name-defined,misc]
    """How all periods of a duty stand that end in a year, for boards of thousands of branches.

    A copy of :class:`DutyRow`, so that a board reads a sixth of the rows: two letters of ``states``
    say of a period its last month and how it stands.
    """

    __tablename__ = "duty_year"
    __table_args__ = (
        Index("ix_duty_year_path", "year", "path", postgresql_ops={"path": "text_pattern_ops"}),
    )

    organisation_id: Mapped[int] = mapped_column(
        ForeignKey("organisation.id"), primary_key=True, autoincrement=False
    )
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    year: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    path: Mapped[str] = mapped_column(Text, primary_key=True)
    states: Mapped[str] = mapped_column(Text)
