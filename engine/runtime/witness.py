"""What the directory says on the day of a step, kept with the step as its witness (佐证).

Rules judge a step by what stands in the ledger. The directory may be corrected later; who was a
full member then, and who was due at the meeting, stays as it was known when the step was recorded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Protocol

from sqlalchemy.orm import Session

from engine.database import Record, fetch
from engine.directory.actors import HeldPost
from engine.directory.codes import MembershipStatus
from engine.forms.fields import Field, FieldKind, PersonChoice


class Rolls(Protocol):
    """Who is due at a meeting of the matter's branch: what a form's context knows already."""

    def roll(self, body: str, day: date) -> Sequence[PersonChoice]:
        """Return who is due, nobody excluded."""


# What the planner cannot see (SELECT …) it cannot plan for anew each time.
_KNOWN = """
    SELECT named.id,
        (SELECT m.status FROM membership m
            WHERE m.person_id = named.id AND m.since <= %(day)s AND m.revoked_at IS NULL
            ORDER BY m.since DESC, m.id DESC LIMIT 1) AS status,
        EXISTS (SELECT FROM rights_restriction r WHERE r.person_id = named.id
            AND r.since <= %(day)s AND (r.until IS NULL OR r.until >= %(day)s)) AS restricted,
        ARRAY(SELECT p.kind FROM post p
            WHERE p.person_id = named.id AND p.organisation_id = %(place)s
            AND p.since <= %(day)s AND (p.until IS NULL OR p.until >= %(day)s)
            ORDER BY p.kind) AS posts
    FROM unnest((SELECT %(people)s::bigint[])) AS named(id) ORDER BY named.id
"""


def witness(
    session: Session,
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
    meetings = {
        key: [person.id for person in rolls.roll(field.props.get("body", "members"), day)]
        for key, field in _meetings(fields, data)
    }
    found: dict[str, Any] = {"rolls": meetings} if meetings else {}
    people = sorted({*_people(fields, data), *(who for roll in meetings.values() for who in roll)})
    approves = post is not None and post.approves
    if post is not None:
        found["place"] = [post.organisation_id, str(post.organisation_kind), approves]
    if people:
        place = None if post is None else post.organisation_id
        standings = fetch(session, _KNOWN, {"place": place, "day": day, "people": people})
        found["people"] = {str(row.id): _standing(row, with_posts=approves) for row in standings}
    return found


def _standing(row: Record, *, with_posts: bool) -> str | list[Any]:
    """Return the status, or ``[status, whether rights rest, posts at the committee]``.

    Whom a committee that approves members sends or names may have to hold a post with it.
    """
    status = row.status or str(MembershipStatus.NONE)
    if with_posts:
        return [status, row.restricted, list(row.posts)]
    return [status, True] if row.restricted else status


def _people(fields: Iterable[Field], data: Mapping[str, Any]) -> Iterator[int]:
    for field, value in _values(fields, data):
        if field.kind is FieldKind.PERSON:
            yield value
        elif field.kind is FieldKind.PEOPLE:
            yield from value
        elif field.kind is FieldKind.ATTENDANCE:
            yield from value["present_people"]
            yield from (excluded["person"] for excluded in value["excluded"])


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
