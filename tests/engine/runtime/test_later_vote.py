"""A vote that rests on the attendance of an earlier step, handed in and corrected."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.clock import FixedClock
from engine.compliance.from_ledger import read_facts
from engine.database import unit_of_work
from engine.directory.actors import load_actor
from engine.errors import InvalidInput
from engine.ledger.models import LedgerEntry
from engine.lint.scenarios import play, read_cast_values, read_scenarios
from engine.runtime.correcting import correct_entry
from engine.runtime.queries.corrections import correction_view
from tests.database_player import DatabasePlayer
from tests.shipped import deploy_shipped


def test_a_vote_is_corrected_against_the_attendance_of_its_meeting(
    session: Session, clock: FixedClock
) -> None:
    with unit_of_work() as unit:
        definition = deploy_shipped(unit, clock, "members_meeting")
    cast, _ = read_cast_values(definition.package)
    scenarios, _ = read_scenarios(definition.package)
    players: list[DatabasePlayer] = []

    def player(**more: object) -> DatabasePlayer:
        players.append(DatabasePlayer(**more))  # type: ignore[arg-type]
        return players[-1]

    assert not play(definition, scenarios["happy_path"], scenarios, cast, player)
    played = players[-1].play
    assert played.instance_id is not None
    actor = load_actor(session, played.clock.today(), person_id=played.ids["secretary"])
    seq = session.scalars(
        select(LedgerEntry.seq).where(
            LedgerEntry.chain_id == played.instance_id,
            LedgerEntry.kind == "completed",
            LedgerEntry.element == "hold_vote",
        )
    ).one()
    view = correction_view(session, actor, played.clock, played.instance_id, seq)

    def correct(**votes: int) -> None:
        values = {**view.values, "vote": {**view.values["vote"], **votes}}
        assert played.instance_id is not None
        correct_entry(played.instance_id, seq, values, "票数录错", actor=actor, clock=played.clock)

    with pytest.raises(InvalidInput) as refused:  # five were there
        correct(**{"for": 5, "against": 1})
    assert any(field.startswith("vote") for field in refused.value.fields)
    correct(**{"for": 4, "against": 1})
    facts = read_facts(session, played.instance_id)
    assert facts is not None
    (held,) = facts.by_element["hold_vote"]
    assert (held.data["vote"]["for"], held.data["vote"]["outcome"]) == (4, "adopted")
