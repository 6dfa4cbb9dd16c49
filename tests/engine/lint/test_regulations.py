"""Lint of regulations: what packages cite is there, and no article is forgotten."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from engine.cli.packages import lint, package_folders
from engine.compliance.regulation_reading import load_regulation_folder
from engine.errors import Severity
from engine.lint import is_regulations, lint_folder
from engine.lint.regulations import check_basis
from engine.settings import ROOT
from tests.shipped import package, regulations

HOME = ROOT / "processes"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A copy of the regulations, with a small package that cites one article."""
    shutil.copytree(HOME / "regulations", tmp_path / "regulations")
    shutil.copytree(ROOT / "tests" / "packages" / "leave_request", tmp_path / "leave_request")
    cite(tmp_path, "发展党员工作细则", "2026", "第七条")
    return tmp_path


def cite(home: Path, regulation: str, edition: str, article: str) -> None:
    """Let every step of the small package rest on an article."""
    path = home / "leave_request" / "process.toml"
    lines = []
    for line in path.read_text().splitlines():
        if line.startswith("basis = "):
            line = (
                f'basis = [{{ regulation = "{regulation}", edition = "{edition}",'
                f' article = "{article}", text = "依据" }}]'
            )
        lines.append(line)
    path.write_text("\n".join(lines))


def codes(folder: Path) -> set[str]:
    return {problem.code for problem in lint_folder(folder)}


def test_our_own_regulations_pass_without_a_warning() -> None:
    assert lint_folder(HOME / "regulations") == []


def test_a_package_that_cites_what_is_there_passes(home: Path) -> None:
    assert codes(home / "leave_request") == set()


@pytest.mark.parametrize(
    ("cited", "code", "cure"),
    [
        (("发展党员细则", "2026", "第七条"), "regulation-unknown", "发展党员工作细则"),
        (("发展党员工作细则", "2025", "第七条"), "edition-unknown", "2026"),
        (("发展党员工作细则", "2026", "第七七条"), "article-unknown", "第七条"),
    ],
)
def test_what_is_cited_and_not_there_is_named_with_the_likely_one(
    home: Path, cited: tuple[str, str, str], code: str, cure: str
) -> None:
    cite(home, *cited)
    problems = lint_folder(home / "leave_request")
    assert {p.code for p in problems} == {code}
    assert {p.severity for p in problems} == {Severity.ERROR}
    assert all(cure in p.cure and p.line and p.element for p in problems)


@pytest.mark.parametrize(
    ("editions", "cure"),
    [
        ('["2026"]', None),
        ('["2014", "2026"]', None),
        ('["2062"]', "2026"),
        ('["二〇一四"]', "2014"),
    ],
)
def test_editions_that_alone_ask_for_a_step_are_known(
    home: Path, editions: str, cure: str | None
) -> None:
    path = home / "leave_request" / "process.toml"
    text = path.read_text().replace("basis = ", f"only_in = {editions}\nbasis = ", 1)
    path.write_text(text)
    problems = lint_folder(home / "leave_request")
    assert {p.code for p in problems} == (set() if cure is None else {"only-in-unknown"})
    assert all(cure in p.cure and p.element and p.line for p in problems if cure)


def test_editions_without_an_article_say_nothing(home: Path) -> None:
    path = home / "leave_request" / "process.toml"
    lines = path.read_text().splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith("basis = "))
    lines[first] = 'only_in = ["2026"]'
    path.write_text("\n".join(lines))
    assert "only-in-without-basis" in codes(home / "leave_request")


def test_a_text_that_nobody_entered_is_only_warned_of(home: Path) -> None:
    cite(home, "考勤管理办法", "2024", "第三条")
    problems = lint_folder(home / "leave_request")
    assert {(p.code, p.severity) for p in problems} == {("regulation-unknown", Severity.WARNING)}


def test_without_regulations_beside_it_a_package_cites_what_it_likes(home: Path) -> None:
    cite(home, "考勤管理办法", "2024", "第三条")
    shutil.rmtree(home / "regulations")
    assert codes(home / "leave_request") == set()


def test_member_admission_cites_only_what_is_there() -> None:
    assert check_basis(package("member_admission"), regulations()).problems == []


def copy_admission(home: Path) -> None:
    """Put member admission into a folder of packages, with the component that it uses."""
    for name in ("member_admission", "notice"):
        shutil.copytree(HOME / name, home / name)


def test_an_article_that_nothing_rests_on_is_named(home: Path) -> None:
    copy_admission(home)
    path = home / "regulations" / "admission_rules" / "regulation.toml"
    with path.open("a") as handle:
        handle.write(
            '\n[[edition.article]]\nnumber = "第四十条"\ntext = "新的要求"\nconfidence = ["A"]\n'
        )
    (problem,) = lint_folder(home / "regulations")
    assert (problem.code, problem.severity) == ("article-uncovered", Severity.WARNING)
    assert problem.element == "第四十条"
    assert problem.file == "admission_rules/regulation.toml"


def test_an_article_with_a_reason_may_be_left_out(home: Path) -> None:
    copy_admission(home)
    path = home / "regulations" / "admission_rules" / "regulation.toml"
    with path.open("a") as handle:
        handle.write(
            '\n[[edition.article]]\nnumber = "第四十条"\ntext = "新的要求"\nconfidence = ["A"]\n'
            'uncovered = "另有流程"\n'
        )
    assert lint_folder(home / "regulations") == []


def test_a_parameter_that_could_be_set_without_effect_is_named(home: Path) -> None:
    copy_admission(home)
    path = home / "regulations" / "parameters.toml"
    with path.open("a") as handle:
        handle.write(
            '\n[[parameter]]\nkey = "idle"\ntitle = "没有用处"\ntype = "bool"\ndefault = true\n'
            'level = "county"\n'
        )
    (problem,) = lint_folder(home / "regulations")
    assert (problem.code, problem.element) == ("parameter-unused", "idle")
    path.write_text(path.read_text() + 'procedures = ["not_here_yet"]\n')
    assert lint_folder(home / "regulations") == []


def test_faulty_regulations_are_said_once_and_not_at_every_package(home: Path) -> None:
    (home / "regulations" / "dues" / "regulation.toml").write_text("title = ")
    assert codes(home / "regulations") == {"toml-syntax"}
    assert codes(home / "leave_request") == set()


def test_the_folder_of_regulations_is_told_from_a_package(home: Path) -> None:
    assert is_regulations(home / "regulations")
    assert not is_regulations(home / "leave_request")
    assert not is_regulations(home)


def test_regulations_are_linted_and_deployed_before_packages(home: Path) -> None:
    folders = package_folders((home / "leave_request", home / "regulations"))
    assert [folder.name for folder in folders] == ["regulations", "leave_request"]
    assert package_folders(())[0].name == "regulations"


def test_the_command_says_what_it_checked(home: Path) -> None:
    result = CliRunner().invoke(lint, [str(home / "regulations")])
    assert result.exit_code == 0
    assert "regulations: 通过" in result.output
    (home / "regulations" / "sources.toml").write_text("")
    result = CliRunner().invoke(lint, [str(home / "regulations")])
    assert result.exit_code == 1
    assert "source-unknown" in result.output


def test_reading_a_folder_is_reading_its_files() -> None:
    assert load_regulation_folder(HOME / "regulations").sha256 == regulations().sha256
