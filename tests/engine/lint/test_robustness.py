"""Whatever is wrong with a package, the linter says so and does not break."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.definitions.package import load_package
from engine.errors import PackageProblem, Problem
from engine.lint import lint_package
from tests.package_builder import DIAGRAM, diagram, good_files

GOOD = good_files()
PATHS = sorted(GOOD)


def say(files: Mapping[str, bytes]) -> list[Problem]:
    """Return what is said about a package."""
    try:
        return lint_package(load_package(files))
    except PackageProblem as refused:
        return list(refused.problems)


def all_speak_plainly(problems: list[Problem]) -> bool:
    """Tell whether each problem has a file, a code, a sentence and a cure."""
    return all(p.file and p.code and p.message and p.cure for p in problems)


@settings(max_examples=150)
@given(path=st.sampled_from(PATHS), data=st.data())
def test_lines_that_are_missing_or_twice(path: str, data: st.DataObject) -> None:
    text = DIAGRAM if path.endswith(".bpmn") else GOOD[path].decode()
    lines = text.splitlines()
    at = data.draw(st.integers(0, len(lines) - 1))
    twice = data.draw(st.booleans())
    changed = [*lines[:at], *([lines[at]] * 2 if twice else []), *lines[at + 1 :]]
    text = "\n".join(changed)
    files = GOOD | {path: diagram(text) if path.endswith(".bpmn") else text.encode()}
    assert all_speak_plainly(say(files))


@settings(max_examples=100)
@given(path=st.sampled_from(PATHS), data=st.data())
def test_words_that_are_swapped(path: str, data: st.DataObject) -> None:
    """Names of one thing in the place of another: a lane for a step, a date for a number."""
    text = DIAGRAM if path.endswith(".bpmn") else GOOD[path].decode()
    words = text.split('"')
    quoted = range(1, len(words), 2)
    if quoted:
        one, other = data.draw(st.sampled_from(quoted)), data.draw(st.sampled_from(quoted))
        words[one], words[other] = words[other], words[one]
    text = '"'.join(words)
    files = GOOD | {path: diagram(text) if path.endswith(".bpmn") else text.encode()}
    assert all_speak_plainly(say(files))


@given(path=st.sampled_from(PATHS), junk=st.binary(max_size=200))
def test_files_of_junk(path: str, junk: bytes) -> None:
    assert all_speak_plainly(say(GOOD | {path: junk}))


@given(path=st.sampled_from([p for p in PATHS if p != "process.toml"]))
def test_files_that_are_not_there(path: str) -> None:
    problems = say({name: data for name, data in GOOD.items() if name != path})
    assert all_speak_plainly(problems)
    assert problems or path in {"README.md", "scenarios/agreed.toml"}
