"""The accounts that an administrator keeps: who has one, how it stands, when it was last used."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session
from sqlalchemy.sql import Select

from engine.clock import Clock
from engine.coded import Coded
from engine.directory.actors import Actor
from engine.directory.models import Account, Organisation, Person, WebSession
from engine.directory.operations.accounts import held_elsewhere
from engine.directory.people import person_view
from engine.directory.policy import Action, require
from engine.directory.visibility import administered_organisations
from engine.errors import N_, NotFound


class AccountState(Coded):
    """How somebody's account stands."""

    NONE = "none", N_("没有账号")
    FIRST = "first", N_("初始密码未改")
    ACTIVE = "active", N_("正常")
    DISABLED = "disabled", N_("已停用")


@dataclass(frozen=True)
class AccountLine:
    """A person with his account, if there is one. ``last_seen_at`` reaches some 30 days back."""

    person_id: int
    name: str
    code: str | None
    organisation_id: int
    organisation_name: str
    account_id: int | None
    login: str | None
    state: AccountState
    sessions: int
    last_seen_at: datetime | None


@dataclass(frozen=True)
class AccountPage:
    """One person's account, and whether the actor may change it (else why not)."""

    line: AccountLine
    own: bool
    elsewhere: bool

    @property
    def kept(self) -> bool:
        """Tell whether the actor keeps it."""
        return not (self.own or self.elsewhere)


def list_accounts(
    session: Session,
    actor: Actor,
    clock: Clock,
    *,
    path: str = "",
    state: AccountState | None = None,
    text: str = "",
    after: int = 0,
    limit: int = 100,
) -> list[AccountLine]:
    """Return people of the actor's part by number, with their accounts.

    ``path`` is that of an organisation: only people in it and below; ``text`` is looked for in name
    and login; ``after`` is the last person of the page before.
    """
    statement = (
        _lines(clock)
        .where(administered_organisations(actor), Person.id > after)
        .order_by(Person.id)
        .limit(limit)
    )
    if path:
        statement = statement.where(Organisation.path.startswith(path, autoescape=True))
    if state is not None:
        statement = statement.where(_IN_STATE[state])
    if text:
        statement = statement.where(
            or_(
                Person.name.contains(text, autoescape=True),
                Account.login.contains(text.casefold(), autoescape=True),
                Person.code == text,
            )
        )
    return [_line(row) for row in session.execute(statement)]


def account_page(session: Session, actor: Actor, clock: Clock, person_id: int) -> AccountPage:
    """Return a person's account. Raises NotFound where the actor keeps no rosters."""
    statement = _lines(clock).where(administered_organisations(actor), Person.id == person_id)
    row = session.execute(statement).one_or_none()
    if row is None:
        raise NotFound()
    require(actor, Action.MANAGE_ACCOUNTS, person_view(session, person_id))
    return AccountPage(
        _line(row), person_id == actor.person_id, held_elsewhere(session, actor, person_id)
    )


_IN_STATE = {
    AccountState.NONE: Account.id.is_(None),
    AccountState.DISABLED: Account.disabled_at.is_not(None),
    AccountState.FIRST: Account.disabled_at.is_(None) & Account.must_change_password.is_(True),
    AccountState.ACTIVE: Account.disabled_at.is_(None) & Account.must_change_password.is_(False),
}


def _lines(clock: Clock) -> Select[Any]:
    mine = WebSession.account_id == Account.id
    still = mine & WebSession.revoked_at.is_(None) & (WebSession.expires_at > clock.now())
    open_ones = select(func.count()).where(still).correlate(Account).scalar_subquery()
    seen = select(func.max(WebSession.last_seen_at)).where(mine).correlate(Account)
    return (
        select(
            Person.id,
            Person.name,
            Person.code,
            Person.organisation_id,
            Organisation.short_name,
            Account.id.label("account_id"),
            Account.login,
            Account.disabled_at,
            Account.must_change_password,
            open_ones.label("sessions"),
            seen.scalar_subquery().label("last_seen_at"),
        )
        .join(Organisation, Organisation.id == Person.organisation_id)
        .outerjoin(Account, Account.person_id == Person.id)
    )


def _line(row: Any) -> AccountLine:
    if row.account_id is None:
        state = AccountState.NONE
    elif row.disabled_at is not None:
        state = AccountState.DISABLED
    else:
        state = AccountState.FIRST if row.must_change_password else AccountState.ACTIVE
    return AccountLine(
        person_id=row.id,
        name=row.name,
        code=row.code,
        organisation_id=row.organisation_id,
        organisation_name=row.short_name,
        account_id=row.account_id,
        login=row.login,
        state=state,
        sessions=row.sessions,
        last_seen_at=row.last_seen_at,
    )
