"""The forecast of a matter on the database: who sees what, and that nothing is written."""

from __future__ import annotations

from datetime import date
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from engine.clock import FixedClock
from engine.errors import InvalidInput, NotFound
from engine.runtime.operations import suspend_instance
from engine.runtime.queries.forecast import MatterForecast, matter_forecast
from tests.played import Played, play_admission


@pytest.fixture
def played(session: Session, clock: FixedClock) -> Played:
    """The applicant is an activist since 5 March 2025."""
    played = play_admission(session, clock, until="assign_contacts")
    clock.set(date(2025, 4, 1))
    return played


def ask(played: Played, who: str, **given: str) -> MatterForecast | None:
    days = {element: date.fromisoformat(day) for element, day in given.items()}
    return matter_forecast(
        played.session, played.actor(who), played.clock, played.instance_id, days
    )


def test_the_superior_sees_days_limits_and_where_they_come_from(played: Played) -> None:
    told = ask(played, "superior_secretary")
    assert told is not None
    when = {step.element: step for step in told.steps}
    assert when["propose_prospect"].day == date(2026, 3, 5)
    examined = [(s.day, s.put_off) for s in told.steps if s.element == "examine_activist"]
    assert examined == [(date(2025, 9, 5), True), (date(2026, 3, 5), False)]
    approval = when["approve_admission"]
    assert approval.due_on is not None
    assert [(b.edition, b.article) for b in approval.basis] == [("2014", "第二十七条")]
    assert told.outcome_title == "转为正式党员"
    assert [one.element for one in told.late] == ["examine_activist"]
    assert told.late[0].until == date(2025, 9, 5)
    assert told.decisions


def test_the_person_concerned_sees_days_and_no_findings(played: Played) -> None:
    told = ask(played, "applicant", propose_prospect="2027-01-01")
    assert told is not None
    assert not told.with_findings
    assert told.late == () and told.would_break == ()
    assert told.outcome_on is not None and told.outcome_on > date(2028, 1, 1)


def test_strangers_learn_nothing(played: Played) -> None:
    with pytest.raises(NotFound):
        ask(played, "probationer")


def test_days_thought_of_show_what_would_be_wrong_and_write_nothing(played: Played) -> None:
    tables = ("ledger_entry", "finding", "task", "instance", "matter_facts", "procrastinate_jobs")
    before = [_content(played.session, table) for table in tables]
    told = ask(played, "secretary", hold_admission_meeting="2027-12-12")
    assert told is not None
    assert [broken.rule for broken in told.would_break] == ["R-ADM-19"]
    assert "2027-12-12" in str(told.would_break[0].sentence.params)
    assert told.would_break[0].basis
    assert [_content(played.session, table) for table in tables] == before


def _content(session: Session, table: str) -> str | None:
    query = f"SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table} t"
    found: str | None = session.scalar(text(query))
    return found


def test_the_switch_of_editions_is_met_on_the_way(played: Played) -> None:
    """Under the 2014 edition there is no notice in the rules; after the switch there is."""
    told = ask(played, "secretary", propose_prospect="2026-06-01")
    assert told is not None
    conclude = next(step for step in told.steps if step.element == "conclude_notice")
    assert [(b.edition, b.article) for b in conclude.basis] in ([], [("2026", "第十三条")])
    assert conclude.day == date(2026, 6, 9)


@pytest.mark.parametrize(
    ("element", "day"),
    [
        ("nothing", "2026-01-01"),
        ("propose_prospect", "2025-01-09"),
        ("propose_prospect", "2400-01-01"),
    ],
)
def test_impossible_questions_are_refused(played: Played, element: str, day: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        ask(played, "secretary", **{element: day})
    assert list(refusal.value.fields) == [f"on.{element}"]


def test_a_matter_that_does_not_run_has_no_forecast(played: Played) -> None:
    suspend_instance(
        played.instance_id,
        "盘点期间暂停",
        actor=played.actor("secretary"),
        clock=played.clock,
        command_id=uuid4(),
    )
    assert ask(played, "secretary") is None


def test_what_stands_in_the_way_leaves_the_end_in_doubt(
    session: Session, clock: FixedClock
) -> None:
    """A year has passed without a single examination: two are needed to propose."""
    played = play_admission(session, clock, until="examine_activist")
    clock.set(date(2026, 3, 5))
    told = ask(played, "secretary")
    assert told is not None and told.blocked
    blocking = [broken for broken in told.would_break if broken.blocks]
    assert [(broken.rule, broken.element) for broken in blocking] == [
        ("R-ADM-08", "propose_prospect")
    ]
    applicant = ask(played, "applicant")
    assert applicant is not None and applicant.blocked and not applicant.would_break
