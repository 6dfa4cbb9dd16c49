"""The papers of a members' meeting are filled from what its steps recorded."""

from __future__ import annotations

import io

import docx
from sqlalchemy.orm import Session

from engine.clock import FixedClock
from engine.database import unit_of_work
from engine.directory.actors import load_actor
from engine.documents.papers import make_paper
from engine.documents.svg import CLOSED, read_layouts
from engine.lint.scenarios import play, read_cast_values, read_scenarios
from tests.database_player import DatabasePlayer
from tests.shipped import deploy_shipped


def test_notice_sheet_minutes_and_resolution_say_what_happened(
    session: Session, clock: FixedClock
) -> None:
    with unit_of_work() as unit:
        package = (definition := deploy_shipped(unit, clock, "members_meeting")).package
    cast, _ = read_cast_values(package)
    scenarios, _ = read_scenarios(package)
    players: list[DatabasePlayer] = []

    def player(**more: object) -> DatabasePlayer:
        players.append(DatabasePlayer(**more))  # type: ignore[arg-type]
        return players[-1]

    assert not play(definition, scenarios["happy_path"], scenarios, cast, player)
    played = players[-1].play
    actor = load_actor(session, played.clock.today(), person_id=played.ids["secretary"])

    def words(paper: str) -> str:
        assert played.instance_id is not None
        made = make_paper(session, actor, played.clock, played.instance_id, paper)
        document = docx.Document(io.BytesIO(made.content))
        lines = [paragraph.text for paragraph in document.paragraphs]
        lines += [c.text for table in document.tables for row in table.rows for c in row.cells]
        text = "\n".join(lines)
        assert "{{" not in text and "{%" not in text, paper
        return text

    notice = words("notice")
    assert "上午九时" in notice and "1．研究支部工作" in notice
    assert "应到：6人" in words("sign_in")
    minutes = words("minutes")
    assert "应到6人，实到5人" in minutes and "周强：同意。" in minutes
    assert "支部工作安排（举手）" in minutes and "会议按议程进行。" in minutes
    resolution = words("resolution")
    assert "会议通过支部工作安排。" in resolution and "王建国" in resolution


def test_the_component_is_drawn_on_a_sheet_of_its_own(session: Session, clock: FixedClock) -> None:
    with unit_of_work() as unit:
        package = deploy_shipped(unit, clock, "theme_day").package
    planes = read_layouts(package.files[package.bpmn])
    assert [s.id for s in planes["theme_day"].shapes if s.kind == CLOSED] == ["hold_meeting"]
    assert {"roll_call", "hold_vote"} <= {shape.id for shape in planes["hold_meeting"].shapes}
