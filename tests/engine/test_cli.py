"""The ``guicheng`` command: lint, deploy, db, verify, worker. Each says what it did, or why not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from click.testing import CliRunner, Result
from psycopg import sql
from sqlalchemy import text

from engine import migrations, postgres
from engine.cli import main
from engine.database import db, unit_of_work
from engine.definitions.operations import deploy_package
from engine.definitions.package import load_package, read_folder
from engine.definitions.versions import definitions
from tests.engine.conftest import Live
from tests.factories import is_consistent, waiting
from tests.package_builder import good_files

SMALL = Path(__file__).parents[1] / "packages" / "leave_request"


@pytest.fixture
def run(live: Live, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[CliRunner]:
    """The command, on the database that keeps what is committed."""
    monkeypatch.setenv("DATABASE_URL", live.where.app)
    monkeypatch.setenv("DATABASE_OWNER_URL", live.where.owner)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setenv("PROCESSES_DIR", str(tmp_path / "processes"))
    db.session.remove()
    yield CliRunner()
    definitions.clear()


def guicheng(runner: CliRunner, *arguments: str, answer: str | None = None) -> Result:
    return runner.invoke(main, list(arguments), input=answer)


def write_package(folder: Path, changes: dict[str, tuple[str, str]] | None = None) -> Path:
    """Write the good package of the tests; ``changes`` replaces text in its files."""
    for name, content in good_files().items():
        old, new = (changes or {}).get(name, ("", ""))
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.replace(old.encode(), new.encode()) if old else content)
    return folder


@pytest.fixture
def empty_database(live: Live) -> Iterator[postgres.Addresses]:
    """A database without any table."""
    name = urlsplit(live.where.owner).path.removeprefix("/")
    empty = f"{name}_empty"
    with psycopg.connect(live.where.owner, autocommit=True) as connection:
        drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(empty))
        connection.execute(drop)
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(empty)))
        yield postgres.Addresses(
            live.where.app.replace(f"/{name}?", f"/{empty}?"),
            live.where.owner.replace(f"/{name}?", f"/{empty}?"),
        )
        connection.execute(drop)


# --- lint and deploy ------------------------------------------------------------------------


def test_lint_passes_a_good_package(run: CliRunner, tmp_path: Path) -> None:
    result = guicheng(run, "lint", str(write_package(tmp_path / "tiny_review")))
    assert result.exit_code == 0, result.output
    assert "tiny_review: 通过" in result.output


def test_lint_says_file_element_and_cure(run: CliRunner, tmp_path: Path) -> None:
    folder = write_package(
        tmp_path / "tiny_review", {"process.toml": ('form = "check"', 'form = "chekc"')}
    )
    result = guicheng(run, "lint", str(folder))
    assert result.exit_code == 1
    assert "forms/chekc.form" in result.output
    assert "→" in result.output
    assert "个错误" in result.output


def test_lint_without_folders_checks_every_package_of_the_installation(
    run: CliRunner, tmp_path: Path
) -> None:
    write_package(tmp_path / "processes" / "tiny_review")
    result = guicheng(run, "lint")
    assert "tiny_review: 通过" in result.output


def test_lint_of_a_folder_that_is_not_there_is_refused(run: CliRunner, tmp_path: Path) -> None:
    result = guicheng(run, "lint", str(tmp_path / "nothing"))
    assert result.exit_code == 2
    result = guicheng(run, "lint", str(tmp_path))
    assert result.exit_code == 1
    assert "process.toml" in result.output
    assert "Traceback" not in result.output


def test_deploy_stores_a_version_and_the_same_again_changes_nothing(
    run: CliRunner, tmp_path: Path
) -> None:
    folder = write_package(
        tmp_path / "tiny_review",
        {"process.toml": ('version = "1"', f'version = "{tmp_path.name}"')},
    )
    first = guicheng(run, "deploy", str(folder))
    assert first.exit_code == 0, first.output
    assert "已部署" in first.output
    again = guicheng(run, "deploy", str(folder))
    assert "没有变化" in again.output
    versions = text("SELECT count(*) FROM process_version WHERE version = :version")
    assert db.session.scalar(versions, {"version": tmp_path.name}) == 1


def test_deploy_refuses_what_lint_refuses(run: CliRunner, tmp_path: Path) -> None:
    before = db.session.scalar(text("SELECT count(*) FROM process_version"))
    db.session.remove()
    folder = write_package(
        tmp_path / "tiny_review", {"process.toml": ('form = "check"', 'form = "chekc"')}
    )
    result = guicheng(run, "deploy", str(folder))
    assert result.exit_code == 1
    assert "没有部署" in result.output
    assert db.session.scalar(text("SELECT count(*) FROM process_version")) == before


def test_the_example_package_can_be_deployed(run: CliRunner) -> None:
    assert read_folder(SMALL)
    result = guicheng(run, "deploy", str(SMALL))
    assert result.exit_code == 0, result.output


def test_an_older_version_is_listed_compared_and_chosen(run: CliRunner, tmp_path: Path) -> None:
    key = "tiny_review"
    for title in ("甲", "乙"):
        folder = write_package(tmp_path / key)
        (folder / "README.md").write_text(f"{title}\n", encoding="utf-8")
        deployed = guicheng(run, "deploy", str(folder))
        assert deployed.exit_code == 0, deployed.output
    lines = guicheng(run, "version", "list", key).output.splitlines()[-2:]
    assert "启用" in lines[1] and "启用" not in lines[0]
    older = lines[0].split()[0]
    compared = guicheng(run, "version", "diff", older).output
    assert "改动文件 README.md" in compared and "-乙" in compared and "+甲" in compared
    assert guicheng(run, "version", "activate", older).exit_code == 2, "a reason is asked for"
    command = ("version", "activate", older, "--reason", "新版本有误")
    assert "已启用" in guicheng(run, *command).output
    assert "没有变化" in guicheng(run, *command).output
    assert "启用" in guicheng(run, "version", "list", key).output.splitlines()[-2]
    missing = guicheng(run, "version", "activate", "999999999", "--reason", "试")
    assert (missing.exit_code, "没有这个流程版本" in missing.output) == (1, True)


def test_running_matters_are_moved_to_a_version(run: CliRunner, live: Live) -> None:
    matter = live.desk.start(waiting("cli_moved"))
    old = matter.row.version_id
    files = {**waiting("cli_moved").stored, "NOTES.md": b"2"}
    with unit_of_work() as unit:
        new = deploy_package(unit, load_package(files), live.clock).version_id
    db.session.remove()
    command = ("version", "move", "cli_moved", "--to", str(new))
    said = guicheng(run, *command, "--dry-run").output
    assert f"{matter.row.number}  可以换用\n可以换用 1 项，留在原版本 0 项" in said
    refused = guicheng(run, *command)
    assert (refused.exit_code, "理由" in refused.output) == (1, True), "a reason is asked for"
    assert matter.row.version_id == old
    for number in (1, 0):
        said = guicheng(run, *command, "--from", str(old), "--reason", "更正").output
        assert f"已换用 {number} 项" in said
    assert matter.row.version_id == new and matter.kinds[-1] == "migrated"
    gone = {name: text.replace(b"approve", b"agree") for name, text in files.items()}
    with unit_of_work() as unit:
        third = deploy_package(unit, load_package(gone), live.clock).version_id
    said = guicheng(run, "version", "move", "cli_moved", "--to", str(third), "--dry-run").output
    assert f"{matter.row.number}  留在 {new}：新版本没有“approve”" in said
    wrong = guicheng(run, "version", "move", "tiny_review", "--to", str(new), "--dry-run")
    assert (wrong.exit_code, "没有这个流程版本" in wrong.output) == (1, True)


# --- db ----------------------------------------------------------------------------------------


def test_db_upgrade_makes_the_tables_and_may_be_repeated(
    run: CliRunner, empty_database: postgres.Addresses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", empty_database.app)
    monkeypatch.setenv("DATABASE_OWNER_URL", empty_database.owner)
    assert "待执行" in guicheng(run, "db", "status").output
    for _ in range(2):
        result = guicheng(run, "db", "upgrade")
        assert result.exit_code == 0, result.output
    assert migrations.pending(empty_database) == []
    assert "已是最新" in guicheng(run, "db", "status").output
    assert guicheng(run, "verify").exit_code == 0


def test_without_the_tables_every_command_says_what_to_run(
    run: CliRunner, empty_database: postgres.Addresses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", empty_database.app)
    monkeypatch.setenv("DATABASE_OWNER_URL", empty_database.owner)
    for command in (["worker", "--once"], ["verify"], ["deploy", str(SMALL)], ["serve"]):
        result = guicheng(run, *command)
        assert result.exit_code == 1, command
        assert "guicheng db upgrade" in result.output, (command, result.output)


def test_a_database_that_does_not_answer_is_one_plain_sentence(
    run: CliRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://x@/x?host=/nonexistent&connect_timeout=2")
    monkeypatch.delenv("DATABASE_OWNER_URL")
    for command in (["worker", "--once"], ["verify"], ["deploy", str(SMALL)], ["db", "upgrade"]):
        result = guicheng(run, *command)
        assert result.exit_code == 1, command
        assert "数据库无法使用" in result.output, (command, result.output)
        assert not isinstance(result.exception, Exception), command


def test_db_downgrade_and_remove_ask_first(run: CliRunner, live: Live) -> None:
    assert guicheng(run, "db", "downgrade", "base", answer="n\n").exit_code == 1
    assert guicheng(run, "db", "remove", answer="n\n").exit_code == 1
    assert migrations.pending(live.where) == []


def test_db_remove_leaves_a_database_of_one_s_own_alone(run: CliRunner, live: Live) -> None:
    result = guicheng(run, "db", "remove", "--yes")
    assert result.exit_code == 1
    assert "DATABASE_URL" in result.output
    assert migrations.pending(live.where) == []


# --- verify ------------------------------------------------------------------------------------


def test_verify_says_how_much_it_has_checked(run: CliRunner, live: Live) -> None:
    live.desk.start(waiting()).complete("apply")
    db.session.remove()
    result = guicheng(run, "verify")
    assert result.exit_code == 0, result.output
    assert "0 处不符" in result.output


def test_verify_finds_a_changed_entry(run: CliRunner, live: Live) -> None:
    matter = live.desk.start(waiting())
    matter.complete("apply")
    with psycopg.connect(live.where.owner) as connection:
        connection.execute("SET session_replication_role = replica")
        change = "UPDATE ledger_entry SET occurred_on = %s WHERE chain_id = %s AND seq = 2"
        connection.execute(change, (date(2020, 1, 1), matter.id))
    try:
        result = guicheng(run, "verify")
        assert result.exit_code == 1
        assert f"{matter.id}#2 entry_changed" in result.output
    finally:
        with psycopg.connect(live.where.owner) as connection:
            connection.execute("SET session_replication_role = replica")
            connection.execute(change, (date(2026, 11, 22), matter.id))


# --- worker ------------------------------------------------------------------------------------


def test_worker_once_does_what_waits_and_ends(run: CliRunner, live: Live) -> None:
    with unit_of_work() as session:
        session.execute(text("DELETE FROM procrastinate_jobs"))
    live.clock.set(date(2025, 1, 1))
    matter = live.desk.start(waiting())
    matter.complete("apply")
    assert matter.open == []
    with unit_of_work() as session:  # by now the timer is long due, and its job was lost
        session.execute(text("DELETE FROM procrastinate_jobs"))
    db.session.remove()
    result = guicheng(run, "worker", "--once")
    assert result.exit_code == 0, result.output
    assert matter.open == ["approve"]
    is_consistent(matter.id, live.clock)


def test_help_is_in_chinese_and_names_every_command(run: CliRunner) -> None:
    result = guicheng(run, "--help")
    assert result.exit_code == 0
    for name in ("demo", "serve", "worker", "db", "deploy", "lint", "verify", "account", "token"):
        assert name in result.output
