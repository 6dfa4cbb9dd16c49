"""Commands of administrators on accounts: allowed, done, and recorded."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session

from engine.clock import FixedClock
from engine.directory import operations as op
from engine.directory.account_lists import AccountState, account_page, list_accounts
from engine.directory.accounts import LoginRefused, authenticate, change_first_password
from engine.directory.actors import Actor
from engine.directory.models import Account
from engine.directory.sessions import list_sessions, open_session
from engine.directory.tokens import create_token, find_actor
from engine.errors import Conflict, InvalidInput, NotAllowed, NotFound
from tests.engine.directory.conftest import Acting, Factory, Town, changes

PASSWORD = "青石镇的小河弯又长长"


def test_accounts_are_reset_disabled_and_enabled(
    session: Session, clock: FixedClock, town: Town, acting: Acting
) -> None:
    admin = acting(town.admin)
    account_id, first = op.open_account(clock, admin, town.member.id, login="Wang")
    assert authenticate(clock, "wang", first) == account_id
    open_session(clock, account_id)
    second = op.reset_password(clock, admin, account_id)
    assert second != first and list_sessions(session, clock, account_id) == ()
    with pytest.raises(LoginRefused):
        authenticate(clock, "wang", first)
    assert authenticate(clock, "wang", second) == account_id
    open_session(clock, account_id)
    op.end_account_sessions(clock, admin, account_id)
    assert list_sessions(session, clock, account_id) == ()
    for _ in range(2):
        op.disable_account(clock, admin, account_id)
    with pytest.raises(LoginRefused):
        authenticate(clock, "wang", second)
    for _ in range(2):
        op.enable_account(clock, admin, account_id)
    assert authenticate(clock, "wang", second) == account_id
    assert changes(session) == [
        "open_account",
        "reset_password",
        "end_sessions",
        "disable_account",
        "enable_account",
    ]


def test_a_password_of_somebody_else_is_changed_first(
    session: Session, clock: FixedClock, town: Town, acting: Acting
) -> None:
    account_id, first = op.open_account(clock, acting(town.admin), town.member.id, login="wang")
    token = create_token(clock, account_id, name="报表")
    assert session.get_one(Account, account_id).must_change_password
    assert find_actor(session, clock, token) is None
    with pytest.raises(InvalidInput):
        change_first_password(clock, account_id, first)
    with pytest.raises(InvalidInput):
        change_first_password(clock, account_id, "short")
    change_first_password(clock, account_id, PASSWORD)
    assert find_actor(session, clock, token) is not None
    with pytest.raises(Conflict):
        change_first_password(clock, account_id, "另一条河也弯又长长的")
    assert authenticate(clock, "wang", PASSWORD) == account_id
    op.reset_password(clock, acting(town.admin), account_id)
    assert find_actor(session, clock, token) is None


def opened(clock: FixedClock, actor: Actor, person_id: int) -> object:
    return op.open_account(clock, actor, person_id, login=f"person{person_id}")


@pytest.mark.parametrize(
    "command",
    [
        op.reset_password,
        op.disable_account,
        op.enable_account,
        op.end_account_sessions,
        opened,
    ],
)
def test_nobody_else_keeps_accounts(
    session: Session,
    clock: FixedClock,
    town: Town,
    acting: Acting,
    make: Factory,
    command: Callable[[FixedClock, Actor, int], object],
) -> None:
    """Not the secretary, not one's own, not of those with posts outside one's part."""
    deputy, leader = make.person("支部管理员", town.branch), make.person("书记", town.branch)
    make.post(deputy, town.branch, "administrator")
    make.post(leader, town.town, "secretary")
    session.commit()
    people = {"m1": town.member.id, "d1": deputy.id, "l1": leader.id}
    ids = dict(people)
    if command is not opened:
        for login, person_id in people.items():
            ids[login], _ = op.open_account(clock, acting(town.admin), person_id, login=login)
    before = changes(session)
    with pytest.raises(NotAllowed):
        command(clock, acting(town.secretary), ids["m1"])
    with pytest.raises(Conflict):
        command(clock, acting(deputy), ids["d1"])
    with pytest.raises(NotAllowed, match="管理范围以外"):
        command(clock, acting(deputy), ids["l1"])
    assert changes(session) == before
    command(clock, acting(deputy), ids["m1"])
    command(clock, acting(town.admin), ids["l1"])


@pytest.mark.parametrize("login", ["", " ", "a", "有 空格", "x" * 65, "a/b"])
def test_a_login_can_be_typed_anywhere(
    session: Session, clock: FixedClock, town: Town, acting: Acting, login: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        op.open_account(clock, acting(town.admin), town.member.id, login=login)
    assert "login" in caught.value.fields


def test_accounts_are_listed_by_organisation_and_state(
    session: Session, clock: FixedClock, town: Town, acting: Acting
) -> None:
    admin = acting(town.admin)
    account_id, _ = op.open_account(clock, admin, town.member.id, login="wang")

    def listed(**wanted: object) -> list[tuple[str, AccountState]]:
        lines = list_accounts(session, admin, clock, **wanted)  # type: ignore[arg-type]
        return [(line.name, line.state) for line in lines]

    assert listed() == [
        ("管理员", AccountState.NONE),
        ("李书记", AccountState.NONE),
        ("王党员", AccountState.FIRST),
    ]
    assert listed(path=town.branch.path, state=AccountState.NONE) == [("李书记", AccountState.NONE)]
    assert listed(path=town.other.path) == []
    change_first_password(clock, account_id, PASSWORD)
    assert listed(text="WANG") == [("王党员", AccountState.ACTIVE)]
    op.disable_account(clock, admin, account_id)
    assert listed(state=AccountState.DISABLED) == [("王党员", AccountState.DISABLED)]
    assert list_accounts(session, acting(town.secretary), clock) == []
    assert account_page(session, admin, clock, town.member.id).kept
    assert account_page(session, admin, clock, town.admin.id).own
    with pytest.raises(NotFound):
        account_page(session, acting(town.secretary), clock, town.member.id)
