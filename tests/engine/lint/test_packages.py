"""Whole packages: ours, a foreign one, and folders that hold none."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from engine.definitions.package import load_folder, load_package
from engine.errors import Severity
from engine.lint import lint_folder
from engine.lint.scenarios import read_scenarios
from tests.package_builder import codes, good_files

ROOT = Path(__file__).parents[3]
FOREIGN = ROOT / "tests" / "packages" / "leave_request"
OURS = sorted(path.parent for path in (ROOT / "processes").glob("*/process.toml"))


def test_a_foreign_package_passes() -> None:
    assert lint_folder(FOREIGN) == []


@pytest.mark.parametrize("folder", OURS, ids=lambda folder: folder.name)
def test_our_packages_pass(folder: Path) -> None:
    problems = lint_folder(folder)
    assert [str(p) for p in problems if p.severity is Severity.ERROR] == []


@pytest.mark.parametrize("folder", [FOREIGN, *OURS], ids=lambda folder: folder.name)
def test_every_package_has_scenarios(folder: Path) -> None:
    package = load_folder(folder)
    scenarios, problems = read_scenarios(package)
    assert scenarios or package.component  # a component is played with those that use it
    assert problems == []


def test_a_folder_with_another_name(tmp_path: Path) -> None:
    shutil.copytree(FOREIGN, tmp_path / "leave")
    assert codes(lint_folder(tmp_path / "leave")) == ["key-differs"]


def test_a_folder_without_package(tmp_path: Path) -> None:
    assert codes(lint_folder(tmp_path)) == ["manifest-missing"]


def test_mistakes_in_the_manifest_come_with_line_and_cure(tmp_path: Path) -> None:
    for path, data in good_files().items():
        target = tmp_path / "tiny_review" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data.replace(b"send_back = ", b"sendback = "))
    problems = lint_folder(tmp_path / "tiny_review")
    assert codes(problems) == ["unknown-key"]
    assert problems[0].line
    assert "send_back" in problems[0].cure


def test_errors_come_before_warnings() -> None:
    files = good_files()
    text = files["process.toml"].replace(b'or_lane = "branch"', b"")
    files["process.toml"] = text.replace(b'posts = ["secretary"]', b'posts = ["x"]')
    from engine.lint import lint_package

    severities = [p.severity for p in lint_package(load_package(files))]
    assert severities == [Severity.ERROR, Severity.WARNING]
