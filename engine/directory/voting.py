"""Who may vote on a day, and who is due at a meeting (domain/14 §3, §5).

Only full members have the right to vote, and not while under 留党察看, 权利中止 or 停止党籍.
Exclusions from 应到会 are made per meeting, with a reason, and are not applied here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from sqlalchemy import ColumnElement, Select, exists, select, true
from sqlalchemy.orm import Session
from sqlalchemy.sql.selectable import LateralFromClause

from engine.directory.codes import (
    COMMITTEE_POSTS,
    PARTY_MEMBERS,
    MembershipStatus,
    OrganisationKind,
)
from engine.directory.models import (
    Membership,
    Organisation,
    Person,
    Post,
    RightsRestriction,
    valid_on,
)
from engine.directory.organisations import get_organisation

Body = Literal["members", "committee", "all_members"]


@dataclass(frozen=True)
class Voter:
    """A person who is due at a meeting."""

    id: int
    name: str


def has_voting_right(session: Session, person_id: int, day: date) -> bool:
    """Say whether the person may vote on ``day``."""
    statement = _full_members(day).where(Person.id == person_id)
    return session.execute(statement).first() is not None


def voters(session: Session, organisation_id: int, day: date) -> list[Voter]:
    """Return 应到会 before exclusions: voting members of the organisation on ``day``.

    A branch's own members; for an organisation with branches below, the members of all of them;
    for a group those now assigned to it, because group lists carry no dates.
    """
    organisation = get_organisation(session, organisation_id)
    statement = _full_members(day)
    if organisation.kind == OrganisationKind.GROUP and organisation.parent_id is not None:
        statement = statement.where(Person.group_id == organisation_id)
        organisation = get_organisation(session, organisation.parent_id)
    below = select(Organisation.id).where(Organisation.path.like(f"{organisation.path}%"))
    ever_here = select(Membership.person_id).where(
        Membership.organisation_id.in_(below),
        Membership.since <= day,
        Membership.revoked_at.is_(None),
    )
    statement = statement.where(Person.id.in_(ever_here), Organisation.id.in_(below))
    return _people(session, statement)


def party_members(session: Session, organisation_id: int, day: date) -> list[Voter]:
    """Return all Party members of the organisation on ``day``, probationary ones among them."""
    organisation = get_organisation(session, organisation_id)
    in_group: ColumnElement[bool] = true()
    if organisation.kind == OrganisationKind.GROUP and organisation.parent_id is not None:
        in_group = Person.group_id == organisation_id
        organisation = get_organisation(session, organisation.parent_id)
    below = select(Organisation.id).where(Organisation.path.like(f"{organisation.path}%"))
    ever_here = select(Membership.person_id).where(
        Membership.organisation_id.in_(below),
        Membership.since <= day,
        Membership.revoked_at.is_(None),
    )
    standing = _standing(day)
    return _people(
        session,
        select(Person.id, Person.name)
        .join(standing, true())
        .join(Organisation, Organisation.id == standing.c.organisation_id)
        .where(
            Person.id.in_(ever_here),
            Organisation.path.like(f"{organisation.path}%"),
            standing.c.status.in_(sorted(PARTY_MEMBERS)),
            in_group,
        ),
    )


def committee_members(session: Session, organisation_id: int, day: date) -> list[Voter]:
    """Return the members of the organisation's committee on ``day``, each once."""
    return _people(
        session,
        select(Person.id, Person.name)
        .join(Post, Post.person_id == Person.id)
        .where(
            Post.organisation_id == organisation_id,
            Post.kind.in_(sorted(COMMITTEE_POSTS)),
            valid_on(Post, day),
        )
        .distinct(),
    )


def roll(session: Session, organisation_id: int, body: Body, day: date) -> list[Voter]:
    """Return who is due at a meeting of the members or of the committee.

    A branch without a committee does the committee's work in the members' meeting. Where nothing
    is voted on (``all_members``), probationary members are due like everybody.
    """
    if body == "all_members":
        return party_members(session, organisation_id, day)
    if body == "committee" and get_organisation(session, organisation_id).has_committee:
        return committee_members(session, organisation_id, day)
    return voters(session, organisation_id, day)


def _standing(day: date) -> LateralFromClause:
    """Return the standing of each person on ``day``, to be joined with people."""
    return (
        select(Membership.status, Membership.organisation_id)
        .where(
            Membership.person_id == Person.id,
            Membership.since <= day,
            Membership.revoked_at.is_(None),
        )
        .order_by(Membership.since.desc(), Membership.id.desc())
        .limit(1)
        .correlate(Person)
        .lateral()
    )


def _full_members(day: date) -> Select[int, str]:
    standing = _standing(day)
    restricted = exists().where(
        RightsRestriction.person_id == Person.id, valid_on(RightsRestriction, day)
    )
    return (
        select(Person.id, Person.name)
        .join(standing, true())
        .outerjoin(Organisation, Organisation.id == standing.c.organisation_id)
        .where(standing.c.status == MembershipStatus.FULL, ~restricted)
    )


def _people(session: Session, statement: Select[int, str]) -> list[Voter]:
    rows = session.execute(statement.order_by(Person.id))
    return [Voter(row.id, row.name) for row in rows]
