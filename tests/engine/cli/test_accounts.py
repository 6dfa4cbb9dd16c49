"""``guicheng account`` and ``guicheng token`` at the terminal."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from sqlalchemy.orm import Session

from engine.cli import main
from engine.clock import SystemClock
from engine.directory.accounts import authenticate, find_account
from engine.directory.actors import load_actor
from engine.directory.codes import PostKind
from engine.directory.tokens import find_actor
from engine.ledger.models import LedgerEntry

PASSWORD = "a quiet river bends"
Run = Callable[..., Result]


@pytest.fixture
def run(app: Flask, session: Session, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run ``guicheng`` on the test's transaction."""
    monkeypatch.setattr("engine.cli.context.create_core_app", lambda *_, **__: app)

    def invoke(*arguments: str, typed: str = "") -> Result:
        return CliRunner().invoke(main, arguments, input=typed)

    return invoke


@pytest.fixture
def administrator(run: Run) -> str:
    """The first administrator of an empty installation."""
    result = run(
        *("account", "first", "admin", "--name", "管平", "--organisation", "和风县委"),
        "--password-stdin",
        typed=f"{PASSWORD}\n",
    )
    assert result.exit_code == 0, result.output
    return "admin"


def test_an_empty_installation_gets_its_first_administrator(
    session: Session, run: Run, administrator: str
) -> None:
    clock = SystemClock()
    account_id = authenticate(clock, administrator, PASSWORD)
    actor = load_actor(session, clock.today(), account_id=account_id)
    assert [post.kind for post in actor.posts] == [PostKind.ADMINISTRATOR]
    recorded = session.query(LedgerEntry).filter(LedgerEntry.kind == "account").one()
    assert recorded.actor_id is None
    again = run(
        *("account", "first", "other", "--name", "甲", "--organisation", "乙"),
        "--password-stdin",
        typed=f"{PASSWORD}\n",
    )
    assert again.exit_code == 1
    assert "已有党组织" in again.output


def test_an_account_is_made_for_a_known_person(
    session: Session, run: Run, administrator: str
) -> None:
    person = find_account(session, administrator).person_id
    twice = run("account", "create", "second", "--person", str(person), typed=f"{PASSWORD}\n" * 2)
    assert "此人已有账号" in twice.output
    nobody = run("account", "create", "third", "--person", "999999", typed=f"{PASSWORD}\n" * 2)
    assert (nobody.exit_code, nobody.exception.__class__) == (1, SystemExit)
    short = run("account", "password", administrator, typed="short\nshort\n")
    assert "至少 10 个字符" in short.output
    assert PASSWORD not in twice.output + nobody.output


def test_accounts_are_listed_disabled_and_enabled(
    session: Session, run: Run, administrator: str
) -> None:
    assert run("account", "list").output.split("\t")[0::2] == ["admin", "正常\n"]
    assert run("account", "disable", administrator).exit_code == 0
    assert "已停用" in run("account", "list").output
    refused = run("token", "create", "--account", administrator)
    assert (refused.exit_code, "停用" in refused.output) == (1, True)
    assert run("account", "enable", administrator).exit_code == 0
    assert "正常" in run("account", "list").output
    assert run("account", "disable", "nobody").exit_code == 1


def test_a_password_is_set_anew(run: Run, administrator: str) -> None:
    new = "another long sentence"
    result = run("account", "password", administrator, "--password-stdin", typed=f"{new}\n")
    assert result.exit_code == 0
    assert authenticate(SystemClock(), administrator, new)


def test_a_token_is_printed_alone_and_once(session: Session, run: Run, administrator: str) -> None:
    made = run("token", "create", "--account", administrator, "--name", "报表", "--days", "30")
    assert made.exit_code == 0
    token = made.stdout.removesuffix("\n")
    assert token.startswith("gct_")
    assert token.split() == [token]
    found = find_actor(session, SystemClock(), token)
    assert found is not None
    listed = run("token", "list", "--account", administrator)
    number, name, _ = listed.output.rstrip().split("\t")
    assert name == "报表"
    assert token not in listed.output
    assert run("token", "revoke", "--account", administrator, number).exit_code == 0
    assert find_actor(session, SystemClock(), token) is None
    assert run("token", "list", "--account", administrator).output == ""
    assert run("token", "revoke", "--account", administrator, "999999").exit_code == 1
    assert run("token", "create", "--account", administrator, "--days", "400").exit_code == 1


def test_a_given_password_is_to_be_changed_first(
    session: Session, run: Run, administrator: str
) -> None:
    """Unless it is said to be final: its owner typed it, or a program uses the account."""
    reset = ("account", "password", administrator, "--password-stdin")
    assert run(*reset, typed="another long sentence\n").exit_code == 0
    refused = run("token", "create", "--account", administrator)
    assert refused.exit_code == 1 and "初始密码还没有改" in refused.output
    assert run(*reset, "--final", typed="one more long sentence\n").exit_code == 0
    assert run("token", "create", "--account", administrator).exit_code == 0
