"""Lint of indicators: every name stands for something, and what is declared is frozen somewhere."""

from __future__ import annotations

import pytest

from engine.compliance.regulation_reading import load_regulation_folder
from engine.definitions.package import Package, load_package
from engine.errors import PackageProblem
from engine.lint import lint_package
from engine.settings import ROOT
from tests.shipped import package

REGULATIONS = load_regulation_folder(ROOT / "processes" / "regulations")
FORM = "forms/freeze_indicators.form"


def changed(old: str, new: str, file: str = "process.toml") -> Package:
    """Return the assessment of secretaries without its scenarios, with one thing written wrong."""
    files = {k: v for k, v in package("assessment").stored.items() if "scenarios/" not in k}
    text = files[file].decode()
    assert old in text
    return load_package({**files, file: text.replace(old, new, 1).encode()})


def errors(made: Package) -> set[str]:
    return {p.code for p in lint_package(made, REGULATIONS) if p.severity == "error"}


def test_the_shipped_one_passes() -> None:
    assert errors(changed("按季度召开党员大会", "按季度开党员大会")) == set()


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ('id = "members_meetings"', 'id = "Members"', "id-not-snake-case"),
        ('counts = ["theme_day.roll_call"]', 'counts = ["plam"]', "indicator-step-unknown"),
        (
            'counts = ["theme_day.roll_call"]',
            'counts = ["plan"]\nwhen = "nothing_there"',
            "indicator-field-unknown",
        ),
        ('weight = "@weight_items"\n', "", "indicator-without-weight"),
        ('"@weight_items"', '"@weight_of_nothing"', "indicator-parameter-unknown"),
        ('"@weight_items"', '"@grade_quorum"', "indicator-parameter-type"),
        (
            (
                'basis = [{ regulation = "支部工作条例", edition = "2018", '
                'article = "第十七条", text = "会后明确整改" }]'
            ),
            "",
            "indicator-without-basis",
        ),
        ('text = "会后明确整改"', 'text = "会后明确整改 "', ""),
    ],
)
def test_a_wrong_name_is_refused(old: str, new: str, code: str) -> None:
    assert errors(changed(old, new)) == ({code} if code else set())


def test_an_article_that_is_not_there() -> None:
    text = package("assessment").stored["process.toml"].decode()
    last = text[text.rindex("basis = [") :]
    assert errors(changed(last, last.replace("第十七条", "第九十条"))) == {"article-unknown"}


def test_what_is_declared_is_frozen_and_what_is_frozen_is_declared() -> None:
    plain = changed('"domain": "indicators",\n        "year": "cycle"', '"min": "0"', FORM)
    assert "indicator-never-frozen" in errors(plain)
    text = package("assessment").stored["process.toml"].decode()
    assert "indicator-none" in errors(changed(text[text.index("[[indicator]]") :], ""))


def test_once_asks_for_a_role_of_the_procedure() -> None:
    wrong = changed('role = "secretary"', 'role = "nobody"', "rules.toml")
    assert errors(wrong) == {"rule-role-unknown"}


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("target = 12\n", "target = 12\noff = 1\n", "indicator-score"),
        ("target = 12\n", "target = 0\n", "wrong-type"),
        ('counting = "items_late"', 'counting = "items_late"\nwhen = "cycle"', "indicator-when"),
        ('counting = "items_late"', 'counting = "items"', "unknown-value"),
    ],
)
def test_a_table_that_cannot_be_read(old: str, new: str, code: str) -> None:
    with pytest.raises(PackageProblem) as refused:
        changed(old, new)
    assert code in {problem.code for problem in refused.value.problems}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"key": "score"', '"key": "points"'),
        ('"year": "cycle"', '"year": "cycle +"'),
        ('"year": "cycle"', '"years": "cycle"'),
    ],
)
def test_a_list_that_cannot_freeze(old: str, new: str) -> None:
    assert any(code.startswith("form_") for code in errors(changed(old, new, FORM)))
