"""Hold a secret ballot of a scenario: on paper, as a branch without computers would.

The people of a scenario have no sign-in of their own; what they wrote is counted by two tellers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from engine.ballots.models import BallotBox, BallotVoter
from engine.ballots.paper import Paper, place_name
from engine.clock import Clock
from engine.database import db
from engine.directory.actors import Actor, load_actor
from engine.runtime import balloting


def hold_on_paper(
    task_id: int, key: str, wanted: Mapping[str, Any], *, actor: Actor, clock: Clock
) -> None:
    """Let everybody on the roll vote on paper, with the numbers of the scenario.

    ``wanted`` gives ``collected`` and ``invalid`` where not all came back, and ``counts`` by
    question, item and option; what it leaves open goes to the first option.
    """
    session = db.session()
    box = session.scalars(
        select(BallotBox).where(
            BallotBox.task_id == task_id, BallotBox.key == key, BallotBox.state == "open"
        )
    ).one()
    voters = sorted(
        session.scalars(select(BallotVoter.person_id).where(BallotVoter.box_id == box.id))
    )
    lead: Any = {"actor": actor, "clock": clock}
    first, second = (load_actor(session, clock.today(), person_id=who) for who in voters[:2])
    numbers = _totals(Paper.from_data(box.paper), len(voters), wanted)
    balloting.appoint_tellers(box.id, voters[:2], **lead)
    balloting.issue_paper(box.id, voters, **lead)
    balloting.enter_totals(box.id, numbers, actor=first, clock=clock)
    balloting.confirm_totals(box.id, actor=second, clock=clock)


def _totals(paper: Paper, issued: int, wanted: Mapping[str, Any]) -> dict[str, int | None]:
    collected = wanted.get("collected", issued)
    invalid = wanted.get("invalid", 0)
    given: dict[str, int | None] = {"0.collected": collected, "0.invalid": invalid}
    for question in paper.questions:
        counts = wanted.get("counts", {}).get(question.key, {})
        for place in question.places:
            line = counts.get(place, {}) if place else counts
            for number, option in enumerate(question.options):
                default = collected - invalid if not line and not number else 0
                name = f"0.{place_name(question, place)}.{option.value}"
                given[name] = line.get(option.value, default)
    return given
