"""``guicheng directory`` at the terminal."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from engine.cli import main
from engine.clock import SystemClock
from engine.directory.accounts import authenticate
from engine.directory.models import Person
from tests.workbooks import workbook

Run = Callable[..., Result]
SHEETS = {
    "党组织": [
        ("T", "和风镇党委", "党委", None, "是"),
        ("T1", "石桥村党支部", "党支部", "T", "否"),
    ],
    "人员": [("R1", "李一", "T1", "2015-01-10", None, None)],
    "账号": [("R1", "liyi")],
}


@pytest.fixture
def run(app: Flask, session: Session, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run ``guicheng directory`` on the test's transaction."""
    monkeypatch.setattr("engine.cli.context.create_core_app", lambda *_, **__: app)
    return lambda *arguments: CliRunner().invoke(main, ["directory", *map(str, arguments)])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A workbook with a branch, a person and his account."""
    path = tmp_path / "people.xlsx"
    path.write_bytes(workbook(**SHEETS))
    return path


def people(session: Session) -> int:
    return session.scalar(select(func.count(Person.id))) or 0


def test_the_template_is_written_and_nothing_overwritten(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "template.xlsx"
    assert run("template", path).exit_code == 0
    written = path.read_bytes()
    again = run("template", path)
    assert (again.exit_code, path.read_bytes()) == (1, written)
    assert "没有覆盖" in again.output
    assert run("import", path).exit_code == 0


def test_checking_writes_nothing(session: Session, run: Run, file: Path) -> None:
    result = run("import", file, "--check")
    assert result.exit_code == 0, result.output
    assert "党组织\t新增 2\t变更 0\t不变 0" in result.output
    assert people(session) == 0


def test_passwords_are_printed_once(session: Session, run: Run, file: Path) -> None:
    first = run("import", file)
    assert first.exit_code == 0, first.output
    line = next(line for line in first.output.splitlines() if "\tliyi\t" in line)
    assert authenticate(SystemClock(), "liyi", line.split("\t")[2])
    again = run("import", file)
    assert "人员\t新增 0\t变更 0\t不变 1" in again.output
    assert "liyi" not in again.output


def test_passwords_go_to_a_file_of_ones_own(session: Session, run: Run, file: Path) -> None:
    secret = file.with_name("passwords.txt")
    result = run("import", file, "--passwords", secret)
    assert result.exit_code == 0, result.output
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    name, login, password = secret.read_text("utf-8").rstrip("\n").split("\t")
    assert (name, login) == ("李一", "liyi")
    assert password not in result.output
    assert authenticate(SystemClock(), login, password)


def test_a_file_of_passwords_is_never_overwritten(session: Session, run: Run, file: Path) -> None:
    secret = file.with_name("passwords.txt")
    secret.write_text("old")
    result = run("import", file, "--passwords", secret)
    assert (result.exit_code, secret.read_text(), people(session)) == (1, "old", 0)


def test_mistakes_are_listed_and_nothing_is_written(
    session: Session, run: Run, tmp_path: Path
) -> None:
    path = tmp_path / "wrong.xlsx"
    path.write_bytes(workbook(**{**SHEETS, "账号": [("R1", "liyi"), ("R2", "x")]}))
    result = run("import", path)
    assert result.exit_code == 1
    assert "账号 第 3 行“人员编号”：没有编号为“R2”的人员。请核对" in result.output.replace(
        "。 ", "。"
    )
    assert "没有写入任何内容" in result.output
    assert people(session) == 0


def test_what_is_no_workbook_is_refused_in_one_line(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "notes.xlsx"
    path.write_text("hello")
    result = run("import", path)
    assert result.exit_code == 1
    assert "Traceback" not in result.output
    assert "模板" in result.output
