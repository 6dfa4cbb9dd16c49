"""The yearly review with its questionnaire on line: who votes, on whom, what it does not decide."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.ballots.models import BallotBox, BallotVoter
from engine.clock import FixedClock
from engine.compliance.models import Finding
from engine.database import db, unit_of_work
from engine.directory.actors import load_actor
from engine.errors import NotFound
from engine.lint.scenarios import play, read_cast_values, read_scenarios
from engine.runtime import balloting
from tests.database_player import DatabasePlayer
from tests.shipped import deploy_shipped


@pytest.fixture
def player(session: Session, clock: FixedClock) -> DatabasePlayer:
    """A review in which everybody has assessed himself and the questionnaire is open."""
    with unit_of_work() as unit:
        definition = deploy_shipped(unit, clock, "democratic_review")
    cast, _ = read_cast_values(definition.package)
    scenarios, _ = read_scenarios(definition.package)
    found: list[DatabasePlayer] = []

    def keep(**more: Any) -> DatabasePlayer:
        found.append(DatabasePlayer(**more))
        return found[-1]

    until = replace(scenarios["ballots_do_not_add_up"], actions=())
    play(definition, until, scenarios, cast, keep)
    return found[-1]


def box() -> BallotBox:
    found: BallotBox = db.session.scalars(
        select(BallotBox).execution_options(populate_existing=True)
    ).one()
    return found


def cast(player: DatabasePlayer, name: str, grade: str) -> str:
    who = player.play.ids[name]
    return balloting.cast_ballot(
        box().id,
        {f"grade.{person}": [grade] for person, _ in box().paper["questions"][0]["items"]},
        secret=f"the sign-in of {who}",
        actor=load_actor(db.session(), player.clock.today(), person_id=who),
        clock=player.clock,
    )


def test_all_members_vote_on_those_who_are_graded(player: DatabasePlayer) -> None:
    ids = player.play.ids
    voters = set(db.session.scalars(select(BallotVoter.person_id)))
    asked = {int(person) for person, _ in box().paper["questions"][0]["items"]}
    assert voters - asked == {ids["probationer"]} and asked < voters and len(voters) == 7
    with pytest.raises(NotFound):
        cast(player, "outsider", "excellent")
    for name in ("secretary", "commissioner", "member_a", "member_b", "probationer"):
        cast(player, name, "excellent")
    player.play.complete(
        "questionnaire", {}, player.clock.today(), "secretary", None, ["questionnaire"]
    )
    result = box().result
    assert (result["issued"], result["valid"], result["not_returned"]) == (7, 5, 2)
    assert result["counts"]["grade"][str(ids["member_c"])]["excellent"] == 5


def test_unanimous_votes_grade_nobody(player: DatabasePlayer) -> None:
    """Everybody is voted excellent; the meeting grades two, and that is what counts."""
    names = ["secretary", "commissioner", "publicity", "member_a", "member_b", "member_c"]
    for name in names:
        cast(player, name, "excellent")
    today = player.clock.today()
    player.play.complete("questionnaire", {}, today, "secretary", None, ["questionnaire"])
    assert player.play.task("grade_members")
    player.play.complete("grade_members", {}, today, "secretary")
    broken = set(db.session.scalars(select(Finding.rule).where(Finding.outcome == "not_met")))
    assert not broken & {"R-DR-03", "R-DR-04", "R-DR-05", "R-DR-11"}
