"""Bearer tokens for programs. A token acts as its account and is shown once, when it is made."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from engine.clock import Clock
from engine.database import changes, unit_of_work
from engine.directory.actors import Actor, load_token_actor
from engine.directory.models import Account, ApiToken
from engine.directory.recent import recent
from engine.directory.sessions import TOUCH_EVERY, digest
from engine.errors import N_, InvalidInput, NotFound

PREFIX = "gct_"
"""Lets a secret scanner recognise a token that leaked."""


@dataclass(frozen=True)
class TokenInfo:
    """A token as its owner may see it."""

    id: int
    account_id: int
    name: str
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None


def create_token(clock: Clock, account_id: int, *, name: str, days: int = 90) -> str:
    """Make a token for an account and return it. Raises InvalidInput, NotFound."""
    if not name.strip():
        raise InvalidInput({"name": [N_("请填写令牌的用途，便于日后辨认和撤销。")]})
    if not 1 <= days <= 366:
        raise InvalidInput({"days": [N_("有效期为 1 至 366 天。")]})
    token = PREFIX + secrets.token_urlsafe(32)
    now = clock.now()
    with unit_of_work() as session:
        if session.get(Account, account_id) is None:
            raise NotFound()
        session.add(
            ApiToken(
                account_id=account_id,
                name=name.strip(),
                token_hash=digest(token),
                created_at=now,
                expires_at=now + timedelta(days=days),
            )
        )
    return token


def find_actor(session: Session, clock: Clock, token: str) -> Actor | None:
    """Return who acts with a token today, in one query or none.

    None when the token is unknown, revoked, expired, its account disabled, or its password still
    the one that somebody else has given. Notes the token's use, at most once a minute, in a unit of
    work of its own: call it before the request's own work.
    """
    now, day, token_hash = clock.now(), clock.today(), digest(token)
    found = recent.get(token_hash, now, day)
    if found is None:
        change = changes.count
        found = load_token_actor(session, token_hash, now, day)
        if found is None:
            return None
        recent.keep(token_hash, now, change, found)
    if found.last_used_at is None or now - found.last_used_at >= TOUCH_EVERY:
        _touch(found.token_id, now)
    return found.actor


def _touch(token_id: int, now: datetime) -> None:
    with unit_of_work() as unit:
        unit.execute(update(ApiToken).where(ApiToken.id == token_id).values(last_used_at=now))


def list_tokens(session: Session, clock: Clock, account_id: int) -> tuple[TokenInfo, ...]:
    """Return the tokens of an account that still work, the newest first."""
    rows = session.scalars(
        select(ApiToken)
        .where(
            ApiToken.account_id == account_id,
            ApiToken.revoked_at.is_(None),
            ApiToken.expires_at > clock.now(),
        )
        .order_by(ApiToken.id.desc())
    )
    return tuple(
        TokenInfo(
            id=row.id,
            account_id=row.account_id,
            name=row.name,
            created_at=row.created_at,
            expires_at=row.expires_at,
            last_used_at=row.last_used_at,
        )
        for row in rows
    )


def revoke_token(clock: Clock, account_id: int, token_id: int) -> None:
    """Revoke a token of an account. Raises NotFound when it is not his."""
    with unit_of_work() as session:
        found = session.get(ApiToken, token_id, with_for_update=True)
        if found is None or found.account_id != account_id:
            raise NotFound()
        found.revoked_at = found.revoked_at or clock.now()
