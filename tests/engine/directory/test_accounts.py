"""Passwords and the brake on guessing them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.clock import FixedClock
from engine.directory import accounts
from engine.directory.accounts import (
    FREE_FAILURES,
    LoginRefused,
    LoginThrottled,
    authenticate,
    change_password,
    create_account,
    find_account,
    forget_old_attempts,
    set_preferences,
    verify_password,
)
from engine.directory.models import Account, LoginAttempt
from engine.errors import Conflict, InvalidInput
from tests.engine.directory.conftest import Factory

PASSWORD = "青石镇的小河弯又长长"


@pytest.fixture
def account(session: Session, make: Factory, clock: FixedClock) -> Account:
    person = make.person(organisation=make.organisation())
    made = create_account(
        session, person_id=person.id, login="Zhang.San", password=PASSWORD, clock=clock
    )
    session.commit()
    return made


def fail(clock: FixedClock, login: str = "zhang.san", address: str = "", times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(LoginRefused):
            authenticate(clock, login, "不是这个密码的", address=address)


def test_the_password_is_kept_as_argon2id_only(account: Account) -> None:
    assert account.password_hash.startswith("$argon2id$")
    assert PASSWORD not in account.password_hash
    assert verify_password(account.password_hash, PASSWORD)
    assert not verify_password(account.password_hash, PASSWORD + "x")
    assert not verify_password("not a hash", PASSWORD)


def test_the_default_strength_is_that_of_rfc_9106() -> None:
    hasher = PasswordHasher()
    assert (hasher.time_cost, hasher.memory_cost, hasher.parallelism) == (3, 65536, 4)


@pytest.mark.parametrize("login", ["zhang.san", " Zhang.San ", "ＺＨＡＮＧ.san"])
def test_a_login_is_found_however_it_is_typed(
    account: Account, clock: FixedClock, login: str
) -> None:
    assert authenticate(clock, login, PASSWORD) == account.id


def test_wrong_password_unknown_login_and_disabled_account_look_alike(
    session: Session, account: Account, clock: FixedClock
) -> None:
    said = set()
    for login, password in (("zhang.san", "错误的密码啊啊啊啊"), ("nobody", PASSWORD)):
        with pytest.raises(LoginRefused) as caught:
            authenticate(clock, login, password)
        said.add(str(caught.value))
    account.disabled_at = clock.now()
    session.commit()
    with pytest.raises(LoginRefused) as caught:
        authenticate(clock, "zhang.san", PASSWORD)
    assert said == {str(caught.value)}


def test_after_five_failures_one_waits_longer_and_longer(
    account: Account, clock: FixedClock
) -> None:
    fail(clock, times=FREE_FAILURES["login"])
    waits = []
    for _ in range(7):
        with pytest.raises(LoginThrottled) as caught:
            authenticate(clock, "zhang.san", PASSWORD)
        waits.append(caught.value.seconds)
        clock.set(clock.now() + timedelta(seconds=caught.value.seconds))
        fail(clock)
    assert waits == [30, 60, 120, 240, 480, 900, 900]


def test_the_wait_is_said_in_words(account: Account, clock: FixedClock) -> None:
    assert str(LoginThrottled(30)) == "登录失败次数过多，请在 30 秒后再试。"
    assert str(LoginThrottled(900)) == "登录失败次数过多，请在 15 分钟后再试。"


def test_the_brake_ends_to_the_second(account: Account, clock: FixedClock) -> None:
    fail(clock, times=5)
    clock.set(clock.now() + timedelta(seconds=29))
    with pytest.raises(LoginThrottled):
        authenticate(clock, "zhang.san", PASSWORD)
    clock.set(clock.now() + timedelta(seconds=1))
    assert authenticate(clock, "zhang.san", PASSWORD) == account.id


def test_success_forgets_the_failures(account: Account, clock: FixedClock) -> None:
    fail(clock, times=4)
    authenticate(clock, "zhang.san", PASSWORD)
    fail(clock, times=4)
    assert authenticate(clock, "zhang.san", PASSWORD) == account.id


def test_an_address_is_braked_over_many_logins(account: Account, clock: FixedClock) -> None:
    for number in range(FREE_FAILURES["address"]):
        fail(clock, login=f"nobody{number}", address="10.0.0.1")
    with pytest.raises(LoginThrottled):
        authenticate(clock, "zhang.san", PASSWORD, address="10.0.0.1")
    assert authenticate(clock, "zhang.san", PASSWORD, address="10.0.0.2") == account.id


def test_many_people_may_sign_in_from_one_address(account: Account, clock: FixedClock) -> None:
    for _ in range(FREE_FAILURES["address"] + 5):
        assert authenticate(clock, "zhang.san", PASSWORD, address="10.0.0.1") == account.id


def test_failures_are_forgotten_after_a_day(
    session: Session, account: Account, clock: FixedClock
) -> None:
    fail(clock, times=5, address="10.0.0.1")
    clock.set(clock.now() + timedelta(hours=24, seconds=1))
    fail(clock, times=4)
    assert forget_old_attempts(session, clock=clock) == 1  # the address; the login failed again
    assert authenticate(clock, "zhang.san", PASSWORD) == account.id


def test_the_table_of_failures_holds_no_login_and_no_address(
    session: Session, account: Account, clock: FixedClock
) -> None:
    fail(clock, address="10.0.0.1")
    keys = list(session.scalars(select(LoginAttempt.key)))
    assert len(keys) == 2
    assert all(len(key) == 64 and "zhang" not in key for key in keys)


def test_an_old_hash_is_renewed_at_the_next_login(
    session: Session, account: Account, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = account.password_hash
    monkeypatch.setattr(accounts, "_hasher", PasswordHasher(time_cost=2, memory_cost=128))
    authenticate(clock, "zhang.san", PASSWORD)
    session.refresh(account)
    assert account.password_hash != old
    assert verify_password(account.password_hash, PASSWORD)


@pytest.mark.parametrize("password", ["短", "aaaaaaaaaaaa", "my zhang.san 1", "长" * 201])
def test_weak_passwords_are_refused(
    session: Session, make: Factory, clock: FixedClock, password: str
) -> None:
    person = make.person()
    with pytest.raises(InvalidInput) as caught:
        create_account(
            session, person_id=person.id, login="zhang.san", password=password, clock=clock
        )
    assert list(caught.value.fields) == ["password"]


def test_one_login_and_one_account_a_person(
    session: Session, make: Factory, account: Account, clock: FixedClock
) -> None:
    with pytest.raises(InvalidInput):
        create_account(
            session,
            person_id=make.person("李四").id,
            login="ZHANG.SAN",
            password=PASSWORD,
            clock=clock,
        )
    with pytest.raises(Conflict):
        create_account(
            session,
            person_id=account.person_id,
            login="another",
            password=PASSWORD,
            clock=clock,
        )
    with pytest.raises(InvalidInput):
        create_account(
            session, person_id=account.person_id, login="  ", password=PASSWORD, clock=clock
        )


def test_changing_the_password_needs_the_old_one(account: Account, clock: FixedClock) -> None:
    with pytest.raises(InvalidInput) as caught:
        change_password(clock, account.id, "不是这个密码的", "另一条河也弯又长长的")
    assert list(caught.value.fields) == ["old"]
    with pytest.raises(InvalidInput) as caught:
        change_password(clock, account.id, PASSWORD, "短")
    assert list(caught.value.fields) == ["new"]
    change_password(clock, account.id, PASSWORD, "另一条河也弯又长长的")
    assert authenticate(clock, "zhang.san", "另一条河也弯又长长的") == account.id
    with pytest.raises(LoginRefused):
        authenticate(clock, "zhang.san", PASSWORD)


def test_preferences_are_kept(session: Session, account: Account, clock: FixedClock) -> None:
    set_preferences(clock, account.id, language="en", large_print=True)
    found = find_account(session, "zhang.san")
    assert found is not None and (found.language, found.large_print) == ("en", True)
    set_preferences(clock, account.id, large_print=False)
    session.refresh(found)
    assert (found.language, found.large_print) == ("en", False)
    with pytest.raises(InvalidInput):
        set_preferences(clock, account.id, language="xx")
