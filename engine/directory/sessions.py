"""Signed-in browsers. The cookie holds a random token, the database only its SHA-256.

A session ends when it is revoked, when its account is disabled, after some idle time, or at its
absolute end, whichever comes first.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from engine.clock import Clock
from engine.database import unit_of_work
from engine.directory.accounts import end_sessions
from engine.directory.models import Account, WebSession
from engine.errors import NotFound

TOUCH_EVERY = timedelta(minutes=1)
"""How exactly `last_seen_at` is kept: a page does not cost a write each time."""


@dataclass(frozen=True)
class SignedIn:
    """An open web session, with what its account prefers."""

    id: int
    account_id: int
    person_id: int
    login: str
    language: str
    large_print: bool
    must_change_password: bool
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    user_agent: str


def open_session(clock: Clock, account_id: int, *, user_agent: str = "", days: int = 7) -> str:
    """Open a session and return its token, which cannot be read again."""
    token = secrets.token_urlsafe(32)
    now = clock.now()
    with unit_of_work() as session:
        session.add(
            WebSession(
                account_id=account_id,
                token_hash=digest(token),
                created_at=now,
                last_seen_at=now,
                expires_at=now + timedelta(days=days),
                user_agent=user_agent[:300],
            )
        )
    return token


def find_session(
    session: Session, clock: Clock, token: str, *, idle_minutes: int = 60
) -> SignedIn | None:
    """Return the session that a token opens, or None when it has ended.

    Notes that it was seen, at most once a minute, in a unit of work of its own: call it before the
    request's own work, never inside another unit of work.
    """
    now = clock.now()
    row = session.execute(
        _open_sessions(now).where(
            WebSession.token_hash == digest(token),
            WebSession.last_seen_at > now - timedelta(minutes=idle_minutes),
        )
    ).one_or_none()
    if row is None:
        return None
    found = SignedIn(**row._mapping)
    if now - found.last_seen_at >= TOUCH_EVERY:
        with unit_of_work() as unit:
            unit.execute(
                update(WebSession).where(WebSession.id == found.id).values(last_seen_at=now)
            )
    return found


def list_sessions(
    session: Session, clock: Clock, account_id: int, *, idle_minutes: int = 60
) -> tuple[SignedIn, ...]:
    """Return the open sessions of an account, the latest seen first."""
    now = clock.now()
    rows = session.execute(
        _open_sessions(now)
        .where(
            WebSession.account_id == account_id,
            WebSession.last_seen_at > now - timedelta(minutes=idle_minutes),
        )
        .order_by(WebSession.last_seen_at.desc(), WebSession.id.desc())
    )
    return tuple(SignedIn(**row._mapping) for row in rows)


def revoke_session(clock: Clock, account_id: int, session_id: int) -> None:
    """End one session of an account. Raises NotFound when it is not his."""
    with unit_of_work() as session:
        found = session.scalars(
            select(WebSession).where(
                WebSession.id == session_id, WebSession.account_id == account_id
            )
        ).one_or_none()
        if found is None:
            raise NotFound()
        found.revoked_at = found.revoked_at or clock.now()


def revoke_all_sessions(clock: Clock, account_id: int, *, except_id: int | None = None) -> None:
    """End all sessions of an account, or all but the present one."""
    with unit_of_work() as session:
        end_sessions(session, account_id, clock=clock, but=except_id)


def remove_ended_sessions(session: Session, *, clock: Clock) -> int:
    """Delete sessions that ended over 30 days ago; return how many. A periodic job calls it."""
    old = clock.now() - timedelta(days=30)
    gone = session.scalars(
        delete(WebSession)
        .where(or_(WebSession.expires_at < old, WebSession.revoked_at < old))
        .returning(WebSession.id)
    ).all()
    return len(gone)


def digest(token: str) -> str:
    """Return what is stored of a token. It is random and long, so one plain SHA-256 is enough."""
    return hashlib.sha256(token.encode()).hexdigest()


def _open_sessions(now: datetime):  # type: ignore[no-untyped-def]  # a Select of eleven columns
    return (
        select(
            WebSession.id,
            WebSession.account_id,
            Account.person_id,
            Account.login,
            Account.language,
            Account.large_print,
            Account.must_change_password,
            WebSession.created_at,
            WebSession.last_seen_at,
            WebSession.expires_at,
            WebSession.user_agent,
        )
        .join(Account, Account.id == WebSession.account_id)
        .where(
            WebSession.revoked_at.is_(None),
            WebSession.expires_at > now,
            Account.disabled_at.is_(None),
        )
    )
