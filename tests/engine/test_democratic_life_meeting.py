"""The democratic life meeting of a committee: who owes it, who is due, what goes on to the next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from io import BytesIO
from typing import Any

import pytest
from docx import Document
from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.clock import ZONE, FixedClock
from engine.compliance.models import Finding
from engine.database import db, unit_of_work
from engine.demo.playing import Play
from engine.directory.actors import load_actor
from engine.documents.papers import make_paper
from engine.duties.catalogue import forget_catalogue
from engine.duties.models import DutyRow
from engine.duties.operations import run_duties
from engine.errors import InvalidInput
from engine.lint.scenarios import play, read_cast_values, read_scenarios
from engine.runtime.models import Task
from engine.runtime.queries.tasks import task_view
from engine.runtime.rectification.models import RectificationItem
from tests.database_player import DatabasePlayer
from tests.shipped import deploy_shipped

KEY = "democratic_life_meeting"
MEMBERS = ("secretary", "deputy", "commissioner", "discipline", "member_a", "member_b")


def played(clock: FixedClock, scenario: str) -> DatabasePlayer:
    """Play a scenario of the package; the package was deployed the year before."""
    clock.set(date(2025, 6, 1))
    with unit_of_work() as unit:
        definition = deploy_shipped(unit, clock, KEY)
    cast, _ = read_cast_values(definition.package)
    scenarios, _ = read_scenarios(definition.package)
    found: list[DatabasePlayer] = []

    def keep(**more: Any) -> DatabasePlayer:
        found.append(DatabasePlayer(**more))
        return found[-1]

    assert not play(definition, scenarios[scenario], scenarios, cast, keep)
    return found[-1]


@pytest.fixture
def first(session: Session, clock: FixedClock) -> DatabasePlayer:
    """A meeting held on 18 November 2026; four were present on the day but one."""
    return played(clock, "happy_path")


def owed(clock: FixedClock, player: DatabasePlayer, day: date) -> dict[str, DutyRow]:
    """Run the plan on a day; return what is owed for 2026 by organisation."""
    clock.set(day)
    forget_catalogue()
    run_duties(clock)
    names = {player.play.ids[key]: key for key in player.cast.organisations}
    rows = db.session().scalars(select(DutyRow).where(DutyRow.since == date(2026, 1, 1)))
    return {names[row.organisation_id]: row for row in rows if row.key.startswith(KEY)}


def test_committees_owe_it_each_year_and_branches_do_not(
    first: DatabasePlayer, clock: FixedClock
) -> None:
    rows = owed(clock, first, date(2026, 12, 20))
    assert sorted(rows) == ["committee", "county"]
    assert (rows["committee"].state, rows["committee"].done_on) == ("done", date(2026, 11, 18))
    assert rows["county"].state == "due"
    last = rows["county"].due_on
    assert owed(clock, first, last)["county"].state == "due"
    rows = owed(clock, first, date.fromordinal(last.toordinal() + 1))
    assert rows["county"].state == "late"
    finding = db.session.scalars(select(Finding).where(Finding.duty_id == rows["county"].id)).one()
    assert (finding.rule, finding.severity) == ("R-DL-01", "hard")


def test_a_meeting_that_could_not_be_held_does_not_count(
    session: Session, clock: FixedClock
) -> None:
    """Three of six came on the 18th; on the 20th it was held."""
    player = played(clock, "too_few_present")
    assert owed(clock, player, date(2026, 12, 20))["committee"].done_on == date(2026, 11, 20)


def test_only_the_leading_body_is_offered_and_due(first: DatabasePlayer) -> None:
    second = next_year(first, until="hold_meeting")
    task = db.session.scalars(
        select(Task).where(Task.instance_id == second.instance_id, Task.element == "hold_meeting")
    ).one()
    actor = load_actor(db.session(), second.clock.today(), person_id=second.ids["commissioner"])
    shown = task_view(db.session(), actor, second.clock, task.id)
    fields = {field.key: field for field in shown.form.fields}
    body = {second.ids[name] for name in (*MEMBERS, "newcomer")}
    offered = {person.id for person in shown.context.people_choices(fields["chaired_by"])}
    assert offered == body
    assert {person.id for person in shown.context.roll("committee", second.clock.today())} == body
    recorders = {person.id for person in shown.context.people_choices(fields["recorder"])}
    assert second.ids["clerk"] in recorders - body


def test_the_next_meeting_answers_what_this_one_left_open(first: DatabasePlayer) -> None:
    second = next_year(first, until="criticise")
    items = db.session.scalars(select(RectificationItem).order_by(RectificationItem.id)).all()
    assert [item.state for item in items] == ["open", "open"]
    day = date(2027, 11, 18)
    with pytest.raises(InvalidInput) as refused:
        second.complete("criticise", everybody(second), day, "commissioner")
    assert any(name.startswith("last_time") for name in refused.value.fields)
    answers = [
        {"item": items[0].id, "answer": "done", "reason": "每月走访，有记录。"},
        {"item": items[1].id, "answer": "carried", "due": "2028-03-31", "reason": "继续整改。"},
    ]
    second.complete("criticise", everybody(second, answers), day, "commissioner")
    db.session.expire_all()
    assert [item.state for item in items] == ["closed", "carried"]
    assert items[1].due_on == date(2028, 3, 31)


def test_its_papers_say_lists_in_words(first: DatabasePlayer) -> None:
    play = first.play
    assert play.instance_id is not None
    actor = load_actor(db.session(), play.clock.today(), person_id=play.ids["secretary"])

    def lines(paper: str) -> list[str]:
        made = make_paper(db.session(), actor, play.clock, play.instance_id or 0, paper)
        return "\n".join(p.text for p in Document(BytesIO(made.content)).paragraphs).split("\n")

    said = "1．发言人：王建国；自我批评：深入基层不够；对其提出批评的成员：李云、赵敏、孙丽、"
    assert any(line.startswith(said) for line in lines("minutes"))
    item = "2．存在问题：决策前调研不够；责任人：李云；整改措施：重大事项先调研；整改期限："
    assert any(line.startswith(item) for line in lines("rectification"))
    assert any("谈心谈话 16 人次" in line for line in lines("report"))


def everybody(play: Play, last_time: Any = ()) -> Mapping[str, Any]:
    """Return the answers of the meeting with the newcomer, who by now is of the body."""
    people = [f"@{name}" for name in (*MEMBERS, "newcomer")]
    speeches = [
        {
            "speaker": one,
            "self_criticism": "深入基层不够。",
            "critics": [other for other in people if other != one],
        }
        for one in people
    ]
    return {"speeches": speeches, "last_time": list(last_time)}


def next_year(player: DatabasePlayer, until: str) -> Play:
    """Take the meeting of 2027 up to a step."""
    clock = FixedClock(datetime(2027, 12, 1, 12, 0, tzinfo=ZONE))
    again = replace(player.play, clock=clock, instance_id=None, done=[])
    people = [*MEMBERS, "newcomer"]
    body = [f"@{name}" for name in people]
    preparation = {"study": 6, "collect_opinions": 8, "talk": 10, "examine_body": 11}
    again.complete("set_theme", {"meeting_year": 2027}, date(2027, 11, 1), "commissioner")
    plan = {"planned_on": "2027-11-18", "members": body}
    again.complete("make_plan", plan, date(2027, 11, 2), "commissioner")
    again.complete("review_plan", {}, date(2027, 11, 3), "superior")
    for element, day in preparation.items():
        again.complete(element, {}, date(2027, 11, day), "secretary")
    for name in people:
        again.complete("self_examine", {}, date(2027, 11, 12), name)
    again.complete("check_preparation", {}, date(2027, 11, 14), "secretary")
    if until == "criticise":
        roll = {"roll": {"present": body}}
        again.complete("hold_meeting", roll, date(2027, 11, 18), "commissioner")
    return again
