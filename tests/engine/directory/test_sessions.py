"""Browsers that are signed in, and programs with a token."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from engine.clock import FixedClock
from engine.database import changes, fetch, unit_of_work
from engine.directory import recent
from engine.directory.accounts import change_password, hash_password
from engine.directory.actors import load_token_actor
from engine.directory.models import Account, ApiToken, WebSession
from engine.directory.sessions import (
    digest,
    find_session,
    list_sessions,
    open_session,
    remove_ended_sessions,
    revoke_all_sessions,
    revoke_session,
)
from engine.directory.tokens import create_token, find_actor, list_tokens, revoke_token
from engine.errors import InvalidInput, NotFound
from tests.engine.directory.conftest import Factory

PASSWORD = "青石镇的小河弯又长长"
SECOND = timedelta(seconds=1)


@pytest.fixture
def account(session: Session, make: Factory, clock: FixedClock) -> Account:
    return new_account(session, make, clock, "zhang")


def new_account(session: Session, make: Factory, clock: FixedClock, login: str) -> Account:
    made = Account(
        person_id=make.person(login).id,
        login=login,
        password_hash=hash_password(PASSWORD),
        created_at=clock.now(),
    )
    session.add(made)
    session.commit()
    return made


def later(clock: FixedClock, by: timedelta) -> None:
    clock.set(clock.now() + by)


def test_a_token_opens_its_session(session: Session, account: Account, clock: FixedClock) -> None:
    token = open_session(clock, account.id, user_agent="Firefox")
    found = find_session(session, clock, token)
    assert found is not None
    assert (found.account_id, found.person_id) == (account.id, account.person_id)
    assert (found.login, found.user_agent) == ("zhang", "Firefox")
    assert find_session(session, clock, token + "x") is None


def test_the_token_itself_is_not_stored(
    session: Session, account: Account, clock: FixedClock
) -> None:
    token = open_session(clock, account.id)
    api_token = create_token(clock, account.id, name="报表")
    stored = [*session.scalars(select(WebSession.token_hash))]
    stored += session.scalars(select(ApiToken.token_hash))
    assert len(stored) == 2
    assert all(len(value) == 64 for value in stored)
    assert token not in stored and api_token not in stored


def test_a_session_ends_after_idle_time(
    session: Session, account: Account, clock: FixedClock
) -> None:
    token = open_session(clock, account.id)
    later(clock, timedelta(minutes=60) - SECOND)
    assert find_session(session, clock, token, idle_minutes=60)
    later(clock, timedelta(minutes=60) - SECOND)
    assert find_session(session, clock, token, idle_minutes=60)  # use keeps it open
    later(clock, timedelta(minutes=60))
    assert find_session(session, clock, token, idle_minutes=60) is None


def test_a_session_ends_absolutely(session: Session, account: Account, clock: FixedClock) -> None:
    token = open_session(clock, account.id, days=1)
    for _ in range(47):
        later(clock, timedelta(minutes=30))
        assert find_session(session, clock, token, idle_minutes=60)
    later(clock, timedelta(minutes=30))
    assert find_session(session, clock, token, idle_minutes=60) is None


def test_being_seen_is_written_once_a_minute(
    session: Session, account: Account, clock: FixedClock
) -> None:
    token = open_session(clock, account.id)
    opened = clock.now()

    def seen() -> object:
        return session.scalar(select(WebSession.last_seen_at))

    later(clock, timedelta(seconds=59))
    find_session(session, clock, token)
    assert seen() == opened
    later(clock, SECOND)
    find_session(session, clock, token)
    assert seen() == clock.now()


def test_sessions_are_listed_and_revoked_one_by_one(
    session: Session, make: Factory, account: Account, clock: FixedClock
) -> None:
    first = open_session(clock, account.id, user_agent="one")
    later(clock, SECOND)
    second = open_session(clock, account.id, user_agent="two")
    other = new_account(session, make, clock, "li")
    open_session(clock, other.id)
    listed = list_sessions(session, clock, account.id)
    assert [entry.user_agent for entry in listed] == ["two", "one"]
    with pytest.raises(NotFound):
        revoke_session(clock, other.id, listed[0].id)
    revoke_session(clock, account.id, listed[0].id)
    assert find_session(session, clock, second) is None
    assert find_session(session, clock, first)


def test_all_but_the_present_session_can_be_ended(
    session: Session, account: Account, clock: FixedClock
) -> None:
    tokens = [open_session(clock, account.id) for _ in range(3)]
    present = find_session(session, clock, tokens[0])
    assert present is not None
    revoke_all_sessions(clock, account.id, except_id=present.id)
    assert [bool(find_session(session, clock, t)) for t in tokens] == [True, False, False]
    revoke_all_sessions(clock, account.id)
    assert find_session(session, clock, tokens[0]) is None


def test_a_new_password_ends_the_other_sessions(
    session: Session, account: Account, clock: FixedClock
) -> None:
    mine, stolen = open_session(clock, account.id), open_session(clock, account.id)
    present = find_session(session, clock, mine)
    assert present is not None
    change_password(clock, account.id, PASSWORD, "另一条河也弯又长长的", keep_session=present.id)
    assert find_session(session, clock, mine)
    assert find_session(session, clock, stolen) is None


def test_a_disabled_account_ends_sessions_and_tokens(
    session: Session, account: Account, clock: FixedClock
) -> None:
    token, api_token = open_session(clock, account.id), create_token(clock, account.id, name="x")
    account.disabled_at = clock.now()
    session.commit()
    assert find_session(session, clock, token) is None
    assert find_actor(session, clock, api_token) is None


def test_ended_sessions_are_removed_after_a_month(
    session: Session, account: Account, clock: FixedClock
) -> None:
    open_session(clock, account.id, days=1)
    later(clock, timedelta(days=30))
    assert remove_ended_sessions(session, clock=clock) == 0
    later(clock, timedelta(days=1, seconds=1))
    assert remove_ended_sessions(session, clock=clock) == 1


def test_an_api_token_works_until_it_expires(
    session: Session, account: Account, clock: FixedClock
) -> None:
    token = create_token(clock, account.id, name="报表接口", days=10)
    assert token.startswith("gct_")
    found = find_actor(session, clock, token)
    assert found is not None and found.account_id == account.id
    info = list_tokens(session, clock, account.id)[0]
    assert (info.name, info.last_used_at) == ("报表接口", clock.now())
    later(clock, timedelta(days=10) - SECOND)
    assert find_actor(session, clock, token)
    later(clock, SECOND)
    assert find_actor(session, clock, token) is None
    assert list_tokens(session, clock, account.id) == ()


def test_only_its_owner_revokes_a_token(
    session: Session, make: Factory, account: Account, clock: FixedClock
) -> None:
    token = create_token(clock, account.id, name="x")
    (info,) = list_tokens(session, clock, account.id)
    other = new_account(session, make, clock, "li")
    with pytest.raises(NotFound):
        revoke_token(clock, other.id, info.id)
    revoke_token(clock, account.id, info.id)
    assert find_actor(session, clock, token) is None


@pytest.mark.parametrize(("name", "days"), [("", 10), ("x", 0), ("x", 367)])
def test_a_token_needs_a_name_and_an_end(
    account: Account, clock: FixedClock, name: str, days: int
) -> None:
    with pytest.raises(InvalidInput):
        create_token(clock, account.id, name=name, days=days)


# --- who was found a moment ago is believed for a second


def revoke_elsewhere(session: Session, clock: FixedClock) -> None:
    """Revoke all tokens as another process does: unseen by this one."""
    statement = "UPDATE api_token SET revoked_at = %(now)s RETURNING id"
    assert fetch(session, statement, {"now": clock.now()})


def test_what_another_process_revokes_ends_within_a_second(
    session: Session, account: Account, clock: FixedClock
) -> None:
    token = create_token(clock, account.id, name="x")
    assert find_actor(session, clock, token)  # notes that it was used
    assert find_actor(session, clock, token)
    revoke_elsewhere(session, clock)
    later(clock, SECOND - timedelta(milliseconds=1))
    assert find_actor(session, clock, token)
    later(clock, timedelta(milliseconds=1))
    assert find_actor(session, clock, token) is None


def test_whatever_this_process_writes_counts_at_once(
    session: Session, account: Account, clock: FixedClock
) -> None:
    token = create_token(clock, account.id, name="x")
    assert find_actor(session, clock, token)
    assert find_actor(session, clock, token)
    with unit_of_work() as unit:
        unit.execute(update(ApiToken).values(revoked_at=clock.now()))
    assert find_actor(session, clock, token) is None


def test_a_clock_set_back_or_another_day_asks_again(
    session: Session, account: Account, clock: FixedClock
) -> None:
    token = create_token(clock, account.id, name="x")
    assert find_actor(session, clock, token)
    assert find_actor(session, clock, token)
    revoke_elsewhere(session, clock)
    later(clock, -SECOND)
    assert find_actor(session, clock, token) is None


def test_only_so_many_are_remembered(
    session: Session, account: Account, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent, "MOST", 1)
    kept = recent.Recent()
    found = load_token_actor(
        session, digest(create_token(clock, account.id, name="x")), clock.now(), clock.today()
    )
    assert found is not None
    for key in ("a", "b"):
        kept.keep(key, clock.now(), changes.count, found)
    assert [kept.get(key, clock.now(), clock.today()) for key in ("a", "b")] == [None, found]
