"""What the directory already knows of the organisations and people that a workbook names.

A handful of queries, however long the workbook is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from sqlalchemy import BigInteger, Text, any_, literal, or_, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from engine.directory.accounts import normal_login
from engine.directory.codes import Gender, MembershipStatus, OrganisationKind, PostKind
from engine.directory.imports.columns import ACCOUNTS, ORGANISATIONS, PEOPLE, POSTS, Workbook
from engine.directory.models import Account, Membership, Organisation, Person, Post

ORGANISATION_FIELDS: Final = (
    "name",
    "short_name",
    "can_approve_members",
    "has_committee",
    "founded_on",
    "term_start",
    "term_end",
)
PERSON_FIELDS: Final = (
    "name",
    "gender",
    "ethnicity",
    "identity_number",
    "birth_date",
    "phone",
    "education",
    "workplace",
    "floating_to",
)
UNNUMBERED: Final = "#"
"""``#12`` is the person with the id 12 who has no number of his own."""


@dataclass(frozen=True)
class Place:
    """An organisation of the directory; ``values`` by the keys of the columns."""

    id: int
    code: str
    parent_id: int | None
    path: str
    kind: OrganisationKind
    dissolved_on: date | None
    values: dict[str, Any]


@dataclass(frozen=True)
class Point:
    """A point of a person's timeline."""

    status: MembershipStatus
    since: date
    organisation_id: int | None


@dataclass(frozen=True)
class Held:
    """A post that a person holds or has held."""

    id: int
    organisation_id: int
    kind: PostKind
    since: date
    until: date | None


@dataclass
class Known:
    """A person of the directory with timeline, posts and login."""

    id: int
    code: str | None
    organisation_id: int | None
    group_id: int | None
    values: dict[str, Any]
    points: list[Point] = field(default_factory=list)
    posts: list[Held] = field(default_factory=list)
    login: str | None = None

    @property
    def key(self) -> str:
        """Return the number by which a workbook names him."""
        return self.code or f"{UNNUMBERED}{self.id}"


@dataclass
class Directory:
    """The part of the directory that the workbook is about."""

    empty: bool
    places: dict[str, Place] = field(default_factory=dict)
    places_by_id: dict[int, Place] = field(default_factory=dict)
    people: dict[str, Known] = field(default_factory=dict)
    by_identity: dict[str, Known] = field(default_factory=dict)
    logins: dict[str, int] = field(default_factory=dict)
    """Login → person."""

    def place(self, organisation_id: int | None) -> Place | None:
        """Return the organisation with this id."""
        return None if organisation_id is None else self.places_by_id.get(organisation_id)


def look_up(session: Session, book: Workbook) -> Directory:
    """Return what the directory knows of whatever the workbook names."""
    empty = session.scalar(select(Organisation.id).limit(1)) is None
    found = Directory(empty)
    if empty:
        return found
    _people(session, found, book)
    _places(session, found, book)
    return found


def _texts(values: Iterable[str]) -> Any:
    return any_(literal(sorted(set(values)), ARRAY(Text)))


def _ids(values: Collection[int]) -> Any:
    return any_(literal(sorted(set(values)), ARRAY(BigInteger)))


def _places(session: Session, found: Directory, book: Workbook) -> None:
    codes = {
        value
        for sheet, keys in (
            (ORGANISATIONS, ("code", "parent")),
            (PEOPLE, ("organisation", "group")),
            (POSTS, ("organisation",)),
        )
        for row in book.of(sheet)
        for key in keys
        if (value := row.get(key))
    }
    _keep_places(session, found, Organisation.code == _texts(codes))
    wanted = {int(part) for p in found.places.values() for part in p.path.strip("/").split("/")}
    for person in found.people.values():
        ids = (person.organisation_id, person.group_id)
        wanted.update(number for number in ids if number is not None)
    wanted -= found.places_by_id.keys()
    if wanted:
        _keep_places(session, found, Organisation.id == _ids(wanted))


def _keep_places(session: Session, found: Directory, clause: Any) -> None:
    columns = [getattr(Organisation, name) for name in ORGANISATION_FIELDS]
    for row in session.execute(
        select(
            Organisation.id,
            Organisation.code,
            Organisation.parent_id,
            Organisation.path,
            Organisation.kind,
            Organisation.dissolved_on,
            *columns,
        ).where(clause)
    ):
        place = Place(
            row.id,
            row.code,
            row.parent_id,
            row.path,
            OrganisationKind(row.kind),
            row.dissolved_on,
            {name: getattr(row, name) for name in ORGANISATION_FIELDS},
        )
        found.places[place.code] = found.places_by_id[place.id] = place


def _people(session: Session, found: Directory, book: Workbook) -> None:
    codes = {str(row.get("code")) for row in book.of(PEOPLE) if row.get("code")}
    codes |= {
        str(row.get("person"))
        for sheet in (POSTS, ACCOUNTS)
        for row in book.of(sheet)
        if row.get("person")
    }
    identities = {
        str(row.get("identity_number")).upper()
        for row in book.of(PEOPLE)
        if row.get("identity_number")
    }
    logins = {normal_login(row.get("login")) for row in book.of(ACCOUNTS) if row.get("login")}
    ids = {int(c[1:]) for c in codes if c[:1] == UNNUMBERED and c[1:].isdecimal() and len(c) < 19}
    columns = [getattr(Person, name) for name in PERSON_FIELDS]
    by_id: dict[int, Known] = {}
    for row in session.execute(
        select(Person.id, Person.code, Person.organisation_id, Person.group_id, *columns).where(
            or_(
                Person.code == _texts(codes),
                Person.identity_number == _texts(identities),
                (Person.id == _ids(ids)) & Person.code.is_(None),
            )
        )
    ):
        values = {name: getattr(row, name) for name in PERSON_FIELDS}
        values["gender"] = None if row.gender is None else Gender(row.gender)
        person = Known(row.id, row.code, row.organisation_id, row.group_id, values)
        by_id[person.id] = found.people[person.key] = person
        if row.identity_number:
            found.by_identity[row.identity_number.upper()] = person
    _add_history(session, by_id)
    for row in session.execute(
        select(Account.person_id, Account.login).where(
            or_(Account.login == _texts(logins), Account.person_id == _ids(by_id.keys()))
        )
    ):
        found.logins[row.login] = row.person_id
        if row.person_id in by_id:
            by_id[row.person_id].login = row.login


def _add_history(session: Session, by_id: dict[int, Known]) -> None:
    points: defaultdict[int, list[Point]] = defaultdict(list)
    for row in session.execute(
        select(
            Membership.person_id,
            Membership.status,
            Membership.since,
            Membership.organisation_id,
        )
        .where(Membership.person_id == _ids(by_id.keys()), Membership.revoked_at.is_(None))
        .order_by(Membership.since, Membership.id)
    ):
        point = Point(MembershipStatus(row.status), row.since, row.organisation_id)
        points[row.person_id].append(point)
    for person_id, found in points.items():
        by_id[person_id].points = found
    for held in session.execute(
        select(
            Post.id, Post.person_id, Post.organisation_id, Post.kind, Post.since, Post.until
        ).where(Post.person_id == _ids(by_id.keys()))
    ):
        by_id[held.person_id].posts.append(
            Held(held.id, held.organisation_id, PostKind(held.kind), held.since, held.until)
        )
