"""``guicheng erase``: by a person who may, under his own password."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from sqlalchemy.orm import Session

from engine.cli import main
from engine.database import db, unit_of_work
from engine.directory.accounts import create_account
from tests.factories import Desk, Matter, two_steps

PASSWORD = "a long enough password"
Run = Callable[..., Result]


@pytest.fixture
def run(app: Flask, session: Session, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run ``guicheng erase`` on the test's transaction."""
    monkeypatch.setattr("engine.cli.context.create_core_app", lambda *_, **__: app)
    with unit_of_work() as unit:
        for name in ("superior", "member"):
            create_account(
                unit,
                person_id=desk.town.people[name],
                login=name,
                password=PASSWORD,
                clock=desk.clock,
            )

    def erase(*arguments: str, by: str = "superior", password: str = PASSWORD) -> Result:
        common = ["--reason", "届满", "--account", by, "--password-stdin", "--yes"]
        return CliRunner().invoke(main, ["erase", *arguments, *common], input=f"{password}\n")

    return erase


@pytest.fixture
def matter(desk: Desk) -> Matter:
    """A matter that has ended."""
    matter = desk.start(two_steps())
    matter.complete("apply")
    matter.complete("approve")
    return matter


def erased(matter: Matter) -> list[int]:
    db.session.expire_all()
    return [entry.seq for entry in matter.entries if entry.payload is None]


def test_entries_are_erased_in_the_name_of_the_account(run: Run, matter: Matter) -> None:
    result = run(matter.row.number, "--entry", "2", "--entry", "3")
    assert result.exit_code == 0, result.output
    assert "2 条留痕的内容" in result.output
    assert erased(matter) == [2, 3]
    again = run(matter.row.number, "--entry", "2")
    assert again.exit_code == 0, again.output
    assert "以前已经清除" in again.output
    assert erased(matter) == [2, 3]
    assert matter.entries[-1].actor_id == matter.desk.town.people["superior"]


def test_nobody_erases_with_another_s_name(run: Run, matter: Matter) -> None:
    result = run(matter.row.number, "--entry", "2", password="a guess of a password")
    assert result.exit_code == 1
    assert "Traceback" not in result.output
    assert erased(matter) == []


def test_the_policy_is_asked(run: Run, matter: Matter) -> None:
    result = run(matter.row.number, "--entry", "2", by="member")
    assert result.exit_code == 1
    assert "不能清除该事项记录的内容" in result.output
    assert erased(matter) == []


@pytest.mark.parametrize("number", ["FZ-2026-9999", "nothing", "FZ-2026", "FZ-2026-99999999999"])
def test_a_number_that_is_not_there(run: Run, matter: Matter, number: str) -> None:
    result = run(number, "--entry", "2")
    assert result.exit_code == 1
    assert f"没有编号为 {number} 的事项" in result.output
