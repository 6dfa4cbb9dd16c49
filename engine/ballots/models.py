"""Tables of secret ballots. No row belongs to one ballot, and none tells a time of day."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from engine.database import db


class BallotBox(db.Model):  # type: ignore[name-defined,misc]
    """A box with its paper: what is asked, who counts, and in the end what came out.

    ``sealed`` holds all envelopes one behind the other, equally long, shuffled anew whenever one is
    put in: no row, transaction, place or length belongs to one of them. It is emptied when the box
    is closed.
    """

    __tablename__ = "ballot_box"
    __table_args__ = (
        Index(
            "uq_ballot_box_standing",
            "task_id",
            "key",
            unique=True,
            postgresql_where="state <> 'void'",
        ),
        CheckConstraint("paper_by <> paper_confirmed_by", name="two_tellers"),
        CheckConstraint("state = 'open' OR length(sealed) = 0", name="emptied"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    uid: Mapped[UUID] = mapped_column(Uuid)
    """Names the key of the box, and is bound into every envelope."""
    instance_id: Mapped[int] = mapped_column(ForeignKey("instance.id"), index=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("task.id"))
    key: Mapped[str] = mapped_column(Text)
    """The field of the task's form."""
    state: Mapped[str] = mapped_column(Text)
    paper: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """What is asked: title, questions with their options and items, see questions.py."""
    min_size: Mapped[int] = mapped_column(Integer)
    """Fewer valid ballots than this are not broken down."""
    published: Mapped[bool]
    """Whether voters read the result once the box is closed; else only who runs it."""
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    tellers: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    totals: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    """What the first teller counted of the paper ballots; emptied when the box is closed."""
    paper_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    paper_confirmed_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    opened_on: Mapped[date] = mapped_column(Date)
    closed_on: Mapped[date | None] = mapped_column(Date)
    result: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    receipts: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    """The codes found in the envelopes, in alphabetical order, published when the box is closed."""


class BallotVoter(db.Model):  # type: ignore[name-defined,misc]
    """One line of the roll: who may vote, and whether and how, to the day; never what."""

    __tablename__ = "ballot_voter"

    box_id: Mapped[int] = mapped_column(
        ForeignKey("ballot_box.id"), primary_key=True, autoincrement=False
    )
    person_id: Mapped[int] = mapped_column(
        ForeignKey("person.id"), primary_key=True, autoincrement=False, index=True
    )
    category: Mapped[str] = mapped_column(Text)
    way: Mapped[str | None] = mapped_column(Text)
    """``electronic`` once the ballot is cast, ``paper`` once a paper one is handed out."""
    voted_on: Mapped[date | None] = mapped_column(Date)
    struck: Mapped[bool]
    """Taken off the roll before voting, with a reason in the ledger."""
