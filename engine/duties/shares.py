"""For whom a step counts: what each person is credited with, and which organisation it is for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.compliance.facts import Facts, Occurrence
from engine.compliance.parameters import ancestry_of
from engine.definitions.duties import CountedStep, Duty, Tally
from engine.directory.models import Organisation, Post, valid_on


def shares_of(tally: Tally, process: str, facts: Facts, step: Occurrence) -> dict[str, float]:
    """Return what a step credits to whom, by the id of the person as text.

    Whoever makes up for an activity is credited with its figure, as those who were there.
    """
    if CountedStep(process, step.element) not in tally.made_up:
        return _credit(_figure(tally, step), _present(step.data.get(tally.people)))
    held = [
        one
        for one in facts.occurrences
        if one.seq < step.seq and CountedStep(process, one.element) not in tally.made_up
    ]
    figures = [figure for one in held if (figure := _figure(tally, one)) is not None]
    rows, person = tally.made_up_by
    people = [row.get(person) for row in _rows(step.data.get(rows))]
    there = {p for one in held for p in _present(one.data.get(tally.people))}
    return _credit(figures[-1] if figures else None, [p for p in people if p not in there])


def owing_place(session: Session, organisation_id: int, kinds: Sequence[str]) -> int | None:
    """Return the organisation whose members are credited: a Party group's branch, for one."""
    return next((id for id, kind in _above(session, organisation_id) if kind in kinds), None)


def place_of_holder(
    session: Session, organisation_id: int, duty: Duty, step: Occurrence
) -> int | None:
    """Return the organisation whose post the person named in a step held on its day.

    It is looked for at the organisation of the matter and those above it, the nearest first.
    """
    assert duty.done_by is not None, duty.key
    person = step.data.get(duty.done_by.person)
    if not isinstance(person, int):
        return None
    held = set(
        session.scalars(
            select(Post.organisation_id).where(
                Post.person_id == person,
                Post.kind.in_(duty.done_by.posts),
                valid_on(Post, step.occurred_on),
            )
        )
    )
    above = _above(session, organisation_id)
    return next((id for id, kind in above if kind in duty.kinds and id in held), None)


def _above(session: Session, organisation_id: int) -> list[tuple[int, str]]:
    """Return an organisation and those above it with their kinds, the nearest first."""
    path = session.scalar(select(Organisation.path).where(Organisation.id == organisation_id))
    ids = ancestry_of(path or "")
    rows = session.execute(
        select(Organisation.id, Organisation.kind).where(Organisation.id.in_(ids))
    )
    kind_of = {row.id: row.kind for row in rows}
    return [(id, kind_of[id]) for id in ids if id in kind_of]


def _figure(tally: Tally, step: Occurrence) -> float | None:
    value = step.data.get(tally.figure)
    try:
        return float(str(value)) if value is not None and not isinstance(value, bool) else None
    except ValueError:
        return None


def _present(attendance: Any) -> list[Any]:
    found = attendance.get("present_people") if isinstance(attendance, Mapping) else None
    return list(found or ())


def _rows(value: Any) -> list[Mapping[str, Any]]:
    return [row for row in value or () if isinstance(row, Mapping)]


def _credit(figure: float | None, people: Iterable[Any]) -> dict[str, float]:
    if not figure:
        return {}
    return {str(person): figure for person in people if isinstance(person, int)}
