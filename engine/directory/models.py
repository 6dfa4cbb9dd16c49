"""Tables of the directory: organisations, people, membership over time, posts, accounts.

All spans of days (`since`, `until`) include both ends: `until` is the last day that counts, NULL
means open. A membership row has no end: it holds until the next one.
"""

from __future__ import annotations

from datetime import date, datetime

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
    false,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.sql.elements import ColumnElement

from engine.database import Moment, db
from engine.directory.codes import (
    Language,
    MembershipStatus,
    OrganisationKind,
    PostKind,
    RestrictionKind,
)

_ORGANISATION = "organisation.id"
_PERSON = "person.id"
_ACCOUNT = "account.id"


def _one_of(column: str, codes: type) -> CheckConstraint:
    values = ", ".join(f"'{code}'" for code in codes)  # type: ignore[attr-defined]
    return CheckConstraint(f"{column} IN ({values})", name=f"{column}_known")


def _spans(name: str = "span") -> CheckConstraint:
    return CheckConstraint("until IS NULL OR until >= since", name=name)


class Organisation(db.Model):  # type: ignore[name-defined,misc]
    """A Party organisation. `path` lists the ids from the root to itself: ``/1/4/12/``."""

    __tablename__ = "organisation"
    __table_args__ = (
        _one_of("kind", OrganisationKind),
        Index("ix_organisation_path", "path", postgresql_ops={"path": "text_pattern_ops"}),
        CheckConstraint("term_end IS NULL OR term_start <= term_end", name="term"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    parent_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey(_ORGANISATION), index=True)
    path: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    short_name: Mapped[str] = mapped_column(Text)
    code: Mapped[str] = mapped_column(Text, unique=True)
    can_approve_members: Mapped[bool] = mapped_column(default=False, server_default=false())
    has_committee: Mapped[bool] = mapped_column(default=True, server_default=true())
    term_start: Mapped[date | None] = mapped_column(Date)
    term_end: Mapped[date | None] = mapped_column(Date)
    founded_on: Mapped[date | None] = mapped_column(Date)
    dissolved_on: Mapped[date | None] = mapped_column(Date)


class Person(db.Model):  # type: ignore[name-defined,misc]
    """A person known to the directory. `organisation_id` and `group_id` say where he is now."""

    __tablename__ = "person"
    __table_args__ = (
        CheckConstraint("gender IS NULL OR gender IN ('male', 'female')", name="gender_known"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    code: Mapped[str | None] = mapped_column(Text, unique=True)
    """The number by which the organisation's own lists know him; imports match people by it."""
    name: Mapped[str] = mapped_column(Text, index=True)
    gender: Mapped[str | None] = mapped_column(Text)
    ethnicity: Mapped[str | None] = mapped_column(Text)
    birth_date: Mapped[date | None] = mapped_column(Date)
    identity_number: Mapped[str | None] = mapped_column(Text, unique=True)
    phone: Mapped[str | None] = mapped_column(Text)
    education: Mapped[str | None] = mapped_column(Text)
    organisation_id: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey(_ORGANISATION), index=True
    )
    group_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey(_ORGANISATION), index=True)
    workplace: Mapped[str | None] = mapped_column(Text)
    floating_to: Mapped[str | None] = mapped_column(Text)
    """Where a 流动党员 stays; NULL when he is at home."""
    created_at: Mapped[datetime] = mapped_column(Moment)


class Membership(db.Model):  # type: ignore[name-defined,misc]
    """One point of a person's timeline: from `since` on, this status at this organisation.

    `source_chain` and `source_seq` name the ledger entry that caused it, so that a send-back can
    take it out again. Rows are revoked, never deleted.
    """

    __tablename__ = "membership"
    __table_args__ = (
        _one_of("status", MembershipStatus),
        Index("ix_membership_timeline", "person_id", "since", "id"),
        Index("ix_membership_source", "source_chain", "source_seq"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    person_id: Mapped[int] = mapped_column(BigInteger, ForeignKey(_PERSON))
    status: Mapped[str] = mapped_column(Text)
    since: Mapped[date] = mapped_column(Date)
    organisation_id: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey(_ORGANISATION), index=True
    )
    recorded_at: Mapped[datetime] = mapped_column(Moment)
    source_chain: Mapped[int | None] = mapped_column(BigInteger)
    source_seq: Mapped[int | None] = mapped_column(Integer)
    revoked_at: Mapped[datetime | None] = mapped_column(Moment)
    note: Mapped[str | None] = mapped_column(Text)


class RightsRestriction(db.Model):  # type: ignore[name-defined,misc]
    """A span in which a member may not vote or stand for election."""

    __tablename__ = "rights_restriction"
    __table_args__ = (_one_of("kind", RestrictionKind), _spans())

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    person_id: Mapped[int] = mapped_column(BigInteger, ForeignKey(_PERSON), index=True)
    kind: Mapped[str] = mapped_column(Text)
    since: Mapped[date] = mapped_column(Date)
    until: Mapped[date | None] = mapped_column(Date)


class Post(db.Model):  # type: ignore[name-defined,misc]
    """A post held by a person at an organisation, from `since` to `until`, both included."""

    __tablename__ = "post"
    __table_args__ = (
        _one_of("kind", PostKind),
        _spans(),
        Index("ix_post_person", "person_id", "since"),
        Index("ix_post_holders", "organisation_id", "kind"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    person_id: Mapped[int] = mapped_column(BigInteger, ForeignKey(_PERSON))
    organisation_id: Mapped[int] = mapped_column(BigInteger, ForeignKey(_ORGANISATION))
    kind: Mapped[str] = mapped_column(Text)
    since: Mapped[date] = mapped_column(Date)
    until: Mapped[date | None] = mapped_column(Date)


class Substitution(db.Model):  # type: ignore[name-defined,misc]
    """代办授权: for a time, the substitute may use the principal's posts at one organisation.

    `posts` NULL means all of them. It never covers matters about either of the two (policy).
    """

    __tablename__ = "substitution"
    __table_args__ = (
        _spans(),
        CheckConstraint("principal_id <> substitute_id", name="two_people"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    principal_id: Mapped[int] = mapped_column(BigInteger, ForeignKey(_PERSON), index=True)
    substitute_id: Mapped[int] = mapped_column(BigInteger, ForeignKey(_PERSON), index=True)
    organisation_id: Mapped[int] = mapped_column(BigInteger, ForeignKey(_ORGANISATION), index=True)
    posts: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    since: Mapped[date] = mapped_column(Date)
    until: Mapped[date] = mapped_column(Date)
    reason: Mapped[str] = mapped_column(Text)
    created_by: Mapped[int] = mapped_column(BigInteger, ForeignKey(_PERSON))
    created_at: Mapped[datetime] = mapped_column(Moment)
    revoked_at: Mapped[datetime | None] = mapped_column(Moment)


class Account(db.Model):  # type: ignore[name-defined,misc]
    """A login. The password is kept only as an argon2id hash."""

    __tablename__ = "account"
    __table_args__ = (_one_of("language", Language),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    person_id: Mapped[int] = mapped_column(BigInteger, ForeignKey(_PERSON), unique=True)
    login: Mapped[str] = mapped_column(Text, unique=True)
    password_hash: Mapped[str] = mapped_column(Text)
    disabled_at: Mapped[datetime | None] = mapped_column(Moment)
    language: Mapped[str] = mapped_column(Text, default="zh", server_default="zh")
    large_print: Mapped[bool] = mapped_column(default=False, server_default=false())
    must_change_password: Mapped[bool] = mapped_column(default=False, server_default=false())
    """The password was given by somebody else: until it is changed nothing else can be done."""
    created_at: Mapped[datetime] = mapped_column(Moment)


class WebSession(db.Model):  # type: ignore[name-defined,misc]
    """A signed-in browser. Only the SHA-256 of its token is kept; `expires_at` is absolute."""

    __tablename__ = "web_session"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    account_id: Mapped[int] = mapped_column(BigInteger, ForeignKey(_ACCOUNT), index=True)
    token_hash: Mapped[str] = mapped_column(Text, unique=True)
    created_at: Mapped[datetime] = mapped_column(Moment)
    last_seen_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime] = mapped_column(Moment)
    user_agent: Mapped[str] = mapped_column(Text, default="", server_default="")
    revoked_at: Mapped[datetime | None] = mapped_column(Moment)


class ApiToken(db.Model):  # type: ignore[name-defined,misc]
    """A bearer token for programs. Only its SHA-256 is kept."""

    __tablename__ = "api_token"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    account_id: Mapped[int] = mapped_column(BigInteger, ForeignKey(_ACCOUNT), index=True)
    name: Mapped[str] = mapped_column(Text)
    token_hash: Mapped[str] = mapped_column(Text, unique=True)
    created_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime] = mapped_column(Moment)
    revoked_at: Mapped[datetime | None] = mapped_column(Moment)
    last_used_at: Mapped[datetime | None] = mapped_column(Moment)


class LoginAttempt(db.Model):  # type: ignore[name-defined,misc]
    """Failed log-ins in a row under one key: a login name or an address, both as a digest."""

    __tablename__ = "login_attempt"

    key: Mapped[str] = mapped_column(Text, primary_key=True)
    failures: Mapped[int] = mapped_column(Integer, default=0, server_default=text("0"))
    last_failure_at: Mapped[datetime] = mapped_column(Moment)


class DirectoryImport(db.Model):  # type: ignore[name-defined,misc]
    """A workbook that an administrator uploaded to bring the directory up to date.

    `content` is there only from the upload to the confirmation: it is full of personal data.
    """

    __tablename__ = "directory_import"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    person_id: Mapped[int] = mapped_column(BigInteger, ForeignKey(_PERSON))
    file_name: Mapped[str] = mapped_column(Text)
    content: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    uploaded_at: Mapped[datetime] = mapped_column(Moment, index=True)
    applied_at: Mapped[datetime | None] = mapped_column(Moment)


def valid_on(
    model: type[Post] | type[RightsRestriction] | type[Substitution],
    day: date | ColumnElement[date],
) -> ColumnElement[bool]:
    """Return the clause that the row's span includes `day` (both ends count)."""
    return (model.since <= day) & (model.until.is_(None) | (model.until >= day))
