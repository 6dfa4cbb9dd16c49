"""Accounts that administrators keep: opened, locked and unlocked, reset, signed out.

Whoever sets somebody's password could act as that person. So an administrator keeps only accounts
of people of his own part who hold no post outside it, and never his own.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.clock import Clock
from engine.database import unit_of_work
from engine.directory import accounts
from engine.directory.actors import Actor
from engine.directory.models import Account, Organisation, Post, valid_on
from engine.directory.operations.recording import CHAIN
from engine.directory.people import person_view
from engine.directory.policy import Action, require
from engine.directory.visibility import administered_organisations
from engine.errors import N_, Conflict, NotAllowed
from engine.ledger.chain import Event
from engine.ledger.kinds import EntryKind
from engine.ledger.operations import append


def open_account(clock: Clock, actor: Actor, person_id: int, *, login: str) -> tuple[int, str]:
    """Give a person an account; return its id and the password, which is his to change at once.

    Raises NotAllowed, NotFound, InvalidInput, Conflict.
    """
    accounts.check_login(login)
    with unit_of_work() as session:
        _may_keep(session, actor, person_id)
        password = accounts.draw_password(login)
        made = accounts.create_account(
            session, person_id=person_id, login=login, password=password, clock=clock, first=True
        )
        _record(session, clock, actor, "open_account", made)
        return made.id, password


def reset_password(clock: Clock, actor: Actor, account_id: int) -> str:
    """Draw a new password for somebody, who changes it at once; end all his sessions.

    Returns the password. Raises NotAllowed, NotFound, InvalidInput, Conflict.
    """
    with unit_of_work() as session:
        account = _kept(session, actor, account_id)
        password = accounts.draw_password(account.login)
        accounts.set_password(session, account, password, clock=clock, first=True)
        _record(session, clock, actor, "reset_password", account)
        return password


def disable_account(clock: Clock, actor: Actor, account_id: int) -> None:
    """Stop an account from being used, at once; its tokens too. Once more changes nothing."""
    with unit_of_work() as session:
        account = _kept(session, actor, account_id)
        if account.disabled_at is not None:
            return
        account.disabled_at = clock.now()
        accounts.end_sessions(session, account_id, clock=clock)
        _record(session, clock, actor, "disable_account", account)


def enable_account(clock: Clock, actor: Actor, account_id: int) -> None:
    """Let a disabled account be used again. Once more changes nothing."""
    with unit_of_work() as session:
        account = _kept(session, actor, account_id)
        if account.disabled_at is None:
            return
        account.disabled_at = None
        _record(session, clock, actor, "enable_account", account)


def end_account_sessions(clock: Clock, actor: Actor, account_id: int) -> None:
    """Sign somebody out of all his devices."""
    with unit_of_work() as session:
        account = _kept(session, actor, account_id)
        accounts.end_sessions(session, account_id, clock=clock)
        _record(session, clock, actor, "end_sessions", account)


def held_elsewhere(session: Session, actor: Actor, person_id: int) -> bool:
    """Tell whether a person holds a post at a place whose roster the actor does not keep."""
    found = session.scalar(
        select(Post.id)
        .join(Organisation, Organisation.id == Post.organisation_id)
        .where(
            Post.person_id == person_id,
            valid_on(Post, actor.day),
            ~administered_organisations(actor),
        )
        .limit(1)
    )
    return found is not None


def _kept(session: Session, actor: Actor, account_id: int) -> Account:
    account = accounts.get_account(session, account_id, lock=True)
    _may_keep(session, actor, account.person_id)
    return account


def _may_keep(session: Session, actor: Actor, person_id: int) -> None:
    require(actor, Action.MANAGE_ACCOUNTS, person_view(session, person_id))
    if person_id == actor.person_id:
        raise Conflict(N_("不能在这里维护自己的账号，请到“账号与登录”办理。"))
    if held_elsewhere(session, actor, person_id):
        raise NotAllowed(
            N_("此人在您管理范围以外的党组织担任职务，其账号由上级党组织的管理员维护。")
        )


def _record(session: Session, clock: Clock, actor: Actor, change: str, account: Account) -> None:
    event = Event(
        kind=EntryKind.ACCOUNT,
        actor_id=actor.person_id,
        payload={"change": change, "account": account.id, "person": account.person_id},
    )
    append(session, CHAIN, event, clock)
