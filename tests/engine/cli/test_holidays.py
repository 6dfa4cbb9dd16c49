"""``guicheng holidays`` at the terminal."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.calendars.operations import load_holiday_table
from engine.cli import main
from engine.ledger.models import LedgerChain, LedgerEntry

NOTICE = """
year = 2028
source = "国务院办公厅关于2028年部分节假日安排的通知"
[[holiday]]
name = "元旦"
from = 2028-01-01
to = 2028-01-03
[[holiday]]
name = "春节"
from = 2028-01-25
to = 2028-01-31
make_up = [2028-01-22, 2028-02-05]
"""
Run = Callable[..., Result]


@pytest.fixture
def run(app: Flask, session: Session, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run ``guicheng holidays`` on the test's transaction."""
    monkeypatch.setattr("engine.cli.context.create_core_app", lambda *_, **__: app)
    return lambda *arguments: CliRunner().invoke(main, ["holidays", *arguments])


@pytest.fixture
def notice(tmp_path: Path) -> Path:
    """A notice as a file."""
    file = tmp_path / "2028.toml"
    file.write_text(NOTICE, "utf-8")
    return file


def test_a_notice_changes_what_is_a_working_day(session: Session, run: Run, notice: Path) -> None:
    assert load_holiday_table(session).is_workday(date(2028, 1, 26))
    result = run("import", str(notice))
    assert result.exit_code == 0, result.output
    assert "放假 10 天" in result.output
    table = load_holiday_table(session)
    assert not table.is_workday(date(2028, 1, 26))
    assert table.is_workday(date(2028, 1, 22))


def test_the_import_is_recorded_as_the_terminals(session: Session, run: Run, notice: Path) -> None:
    run("import", str(notice))
    chain = session.scalar(select(LedgerChain.id).where(LedgerChain.name == "calendar"))
    entry = session.scalars(select(LedgerEntry).where(LedgerEntry.chain_id == chain)).one()
    assert entry.actor_id is None
    payload = json.loads(entry.payload or "{}")
    assert payload["change"] == "import_holiday_year"
    assert payload["year"] == 2028
    assert "2028-01-22" in payload["make_up_days"]


def test_importing_again_replaces(session: Session, run: Run, notice: Path) -> None:
    run("import", str(notice))
    notice.write_text(NOTICE.replace("2028-01-31", "2028-01-30"), "utf-8")
    assert run("import", str(notice)).exit_code == 0
    assert load_holiday_table(session).is_workday(date(2028, 1, 31))


def test_the_list_says_where_each_year_comes_from(run: Run, notice: Path) -> None:
    run("import", str(notice))
    lines = run("list").output.splitlines()
    years = {line.split("\t")[0]: line.split("\t")[1] for line in lines}
    assert years["2026"] == "随软件提供"
    assert years["2028"] == "已导入"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"year = ", "格式不对"),
        ("year = 2028".encode("utf-16"), "UTF-8"),
        (NOTICE.replace("2028-01-22", "2028-01-24").encode(), "不是周六或周日"),
        (b"#" * 100_000, "文件过大"),
    ],
)
def test_a_bad_file_is_refused_in_one_line(
    session: Session, run: Run, notice: Path, text: bytes, said: str
) -> None:
    notice.write_bytes(text)
    result = run("import", str(notice))
    assert result.exit_code == 1
    assert said in result.output
    assert "Traceback" not in result.output
    assert not load_holiday_table(session).known(2028)
