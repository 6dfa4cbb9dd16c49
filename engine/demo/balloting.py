"""Hold a secret ballot of a scenario: on paper, as a branch without computers would.

The people of a scenario have no sign-in of their own; what they wrote is counted by two tellers.
"""

from __future__ import annotations

from collections import Counter
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
    roll = session.execute(
        select(BallotVoter.person_id, BallotVoter.category).where(BallotVoter.box_id == box.id)
    ).all()
    voters = sorted(person for person, _ in roll)
    sizes = Counter(category for _, category in roll)
    lead: Any = {"actor": actor, "clock": clock}
    first, second = (load_actor(session, clock.today(), person_id=who) for who in voters[:2])
    numbers = _totals(Paper.from_data(box.paper), sizes, wanted)
    balloting.appoint_tellers(box.id, voters[:2], **lead)
    balloting.issue_paper(box.id, voters, **lead)
    balloting.enter_totals(box.id, numbers, actor=first, clock=clock)
    balloting.confirm_totals(box.id, actor=second, clock=clock)


def _totals(
    paper: Paper, sizes: Mapping[str, int], wanted: Mapping[str, Any]
) -> dict[str, int | None]:
    """Return what the tellers enter; ballots that are missing or invalid are of the last kinds."""
    issued = sum(sizes.values())
    missing = issued - wanted.get("collected", issued)
    invalid = wanted.get("invalid", 0)
    given: dict[str, int | None] = {}
    for kind, category in reversed(list(enumerate(paper.categories))):
        size = sizes.get(category, 0)
        if category in paper.by_hand:
            given[f"{kind}.issued"] = size
        # More than were handed out make ``lost`` negative.
        lost = min(missing, size)
        void = min(invalid, size - lost)
        missing, invalid = missing - lost, invalid - void
        given |= {f"{kind}.collected": size - lost, f"{kind}.invalid": void}
        for question in paper.questions:
            counts = wanted.get("counts", {}).get(question.key, {}) if kind == 0 else {}
            for place in question.places:
                line = counts.get(place, {}) if place else counts
                for number, option in enumerate(question.options):
                    default = size - lost - void if not line and not number else 0
                    name = f"{kind}.{place_name(question, place)}.{option.value}"
                    given[name] = line.get(option.value, default)
    return given
