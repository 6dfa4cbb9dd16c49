"""Regulations: reading, which edition holds on a day, and how articles of two editions align."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from engine.compliance.parameters import ParameterView, Setting, settings_by_place
from engine.compliance.regulation_reading import load_regulation_folder, load_regulations
from engine.compliance.regulations import (
    Confidence,
    EditionStatus,
    Regulations,
    align,
    held_on,
)
from engine.definitions.package import load_folder
from engine.errors import PackageProblem
from engine.settings import ROOT

FOLDER = ROOT / "processes" / "regulations"


@pytest.fixture(scope="module")
def ours() -> Regulations:
    """The regulations of this repository."""
    return load_regulation_folder(FOLDER)


SOURCES = '[[source]]\nkey = "S1"\ntitle = "转载"\nquality = "good"\n'
PARAMETERS = (
    '[[parameter]]\nkey = "switch"\ntitle = "切换日"\ntype = "date"\ndefault = 2026-05-18\n'
    'min = 2026-05-11\nmax = 2026-05-18\nlevel = "county"\n'
)
RULES = """
title = "某某细则"
short = "细则"
issuer = "某部门"
aliases = ["办法"]
[[edition]]
id = "2014"
in_force = 2014-05-28
repealed = 2026-05-18
status = "replaced"
confidence = ["S1"]
[[edition.article]]
number = "第一条"
text = "甲"
confidence = ["S1"]
verified = true
[[edition.article]]
number = "第二条"
text = "乙"
confidence = ["K"]
[[edition.article]]
number = "第三条"
text = "丙"
confidence = ["K?"]
[[edition]]
id = "2026"
in_force = 2026-05-18
in_force_by = "switch"
confidence = ["S1"]
[[edition.article]]
number = "第一条"
from = ["第一条"]
text = "甲"
confidence = ["S1"]
[[edition.article]]
number = "第二条"
from = ["第三条"]
text = "丙"
confidence = ["A"]
unsure = "条次推定"
[[edition.article]]
number = "第四条"
text = "丁"
confidence = ["S1"]
verified = true
parameters = ["switch"]
"""


def load(rules: str = RULES, **more: str) -> Regulations:
    files = {"rules/regulation.toml": rules, "sources.toml": SOURCES, "parameters.toml": PARAMETERS}
    files.update({name.replace("__", "/"): text for name, text in more.items()})
    return load_regulations({path: text.encode() for path, text in files.items()})


# --- editions --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "edition"),
    [
        (date(2014, 5, 27), None),
        (date(2014, 5, 28), "2014"),
        (date(2026, 5, 17), "2014"),
        (date(2026, 5, 18), "2026"),
        (date(2030, 1, 1), "2026"),
    ],
)
def test_the_edition_of_a_day(ours: Regulations, day: date, edition: str | None) -> None:
    found = ours.edition_on("发展党员工作细则", day)
    assert (found and found.id) == edition


@pytest.mark.parametrize(
    ("day", "edition"), [(date(2026, 5, 10), "2014"), (date(2026, 5, 11), "2026")]
)
def test_a_parameter_decides_from_which_day_an_edition_holds(day: date, edition: str) -> None:
    regulations = load()
    set_by_county = Setting("switch", 1, "县委", "2026-05-11", date(2026, 1, 1), None, "通知")
    seen = ParameterView(regulations.parameters, settings_by_place([set_by_county]), (4, 1))
    found = regulations.edition_on("细则", day, seen)
    assert found is not None
    assert found.id == edition


def test_elsewhere_the_default_day_holds() -> None:
    regulations = load()
    found = regulations.edition_on("细则", date(2026, 5, 12), ParameterView(regulations.parameters))
    assert found is not None
    assert found.id == "2014"


def test_a_repealed_regulation_holds_no_longer() -> None:
    only = RULES.split('[[edition]]\nid = "2026"')[0]
    regulations = load(only)
    assert regulations.edition_on("细则", date(2026, 5, 17)) is not None
    assert regulations.edition_on("细则", date(2026, 5, 18)) is None


ONLY_OLD = RULES.split('[[edition]]\nid = "2026"')[0]
BORDERS = {
    date(2014, 5, 27): (None, None),
    date(2014, 5, 28): ("2014", "2014"),
    date(2026, 5, 10): ("2014", "2014"),
    date(2026, 5, 11): ("2014", "2014"),
    date(2026, 5, 17): ("2014", "2014"),
    date(2026, 5, 18): ("2026", None),
    date(2030, 1, 1): ("2026", None),
}
"""Which edition holds where a new one came, and where there came none."""


def by_timeline(regulations: Regulations, view: ParameterView | None, day: date) -> str | None:
    timeline = regulations.timeline("细则", view)
    assert timeline is not None
    held = held_on(timeline, day)
    return held and held.id


@pytest.mark.parametrize("case", [0, 1], ids=["replaced", "repealed"])
@pytest.mark.parametrize("day", BORDERS, ids=str)
def test_the_timeline_says_the_same_as_asking_for_each_day(case: int, day: date) -> None:
    regulations = load((RULES, ONLY_OLD)[case])
    elsewhere = Setting("switch", 1, "县委", "2026-05-11", date(2026, 1, 1), None, "通知")
    given = settings_by_place([elsewhere])
    for view in (
        None,
        ParameterView(regulations.parameters),
        ParameterView(regulations.parameters, given, (9, 8)),
    ):
        held = regulations.edition_on("细则", day, view)
        assert by_timeline(regulations, view, day) == (held and held.id) == BORDERS[day][case]


def test_where_a_day_was_set_it_is_asked_for_each_time() -> None:
    regulations = load()
    here = Setting("switch", 1, "县委", "2026-05-11", date(2026, 1, 1), None, "通知")
    view = ParameterView(regulations.parameters, settings_by_place([here]), (4, 1))
    assert regulations.timeline("细则", view) is None


# --- names and articles ----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["rules", "某某细则", "细则", "办法"])
def test_a_regulation_is_found_by_each_of_its_names(name: str) -> None:
    found = load().find(name)
    assert found is not None
    assert found.id == "rules"


def test_what_is_not_there_is_none() -> None:
    regulations = load()
    assert regulations.find("别的办法") is None
    assert regulations.edition_on("别的办法", date(2026, 1, 1)) is None
    assert regulations.timeline("别的办法") == ()
    assert regulations.article("细则", "2014", "第九条") is None
    assert regulations.article("细则", "2020", "第一条") is None


def test_articles_side_by_side() -> None:
    editions = load().by_id["rules"].editions
    rows = [
        (tuple(a.number for a in row.before), row.after and row.after.number, row.change)
        for row in align(*editions)
    ]
    assert rows == [
        (("第一条",), "第一条", "same"),
        (("第二条",), None, "dropped"),
        (("第三条",), "第二条", "renumbered"),
        ((), "第四条", "new"),
    ]


def test_an_article_made_of_two(ours: Regulations) -> None:
    before, after = ours.by_id["admission_rules"].editions
    row = next(row for row in align(before, after) if row.after and row.after.number == "第二十条")
    assert [a.number for a in row.before] == ["第二十一条", "第二十二条"]
    assert row.change == "changed"


def test_every_old_article_stands_once_beside_the_new_ones(ours: Regulations) -> None:
    before, after = ours.by_id["admission_rules"].editions
    rows = align(before, after)
    assert sorted(a.number for row in rows for a in row.before) == sorted(before.articles)
    assert [row.after.number for row in rows if row.after] == list(after.articles)


def test_what_should_be_checked_by_a_person() -> None:
    doubtful = [(e.id, a.number) for _, e, a in load().doubtful()]
    assert doubtful == [
        ("2014", "第二条"),
        ("2014", "第三条"),
        ("2026", "第一条"),
        ("2026", "第二条"),
    ]


def test_how_an_article_is_known(ours: Regulations) -> None:
    article = ours.article("admission_rules", "2026", "第十三条")
    assert article is not None
    assert article.grades == (Confidence.SOURCED,)
    assert article.sources == ("S1", "S2")
    assert "notice_start_day_counts" in article.parameters


# --- mistakes --------------------------------------------------------------------------------


MISTAKES = [
    ('issuer = "某部门"', "", "missing-key", None),
    ("in_force = 2014-05-28", "", "missing-key", None),
    ("repealed = 2026-05-18", "repealed = 2026-05-17", "edition-dates", None),
    ("repealed = 2026-05-18", "repealed = 2013-05-17", "edition-dates", None),
    ('id = "2026"', 'id = "2014"', "duplicate-edition", None),
    ('["第三条"]', '["第八条"]', "article-unknown", 'from = ["第八条"]'),
    ('"第四条"', '"第一条"', "duplicate-article", None),
    ('["S1"]\nverified', '["K"]\nverified', "verified-without-source", "verified = true"),
    ('["K?"]', '["k"]', "confidence-unknown", 'confidence = ["k"]'),
    ('["K?"]', '["S9"]', "source-unknown", 'confidence = ["S9"]'),
    ('["switch"]', '["swich"]', "parameter-unknown", 'parameters = ["swich"]'),
    ('= "switch"', '= "other"', "parameter-unknown", 'in_force_by = "other"'),
    ("2026-05-18\nin", "2026-05-19\nin", "edition-switch", "in_force = 2026-05-19"),
    ('title = "某某细则"', 'title = "某某细则"\nwords = "x"', "unknown-key", 'words = "x"'),
    ('title = "某某细则"', "title = ", "toml-syntax", "title = "),
    ("[[edition]]", "[[issue]]", "edition-missing", None),
]


@pytest.mark.parametrize(("old", "new", "code", "at"), MISTAKES)
def test_mistakes_are_named_with_their_line(old: str, new: str, code: str, at: str | None) -> None:
    rules = RULES.replace(old, new, 1)
    if code == "edition-missing":
        rules = rules.split("[[edition.article]]")[0]
    with pytest.raises(PackageProblem) as refused:
        load(rules)
    problem = next(p for p in refused.value.problems if p.code == code)
    assert problem.file == "rules/regulation.toml"
    assert problem.cure
    if at is not None:
        assert problem.line is not None
        assert rules.splitlines()[problem.line - 1].strip() == at.strip()


def test_two_regulations_may_not_share_a_name() -> None:
    with pytest.raises(PackageProblem) as refused:
        load(other__regulation_toml="")  # a file of another name is no regulation
    assert refused.value.problems[0].code == "file-unknown"
    files = {
        "a/regulation.toml": RULES.encode(),
        "b/regulation.toml": RULES.replace("某某细则", "某某办法").encode(),
        "sources.toml": SOURCES.encode(),
        "parameters.toml": PARAMETERS.encode(),
    }
    with pytest.raises(PackageProblem) as refused:
        load_regulations(files)
    assert {p.code for p in refused.value.problems} == {"name-taken"}


def test_a_folder_without_regulations(tmp_path: Path) -> None:
    with pytest.raises(PackageProblem) as refused:
        load_regulation_folder(tmp_path)
    assert refused.value.problems[0].code == "regulations-missing"


# --- what this repository holds --------------------------------------------------------------


def test_every_step_of_our_procedures_cites_what_is_there(ours: Regulations) -> None:
    package = load_folder(ROOT / "processes" / "member_admission")
    cited = [basis for step in package.steps.values() for basis in step.basis]
    assert cited
    for basis in cited:
        assert ours.article(basis.regulation, basis.edition, basis.article), basis


def test_all_regulations_of_the_domain_notes_are_here(ours: Regulations) -> None:
    assert {
        "party_constitution", "admission_rules", "branch_regulations", "member_education",
        "grassroots_elections", "political_life", "democratic_life_rules", "disposal_measures",
        "discipline_regulations", "approval_authority", "openness", "assessment_measures", "dues",
        "review_opinions",
    } <= set(ours.by_id)  # fmt: skip


def test_every_unverified_parameter_says_why(ours: Regulations) -> None:
    for parameter in ours.parameters.values():
        assert parameter.source
        assert parameter.title_en


def test_replaced_editions_have_a_successor(ours: Regulations) -> None:
    for regulation in ours:
        for edition in regulation.editions[:-1]:
            assert edition.status is EditionStatus.REPLACED
        assert regulation.editions[-1].status is not EditionStatus.REPLACED
