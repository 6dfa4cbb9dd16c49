"""Lint of rules: a package whose rules are wrong in just one way each time."""

from __future__ import annotations

import pytest

from engine.definitions.package import load_package
from engine.errors import Problem, Severity
from engine.lint.forms import check_forms
from engine.lint.rules import check_rules
from engine.lint.runner import lint_package
from tests.package_builder import good_files, swap
from tests.shipped import regulations

RULES = """
foreign = ["signed_elsewhere"]

[[parameter]]
key = "check_months"
title = "几个月内核对"
title_en = "Months to check"
type = "months"
default = 1

[[rule]]
id = "R-XS-01"
title = "一个月内审核"
title_en = "Reviewed within a month"
kind = "deadline"
blocks = ["review"]
override = "approving"
regulation = "admission_rules"
articles = { "2026" = ["第七条"] }
step = "review"
where = "review_decision == 'agree'"
from = "apply"
within = { months = "@check_months" }
needed_for = ["agreed"]

[[rule]]
id = "R-XS-02"
title = "联系人是正式党员"
title_en = "Contacts are full members"
kind = "all"
regulation = "admission_rules"
articles = { "2026" = ["第九条"] }
step = "review"

[[rule.check]]
kind = "count"
people = "review_contacts"
least = 1
status = ["full"]
posts = ["organiser"]

[[rule.check]]
kind = "expression"
that = "present(signed_elsewhere) or data['review']['review_decision'] == 'agree'"
met = "好。"
not_met = "不好。"
"""


def lint(*changes: tuple[str, str], rules: str = RULES) -> list[Problem]:
    """Lint the small package with rules that were changed."""
    for old, new in changes:
        rules = swap(rules, old, new)
    files = {**good_files(), "rules.toml": rules.encode()}
    package = load_package(files)
    forms, _ = check_forms(package)
    return check_rules(package, regulations(), forms).problems


def test_good_rules_pass() -> None:
    assert lint() == []


def test_they_are_checked_with_the_whole_package() -> None:
    files = {**good_files(), "rules.toml": swap(RULES, '"第七条"', '"第七百条"').encode()}
    assert "rule-article-unknown" in {
        problem.code for problem in lint_package(load_package(files), regulations())
    }


ERRORS: dict[str, tuple[str, tuple[str, str]]] = {
    "unknown step": ("rule-step-unknown", ('from = "apply"', 'from = "aply"')),
    "unknown step judged": (
        "rule-step-unknown",
        ('step = "review"\nwhere', 'step = "revue"\nwhere'),
    ),
    "unknown step in an expression": (
        "rule-step-unknown",
        ("data['review']", "data['revue']"),
    ),
    "blocks at another step": (
        "rule-block-elsewhere",
        ('blocks = ["review"]', 'blocks = ["apply"]'),
    ),
    "unknown field": ("rule-field-unknown", ('where = "review_decision', 'where = "decision')),
    "unknown field of another step": (
        "rule-field-unknown",
        ("data['review']['review_decision']", "data['review']['decision']"),
    ),
    "unknown field of people": (
        "rule-field-unknown",
        ('people = "review_contacts"', 'people = "contacts"'),
    ),
    "unknown option": ("rule-value-unknown", ("== 'agree'\"\nfrom", "== 'agreed'\"\nfrom")),
    "unknown option of another step": (
        "rule-value-unknown",
        ("== 'agree'\"\nmet", "== 'ok'\"\nmet"),
    ),
    "unknown parameter": ("rule-parameter-unknown", ('"@check_months"', '"@chek_months"')),
    "unknown regulation": (
        "rule-regulation-unknown",
        (
            '"admission_rules"\narticles = { "2026" = ["第七条"]',
            '"admission_rule"\narticles = { "2026" = ["第七条"]',
        ),
    ),
    "unknown edition": ("rule-edition-unknown", ('"2026" = ["第七条"]', '"2025" = ["第七条"]')),
    "unknown article": ("rule-article-unknown", ('["第九条"]', '["第九百条"]')),
    "article of a step that is not judged": (
        "rule-article-elsewhere",
        (
            'step = "review"\nwhere',
            'articles_only_at = { "第七条" = ["apply"] }\nstep = "review"\nwhere',
        ),
    ),
    "severity by a parameter that does not say": (
        "rule-severity",
        ('kind = "deadline"', 'kind = "deadline"\nseverity = "@check_months"'),
    ),
    "unknown status": ("rule-code-unknown", ('status = ["full"]', 'status = ["ful"]')),
    "unknown post": ("rule-code-unknown", ('posts = ["organiser"]', 'posts = ["organizer"]')),
    "unknown outcome": (
        "rule-outcome-unknown",
        ('needed_for = ["agreed"]', 'needed_for = ["yes"]'),
    ),
    "bad expression": (
        "expression",
        ("where = \"review_decision == 'agree'\"", 'where = "a ** 2"'),
    ),
    "unknown kind": ("unknown-value", ('kind = "deadline"', 'kind = "dedline"')),
    "unknown key": ("unknown-key", ("within =", "witin =")),
    "no length": ("rule-value", ('{ months = "@check_months" }', "{ weeks = 1 }")),
    "number out of place": (
        "rule-value",
        ("least = 1", "least = 1.5"),
    ),
    "articles without a regulation": (
        "rule-value",
        (
            'regulation = "admission_rules"\narticles = { "2026" = ["第九条"] }',
            'articles = { "2026" = ["第九条"] }',
        ),
    ),
    "sentence with an unknown number": ("rule-value", ('met = "好。"', 'met = "%(n)s。"')),
    "the same rule twice": ("duplicate-rule", ('id = "R-XS-02"', 'id = "R-XS-01"')),
    "broken file": ("toml-syntax", ('kind = "deadline"', 'kind = "deadline')),
}


@pytest.mark.parametrize(("code", "change"), ERRORS.values(), ids=ERRORS)
def test_each_mistake_is_found(code: str, change: tuple[str, str]) -> None:
    problems = [p for p in lint(change) if p.severity is Severity.ERROR]
    assert code in {p.code for p in problems}
    for problem in problems:
        assert problem.file == "rules.toml"
        assert problem.cure
        assert problem.element or problem.line


def test_the_line_of_a_rule_is_named() -> None:
    (problem,) = lint(('"第九条"', '"第九百条"'))
    assert problem.line == RULES.splitlines().index('id = "R-XS-02"')
    assert problem.element == "R-XS-02"


def test_a_vote_field_has_to_be_a_vote() -> None:
    more = """
[[rule]]
id = "R-XS-03"
title = "到会"
title_en = "Quorum"
kind = "attendance"
step = "review"
attendance = "review_decision"
share = "1/2"
"""
    assert {p.code for p in lint(rules=RULES + more)} == {"rule-field-kind"}


WARNINGS = {
    "parameter-unused": ('within = { months = "@check_months" }', "within = { months = 1 }"),
    "rule-override-idle": ('blocks = ["review"]\n', ""),
}


@pytest.mark.parametrize(("code", "change"), WARNINGS.items(), ids=WARNINGS)
def test_what_has_no_effect_is_warned_of(code: str, change: tuple[str, str]) -> None:
    assert {(p.code, p.severity) for p in lint(change)} == {(code, Severity.WARNING)}


# --- articles that steps rest on ----------------------------------------------------------------

CITED = (
    'regulation = "工作细则", edition = "2026", article = "第五条"',
    'regulation = "发展党员工作细则", edition = "2026", article = "第八条"',
)


def _cited(rules: str) -> list[Problem]:
    files = good_files()
    files["process.toml"] = swap(files["process.toml"].decode(), *CITED).encode()
    files["rules.toml"] = rules.encode()
    package = load_package(files)
    forms, _ = check_forms(package)
    return check_rules(package, regulations(), forms).problems


UNCOVERED = """
[[uncovered]]
regulation = "admission_rules"
article = "第八条"
reason = "没有期限可查。"
"""


def test_an_article_that_a_step_rests_on_is_covered_by_a_rule_or_waived() -> None:
    assert "rule-article-uncovered" in {p.code for p in _cited(RULES)}
    assert _cited(RULES + UNCOVERED) == []
    assert _cited(swap(RULES, '["第九条"]', '["第九条", "第八条"]')) == []


def test_a_waiver_that_is_not_needed_is_warned_of() -> None:
    assert [p.code for p in lint(rules=RULES + UNCOVERED)] == ["rule-uncovered-idle"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (("第八条", "第八百条"), "rule-article-unknown"),
        (('"admission_rules"', '"admission_rule"'), "rule-article-unknown"),
        (('reason = "没有期限可查。"\n', ""), "missing-key"),
    ],
)
def test_a_waiver_names_what_exists_and_says_why(change: tuple[str, str], code: str) -> None:
    waiver = swap(UNCOVERED, *change)
    assert code in {p.code for p in _cited(RULES + waiver)}
