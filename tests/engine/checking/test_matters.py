"""Whole matters as files: the lawful ones are clean, and each breach is found, alone."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from engine.cli import main
from tests.matter_files import load, matter_files

FILES = matter_files()


def check(tmp_path: Path, matter: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Return the exit code and what ``guicheng check --json`` says of a matter."""
    path = tmp_path / "matter.json"
    path.write_text(json.dumps(matter, ensure_ascii=False, default=date.isoformat), "utf-8")
    ran = CliRunner().invoke(main, ["check", str(path), "--json"])
    assert ran.exit_code in (0, 1), ran.output
    return ran.exit_code, json.loads(ran.stdout)


def test_there_are_enough() -> None:
    assert len(FILES) >= 30


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_exactly_what_is_expected_is_found(path: Path, tmp_path: Path) -> None:
    matter, expected = load(path)
    code, said = check(tmp_path, matter)
    findings = [[f["rule"], f["element"], f["round"], f["severity"]] for f in said["findings"]]
    pending = [[f["rule"], f["element"], f["round"]] for f in said["pending"]]
    deviations = [[d["kind"], d["element"], d["round"]] for d in said["deviations"]]
    assert sorted(findings) == sorted(expected.get("findings", []))
    assert sorted(pending) == sorted(expected.get("pending", []))
    assert sorted(deviations) == sorted(expected.get("deviations", []))
    assert code == any(f[3] == "hard" for f in findings)
    if "outcome" in expected:
        assert said["outcome"] == expected["outcome"]
