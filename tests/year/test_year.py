"""A year of a committee with twelve branches, told through the REST interface day by day.

At its end stand exactly the findings that the diary planted. How the year is told, and how to add
to it: docs/development.md.
"""

from __future__ import annotations

from collections import Counter

import psycopg
import pytest

from engine.duties.operations import run_duties
from engine.ledger.verify import Report, verify
from tests.year.changes import all_changes, decide_locally, move
from tests.year.desk import Desk
from tests.year.diary import ENDS, PARAMETERS, PLANTED, lines
from tests.year.from_ledger import (
    findings_from_the_ledger,
    forget_what_was_heard,
    stored_findings,
)
from tests.year.player import play
from tests.year.reckoning import (
    difference,
    found_by_the_system,
    owed_by_the_diary,
    owed_by_the_system,
    planted_duties,
)
from tests.year.stories import story
from tests.year.world import COMMITTEE, HEAD, MOVES, YEAR


@pytest.fixture(scope="module")
def told(desk: Desk) -> Desk:
    """The desk when the year has been told."""
    stories = [
        *(decide_locally(desk, key, value) for key, value in PARAMETERS),
        *all_changes(desk),
        *(move(desk, one) for one in MOVES),
        *(story(desk, line) for line in lines()),
    ]
    play(desk, stories, ENDS)
    return desk


def test_the_diary_agrees_with_itself() -> None:
    """What the diary leaves out of what is owed is what it says will be found."""
    left = {(o.place, f"{o.key}, {o.since}") for o in owed_by_the_diary() if o.state != "done"}
    assert left == {(planted.place, planted.about) for planted in planted_duties()}


def test_exactly_the_planted_findings_stand(told: Desk) -> None:
    assert difference(PLANTED, found_by_the_system(told)) == ""


def test_every_branch_has_done_what_its_diary_says(told: Desk) -> None:
    assert difference(owed_by_the_diary(), owed_by_the_system(told)) == ""


def test_the_board_counts_what_the_diary_counts(told: Desk) -> None:
    board = told.get(HEAD, f"organisations/{told.ids[COMMITTEE]}/board", year=str(YEAR))
    owed = owed_by_the_diary()
    states = Counter(one.state for one in owed)
    assert {state: board[state] for state in ("done", "made_up", "late", "due", "planned")} == {
        state: states[state] for state in ("done", "made_up", "late", "due", "planned")
    }
    late = Counter(one.key for one in owed if one.state == "late")
    assert {line["key"]: line["late"] for line in board["duties"] if line["late"]} == dict(late)
    severities = Counter(one.severity for one in PLANTED)
    assert (board["hard"], board["warning"]) == (severities["hard"], severities["warning"])


def test_the_ledger_verifies(told: Desk) -> None:
    with psycopg.connect(told.where.app) as connection:
        report = Report()
        assert list(verify(connection, report)) == []


def test_the_ledger_alone_gives_the_same_findings(told: Desk) -> None:
    """What is kept of matters and duties beside the ledger may be made anew from it."""
    assert difference(stored_findings(), findings_from_the_ledger(told)) == ""
    before = owed_by_the_system(told), found_by_the_system(told)
    forget_what_was_heard(told)
    run_duties(told.clock)
    assert (owed_by_the_system(told), found_by_the_system(told)) == before
