"""The tables of the rectification ledger: items, and what was said of them."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    Date,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    literal_column,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.sql.elements import ColumnElement

from engine.database import Moment, db

_UNSETTLED = "state NOT IN ('closed', 'withdrawn')"


class RectificationItem(db.Model):  # type: ignore[name-defined,misc]
    """A problem that a matter found, who puts it right, how, by when, and how it stands.

    What is to be done stands in the form of the step that raised it, and how it went in the entries
    of the matter: the row says the same, so that lists need not read the ledger.
    """

    __tablename__ = "rectification_item"
    __table_args__ = (
        UniqueConstraint("instance_id", "number"),
        Index(
            "ix_rectification_item_path",
            "path",
            "due_on",
            "id",
            postgresql_ops={"path": "text_pattern_ops"},
        ),
        Index("ix_rectification_item_owner_id", "owner_id", "due_on", postgresql_where=_UNSETTLED),
        Index(
            "ix_rectification_item_kind",
            "organisation_id",
            "process_key",
            "id",
            postgresql_where=_UNSETTLED,
        ),
        Index("ix_rectification_item_due_on", "due_on", "id", postgresql_where=_UNSETTLED),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    instance_id: Mapped[int] = mapped_column(ForeignKey("instance.id"))
    number: Mapped[int] = mapped_column(Integer)
    """Its number in the matter, from 1."""
    process_key: Mapped[str] = mapped_column(Text)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    path: Mapped[str] = mapped_column(Text)
    """The organisation's, as the matter carries it."""
    element: Mapped[str] = mapped_column(Text)
    field: Mapped[str] = mapped_column(Text)
    seq: Mapped[int] = mapped_column(Integer)
    """The entry of the step that raised it."""
    owner_closes: Mapped[bool] = mapped_column(Boolean, default=False)
    """Whether the procedure lets the owner close it alone."""
    problem: Mapped[str] = mapped_column(Text)
    measure: Mapped[str] = mapped_column(Text)
    owner_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    raised_on: Mapped[date] = mapped_column(Date)
    first_due_on: Mapped[date] = mapped_column(Date)
    due_on: Mapped[date] = mapped_column(Date)
    """The last day, extensions included."""
    missed_on: Mapped[date | None] = mapped_column(Date)
    """A last day that passed before it was closed or extended."""
    state: Mapped[str] = mapped_column(Text, default="open")
    closed_on: Mapped[date | None] = mapped_column(Date)
    revision: Mapped[int] = mapped_column(Integer, default=1)
    created_at: Mapped[datetime] = mapped_column(Moment)


UNSETTLED: ColumnElement[bool] = RectificationItem.state.not_in(
    [literal_column("'closed'"), literal_column("'withdrawn'")]
)
"""Written out: a bound value would keep a kept plan from using the indexes that say the same."""


class RectificationNote(db.Model):  # type: ignore[name-defined,misc]
    """What was recorded of an item: progress, extension, closing. Each has its ledger entry."""

    __tablename__ = "rectification_note"
    __table_args__ = (
        Index("ix_rectification_note_item_id", "item_id", "id"),
        Index(
            "ix_rectification_note_told_by",
            "told_by",
            "told_seq",
            postgresql_where="told_by IS NOT NULL",
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("rectification_item.id"))
    kind: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    done: Mapped[bool] = mapped_column(Boolean, default=False)
    """A report that says all is done."""
    day: Mapped[date] = mapped_column(Date)
    due_on: Mapped[date | None] = mapped_column(Date)
    files: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    """The evidence: ids of attachments of the matter."""
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    post: Mapped[str | None] = mapped_column(Text)
    written_at: Mapped[datetime] = mapped_column(Moment)
    seq: Mapped[int] = mapped_column(Integer)
    """The entry of the item's matter that records it."""
    told_by: Mapped[int | None] = mapped_column(ForeignKey("instance.id"))
    """The later matter, such as the next meeting, in which it was said."""
    told_seq: Mapped[int | None] = mapped_column(Integer)
    """Its entry."""
