"""What of a matter's findings a step changes, known from what stands."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from engine.calendars.arithmetic import add_days, add_months
from engine.compliance.findings import row_of
from engine.compliance.results import Outcome, Result
from engine.compliance.standing import KEPT, Change, change_of, read_standing, standing_of
from tests.compliance_builder import Matter, judge, lawful_2026

APPLIED = lawful_2026().until("submit_application")
LAST = add_months(APPLIED.day("submit_application"), 1)
TALK = ("R-ADM-02", "first_talk", 1)


def rows_of(results: list[Result]) -> list[dict[str, Any]]:
    return [row_of(result) for result in results if result.outcome in KEPT]


def standing_on(matter: Matter, **how: Any) -> Mapping[str, str]:
    return standing_of(rows_of(judge(matter, **how)))


def change(
    before: Mapping[str, str],
    results: list[Result],
    *,
    heard: Collection[str] | None = None,
    complete: bool = False,
) -> Change:
    rules = {result.rule.id for result in results} if heard is None else heard
    return change_of(before, rules, results, rows_of(results), complete=complete)


def test_what_stands_already_is_not_written_again() -> None:
    found = change(standing_on(APPLIED, today=LAST), judge(APPLIED, today=LAST), complete=True)
    assert (found.settled, found.rows) == ((), ())


def test_a_limit_that_has_passed_is_written_as_broken() -> None:
    before = standing_on(APPLIED, today=LAST)
    after = judge(APPLIED, today=add_days(LAST, 1))
    found = change(before, after, complete=True)
    written = {(row["rule"], row["outcome"]) for row in map(json.loads, found.rows)}
    assert ("R-ADM-02", "not_met") in written
    assert found.standing == standing_of(rows_of(after))


def test_what_was_done_in_time_stands_no_longer() -> None:
    before = standing_on(APPLIED, today=LAST)
    done = lawful_2026().until("first_talk")
    results = [r for r in judge(done, today=LAST) if r.rule.id == "R-ADM-02"]
    found = change(before, results)
    assert found.settled == ((*TALK, str(Outcome.MET)),)
    assert "|".join(map(str, TALK)) in before
    assert "|".join(map(str, TALK)) not in found.standing


def test_what_is_no_longer_said_of_a_step_not_done_does_not_apply() -> None:
    before = standing_on(APPLIED, today=LAST)
    assert change(before, [], heard={"R-ADM-02"}).settled == ((*TALK, "not_applicable"),)
    assert change(before, [], heard={"R-ADM-03"}).settled == ()


def test_what_is_no_longer_said_of_a_step_done_stays_unless_all_was_heard() -> None:
    late = lawful_2026().until("first_talk").on("first_talk", add_days(LAST, 1))
    before = standing_on(late, today=add_days(LAST, 1))
    assert change(before, [], heard={"R-ADM-02"}).settled == ()
    assert change(before, [], heard={"R-ADM-02"}, complete=True).settled == (
        (*TALK, "not_applicable"),
    )


def test_it_is_kept_as_json_and_may_be_unknown() -> None:
    standing = standing_on(APPLIED, today=LAST)
    assert read_standing(json.dumps(standing)) == standing
    assert read_standing(None) is None
