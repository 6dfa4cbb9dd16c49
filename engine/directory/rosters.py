"""What an administrator sees of the directory: the organisations he keeps, and who is in each."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import BigInteger, any_, func, literal, or_, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased
from sqlalchemy.sql.elements import ColumnElement

from engine.directory.actors import Actor
from engine.directory.codes import MembershipStatus, OrganisationKind, PostKind
from engine.directory.membership import standings_on
from engine.directory.models import Account, Organisation, Person, Post, valid_on
from engine.directory.organisations import exists_on, get_organisation, view
from engine.directory.policy import Action, require
from engine.directory.visibility import administered_organisations


@dataclass(frozen=True)
class OrganisationLine:
    """An organisation in a list; ``people`` counts everybody in it and below."""

    id: int
    code: str
    name: str
    kind: OrganisationKind
    depth: int
    people: int
    path: str


@dataclass(frozen=True)
class RosterLine:
    """A person of an organisation. ``posts`` are those of today, with the organisation's name."""

    id: int
    code: str | None
    name: str
    status: MembershipStatus
    since: date | None
    posts: tuple[tuple[str, PostKind], ...]
    login: str | None
    disabled: bool


@dataclass(frozen=True)
class Roster:
    """An organisation and a page of the people in it; ``after_id`` begins the next page."""

    organisation: Organisation
    kind: OrganisationKind
    above: tuple[tuple[int, str], ...]
    people: tuple[RosterLine, ...]
    below: tuple[OrganisationLine, ...]
    after_id: int | None


def organisations_kept(
    session: Session,
    actor: Actor,
    day: date,
    *,
    text: str = "",
    parent_id: int | None = None,
    after: str = "",
    limit: int = 100,
) -> list[OrganisationLine]:
    """Return the organisations whose rosters the actor keeps, in the order of the tree.

    ``text`` is looked for in name and code; ``after`` is the path of the last line before.
    """
    order = _numbers(Organisation.path)
    statement = (
        select(
            Organisation.id,
            Organisation.code,
            Organisation.name,
            Organisation.kind,
            Organisation.path,
        )
        .where(administered_organisations(actor), exists_on(day))
        .order_by(order)
        .limit(limit)
    )
    if text:
        statement = statement.where(
            or_(
                Organisation.name.contains(text, autoescape=True),
                Organisation.short_name.contains(text, autoescape=True),
                Organisation.code == text,
            )
        )
    if parent_id is not None:
        statement = statement.where(Organisation.parent_id == parent_id)
    if after:
        statement = statement.where(order > _numbers(literal(after)))
    rows = session.execute(statement).all()
    counts = _counts(session, [row.id for row in rows])
    return [
        OrganisationLine(
            row.id,
            row.code,
            row.name,
            OrganisationKind(row.kind),
            row.path.count("/") - 2,
            counts.get(row.id, 0),
            row.path,
        )
        for row in rows
    ]


def roster(
    session: Session,
    actor: Actor,
    organisation_id: int,
    day: date,
    *,
    after_id: int = 0,
    limit: int = 100,
) -> Roster:
    """Return an organisation with the people who are in it now. Raises NotFound."""
    found = get_organisation(session, organisation_id)
    require(actor, Action.VIEW_ROSTER, view(found))
    rows = session.execute(
        select(Person.id, Person.code, Person.name, Account.login, Account.disabled_at)
        .outerjoin(Account, Account.person_id == Person.id)
        .where(
            or_(Person.organisation_id == organisation_id, Person.group_id == organisation_id),
            Person.id > after_id,
        )
        .order_by(Person.id)
        .limit(limit + 1)
    ).all()
    more, rows = len(rows) > limit, rows[:limit]
    ids = [row.id for row in rows]
    standings = standings_on(session, ids, day)
    posts = _posts(session, ids, day)
    people = tuple(
        RosterLine(
            row.id,
            row.code,
            row.name,
            standings[row.id].status,
            standings[row.id].since,
            tuple(posts[row.id]),
            row.login,
            row.disabled_at is not None,
        )
        for row in rows
    )
    return Roster(
        found,
        OrganisationKind(found.kind),
        _above(session, actor, found),
        people,
        tuple(organisations_kept(session, actor, day, parent_id=organisation_id)),
        rows[-1].id if more else None,
    )


def _numbers(path: ColumnElement[str] | InstrumentedAttribute[str]) -> ColumnElement[Any]:
    """Return a path as its numbers: the tree's order, those entered first before the later."""
    return func.string_to_array(func.btrim(path, "/"), "/").cast(ARRAY(BigInteger))


def _above(session: Session, actor: Actor, found: Organisation) -> tuple[tuple[int, str], ...]:
    ids = [int(part) for part in found.path.strip("/").split("/")][:-1]
    rows = session.execute(
        select(Organisation.id, Organisation.short_name)
        .where(
            Organisation.id == any_(literal(ids, ARRAY(BigInteger))),
            administered_organisations(actor),
        )
        .order_by(func.length(Organisation.path))
    )
    return tuple((row.id, row.short_name) for row in rows)


def _counts(session: Session, ids: list[int]) -> dict[int, int]:
    wanted = any_(literal(ids, ARRAY(BigInteger)))
    below = aliased(Organisation)
    rows = session.execute(
        select(Organisation.id, func.count(Person.id).label("people"))
        .join(below, below.path.like(Organisation.path + "%"))
        .join(Person, Person.organisation_id == below.id)
        .where(Organisation.id == wanted)
        .group_by(Organisation.id)
    ).all()
    in_groups = session.execute(
        select(Person.group_id.label("id"), func.count(Person.id).label("people"))
        .where(Person.group_id == wanted)
        .group_by(Person.group_id)
    ).all()
    return {row.id: row.people for row in (*rows, *in_groups)}


def _posts(
    session: Session, person_ids: list[int], day: date
) -> dict[int, list[tuple[str, PostKind]]]:
    found: defaultdict[int, list[tuple[str, PostKind]]] = defaultdict(list)
    for row in session.execute(
        select(Post.person_id, Post.kind, Organisation.short_name)
        .join(Organisation, Organisation.id == Post.organisation_id)
        .where(Post.person_id == any_(literal(person_ids, ARRAY(BigInteger))), valid_on(Post, day))
        .order_by(Post.organisation_id, Post.id)
    ):
        found[row.person_id].append((row.short_name, PostKind(row.kind)))
    return found
