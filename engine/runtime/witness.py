"""What the directory says on the day of a step, kept with the step as its witness (佐证).

Rules judge a step by what stands in the ledger. The directory may be corrected later; who was a
full member then, and who was due at the meeting, stays as it was known when the step was recorded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.directory.actors import HeldPost
from engine.directory.membership import statuses_on
from engine.directory.models import Post, RightsRestriction, valid_on
from engine.forms.fields import Field, FieldKind, PersonChoice
from engine.runtime.matters import World


class Rolls(Protocol):
    """Who is due at a meeting of the matter's branch: what a form's context knows already."""

    def roll(self, body: str, day: date) -> Sequence[PersonChoice]:
        """Return who is due, nobody excluded."""


def witness(
    session: Session,
    world: World,
    rolls: Rolls,
    fields: Sequence[Field],
    data: Mapping[str, Any],
    day: date,
    post: HeldPost | None,
) -> dict[str, Any]:
    """Return what is known on ``day`` of the people and meetings that a step's data name.

    ``place`` is the organisation for which the actor acted, if a post gave the right; ``people``
    the standing of each by id; ``rolls`` those due by attendance field.
    """
    found: dict[str, Any] = {}
    if post is not None:
        approves = world.directory.approving(post.organisation_id) == post.organisation_id
        found["place"] = [post.organisation_id, str(post.organisation_kind), approves]
    people = sorted(set(_people(fields, data)))
    if people:
        committee = post if post is not None and found["place"][2] else None
        found["people"] = _standing(session, people, day, committee)
    meetings = {
        key: [person.id for person in rolls.roll(field.props.get("body", "members"), day)]
        for key, field in _meetings(fields, data)
    }
    if meetings:
        found["rolls"] = meetings
    return found


def _standing(
    session: Session, people: list[int], day: date, committee: HeldPost | None
) -> dict[str, Any]:
    """Return by id the status, or ``[status, whether rights rest, posts at the committee]``.

    Whom a committee that approves members sends or names may have to hold a post with it.
    """
    restricted = set(
        session.scalars(
            select(RightsRestriction.person_id).where(
                RightsRestriction.person_id.in_(people), valid_on(RightsRestriction, day)
            )
        )
    )
    posts: dict[int, set[str]] = {}
    if committee is not None:
        held = select(Post.person_id, Post.kind).where(
            Post.person_id.in_(people),
            Post.organisation_id == committee.organisation_id,
            valid_on(Post, day),
        )
        for row in session.execute(held):
            posts.setdefault(row.person_id, set()).add(row.kind)
    found: dict[str, Any] = {}
    for person, status in statuses_on(session, people, day).items():
        known: list[Any] = [str(status), person in restricted]
        if committee is not None:
            known.append(sorted(posts.get(person, ())))
        found[str(person)] = known if any(known[1:]) or committee else str(status)
    return found


def _people(fields: Iterable[Field], data: Mapping[str, Any]) -> Iterator[int]:
    for field, value in _values(fields, data):
        if field.kind is FieldKind.PERSON:
            yield value
        elif field.kind is FieldKind.PEOPLE:
            yield from value


def _meetings(fields: Iterable[Field], data: Mapping[str, Any]) -> Iterator[tuple[str, Field]]:
    for field, _ in _values(fields, data):
        if field.kind is FieldKind.ATTENDANCE:
            yield field.key, field


def _values(fields: Iterable[Field], data: Mapping[str, Any]) -> Iterator[tuple[Field, Any]]:
    """Yield each field that holds something, with what it holds."""
    for field in fields:
        value = data.get(field.key) if field.key else data
        if field.kind is FieldKind.LIST and isinstance(value, list):
            for row in value:
                yield from _values(field.children, row)
        elif field.kind is FieldKind.GROUP and isinstance(value, Mapping):
            yield from _values(field.children, value)
        elif value is not None and field.key:
            yield field, value
