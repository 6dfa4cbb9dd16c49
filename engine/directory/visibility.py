"""The rights to see, as database clauses for lists. They say the same as the policy's page.

Each clause is an OR of conditions that an index serves by itself. Sub-selects are turned into
arrays (``= ANY(ARRAY(SELECT …))``): PostgreSQL then evaluates them once and can combine all parts
in one bitmap scan, where a plain IN would force it to look at every row.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    SQLColumnExpression,
    Text,
    and_,
    any_,
    false,
    func,
    literal,
    not_,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql import Select
from sqlalchemy.sql.elements import ColumnElement

from engine.directory.actors import Actor, person_key
from engine.directory.codes import PostKind
from engine.directory.models import Organisation, Person
from engine.directory.rights import COMMITTEE, LEADING

_SUBTREE = LEADING | {PostKind.AUDITOR}
_DIRECTORY = _SUBTREE | {PostKind.ADMINISTRATOR}
_OWN = COMMITTEE - LEADING
_MATTERS = COMMITTEE | _SUBTREE  # a matter stays with its organisation when that one is moved


@dataclass(frozen=True)
class MatterColumns:
    """The columns of the runtime's tables that decide who sees a matter."""

    id: SQLColumnExpression[Any]
    organisation_id: SQLColumnExpression[Any]
    path: SQLColumnExpression[Any]
    subject_id: SQLColumnExpression[Any]
    participant_instance_id: SQLColumnExpression[Any]
    participant_person_id: SQLColumnExpression[Any]
    task_id: SQLColumnExpression[Any]
    task_instance_id: SQLColumnExpression[Any]
    candidate_task_id: SQLColumnExpression[Any]
    candidate_principal: SQLColumnExpression[Any]


def visible_matters(actor: Actor, matter: MatterColumns) -> ColumnElement[bool]:
    """Return the clause for matters that the actor may see (Action.VIEW_MATTER)."""
    took_part = select(matter.participant_instance_id).where(
        matter.participant_person_id == actor.person_id
    )
    clauses = [matter.subject_id == actor.person_id, _among(matter.id, took_part)]
    for lender in dict.fromkeys((None, *(post.on_behalf_of for post in actor.posts))):
        posts = [post for post in actor.posts if post.on_behalf_of == lender]
        keys = [post.key for post in posts]
        if lender is None:
            keys.append(person_key(actor.person_id))
        working = select(matter.task_instance_id).where(
            matter.task_id == matter.candidate_task_id,
            _one_of(matter.candidate_principal, keys),
        )
        part = or_(
            _among(matter.id, working),
            *_below(matter.path, {post.path for post in posts if post.kind in _SUBTREE}),
            *_at(matter.organisation_id, {p.organisation_id for p in posts if p.kind in _MATTERS}),
        )
        if lender is not None:  # a lent post reaches no matter about either of the two
            neither = matter.subject_id.not_in((actor.person_id, lender))
            part = and_(part, or_(matter.subject_id.is_(None), neither))
        clauses.append(part)
    return or_(*clauses)


@dataclass(frozen=True)
class SupervisedColumns:
    """The columns of a table of things found in matters, or of the matters themselves."""

    matter_id: SQLColumnExpression[Any]
    organisation_id: SQLColumnExpression[Any]
    path: SQLColumnExpression[Any]


def supervised(
    actor: Actor, found: SupervisedColumns, matter: MatterColumns
) -> ColumnElement[bool]:
    """Return the clause for what the actor may see as who supervises (Action.VIEW_FINDINGS).

    Nobody supervises their own matter; lent posts reach no matter about either of the two.
    """
    clauses: list[ColumnElement[bool]] = []
    for lender in dict.fromkeys(post.on_behalf_of for post in actor.posts):
        posts = [post for post in actor.posts if post.on_behalf_of == lender]
        reach = [
            *_below(found.path, {post.path for post in posts if post.kind in _SUBTREE}),
            *_at(found.organisation_id, {p.organisation_id for p in posts if p.kind in _MATTERS}),
        ]
        about = select(matter.id).where(
            matter.subject_id.in_([who for who in (actor.person_id, lender) if who is not None])
        )
        if reach:
            # What has no matter is about nobody.
            foreign = or_(found.matter_id.is_(None), not_(_among(found.matter_id, about)))
            clauses.append(and_(or_(*reach), foreign))
    return or_(false(), *clauses)


def visible_tasks(actor: Actor, matter: MatterColumns) -> ColumnElement[bool]:
    """Return the clause for tasks that the actor may see: all tasks of the matters he may see.

    The query has to join the task with its matter.
    """
    return visible_matters(actor, matter)


def my_tasks(actor: Actor, candidate_principal: SQLColumnExpression[Any]) -> ColumnElement[bool]:
    """Return the clause for the rows of ``task_candidate`` that are the actor's inbox."""
    return _one_of(candidate_principal, sorted(actor.principals))


def visible_people(actor: Actor) -> ColumnElement[bool]:
    """Return the clause on :class:`Person` for people the actor may see (Action.VIEW_PERSON)."""
    places = or_(
        false(),
        *_below(Organisation.path, {p.path for p in actor.posts if p.kind in _DIRECTORY}),
        *_at(Organisation.id, {p.organisation_id for p in actor.posts if p.kind in _OWN}),
    )
    if not actor.posts:
        return Person.id == actor.person_id
    return or_(
        Person.id == actor.person_id,
        _among(Person.organisation_id, select(Organisation.id).where(places)),
    )


def visible_organisations(actor: Actor) -> ColumnElement[bool]:
    """Return the clause on :class:`Organisation`: his own branch and those his posts reach."""
    return or_(
        Organisation.id == actor.organisation_id,
        *_below(Organisation.path, {p.path for p in actor.posts if p.kind in _DIRECTORY}),
        *_at(Organisation.id, {p.organisation_id for p in actor.posts}),
    )


def administered_organisations(actor: Actor) -> ColumnElement[bool]:
    """Return the clause on :class:`Organisation` for rosters he keeps (Action.VIEW_ROSTER)."""
    kept = {p.path for p in actor.posts if p.kind is PostKind.ADMINISTRATOR}
    return or_(false(), *_below(Organisation.path, kept))


def administers_all(actor: Actor) -> bool:
    """Tell whether he keeps the whole installation: what belongs to no organisation is his too."""
    return any(
        p.kind is PostKind.ADMINISTRATOR and p.path == f"/{p.organisation_id}/" for p in actor.posts
    )


def _below(path: SQLColumnExpression[Any], roots: Iterable[str]) -> list[ColumnElement[bool]]:
    """Return one prefix condition for each root that does not lie below another."""
    kept: list[str] = []
    for root in sorted(roots):
        if not kept or not root.startswith(kept[-1]):
            kept.append(root)
    return [path.like(f"{root}%") for root in kept]


def _at(
    column: SQLColumnExpression[Any], organisation_ids: Iterable[int]
) -> list[ColumnElement[bool]]:
    return [column == organisation_id for organisation_id in sorted(organisation_ids)]


def _among(column: SQLColumnExpression[Any], ids: Select[Any]) -> ColumnElement[bool]:
    # Without correlate(None) a query that itself selects from `task` would swallow ours.
    return column == any_(func.array(ids.correlate(None).scalar_subquery()))


def _one_of(column: SQLColumnExpression[Any], values: list[str]) -> ColumnElement[bool]:
    return column == any_(literal(values, ARRAY(Text)))
