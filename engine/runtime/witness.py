"""What the directory says on the day of a step, kept with the step as its witness (佐证).

Rules judge a step by what stands in the ledger. The directory may be corrected later; who was a
full member then, and who was due at the meeting, stays as it was known when the step was recorded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Protocol

from engine.directory.actors import HeldPost
from engine.forms.fields import Field, FieldKind, PersonChoice
from engine.runtime.known import Known, KnownPeople


class Directory(Protocol):
    """What a form's context knows of people already, on the day of the step."""

    @property
    def known(self) -> KnownPeople:
        """People by id."""

    def roll(self, body: str, day: date) -> Sequence[PersonChoice]:
        """Return who is due, nobody excluded."""


def witness(
    directory: Directory,
    fields: Sequence[Field],
    data: Mapping[str, Any],
    day: date,
    post: HeldPost | None,
) -> dict[str, Any]:
    """Return what is known on ``day`` of the people and meetings that a step's data name.

    ``place`` is the organisation for which the actor acted, if a post gave the right; ``people``
    the standing of each by id; ``rolls`` those due by attendance field.
    """
    named = list(_naming(fields, data))
    meetings = {
        field.key: [person.id for person in directory.roll(field.props.get("body", "members"), day)]
        for field, _ in named
        if field.kind is FieldKind.ATTENDANCE
    }
    found: dict[str, Any] = {"rolls": meetings} if meetings else {}
    people = sorted({*_people(named), *(who for roll in meetings.values() for who in roll)})
    approves = post is not None and post.approves
    if post is not None:
        found["place"] = [post.organisation_id, str(post.organisation_kind), approves]
    if people:
        place = post.organisation_id if approves and post is not None else None
        found["people"] = {
            str(person.id): _standing(person, place) for person in directory.known.read(people)
        }
    return found


def _standing(person: Known, place: int | None) -> str | list[Any]:
    """Return the status, or ``[status, whether rights rest, posts at the committee]``.

    Whom a committee that approves members sends or names may have to hold a post with it.
    """
    status = str(person.status)
    if place is not None:
        return [status, person.restricted, person.posts_at(place)]
    return [status, True] if person.restricted else status


def _people(named: Iterable[tuple[Field, Any]]) -> Iterator[int]:
    for field, value in named:
        if field.kind is FieldKind.PERSON:
            yield value
        elif field.kind is FieldKind.PEOPLE:
            yield from value
        elif field.kind is FieldKind.ATTENDANCE:
            yield from value["present_people"]
            yield from (excluded["person"] for excluded in value["excluded"])


def _naming(fields: Iterable[Field], data: Mapping[str, Any]) -> Iterator[tuple[Field, Any]]:
    """Yield each field that names people, with what it holds."""
    for field in fields:
        if not field.names_people:
            continue
        value = data.get(field.key) if field.key else data
        if field.kind is FieldKind.LIST and isinstance(value, list):
            for row in value:
                yield from _naming(field.children, row)
        elif field.kind is FieldKind.GROUP and isinstance(value, Mapping):
            yield from _naming(field.children, value)
        elif value is not None and field.key:
            yield field, value
