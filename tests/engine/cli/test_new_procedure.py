"""A procedure that an analyst adds: a folder somewhere else, checked, deployed, run to its end."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from engine.cli import main
from engine.compliance.models import Finding
from engine.database import db
from engine.definitions.package import load_folder
from engine.definitions.versions import active_version, definitions, load_definition
from engine.lint import lint_folder
from engine.lint.scenarios import play, read_cast_values, read_scenarios
from engine.settings import ROOT
from tests.database_player import DatabasePlayer
from tests.engine.conftest import Live
from tests.factories import is_consistent

OURS = ROOT / "processes"


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """The analyst's folder, far from the repository."""
    assert not tmp_path.resolve().is_relative_to(ROOT)
    return shutil.copytree(ROOT / "tests" / "packages" / "dues_relief", tmp_path / "dues_relief")


def test_a_new_procedure_runs_and_is_judged(
    live: Live, elsewhere: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", live.where.app)
    monkeypatch.setenv("DATABASE_OWNER_URL", live.where.owner)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    db.session.remove()
    for arguments, said in (
        (["lint", "dues_relief"], "dues_relief: 通过"),
        (["deploy", str(OURS / "regulations")], "已部署"),
        (["deploy", "dues_relief"], "已部署"),
    ):
        result = CliRunner().invoke(main, arguments)
        assert (result.exit_code, said in result.output) == (0, True), result.output
    definitions.clear()
    version = active_version(db.session(), "dues_relief")
    assert version is not None
    definition = load_definition(db.session(), version)
    shutil.rmtree(elsewhere)  # what is deployed needs the folder no more
    cast, _ = read_cast_values(definition.package)
    scenarios, problems = read_scenarios(definition.package)
    assert (sorted(scenarios), problems) == (["happy_path", "late"], [])
    for name, outcome, rules in (("happy_path", "granted", []), ("late", "refused", ["R-JM-01"])):
        played: list[DatabasePlayer] = []

        def keep(played: list[DatabasePlayer] = played, **more: object) -> DatabasePlayer:
            played.append(DatabasePlayer(**more))  # type: ignore[arg-type]
            return played[-1]

        assert play(definition, scenarios[name], scenarios, cast, keep) == []
        matter = played[-1].play
        assert (matter.instance().status, matter.instance().outcome) == ("completed", outcome)
        found = db.session.execute(
            select(Finding.rule, Finding.outcome).where(
                Finding.instance_id == matter.instance_id, Finding.rule == "R-JM-01"
            )
        ).all()
        assert [row.outcome for row in found] == ["not_met" if rules else "met"]
        is_consistent(matter.instance_id or 0, matter.clock)


def test_without_regulations_it_says_that_rules_were_not_checked(elsewhere: Path) -> None:
    problems = lint_folder(elsewhere)
    assert "regulations-missing" in {problem.code for problem in problems}
    assert lint_folder(elsewhere, OURS) == []


def test_components_of_the_installation_may_be_used_from_elsewhere(tmp_path: Path) -> None:
    folder = shutil.copytree(OURS / "public_notice", tmp_path / "public_notice")
    assert load_folder(folder, OURS).sha256 == load_folder(OURS / "public_notice").sha256
