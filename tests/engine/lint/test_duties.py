"""Lint of what organisations owe: every name stands for something."""

from __future__ import annotations

import pytest

from engine.compliance.regulation_reading import load_regulation_folder
from engine.definitions.package import Package, load_package
from engine.lint import lint_package
from engine.settings import ROOT
from tests.engine.duties.conftest import duty, meeting
from tests.engine.duties.test_tallies import DUTIES, study
from tests.factories import UserTask, procedure

RULES = """
[[parameter]]
key = "often"
title = "次数"
type = "{}"
default = {}
level = "approving"
"""


def codes(package: Package) -> set[str]:
    regulations = load_regulation_folder(ROOT / "processes" / "regulations")
    return {p.code for p in lint_package(package, regulations) if p.element == "owed"}


def owed(rules: str = "", **more: str) -> Package:
    made = meeting("owing", duty("owed", "month", **more))
    return load_package({**made.files, "rules.toml": rules.encode()}) if rules else made


def test_a_sound_one_passes() -> None:
    assert codes(owed()) == set()
    assert codes(owed(RULES.format("count", 4), times='"@often"')) == set()
    assert codes(owed(counts='["hold", "elsewhere.hold"]')) == set()
    assert codes(owed(when="\"decision == 'held'\"")) == set()


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ({"kinds": '["brunch"]'}, "duty-kind-unknown"),
        ({"counts": '["holt"]'}, "duty-step-unknown"),
        ({"when": '"outcome_of_it == 1"'}, "duty-field-unknown"),
        ({"times": '"@nobody"'}, "duty-parameter-unknown"),
        ({"draft_days": '"@duty_drafts"'}, "duty-parameter-type"),
    ],
)
def test_a_wrong_name_is_refused(line: dict[str, str], code: str) -> None:
    assert codes(owed(**line)) == {code}


def test_an_article_that_is_not_there() -> None:
    made = owed()
    files = dict(made.files)
    files["process.toml"] = files["process.toml"].replace("第十一条".encode(), "第九十条".encode())
    assert codes(load_package(files)) == {"article-unknown"}


def test_without_basis() -> None:
    made = owed()
    text = made.files["process.toml"].decode()
    cut = text[: text.index("[[duty.basis]]")]
    assert codes(load_package({**made.files, "process.toml": cut.encode()})) == {
        "duty-without-basis"
    }


def test_a_procedure_about_people_starts_no_drafts() -> None:
    def about_people(**more: str) -> Package:
        return procedure(
            "owing", [UserTask("hold")], subject="person", more=duty("owed", "month", **more)
        )

    assert codes(about_people()) == {"duty-about-person"}
    assert codes(about_people(drafts="false")) == set()


def found_in(package: Package) -> set[str]:
    regulations = load_regulation_folder(ROOT / "processes" / "regulations")
    problems = lint_package(package, regulations)
    return {p.code for p in problems if p.element in ("hours", "lecture")}


def test_a_sound_tally_passes() -> None:
    assert found_in(study()) == set()


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ('figure = "hours"', 'figure = "lecturer"', "duty-field-unknown"),
        ('people = "roll"', 'people = "hours"', "duty-field-unknown"),
        ('person = "lecturer"', 'person = "roll"', "duty-field-unknown"),
        ('posts = ["secretary"]', 'posts = ["secretery"]', "post-unknown"),
        ('made_up = ["make_up"]', 'made_up = ["made_up"]', "duty-step-unknown"),
        ('part_period = "@part"', 'part_period = "@least"', "duty-parameter-type"),
        ('least = "@least"', 'least = "@duty_drafts"', "duty-parameter-type"),
        ('leading = "@leading"', 'leading = "@nobody"', "duty-parameter-unknown"),
    ],
)
def test_a_wrong_name_in_a_tally_is_refused(old: str, new: str, code: str) -> None:
    assert DUTIES.count(old) == 1
    assert found_in(study(duties=DUTIES.replace(old, new))) == {code}
