"""The kinds as any procedure may use them: rules written for a small package, judged on facts."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from engine.calendars.arithmetic import add_days
from engine.compliance.evaluation import evaluate
from engine.compliance.facts import Facts, Occurrence, Place, Witness
from engine.compliance.parameters import ParameterView
from engine.compliance.reading import read_rules, rule_book
from engine.compliance.reads import settings_of
from engine.compliance.results import Outcome, Result
from engine.compliance.rules import RuleBook
from engine.definitions.package import load_package
from tests.compliance_builder import HOLIDAYS
from tests.package_builder import good_files
from tests.shipped import regulations

HEAD = 'id = "R-1"\ntitle = "规则"\ntitle_en = "Rule"\n'
DAY = date(2026, 6, 1)


def book(rule: str, *, before: str = "") -> RuleBook:
    """Return a book of one rule."""
    text = f"{before}\n[[rule]]\n{HEAD}{rule}"
    return read_rules(load_package({**good_files(), "rules.toml": text.encode()}), regulations())


def done(element: str, day: date | int = 0, **data: Any) -> Occurrence:
    """Return a step done some days after the first."""
    on = day if isinstance(day, date) else add_days(DAY, day)
    return Occurrence(element, on, on, data)


def judge(rule: str, *steps: Occurrence, before: str = "", **how: Any) -> list[Result]:
    """Return what the rule says of these steps."""
    numbered = tuple(replace(step, seq=n) for n, step in enumerate(steps, 1))
    of = book(rule, before=before)
    facts = Facts("tiny_review", Place(5, "branch"), 1, DAY, numbered)
    return evaluate(
        of,
        facts,
        today=how.get("today", numbered[-1].occurred_on),
        holidays=HOLIDAYS,
        parameters=ParameterView(of.parameters),
    )


def outcome(rule: str, *steps: Occurrence, **how: Any) -> Outcome:
    """Return the outcome of the last step judged."""
    found = [r for r in judge(rule, *steps, **how) if r.seq is not None]
    return found[-1].outcome


# --- deadline and wait: units -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("length", "last"),
    [
        ("days = 10", date(2026, 6, 11)),
        ("months = 1", date(2026, 7, 1)),
        ("years = 1", date(2027, 6, 1)),
        ("years = 1, months = 6", date(2027, 12, 1)),
        ("workdays = 3", date(2026, 6, 4)),
        ("workdays = 14", date(2026, 6, 22)),  # the Dragon Boat holiday of 19 June lies in between
    ],
)
def test_a_length_of_any_unit(length: str, last: date) -> None:
    deadline = f'kind = "deadline"\nstep = "review"\nfrom = "apply"\nwithin = {{ {length} }}'
    wait = f'kind = "wait"\nstep = "review"\nfrom = "apply"\nafter = {{ {length} }}'
    on, early, late = (done("review", add_days(last, n)) for n in (0, -1, 1))
    assert outcome(deadline, done("apply"), on) is Outcome.MET
    assert outcome(deadline, done("apply"), late) is Outcome.NOT_MET
    assert outcome(wait, done("apply"), on) is Outcome.MET
    assert outcome(wait, done("apply"), early) is Outcome.NOT_MET


def test_the_units_of_a_length_are_added_one_after_the_other() -> None:
    leap_day = replace(done("apply"), occurred_on=date(2024, 2, 29))
    deadline = (
        'kind = "deadline"\nstep = "review"\nfrom = "apply"\nwithin = { years = 1, months = 6 }'
    )
    for day, expected in ((28, Outcome.MET), (29, Outcome.NOT_MET)):
        review = replace(done("review"), occurred_on=date(2025, 8, day))
        assert outcome(deadline, leap_day, review) is expected


def test_a_full_wait_begins_the_day_after() -> None:
    wait = 'kind = "wait"\nstep = "review"\nfrom = "apply"\nafter = { days = 5 }\nfull = true'
    assert outcome(wait, done("apply"), done("review", 5)) is Outcome.NOT_MET
    assert outcome(wait, done("apply"), done("review", 6)) is Outcome.MET


def test_only_a_notice_may_count_its_first_day() -> None:
    counts = 'kind = "wait"\nstep = "review"\nfrom = "apply"\nafter = { workdays = 5 }\nfull = true'
    plain = counts.replace("\nfull = true", "")
    within = 'kind = "deadline"\nstep = "review"\nfrom = "apply"\nwithin = { workdays = 5 }'
    for rule, asked in ((counts, True), (plain, False), (within, False)):
        (found,) = judge(rule, done("apply"), done("review", 30))
        assert bool(found.used) is asked


def test_a_reason_excuses_any_delay_or_up_to_a_longer_limit() -> None:
    base = (
        'kind = "deadline"\nstep = "review"\nfrom = "apply"\nwithin = { days = 5 }\n'
        'reason = "present(review_reason)"'
    )
    longer = base + "\nor_within = { days = 10 }"
    late = done("review", 11, review_reason="住院")
    assert outcome(base, done("apply"), late) is Outcome.MET
    assert outcome(longer, done("apply"), late) is Outcome.NOT_MET
    in_time = done("review", 10, review_reason="住院")
    assert outcome(longer, done("apply"), in_time) is Outcome.MET
    assert outcome(longer, done("apply"), done("review", 6)) is Outcome.NOT_MET


def test_a_limit_runs_from_a_day_that_was_entered() -> None:
    rule = (
        'kind = "deadline"\nstep = "review"\nfrom = "apply"\n'
        "from_day = \"data['apply']['letter_date']\"\nwithin = { days = 5 }"
    )
    start = done("apply", letter_date="2026-06-03")
    assert outcome(rule, start, done("review", date(2026, 6, 8))) is Outcome.MET
    assert outcome(rule, start, done("review", date(2026, 6, 9))) is Outcome.NOT_MET
    assert outcome(rule, done("apply"), done("review", 900)) is Outcome.NOT_APPLICABLE


def test_a_deadline_runs_anew_from_each_time_its_start_was_done() -> None:
    rule = 'kind = "deadline"\nstep = "review"\nfrom = "apply"\nwithin = { days = 5 }'
    results = judge(
        rule, done("apply"), done("review", 5), done("apply", 20), today=add_days(DAY, 25)
    )
    assert [(r.round, r.outcome) for r in results] == [(1, Outcome.MET), (2, Outcome.PENDING)]
    results = judge(
        rule, done("apply"), done("review", 5), done("apply", 20), today=add_days(DAY, 26)
    )
    assert results[-1].outcome is Outcome.NOT_MET


# --- meetings: the thresholds of domain/05 and 06 -----------------------------------------------


def _there(due: int, present: int) -> dict[str, Any]:
    return {"due": due, "present": present}


@pytest.mark.parametrize(
    ("share", "strict", "due", "least"),
    [
        ("4/5", "false", 10, 8),  # election: at least four fifths
        ("4/5", "false", 7, 6),
        ("1/2", "true", 10, 6),  # admission: more than half
        ("1/2", "false", 10, 5),  # general resolutions where half suffices
        ("2/3", "false", 10, 7),
    ],
)
def test_quorum(share: str, strict: str, due: int, least: int) -> None:
    rule = (
        f'kind = "attendance"\nstep = "review"\nattendance = "there"\n'
        f'share = "{share}"\nstrict = {strict}'
    )
    assert outcome(rule, done("review", there=_there(due, least))) is Outcome.MET
    assert outcome(rule, done("review", there=_there(due, least - 1))) is Outcome.NOT_MET


@pytest.mark.parametrize(("base", "least"), [("due", 6), ("present", 5)])
def test_the_base_of_a_majority_is_those_due_or_those_present(base: str, least: int) -> None:
    rule = f'kind = "majority"\nstep = "review"\nvote = "v"\nshare = "1/2"\nof = "{base}"'
    for yes, expected in ((least, Outcome.MET), (least - 1, Outcome.NOT_MET)):
        vote = {"for": yes, "due": 10, "present": 8, "outcome": "adopted"}
        assert outcome(rule, done("review", v=vote)) is expected


def test_half_suffices_where_the_parameter_says_so() -> None:
    rule = (
        'kind = "attendance"\nstep = "review"\nattendance = "there"\nshare = "1/2"\n'
        'strict = "@half_or_more"'
    )
    (found,) = judge(rule, done("review", there=_there(10, 5)))
    assert found.outcome is Outcome.NOT_MET
    assert [(used.key, used.value) for used in found.used] == [("half_or_more", "strict")]


def test_a_roll_for_elections_knows_one_reason_more() -> None:
    there = {"due": 2, "present": 2, "excluded": [{"person": 3, "reason": "retired_away"}]}
    for reasons, expected in (("election", Outcome.MET), ("admission", Outcome.NOT_MET)):
        rule = f'kind = "roll"\nstep = "review"\nattendance = "there"\nreasons = "{reasons}"'
        step = Occurrence("review", DAY, DAY, {"there": there}, rolls={"there": (1, 2, 3)})
        assert outcome(rule, step) is expected


# --- recurrence, count, separation, order -------------------------------------------------------


def test_a_recurrence_without_an_end_goes_on() -> None:
    rule = (
        'kind = "recurrence"\nstep = "check"\nrecords = "check"\nfrom = "apply"\n'
        "every = { months = 3 }"
    )
    first, second = done("check", date(2026, 9, 1)), done("check", date(2026, 12, 1))
    results = judge(rule, done("apply"), first, second, today=date(2027, 3, 1))
    assert [r.outcome for r in results] == [Outcome.MET, Outcome.MET, Outcome.PENDING]
    late = judge(rule, done("apply"), first, second, today=date(2027, 3, 2))
    assert late[-1].outcome is Outcome.NOT_MET
    assert "已超期 1 天" in str(late[-1].sentence)


def test_people_without_an_upper_number() -> None:
    rule = 'kind = "count"\nstep = "review"\npeople = "who"\nleast = 2\nwhat = "核实人员"'
    assert outcome(rule, done("review", who=[1, 2, 3])) is Outcome.MET
    found = judge(rule, done("review", who=[1]))[-1]
    assert str(found.sentence) == "核实人员须不少于 2 人，实际 1 人。"
    assert outcome(rule, done("review")) is Outcome.NOT_MET


def test_nobody_decides_on_their_own_matter() -> None:
    rule = (
        'kind = "separation"\nstep = "review"\none = { subject = "本人" }\n'
        'others = { actor = "办理人", who = "谈话人" }'
    )
    by = Occurrence("review", DAY, DAY, {"who": [2]}, actor=3)
    assert outcome(rule, by) is Outcome.MET
    for own in (
        Occurrence("review", DAY, DAY, {"who": [2]}, actor=1),
        Occurrence("review", DAY, DAY, {"who": [1, 2]}, actor=3),
    ):
        assert outcome(rule, own) is Outcome.NOT_MET


def test_one_of_several_steps_goes_before() -> None:
    rule = 'kind = "order"\nstep = "review"\nafter = "apply|check"\nstrict = true'
    assert outcome(rule, done("check"), done("review", 1)) is Outcome.MET
    assert outcome(rule, done("apply"), done("review", 1)) is Outcome.MET
    assert outcome(rule, done("apply"), done("review")) is Outcome.NOT_MET
    assert outcome(rule, done("apply", 5), done("check"), done("review", 1)) is Outcome.MET
    assert outcome(rule, done("review")) is Outcome.NOT_MET


def test_all_parts_have_to_be_met_and_the_failing_ones_speak() -> None:
    rule = (
        'kind = "all"\nstep = "review"\n'
        '[[rule.check]]\nkind = "document"\nfilled = { a = "甲" }\n'
        '[[rule.check]]\nkind = "document"\nfilled = { b = "乙" }\n'
        '[[rule.check]]\nkind = "document"\nfilled = { c = "丙" }\nwhen = "present(a)"'
    )
    assert outcome(rule, done("review", a="x", b="x", c="x")) is Outcome.MET
    found = judge(rule, done("review", b="x"))[-1]
    assert (found.outcome, str(found.sentence)) == (
        Outcome.NOT_MET,
        "须有 1 项，缺 1 项：甲。",
    )
    assert outcome(rule, done("review", a="x", b="x")) is Outcome.NOT_MET


def test_an_expression_that_lacks_what_it_needs_is_not_met() -> None:
    rule = (
        'kind = "expression"\nstep = "review"\nthat = "score > 3"\n'
        'met = "%(n)s 分。"\nnot_met = "%(n)s 分不够。"\nnumbers = { n = "score" }'
    )
    assert outcome(rule, done("review", score=4)) is Outcome.MET
    assert outcome(rule, done("review", score=3)) is Outcome.NOT_MET
    assert "没有记录" in str(judge(rule, done("review"))[-1].sentence)


def test_what_expressions_see() -> None:
    seen = {
        "on['apply']": "2026-06-01",
        "occurred_on": "2026-06-03",
        "recorded_on": "2026-06-09",
        "element": "review",
        "subject": 1,
        "actor": 7,
        "times": 1,
        "place['kind']": "committee",
        "place['approves']": True,
        "data['apply']['a']": "x",
        "data['apply']['missing']": None,
        "data['check']['anything']": None,
        "since['full']": "2026-01-01",
        "by_timer": False,
        "started_on": "2026-06-01",
        "inner['a']['b']": 5,
        "inner['nothing']": None,
    }
    review = Occurrence(
        "review",
        date(2026, 6, 3),
        date(2026, 6, 9),
        {"inner": {"a": {"b": 5}}},
        actor=7,
        place=Place(3, "committee", approves=True),
        people={1: Witness("full")},
        statuses=(("full", date(2026, 1, 1)),),
    )
    for source, value in seen.items():
        rule = (
            f'kind = "expression"\nstep = "review"\nthat = "{source} == {value!r}"\n'
            'met = "对"\nnot_met = "错"'
        )
        assert outcome(rule, done("apply", a="x"), review) is Outcome.MET, source


# --- reading ------------------------------------------------------------------------------------


def test_a_book_is_read_once_for_the_same_content() -> None:
    package = load_package(good_files())
    assert rule_book(package, regulations()) is rule_book(load_package(good_files()), regulations())


def test_a_package_without_rules_has_none() -> None:
    of = rule_book(load_package(good_files()), regulations())
    assert of.rules == ()
    facts = Facts("tiny_review", Place(5, "branch"), 1, DAY, (done("apply"),))
    assert evaluate(of, facts, today=DAY, holidays=HOLIDAYS, parameters=ParameterView({})) == []


def test_a_book_knows_what_its_rules_read() -> None:
    of = book(
        'kind = "deadline"\nstep = "review"\nwhere = "done_well == \'yes\'"\nfrom = "apply"\n'
        'from_where = "sort == \'a\'"\nwithin = { days = "@n" }\n'
        "reason = \"present(data['check']['why'])\"",
        before='[[parameter]]\nkey = "n"\ntitle = "天"\ntype = "days"\ndefault = 3\n',
    )
    assert of.reads == {
        "review": frozenset({"done_well"}),
        "apply": frozenset({"sort"}),
        "check": frozenset({"why"}),
    }
    assert {e: len(rules) for e, rules in of.by_element.items()} == {
        "review": 1,
        "apply": 1,
        "check": 1,
    }
    assert settings_of(of.rules[0].check) == {"n"}
    assert of.parameters["n"].key == "tiny_review.n"
    assert of.rule("R-1") is of.rules[0]
    assert of.rule("R-2") is None
