"""From a ballot field to the box: who is on the roll, whom it is about, what is asked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.ballots.operations import open_box
from engine.ballots.paper import MOST_ITEMS, MOST_OPTIONS, Choice, Paper, Question
from engine.compliance.parameter_store import parameter_view
from engine.compliance.regulation_store import current_regulations
from engine.directory.models import Organisation, Person
from engine.directory.voting import committee_members, party_members, voters
from engine.errors import EngineFault
from engine.expressions import Expression
from engine.forms.ballot_fields import ON_PAPER
from engine.forms.fields import Field, FieldKind
from engine.runtime import transitions
from engine.runtime.matters import Matter, World

MIN_SIZE: Final = "ballot_min_size"
"""The parameter: fewer valid ballots than this are not broken down, unless the form says else."""
USUAL_MIN_SIZE: Final = 5
"""What counts in an installation in which no parameters are deployed."""

_BODIES = {"members": voters, "party_members": party_members, "committee": committee_members}


def open_for_field(
    session: Session,
    world: World,
    matter: Matter,
    instance_id: int,
    task_id: int,
    uid: UUID,
    field: Field,
) -> int:
    """Open the box of a ballot field at its open task. Raises EngineFault where nobody may vote."""
    people = _People(session, world, matter, uid)
    roll: dict[int, str] = {}
    for one in field.people:
        for person_id in people.of(one.who):
            # Whoever belongs to two categories votes once, in the first.
            roll.setdefault(person_id, one.label)
    by_hand = tuple(one.label for one in field.people if one.who == ON_PAPER)
    if not roll and not by_hand:
        raise EngineFault(f"nobody is on the roll of the ballot {field.key}")
    paper = Paper(
        title=field.label,
        questions=tuple(_question(question, people) for question in field.questions),
        categories=tuple(one.label for one in field.people),
        by_hand=by_hand,
        note=field.hint,
    )
    return open_box(
        session,
        instance_id=instance_id,
        task_id=task_id,
        key=field.key,
        paper=paper,
        roll=roll,
        min_size=_min_size(session, matter, field, world.clock.today()),
        published=field.flag("publish"),
        day=world.clock.today(),
    )


def _min_size(session: Session, matter: Matter, field: Field, day: date) -> int:
    """Return how many valid ballots it takes to break results down: the form's word, or ours."""
    if "min_size" in field.props:
        return int(field.props["min_size"])
    declared = current_regulations(session).parameters
    if MIN_SIZE not in declared:
        return USUAL_MIN_SIZE
    place = session.get_one(Organisation, matter.organisation_id)
    return parameter_view(session, place.path, declared).value(MIN_SIZE, day).number


class _People:
    """Answers whom words and expressions of a ballot mean, at its task."""

    def __init__(self, session: Session, world: World, matter: Matter, uid: UUID) -> None:
        self.session, self.world, self.matter = session, world, matter
        self.day = world.clock.today()
        self.facts: dict[str, Any] = dict(transitions.prepare(matter, uid, world).facts)

    def of(self, who: str | Expression) -> list[int]:
        """Return the people's numbers, each once."""
        if isinstance(who, str):
            if who == ON_PAPER:
                return []
            found = _BODIES[who](self.session, self.matter.organisation_id, self.day)
            return [person.id for person in found]
        value = who.evaluate({**self._known(who), **self.facts}, self.world.functions)
        numbers = [_number(item) for item in value] if isinstance(value, (list, tuple)) else []
        return list(dict.fromkeys(number for number in numbers if number is not None))

    def named(self, who: str | Expression) -> tuple[Choice, ...]:
        """Return the people as they stand on a paper, by name."""
        ids = self.of(who)
        names = dict(
            self.session.execute(select(Person.id, Person.name).where(Person.id.in_(ids))).all()
        )
        return tuple(Choice(str(i), names[i]) for i in ids if i in names)

    def _known(self, who: Expression) -> dict[str, Any]:
        known = {}
        for name, body in (
            ("branch_members", party_members),
            ("branch_committee", committee_members),
        ):
            if name in who.names:
                found = body(self.session, self.matter.organisation_id, self.day)
                known[name] = [person.id for person in found]
        return known


def _number(item: object) -> int | None:
    if isinstance(item, Mapping):
        item = item.get("person")
    return item if isinstance(item, int) and not isinstance(item, bool) else None


def _question(field: Field, people: _People) -> Question:
    named = {one.label: one.who for one in field.people}
    options = tuple(Choice(option.value, option.label) for option in field.options)
    if "candidates" in named:
        options = people.named(named["candidates"])
    items = people.named(named["about"]) if "about" in named else ()
    if not options or len(options) > MOST_OPTIONS or len(items) > MOST_ITEMS:
        raise EngineFault(f"the question {field.key} has no options, or too many")
    if "about" in named and not items:
        raise EngineFault(f"the question {field.key} is about nobody")
    if field.kind is FieldKind.RADIO:
        return Question(field.key, field.label, options, items, 1 if field.required else 0, 1)
    most = min(int(field.props.get("most", len(options))), len(options))
    least = int(field.props.get("least", "1" if field.required else "0"))
    return Question(field.key, field.label, options, items, min(least, most), most)
