"""The tables of notifications. They hold ids and days; names are looked up for whoever may see."""

from __future__ import annotations

from datetime import date, datetime, time
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
    Time,
    Uuid,
    false,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from engine.database import Moment, db

_UNREAD = "shown AND read_at IS NULL AND settled_at IS NULL"


class Notice(db.Model):  # type: ignore[name-defined,misc]
    """One line in a person's notices. The same thing never has two: it is told anew instead."""

    __tablename__ = "notice"
    __table_args__ = (
        Index("uq_notice_person_id_about", "person_id", "about", unique=True),
        Index("ix_notice_person_id_at", "person_id", "at", "id"),
        Index("ix_notice_unread", "person_id", postgresql_where=_UNREAD),
        Index("ix_notice_unmailed", "person_id", postgresql_where="mail IS NOT NULL"),
        Index("ix_notice_delivery_id", "delivery_id", postgresql_where="delivery_id IS NOT NULL"),
        Index("ix_notice_unsettled", "task_id", postgresql_where="settled_at IS NULL"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    about: Mapped[str] = mapped_column(Text)
    """What it is about: ``task:12``, ``matter:7`` …; one line for each."""
    kind: Mapped[str] = mapped_column(Text)
    own: Mapped[bool] = mapped_column(Boolean)
    """It is for this person, not for whoever holds a post."""
    instance_id: Mapped[int | None] = mapped_column(BigInteger)
    task_id: Mapped[int | None] = mapped_column(BigInteger)
    finding_id: Mapped[int | None] = mapped_column(BigInteger)
    organisation_id: Mapped[int | None] = mapped_column(BigInteger)
    stage: Mapped[int] = mapped_column(SmallInteger, default=0, server_default=text("0"))
    """How near the limit was when it was last told: 1 soon, 2 overdue."""
    news: Mapped[int] = mapped_column(BigInteger)
    """When what is told happened, in microseconds: what is older is never told again."""
    at: Mapped[datetime] = mapped_column(Moment)
    shown: Mapped[bool] = mapped_column(Boolean, default=True, server_default=true())
    """False when the person wants this kind only by e-mail."""
    mail: Mapped[str | None] = mapped_column(Text)
    """Waits to be mailed: ``instant`` or ``digest``."""
    delivery_id: Mapped[int | None] = mapped_column(BigInteger)
    """The mail that last carried it."""
    read_at: Mapped[datetime | None] = mapped_column(Moment)
    settled_at: Mapped[datetime | None] = mapped_column(Moment)
    """There is nothing to do about it any more."""


class NoticePreference(db.Model):  # type: ignore[name-defined,misc]
    """What a person wants to be told, and how. Without a row: everything on the page, no e-mail."""

    __tablename__ = "notice_preference"

    person_id: Mapped[int] = mapped_column(
        ForeignKey("person.id"), primary_key=True, autoincrement=False
    )
    email: Mapped[str | None] = mapped_column(Text)
    """Confirmed by a code that was sent there."""
    confirmed_at: Mapped[datetime | None] = mapped_column(Moment)
    asked_email: Mapped[str | None] = mapped_column(Text)
    """Typed, not confirmed yet."""
    code_digest: Mapped[bytes | None] = mapped_column(LargeBinary)
    code_until: Mapped[datetime | None] = mapped_column(Moment)
    code_tries: Mapped[int] = mapped_column(SmallInteger, default=0, server_default=text("0"))
    codes_on: Mapped[date | None] = mapped_column(Date)
    codes_sent: Mapped[int] = mapped_column(SmallInteger, default=0, server_default=text("0"))
    """How many codes were asked for on that day."""
    mode: Mapped[str] = mapped_column(Text, default="digest", server_default="digest")
    quiet_from: Mapped[time | None] = mapped_column(Time)
    quiet_until: Mapped[time | None] = mapped_column(Time)
    page_off: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    mail_off: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    digested_on: Mapped[date | None] = mapped_column(Date)


class Webhook(db.Model):  # type: ignore[name-defined,misc]
    """An address of an organisation that is told in a few words what came in."""

    __tablename__ = "webhook"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    name: Mapped[str] = mapped_column(Text)
    format: Mapped[str] = mapped_column(Text)
    host: Mapped[str] = mapped_column(Text)
    """For people; the whole address is a secret."""
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    """Address and secret, encrypted with the installation's key."""
    below: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    """Also tells what concerns the organisations below."""
    kinds: Mapped[list[str]] = mapped_column(ARRAY(Text))
    created_by: Mapped[int] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[datetime] = mapped_column(Moment)
    removed_at: Mapped[datetime | None] = mapped_column(Moment)


class Delivery(db.Model):  # type: ignore[name-defined,misc]
    """One message to the outside: who, when, how it went. Never what a matter is about."""

    __tablename__ = "notice_delivery"
    __table_args__ = (
        Index(
            "uq_notice_delivery_waiting",
            "person_id",
            "channel",
            unique=True,
            postgresql_where="state = 'waiting' AND person_id IS NOT NULL",
        ),
        Index(
            "ix_notice_delivery_open",
            "next_at",
            postgresql_where="state IN ('waiting', 'sending')",
        ),
        Index("ix_notice_delivery_dead", "id", postgresql_where="state = 'dead'"),
        Index("ix_notice_delivery_person_id", "person_id", "sent_at"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    key: Mapped[UUID] = mapped_column(Uuid, unique=True)
    """What the receiver knows it by: the same however often it is sent."""
    channel: Mapped[str] = mapped_column(Text)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    webhook_id: Mapped[int | None] = mapped_column(ForeignKey("webhook.id"), index=True)
    mode: Mapped[str | None] = mapped_column(Text)
    """Of a mail: ``instant`` or ``digest``."""
    lines: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default=text("'[]'"))
    """Of a webhook: procedure, step and due day, counted."""
    state: Mapped[str] = mapped_column(Text, default="waiting")
    attempts: Mapped[int] = mapped_column(Integer, default=0, server_default=text("0"))
    next_at: Mapped[datetime] = mapped_column(Moment)
    """Not before; while sending: when it is taken for lost."""
    error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Moment)
    sent_at: Mapped[datetime | None] = mapped_column(Moment)


class NoticeCursor(db.Model):  # type: ignore[name-defined,misc]
    """How far the sweep has read one source.

    Ids are given out before a transaction commits: ``value`` follows ``seen`` only when all
    transactions that ran when ``seen`` was read (before ``horizon``) have ended.
    """

    __tablename__ = "notice_cursor"

    source: Mapped[str] = mapped_column(Text, primary_key=True)
    value: Mapped[int] = mapped_column(BigInteger)
    seen: Mapped[int] = mapped_column(BigInteger)
    horizon: Mapped[int] = mapped_column(BigInteger)
