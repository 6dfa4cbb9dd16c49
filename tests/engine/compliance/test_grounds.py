"""What a step rests on, on a day: the article of the edition in force, across the switch."""

from __future__ import annotations

from datetime import date

import pytest

from engine.compliance.grounds import Ground, Standing, in_force
from engine.compliance.parameters import ParameterView, Setting, settings_by_place
from engine.compliance.regulation_reading import load_regulation_folder
from engine.compliance.regulations import Regulations
from engine.definitions.package import Basis, load_folder
from engine.settings import ROOT

RULES = "发展党员工作细则"
SWITCH = date(2026, 5, 18)


@pytest.fixture(scope="module")
def ours() -> Regulations:
    return load_regulation_folder(ROOT / "processes" / "regulations")


def cited(article: str, edition: str = "2026", text: str = "流程自己的话") -> Basis:
    return Basis(RULES, edition, article, text)


@pytest.mark.parametrize(
    ("day", "edition", "since"),
    [
        (date(2026, 5, 17), "2014", date(2014, 5, 28)),
        (SWITCH, "2026", SWITCH),
    ],
)
def test_the_edition_of_the_day_is_told_and_since_when(
    ours: Regulations, day: date, edition: str, since: date
) -> None:
    (found,) = in_force(ours, [cited("第七条")], day)
    assert (found.edition, found.since, found.standing) == (edition, since, Standing.IN_FORCE)
    same = edition == "2026"
    assert found.cited == ("" if same else "2026")
    assert (found.text == "流程自己的话") is same  # else the words of the edition in force


def test_a_renumbered_article_is_followed_both_ways(ours: Regulations) -> None:
    rules = ours.find(RULES)
    assert rules is not None
    new = next(
        a for a in rules.editions[-1].articles.values() if a.taken_from not in ((), (a.number,))
    )
    back = in_force(ours, [cited(new.number)], date(2025, 1, 1))
    assert [g.article for g in back] == list(new.taken_from)
    for old in new.taken_from:
        forth = in_force(ours, [cited(old, "2014")], SWITCH)
        assert new.number in [g.article for g in forth]
        assert {g.edition for g in forth} == {"2026"}


def test_an_article_without_equal_says_how_it_stands() -> None:
    from tests.engine.compliance.test_regulations import load

    regulations = load()
    new = Basis("细则", "2026", "第四条", "丁")
    (early,) = in_force(regulations, [new], date(2026, 5, 17))
    assert early == Ground("细则", "2026", "第四条", "丁", SWITCH, "", Standing.NOT_YET)
    gone = Basis("细则", "2014", "第二条", "乙")
    (late,) = in_force(regulations, [gone], SWITCH)
    assert late.standing is Standing.NO_MORE
    assert (late.edition, late.article) == ("2014", "第二条")


def test_a_parameter_of_the_place_decides_from_which_day() -> None:
    from tests.engine.compliance.test_regulations import load

    regulations = load()
    county = Setting("switch", 1, "县委", "2026-05-11", date(2026, 1, 1), None, "通知")
    seen = ParameterView(regulations.parameters, settings_by_place([county]), (4, 1))
    basis = [Basis("细则", "2026", "第一条", "甲")]
    (here,) = in_force(regulations, basis, date(2026, 5, 12), seen)
    (elsewhere,) = in_force(regulations, basis, date(2026, 5, 12))
    assert (here.edition, here.since) == ("2026", date(2026, 5, 11))
    assert elsewhere.edition == "2014"


def test_what_is_not_known_stays_as_the_procedure_says_it(ours: Regulations) -> None:
    for basis in (
        Basis("某办法", "2020", "第一条", "话"),
        Basis(RULES, "1990", "第一条", "话"),
        Basis("中国共产党章程", "2022", "第一条", "话"),
    ):
        (found,) = in_force(ours, [basis], SWITCH)
        assert (found.article, found.text, found.cited) == ("第一条", "话", "")


def test_two_that_become_one_are_told_once(ours: Regulations) -> None:
    assert len(in_force(ours, [cited("第七条"), cited("第七条")], SWITCH)) == 1


def test_every_step_has_something_in_force_on_both_sides_of_the_switch(ours: Regulations) -> None:
    package = load_folder(ROOT / "processes" / "member_admission")
    for step in package.steps.values():
        for day in (date(2026, 5, 17), SWITCH):
            for ground in in_force(ours, step.basis, day):
                assert ours.article(ground.regulation, ground.edition, ground.article) is not None
                assert ground.standing is not Standing.NO_MORE
                if ground.standing is Standing.IN_FORCE and ground.since:
                    assert ground.since <= day
