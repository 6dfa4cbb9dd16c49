"""Reading process.toml: what it says, and what is said about its mistakes."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from engine.definitions.package import (
    At,
    Package,
    Subject,
    Who,
    content_hash,
    load_folder,
    load_package,
    read_folder,
)
from engine.definitions.reading import Lines, Report, Table, did_you_mean, parse_toml
from engine.errors import PackageProblem, Problem
from tests.package_builder import PROCESS, good_files, good_package, swap


def load(text: str) -> Package:
    """Read the good package with another process.toml."""
    return load_package(good_files() | {"process.toml": text.encode()})


def problems_of(text: str) -> tuple[Problem, ...]:
    """Return what is wrong with a process.toml."""
    with pytest.raises(PackageProblem) as refusal:
        load(text)
    return refusal.value.problems


def test_what_a_package_says() -> None:
    package = good_package()
    assert (package.key, package.prefix, package.subject) == ("tiny_review", "XS", Subject.PERSON)
    assert [stage.id for stage in package.stages] == ["applying", "reviewing"]
    assert package.start.lanes == ("applicant",)
    branch = package.lanes["branch"]
    assert (branch.who, branch.posts, branch.at) == (Who.POSTS, ("secretary",), At.ORGANISATION)
    assert branch.not_subject
    assert package.lanes["contacts"].or_lane == "branch"
    assert package.participants["contacts"].field == "review_contacts"
    assert list(package.steps) == ["apply", "review", "check"]
    review = package.steps["review"]
    assert (review.number, review.decision, review.send_back) == ("02", True, ("apply",))
    assert review.basis[0].article == "第七条"
    assert package.steps["check"].number is None
    assert [effect.set_status or effect.outcome for effect in package.all_effects()] == [
        "applicant",
        "agreed",
    ]
    assert package.messages["withdraw"].form == "withdraw"
    assert package.documents[0].archive
    assert not package.documents[0].sensitive
    assert list(package.bpmn_files) == ["tiny_review.bpmn"]


def test_a_package_cannot_be_changed() -> None:
    package = good_package()
    with pytest.raises(AttributeError):
        package.key = "other"  # type: ignore[misc]
    with pytest.raises(TypeError):
        package.steps["x"] = package.steps["apply"]  # type: ignore[index]


def test_lines_are_remembered() -> None:
    package = good_package()
    lines = PROCESS.splitlines()
    assert lines[package.lines["step:review"] - 1 + 1] == 'element = "review"'
    assert lines[package.lines["lane:branch"] - 1] == "[lanes.branch]"
    assert "applying" in lines[package.lines["stage:stage_applying"] - 1]


@pytest.mark.parametrize(
    ("old", "new", "code", "said"),
    [
        ('prefix = "XS"', 'prefixx = "XS"', "unknown-key", "prefix"),
        ('title = "党支部"', 'titel = "党支部"', "unknown-key", "title"),
        ("decision = true", "decisive = true", "unknown-key", "decision"),
        ('key = "tiny_review"', "", "missing-key", "key"),
        ('key = "tiny_review"', "key = 3", "wrong-type", "key"),
        ("decision = true", 'decision = "yes"', "wrong-type", "decision"),
        ('send_back = ["apply"]', 'send_back = "apply"', "wrong-type", "send_back"),
        ('who = "subject"', 'who = "subjekt"', "unknown-value", "subject"),
        ('at = "organisation"', 'at = "organization"', "unknown-value", "organisation"),
        ('from = "review.review_contacts"', 'from = "review"', "wrong-type", "review"),
        ('set_status = "applicant"\nsince', "since", "empty-effect", "set_status"),
        ("[messages.withdraw]", "[messages]\nwithdraw = 3\n[spare]", "not-a-table", "withdraw"),
        ('element = "check"', 'element = "review"', "duplicate-step", "review"),
        ("[start]", "[[start]]", "not-a-table", "start"),
        ('version = "1"', 'version = "1', "toml-syntax", "TOML"),
    ],
)
def test_a_mistake_is_a_problem_with_a_cure(old: str, new: str, code: str, said: str) -> None:
    problems = problems_of(swap(PROCESS, old, new))
    assert code in [problem.code for problem in problems]
    problem = next(problem for problem in problems if problem.code == code)
    assert problem.file == "process.toml"
    assert said in problem.message + problem.cure
    assert problem.cure


def test_all_mistakes_are_said_at_once() -> None:
    text = swap(PROCESS, 'prefix = "XS"', "")
    text = swap(text, 'who = "subject"', 'who = "x"')
    assert [problem.code for problem in problems_of(text)] == ["missing-key", "unknown-value"]


def test_the_line_of_a_mistake() -> None:
    text = swap(PROCESS, "decision = true", "decisoin = true")
    (problem,) = problems_of(text)
    assert problem.line == text.splitlines().index("decisoin = true") + 1
    assert problem.element == "review"


def test_a_document_twice() -> None:
    more = '[[document]]\nid = "letter"\ntitle = "又一份"\nstep = "apply"\nfield = "letters"\n'
    assert [problem.code for problem in problems_of(PROCESS + more)] == ["duplicate-document"]


def test_text_that_is_not_utf8() -> None:
    with pytest.raises(PackageProblem) as refusal:
        load_package({"process.toml": "标题".encode("gbk")})
    assert refusal.value.problems[0].code == "toml-encoding"


def test_no_manifest() -> None:
    with pytest.raises(PackageProblem):
        load_package({})


# --- files and their hash -----------------------------------------------------------------------


def test_the_hash_is_of_names_and_contents() -> None:
    files = {"a": b"1", "b": b"2"}
    assert content_hash(files) == content_hash({"b": b"2", "a": b"1"})
    assert content_hash(files) != content_hash({"a": b"1", "b": b"3"})
    assert content_hash(files) != content_hash({"a": b"1", "c": b"2"})
    # The boundary between a name and its content counts.
    assert content_hash({"ab": b"c"}) != content_hash({"a": b"bc"})
    assert len(content_hash(files)) == 64


def write(folder: Path) -> None:
    """Write the good package to a folder."""
    for path, data in good_files().items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)


def test_a_folder_is_read_without_hidden_files(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / ".DS_Store").write_bytes(b"x")
    (tmp_path / "forms" / "~$apply.form").write_bytes(b"x")
    assert read_folder(tmp_path) == good_files()
    assert load_folder(tmp_path).sha256 == good_package().sha256


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    write(tmp_path / "package")
    (tmp_path / "package" / "README.md").unlink()
    (tmp_path / "package" / "README.md").symlink_to(tmp_path / "secret")
    with pytest.raises(PackageProblem) as refusal:
        read_folder(tmp_path / "package")
    assert refusal.value.problems[0].code == "file-outside"


def test_a_file_that_is_too_large(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "README.md").write_bytes(b"x" * 5_000_001)
    with pytest.raises(PackageProblem) as refusal:
        read_folder(tmp_path)
    assert refusal.value.problems[0].code == "package-too-large"


# --- the reader of tables -----------------------------------------------------------------------


def table(text: str) -> tuple[Table, Report]:
    """Return the top table of a TOML text."""
    report = Report("x.toml")
    values, lines = parse_toml(text.encode(), report)
    return Table(values, report, lines), report


def test_days() -> None:
    top, report = table('a = 2026-06-10\nb = "2026-06-10"\nc = "soon"\nd = 2026-06-10T08:00:00Z\n')
    assert top.day("a") == top.day("b") == date(2026, 6, 10)
    assert top.day("missing") is None
    assert report.problems == []
    assert (top.day("c"), top.day("d")) == (None, None)
    assert [(p.code, p.line) for p in report.problems] == [("wrong-type", 3), ("wrong-type", 4)]


def test_lines_of_tables_and_keys() -> None:
    lines = Lines('a = 1\n[[step]]\nx = 1\n[[step]]\nx = 2\n[b . "c"]\n"y" = 3 # [z]\n')
    assert lines.table("step", 0) == 2
    assert lines.table("step", 1) == 4
    assert lines.key("step", 1, "x") == 5
    assert lines.key("b.c", 0, "y") == 7
    assert lines.key("", 0, "a") == 1
    assert lines.key("nowhere", 0, "a") is None


def test_the_word_that_was_meant() -> None:
    assert "secretary" in did_you_mean("secretery", ["secretary", "organiser"])
    assert "organiser" in did_you_mean("x", ["secretary", "organiser"])
    assert did_you_mean("x", [])
