"""A matter of member admission played on the database, and people above who look at it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.clock import FixedClock
from engine.compliance.models import Finding
from engine.database import db, unit_of_work
from engine.directory.actors import Actor, load_actor
from engine.directory.models import Membership, Person, Post
from engine.lint.scenarios import play, read_cast_values, read_scenarios
from tests.database_player import DatabasePlayer
from tests.shipped import deploy_shipped

LONG_AGO = date(2000, 1, 1)
ONLOOKERS = (
    ("auditor", "auditor", "county"),
    ("department", "organisation_department", "county"),
    ("administrator", "administrator", "county"),
)


@dataclass
class Played:
    """A matter, and who is who."""

    session: Session
    clock: FixedClock
    instance_id: int
    ids: Mapping[str, int]
    player: DatabasePlayer

    def actor(self, name: str) -> Actor:
        """Return one of the cast, or an onlooker, as an actor of today."""
        return load_actor(self.session, self.clock.today(), person_id=self.ids[name])

    def findings(self, outcome: str = "not_met") -> dict[str, Finding]:
        """Return the findings of an outcome by rule, as they are stored now."""
        rows = self.session.scalars(
            select(Finding)
            .where(Finding.instance_id == self.instance_id, Finding.outcome == outcome)
            .execution_options(populate_existing=True)
        )
        return {row.rule: row for row in rows}


def play_admission(
    session: Session,
    clock: FixedClock,
    *,
    scenario: str = "happy_path",
    until: str | None = None,
    days: Mapping[str, date] | None = None,
) -> Played:
    """Play a scenario, up to the step ``until`` if given; some steps on other ``days``."""
    with unit_of_work() as unit:
        definition = deploy_shipped(unit, clock)
    players: list[DatabasePlayer] = []

    def player(**more: Any) -> DatabasePlayer:
        players.append(DatabasePlayer(**more))
        return players[-1]

    cast, _ = read_cast_values(definition.package)
    scenarios, _ = read_scenarios(definition.package)
    story = scenarios[scenario]
    actions = list(story.actions)
    if until is not None:
        actions = actions[: next(i for i, do in enumerate(actions) if do.target == until)]
    if days:
        # What a scenario expects of limits no longer holds on other days.
        moved = (replace(do, on=days.get(do.target, do.on), expected={}) for do in actions)
        actions = [do for do in moved if do.action]
    story = replace(story, actions=tuple(actions), then={} if until or days else story.then)
    wrong = play(definition, story, scenarios, cast, player)
    assert not wrong, "\n".join(map(str, wrong))
    played = players[-1].play
    assert played.instance_id is not None
    ids = {**played.ids, **_onlookers(played.ids, clock)}
    clock.set(played.clock.today())
    return Played(db.session(), clock, played.instance_id, ids, players[-1])


def _onlookers(ids: Mapping[str, int], clock: FixedClock) -> dict[str, int]:
    made: dict[str, int] = {}
    with unit_of_work() as unit:
        for key, kind, at in ONLOOKERS:
            person = Person(name=key, organisation_id=ids["county_branch"], created_at=clock.now())
            unit.add(person)
            unit.flush()
            made[key] = person.id
            unit.add(
                Membership(
                    person_id=person.id,
                    status="full",
                    since=LONG_AGO,
                    organisation_id=ids["county_branch"],
                    recorded_at=clock.now(),
                )
            )
            unit.add(Post(person_id=person.id, organisation_id=ids[at], kind=kind, since=LONG_AGO))
    return made
