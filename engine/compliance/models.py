"""The tables of compliance: what rules need of a matter, and what they found."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Date,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from engine.database import Moment, db


class MatterFacts(db.Model):  # type: ignore[name-defined,misc]
    """What the rules of a matter's procedure read of it, so that a step need not read the ledger.

    Only a copy: it can be made again from the ledger alone.
    """

    __tablename__ = "matter_facts"

    instance_id: Mapped[int] = mapped_column(
        ForeignKey("instance.id"), primary_key=True, autoincrement=False
    )
    facts: Mapped[str] = mapped_column(Text)
    standing: Mapped[str | None] = mapped_column(Text)
    """The findings that stand, see :mod:`engine.compliance.standing`; None: not known."""


class Finding(db.Model):  # type: ignore[name-defined,misc]
    """A rule that a matter does not meet (问题), or has to meet by a day to come.

    What an organisation owes in a period and did not do is one too: it has a duty and no matter.

    It is never deleted once it was a problem: what is met later keeps its row and its notes.
    """

    __tablename__ = "finding"
    __table_args__ = (
        UniqueConstraint("instance_id", "rule", "element", "round"),
        Index(
            "ix_finding_path_outcome",
            "path",
            "outcome",
            "id",
            postgresql_ops={"path": "text_pattern_ops"},
        ),
        Index("ix_finding_until", "until", postgresql_where="outcome = 'pending'"),
        Index("ix_finding_outcome_day", "outcome", "day", "id"),
        Index("ix_finding_asked", "organisation_id", "id", postgresql_where="state = 'asked'"),
        Index("ix_finding_found_at", "found_at", postgresql_where="outcome = 'not_met'"),
        Index("uq_finding_duty_id", "duty_id", unique=True, postgresql_where="duty_id IS NOT NULL"),
        CheckConstraint("num_nonnulls(instance_id, duty_id) = 1", name="about_one"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    instance_id: Mapped[int | None] = mapped_column(ForeignKey("instance.id"))
    duty_id: Mapped[int | None] = mapped_column(ForeignKey("duty.id"))
    process_key: Mapped[str] = mapped_column(Text)
    organisation_id: Mapped[int] = mapped_column(BigInteger)
    path: Mapped[str] = mapped_column(Text)
    """Organisation and path are copies, to be searched by: the matter or the duty refers to it."""
    rule: Mapped[str] = mapped_column(Text)
    element: Mapped[str] = mapped_column(Text)
    round: Mapped[int] = mapped_column(Integer)
    """Which time that the step was done, from 1; or will be."""
    seq: Mapped[int | None] = mapped_column(Integer)
    """The ledger entry judged; null while the step has not been done."""
    outcome: Mapped[str] = mapped_column(Text)
    severity: Mapped[str] = mapped_column(Text)
    regulation: Mapped[str | None] = mapped_column(Text)
    edition: Mapped[str | None] = mapped_column(Text)
    articles: Mapped[list[str]] = mapped_column(ARRAY(Text))
    day: Mapped[date] = mapped_column(Date)
    """The day judged: when the step happened, or when it was looked at."""
    until: Mapped[date | None] = mapped_column(Date)
    """While pending: the last lawful day, or the first."""
    provisional: Mapped[bool] = mapped_column(Boolean, default=False)
    overridden: Mapped[bool] = mapped_column(Boolean, default=False)
    template: Mapped[str] = mapped_column(Text)
    params: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """Template and parameters of the sentence that explains it; numbers and dates only."""
    state: Mapped[str] = mapped_column(Text, default="open")
    found_at: Mapped[datetime] = mapped_column(Moment)
    changed_at: Mapped[datetime] = mapped_column(Moment)
    resolved_at: Mapped[datetime | None] = mapped_column(Moment)


class FindingNote(db.Model):  # type: ignore[name-defined,misc]
    """What people said about a finding: asked, explained, concluded, waived. Each has its entry."""

    __tablename__ = "finding_note"
    __table_args__ = (Index("ix_finding_note_finding_id", "finding_id", "id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    finding_id: Mapped[int] = mapped_column(ForeignKey("finding.id"))
    kind: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    post: Mapped[str | None] = mapped_column(Text)
    written_at: Mapped[datetime] = mapped_column(Moment)
    seq: Mapped[int] = mapped_column(Integer)
    """The entry of the matter's chain that records it."""
