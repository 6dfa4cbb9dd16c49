"""Matters of the procedures that are shipped, moved to another version after every single step."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.clock import FixedClock
from engine.database import db, unit_of_work
from engine.definitions.operations import activate_version, deploy_package
from engine.definitions.package import load_package
from engine.lint.scenarios import play, read_cast_values, read_scenarios
from engine.runtime.migrating import move_running
from engine.runtime.models import Instance
from tests.database_player import DatabasePlayer
from tests.engine.runtime.test_scenarios import assert_findings_are_those_of_the_ledger
from tests.factories import is_consistent
from tests.shipped import deploy_shipped, package

PLAYED = (
    ("member_admission", "happy_path"),
    ("member_admission", "approval_returned"),
    ("assessment", "rectification_late"),
    ("democratic_review", "objection_regraded"),
    ("democratic_life_meeting", "happy_path"),
)
"""With stages, timers, send-backs, tasks for each of a list of people, ballots, messages."""


class MovingPlayer(DatabasePlayer):
    """Plays as usual, and after each action moves the matter to and fro between two versions."""

    versions: tuple[int, int]

    def complete(self, *args: Any, **more: Any) -> None:
        super().complete(*args, **more)
        self.move()

    def send_back(self, *args: Any, **more: Any) -> None:
        super().send_back(*args, **more)
        self.move()

    def come(self, *args: Any, **more: Any) -> None:
        super().come(*args, **more)
        self.move()

    def message(self, *args: Any, **more: Any) -> None:
        super().message(*args, **more)
        self.move()

    def move(self) -> None:
        """Move the matter, if it runs, to the other version. It must be able to."""
        instance = self.play.instance()
        db.session().refresh(instance)
        if instance.status != "active":
            return
        here = instance.version_id
        target = next(one for one in self.versions if one != here)
        found = move_running(self.clock, target, reason="更正", source=here)
        assert found.moving and not found.staying, found
        db.session().refresh(instance)
        assert instance.version_id == target
        is_consistent(instance.id, self.clock)


@pytest.mark.parametrize(("key", "name"), PLAYED)
def test_a_matter_moved_after_every_step_comes_to_the_same(
    session: Session, clock: FixedClock, key: str, name: str
) -> None:
    with unit_of_work() as unit:
        definition = deploy_shipped(unit, clock, key)
        again = load_package({**package(key).stored, "NOTES.md": b"2"})
        other = deploy_package(unit, again, clock).version_id
        assert definition.version_id is not None
        activate_version(unit, definition.version_id, clock)
    cast, _ = read_cast_values(definition.package)
    scenarios, _ = read_scenarios(definition.package)
    players: list[MovingPlayer] = []

    def player(**given: Any) -> MovingPlayer:
        made = MovingPlayer(**given)
        assert definition.version_id is not None
        made.versions = (definition.version_id, other)
        players.append(made)
        return made

    found = play(definition, scenarios[name], scenarios, cast, player)
    assert not found, "\n".join(map(str, found))
    for instance in session.scalars(select(Instance)):
        assert_findings_are_those_of_the_ledger(session, instance, definition, players[-1].clock)
