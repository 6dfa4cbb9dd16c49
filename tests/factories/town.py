"""A committee, two branches below it, and a few people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from uuid import uuid4

from engine.clock import FixedClock
from engine.database import db, unit_of_work
from engine.directory.actors import Actor, load_actor
from engine.directory.codes import PostKind
from engine.directory.models import Membership, Organisation, Person, Post
from engine.directory.organisations import root
from engine.directory.posts import add_post

LONG_AGO = date(2010, 1, 1)


@dataclass(frozen=True)
class Town:
    """A committee, two branches below it, and their people; ids by name."""

    organisations: Mapping[str, int]
    people: Mapping[str, int]

    @property
    def branch(self) -> int:
        """The branch where things happen."""
        return self.organisations["branch"]


_PEOPLE: Mapping[str, tuple[str, str, str | None]] = {
    # name: organisation, membership status, post there
    "secretary": ("branch", "full", "secretary"),
    "deputy": ("branch", "full", "deputy_secretary"),
    "member": ("branch", "full", None),
    "other_member": ("branch", "full", None),
    "applicant": ("branch", "none", None),
    "second_applicant": ("branch", "none", None),
    "stranger": ("other", "full", "secretary"),
    "superior": ("committee", "full", "secretary"),
    "administrator": ("committee", "full", "administrator"),
}


def create_town(clock: FixedClock) -> Town:
    """Put the town into the directory."""
    organisations: dict[str, int] = {}
    people: dict[str, int] = {}
    with unit_of_work() as session:
        above = ""
        for name, kind in (("committee", "committee"), ("branch", "branch"), ("other", "branch")):
            place = Organisation(
                parent_id=organisations.get("committee"),
                path="",
                kind=kind,
                name=name,
                short_name=name,
                code=f"{name}-{uuid4()}",
                can_approve_members=kind == "committee",
                has_committee=True,
            )
            session.add(place)
            session.flush()
            place.path = f"{above or '/'}{place.id}/"
            above = above or place.path
            organisations[name] = place.id
        for name, (at, status, post) in _PEOPLE.items():
            person = Person(name=name, organisation_id=organisations[at], created_at=clock.now())
            session.add(person)
            session.flush()
            people[name] = person.id
            session.add(
                Membership(
                    person_id=person.id,
                    status=status,
                    since=LONG_AGO,
                    organisation_id=organisations[at],
                    recorded_at=clock.now(),
                )
            )
            if post:
                session.add(
                    Post(
                        person_id=person.id,
                        organisation_id=organisations[at],
                        kind=post,
                        since=LONG_AGO,
                    )
                )
        session.flush()
    return Town(organisations, people)


def make_administrator(person_id: int, organisation_id: int) -> None:
    """Let a person administer an organisation and what is below it."""
    with unit_of_work() as session:
        add_post(session, person_id, organisation_id, PostKind.ADMINISTRATOR, LONG_AGO)


def administrator_of_all(clock: FixedClock) -> Actor:
    """Return somebody new who administers the topmost organisation, whatever towns there are."""
    with unit_of_work() as session:
        top = root(session).id
        person = Person(name="顾理", organisation_id=top, created_at=clock.now())
        session.add(person)
        session.flush()
        number = person.id
    make_administrator(number, top)
    return load_actor(db.session(), clock.today(), person_id=number)
