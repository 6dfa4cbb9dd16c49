"""``guicheng checkpoint``: seal, list, export, print, compare, rotate the key."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from engine.cli import main
from engine.database import db, unit_of_work
from engine.jobs import build_worker, seal_when_due
from engine.ledger.checkpoints import newest_checkpoint
from engine.ledger.printing import grouped
from engine.settings import Settings
from tests.engine.conftest import Live
from tests.factories import waiting


@pytest.fixture
def run(live: Live, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[CliRunner]:
    """The command, on the database that keeps what is committed; its checkpoints go afterwards."""
    monkeypatch.setenv("DATABASE_URL", live.where.app)
    monkeypatch.setenv("DATABASE_OWNER_URL", live.where.owner)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    live.desk.start(waiting()).complete("apply")
    db.session.remove()
    forget_checkpoints(live)
    yield CliRunner()
    db.session.remove()
    forget_checkpoints(live)


def forget_checkpoints(live: Live) -> None:
    with psycopg.connect(live.where.owner) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("DELETE FROM checkpoint; DELETE FROM checkpoint_leaf")
        connection.execute("DELETE FROM checkpoint_key")


def guicheng(runner: CliRunner, *arguments: str) -> Result:
    return runner.invoke(main, list(arguments))


def test_a_checkpoint_is_sealed_and_verified(run: CliRunner, tmp_path: Path) -> None:
    said = guicheng(run, "verify")
    assert "还没有校验点" in said.output
    result = guicheng(run, "checkpoint")
    assert result.exit_code == 0, result.output
    assert "已封存：校验点 1" in result.output
    assert (tmp_path / "checkpoint_key.pem").stat().st_mode & 0o777 == 0o600
    said = guicheng(run, "verify")
    assert said.exit_code == 0, said.output
    assert "校验点 1 个" in said.output
    assert "0 处不符" in said.output


def test_checkpoints_and_keys_are_listed(run: CliRunner) -> None:
    guicheng(run, "checkpoint")
    guicheng(run, "checkpoint")
    lines = guicheng(run, "checkpoint", "list").output.splitlines()
    assert [line[:5] for line in lines] == ["校验点 2", "校验点 1", "密钥 1　", "私钥文件 "]


def test_what_was_exported_agrees_until_something_is_changed(
    run: CliRunner, live: Live, tmp_path: Path
) -> None:
    guicheng(run, "checkpoint")
    file = tmp_path / "kept.json"
    assert guicheng(run, "checkpoint", "export", str(file)).exit_code == 0
    assert json.loads(file.read_text())["checkpoint"]["number"] == 1
    result = guicheng(run, "checkpoint", "compare", str(file))
    assert result.exit_code == 0, result.output
    assert "一致" in result.output
    with psycopg.connect(live.where.owner) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("UPDATE checkpoint SET entries = entries + 1")
    result = guicheng(run, "checkpoint", "compare", str(file))
    assert result.exit_code == 1
    assert "checkpoint_differs" in result.output
    assert "有 1 处不同" in result.output
    assert guicheng(run, "verify").exit_code == 1


def test_a_file_that_is_none_is_refused_in_one_line(run: CliRunner, tmp_path: Path) -> None:
    file = tmp_path / "kept.json"
    file.write_text("{}")
    result = guicheng(run, "checkpoint", "compare", str(file))
    assert result.exit_code == 1
    assert "这不是导出的校验点文件" in result.output
    assert "Traceback" not in result.output


def test_a_page_to_print_has_the_fingerprints(run: CliRunner, tmp_path: Path) -> None:
    guicheng(run, "checkpoint")
    with unit_of_work() as session:
        sealed = newest_checkpoint(session)
    assert sealed is not None
    for name in ("page.html", "page.txt"):
        assert guicheng(run, "checkpoint", "print", str(tmp_path / name)).exit_code == 0
        page = (tmp_path / name).read_text()
        assert grouped(sealed.digest().hex()) in page
        assert grouped(sealed.key_id) in page
        assert grouped(sealed.root.hex()) in page
    assert (tmp_path / "page.html").read_text().startswith("<!doctype html>")
    shown = guicheng(run, "checkpoint", "print", "-", "--number", "1")
    assert shown.output == (tmp_path / "page.txt").read_text()


def test_there_is_nothing_to_print_before_the_first(run: CliRunner, tmp_path: Path) -> None:
    result = guicheng(run, "checkpoint", "print", "-")
    assert result.exit_code == 1
    assert "请先运行 guicheng checkpoint" in result.output
    assert guicheng(run, "checkpoint", "export", "-", "--number", "5").exit_code == 1


def test_the_key_is_rotated(run: CliRunner) -> None:
    guicheng(run, "checkpoint")
    result = guicheng(run, "checkpoint", "rotate-key", "--yes")
    assert result.exit_code == 0, result.output
    assert "第 2 把密钥已启用" in result.output
    assert guicheng(run, "checkpoint").exit_code == 0
    assert guicheng(run, "verify").exit_code == 0


def test_a_lost_key_is_one_line_and_a_new_one_a_warning(run: CliRunner, tmp_path: Path) -> None:
    guicheng(run, "checkpoint")
    (tmp_path / "checkpoint_key.pem").unlink()
    result = guicheng(run, "checkpoint")
    assert result.exit_code == 1
    assert "找不到签名私钥" in result.output
    assert "Traceback" not in result.output
    result = guicheng(run, "checkpoint", "rotate-key", "--lost", "--yes")
    assert "请把新指纹通知" in result.output
    guicheng(run, "checkpoint")
    said = guicheng(run, "verify")
    assert said.exit_code == 0, said.output
    assert "第 2 把校验点密钥" in said.output
    assert "未经前一把密钥签名" in said.output


def test_an_unknown_digest_is_one_line(run: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEDGER_DIGEST", "md5")
    result = guicheng(run, "checkpoint")
    assert result.exit_code == 1
    assert result.output == "Error: LEDGER_DIGEST 只能是 sha256 或 sm3，现在是“md5”。\n"


def test_the_worker_seals_when_it_is_time(run: CliRunner, live: Live, tmp_path: Path) -> None:
    own = Settings(data_dir=tmp_path, checkpoint_hours=24)
    assert seal_when_due(own, live.clock)
    assert not seal_when_due(own, live.clock)
    with unit_of_work() as session:
        assert session.scalar(text("SELECT count(*) FROM checkpoint")) == 1
    assert "seal" in build_worker(live.app, live.where.app).tasks


def test_a_worker_without_the_key_goes_on(run: CliRunner, live: Live, tmp_path: Path) -> None:
    own = Settings(data_dir=tmp_path, checkpoint_hours=0)
    assert seal_when_due(own, live.clock)
    (tmp_path / "checkpoint_key.pem").unlink()
    assert not seal_when_due(own, live.clock)
