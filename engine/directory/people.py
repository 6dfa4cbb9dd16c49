"""People of the directory: find them, show them without giving away what must stay masked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.directory.actors import Actor
from engine.directory.codes import MembershipStatus
from engine.directory.membership import standings_on
from engine.directory.models import Organisation, Person
from engine.directory.things import PersonView
from engine.directory.visibility import visible_people
from engine.errors import NotFound


@dataclass(frozen=True)
class PersonLine:
    """A person in a list, with the status of a day."""

    id: int
    name: str
    organisation_id: int | None
    organisation_name: str | None
    status: MembershipStatus


def get_person(session: Session, person_id: int) -> Person:
    """Return the person. Raises NotFound."""
    found = session.get(Person, person_id)
    if found is None:
        raise NotFound()
    return found


def person_view(session: Session, person_id: int) -> PersonView:
    """Return what the policy is asked about. Raises NotFound."""
    row = session.execute(
        select(Person.id, Person.organisation_id, Organisation.path)
        .outerjoin(Organisation, Organisation.id == Person.organisation_id)
        .where(Person.id == person_id)
    ).one_or_none()
    if row is None:
        raise NotFound()
    return PersonView(row.id, row.organisation_id, row.path)


def find_people(
    session: Session,
    actor: Actor,
    day: date,
    *,
    text: str = "",
    organisation_id: int | None = None,
    status: Iterable[MembershipStatus] = (),
    after_id: int = 0,
    limit: int = 50,
) -> list[PersonLine]:
    """Return people whom the actor may see, by id, with the status of ``day``.

    ``text`` is looked for in the name; ``organisation_id`` takes in everything below it;
    ``after_id`` is the last id of the page before.
    """
    statement = (
        select(Person.id, Person.name, Person.organisation_id, Organisation.short_name)
        .outerjoin(Organisation, Organisation.id == Person.organisation_id)
        .where(visible_people(actor), Person.id > after_id)
        .order_by(Person.id)
    )
    if text.strip():
        statement = statement.where(Person.name.contains(text.strip(), autoescape=True))
    if organisation_id is not None:
        root = select(Organisation.path).where(Organisation.id == organisation_id)
        statement = statement.where(Organisation.path.startswith(root.scalar_subquery()))
    wanted = frozenset(status)
    found: list[PersonLine] = []
    while len(found) < limit:
        rows = session.execute(statement.limit(limit * 2)).all()
        standings = standings_on(session, [row.id for row in rows], day)
        found += [
            PersonLine(
                row.id, row.name, row.organisation_id, row.short_name, standings[row.id].status
            )
            for row in rows
            if not wanted or standings[row.id].status in wanted
        ]
        if len(rows) < limit * 2:
            break
        statement = statement.where(Person.id > rows[-1].id)
    return found[:limit]


def mask_identity_number(number: str | None) -> str:
    """Return an identity number as it may be shown: 1101**********001X."""
    if not number:
        return ""
    if len(number) < 8:
        return "*" * len(number)
    return number[:4] + "*" * (len(number) - 8) + number[-4:]


def mask_phone(phone: str | None) -> str:
    """Return a phone number as it may be shown: 138****5678."""
    if not phone:
        return ""
    if len(phone) < 7:
        return "*" * len(phone)
    return phone[:3] + "*" * (len(phone) - 7) + phone[-4:]


def identity_number_ok(number: str) -> bool:
    """Say whether a citizen identity number is well formed, check digit included (GB 11643)."""
    number = number.upper()
    if len(number) != 18 or not number[:17].isascii() or not number[:17].isdigit():
        return False
    total = sum(int(digit) * (2 ** (17 - place) % 11) for place, digit in enumerate(number[:17]))
    return number[17] == "10X98765432"[total % 11]
