"""The rule set of member admission as a whole: how grave, whether blocking, in which editions."""

from __future__ import annotations

import pytest

from engine.compliance.parameters import Level
from engine.compliance.results import Severity
from engine.compliance.rules import Setting
from tests.compliance_builder import book, regulations

WARNINGS = {18, 31, 32, 35, 40, 42}
ONLY_2026 = {10, 11, 19, 32}
REPORTS = {2, 17, 18, 19, 24, 26, 29, 30, 31, 32, 35, 37, 38, 39, 40, 41, 42}
"""Late already, or to be put right afterwards, or nothing that a person does."""
OVERRIDES = {
    4: Level.APPROVING,
    8: Level.APPROVING,
    9: Level.APPROVING,
    15: Level.COUNTY,
    22: Level.APPROVING,
    25: Level.COUNTY,
}


def _number(id: str) -> int:
    return int(id.removeprefix("R-ADM-"))


def test_there_are_42_rules() -> None:
    assert [_number(rule.id) for rule in book().rules] == list(range(1, 43))


def test_severities() -> None:
    for rule in book().rules:
        if _number(rule.id) == 8:
            assert rule.severity == Setting("examination_severity")
        else:
            warned = _number(rule.id) in WARNINGS
            assert rule.severity is (Severity.WARNING if warned else Severity.HARD), rule.id


def test_what_blocks_and_who_may_override() -> None:
    assert {_number(r.id) for r in book().rules if not r.blocks} == REPORTS
    assert {_number(r.id): r.override for r in book().rules if r.override} == OVERRIDES
    partly = {_number(r.id): r.blocks for r in book().rules if isinstance(r.blocks, frozenset)}
    assert partly == {
        8: frozenset({"propose_prospect"}),
        27: frozenset({"approve_admission"}),
    }


def test_editions() -> None:
    for rule in book().rules:
        if _number(rule.id) >= 40:
            assert set(rule.articles) == {"1"}
        elif _number(rule.id) in ONLY_2026:
            assert set(rule.articles) == {"2026"}, rule.id
        else:
            assert set(rule.articles) == {"2014", "2026"}, rule.id


@pytest.mark.parametrize("edition", ["2014", "2026"])
def test_every_article_cited_is_told_in_the_regulation(edition: str) -> None:
    for rule in book().rules:
        for ref in rule.articles_in(edition):
            assert regulations().article(ref.regulation, ref.edition, ref.article), ref


def test_the_2026_articles_take_up_those_cited_of_2014() -> None:
    """Renumbered, not swapped: each article cited of 2026 comes from one cited of 2014."""
    new = regulations().by_id["admission_rules"].edition("2026")
    assert new is not None
    for rule in book().rules:
        if not {"2014", "2026"} <= set(rule.articles) or not rule.articles["2014"]:
            continue
        old = set(rule.articles["2014"])
        for number in rule.articles["2026"]:
            assert old & set(new.articles[number].taken_from), (rule.id, number)


def test_no_two_rules_have_the_same_title() -> None:
    titles = [rule.title for rule in book().rules]
    assert len(set(titles)) == len(titles)


def test_every_step_of_the_procedure_is_listed_when_recorded_late() -> None:
    late = book().rule("R-ADM-42")
    assert late is not None
    assert set(late.steps) == set(book().titles)
