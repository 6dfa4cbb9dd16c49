"""The report in English: everything that the software itself says, whatever the file is."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from engine.checking.judging import as_json, check_matter
from engine.checking.printing import report
from engine.checking.problems import Places
from engine.checking.reading import read_matter
from engine.cli import main
from engine.cli.language import translator
from engine.definitions.package import load_folder
from engine.settings import ROOT
from tests.matter_files import FOLDER, load, matter_files
from web.translations import compile_texts

CHINESE = re.compile("[\u3400-\u9fff]")
PROCESSES = ROOT / "processes"


@pytest.fixture(scope="module")
def english() -> Callable[[str], str]:
    return translator("en", compile_texts())


@pytest.fixture(scope="module")
def names_of_things() -> str:
    """What the procedure's own files call things; that stays as it is."""
    files = load_folder(PROCESSES / "member_admission").files.values()
    return "".join(content.decode("utf-8", "ignore") for content in files)


def written(path: Path, name: str) -> Path:
    path.write_text(json.dumps(load(FOLDER / name)[0], default=date.isoformat), "utf-8")
    return path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["check", *map(str, arguments)])


def test_every_sentence_of_every_matter_has_an_english_one(
    english: Callable[[str], str], names_of_things: str
) -> None:
    missing: set[str] = set()

    def recorded(template: str) -> str:
        said = english(template)
        if CHINESE.search(said) and said not in names_of_things:
            missing.add(template)
        return said

    for path in matter_files():
        matter = json.loads(json.dumps(load(path)[0], default=date.isoformat))
        checked = check_matter(read_matter(matter, Places(), PROCESSES))
        assert list(report(checked, recorded))
        as_json(checked, recorded)
    assert missing == set()


def test_a_report_in_english(tmp_path: Path) -> None:
    path = written(tmp_path / "m.json", "r02_late_talk_2026.toml")
    ran = run(path, "--lang", "en")
    assert ran.exit_code == 1
    assert "Rules not met (1)" in ran.stdout
    assert "by 2026-07-01 at the latest" in " ".join(ran.stdout.split())
    assert "The order of steps follows the procedure." in ran.stdout
    assert "Not met: 1, warnings: 0" in ran.stdout
    assert "不符合的规则（1）" in run(path).stdout


def test_the_json_in_english_has_the_same_codes(tmp_path: Path) -> None:
    path = written(tmp_path / "m.json", "r02_late_talk_2026.toml")
    ours = json.loads(run(path, "--json").stdout)
    theirs = json.loads(run(path, "--json", "--lang", "en").stdout)
    (one,), (other,) = ours["findings"], theirs["findings"]
    assert "1 day(s) late" in other.pop("sentence") and "超期" in one.pop("sentence")
    assert one == other


def test_what_is_wrong_with_a_file_is_said_in_english(tmp_path: Path) -> None:
    path = written(tmp_path / "m.json", "lawful_2026.toml")
    values = json.loads(path.read_text("utf-8"))
    values["steps"][1]["on"] = "2026-13-01"
    values["stepz"] = []
    path.write_text(json.dumps(values, ensure_ascii=False, indent=1), "utf-8")
    ran = run(path, "--lang", "en")
    assert ran.exit_code == 2
    slip, day = sorted(ran.stderr.splitlines(), key=len)
    assert slip == "m.json: stepz: There is no “stepz” (did you mean “steps”?)."
    assert re.fullmatch(
        r"m\.json: Line \d+, steps\[1\]\.on: “2026-13-01” is not a day; write it like 2026-05-18\.",
        day,
    )


def test_without_the_catalogue_it_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(click.ClickException, match="make setup"):
        translator("en", tmp_path / "messages.mo")
