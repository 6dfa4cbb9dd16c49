"""Factories for the directory: each makes one thing, with defaults for all that does not matter."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.clock import FixedClock
from engine.directory import accounts
from engine.directory.actors import Actor, load_actor
from engine.directory.models import Membership, Organisation, Person, Post
from engine.ledger.models import LedgerEntry

LONG_AGO = date(2010, 1, 1)
TODAY = date(2026, 11, 22)
Acting = Callable[[Person], Actor]


class Factory:
    """Makes rows in the session of a test."""

    def __init__(self, session: Session, clock: FixedClock) -> None:
        self.session = session
        self.clock = clock
        self.count = 0

    def organisation(
        self,
        name: str = "第一党支部",
        parent: Organisation | None = None,
        kind: str = "branch",
        **values: object,
    ) -> Organisation:
        self.count += 1
        made = Organisation(
            parent_id=parent.id if parent else None,
            path="/",
            kind=kind,
            name=name,
            short_name=name,
            code=f"T{self.count:04d}",
            **values,
        )
        self.session.add(made)
        self.session.flush()
        made.path = (parent.path if parent else "/") + f"{made.id}/"
        self.session.flush()
        return made

    def person(
        self,
        name: str = "张三",
        organisation: Organisation | None = None,
        status: str | None = "full",
        since: date = LONG_AGO,
    ) -> Person:
        made = Person(
            name=name,
            organisation_id=organisation.id if organisation else None,
            created_at=self.clock.now(),
        )
        self.session.add(made)
        self.session.flush()
        if status:
            self.status(made, status, since, organisation)
        return made

    def status(
        self, person: Person, status: str, since: date, organisation: Organisation | None = None
    ) -> Membership:
        made = Membership(
            person_id=person.id,
            status=status,
            since=since,
            organisation_id=organisation.id if organisation else None,
            recorded_at=self.clock.now(),
        )
        self.session.add(made)
        self.session.flush()
        return made

    def post(
        self,
        person: Person,
        organisation: Organisation,
        kind: str = "secretary",
        since: date = LONG_AGO,
        until: date | None = None,
    ) -> Post:
        made = Post(
            person_id=person.id,
            organisation_id=organisation.id,
            kind=kind,
            since=since,
            until=until,
        )
        self.session.add(made)
        self.session.flush()
        return made


@pytest.fixture
def make(session: Session, clock: FixedClock) -> Factory:
    """Return the factory of this test."""
    return Factory(session, clock)


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Make argon2 cheap: these tests try many passwords."""
    monkeypatch.setattr(accounts, "_hasher", PasswordHasher(time_cost=1, memory_cost=64))
    accounts._nobody.cache_clear()
    yield
    accounts._nobody.cache_clear()


@dataclass
class Town:
    """A town with two branches and the people who run it."""

    town: Organisation
    branch: Organisation
    other: Organisation
    admin: Person
    secretary: Person
    member: Person


@pytest.fixture
def town(session: Session, make: Factory) -> Town:
    """Return a town whose rows are committed."""
    committee = make.organisation("镇党委", kind="committee", can_approve_members=True)
    branch, other = make.organisation("一支部", committee), make.organisation("二支部", committee)
    made = Town(
        committee,
        branch,
        other,
        make.person("管理员", committee),
        make.person("李书记", branch),
        make.person("王党员", branch),
    )
    make.post(made.admin, committee, "administrator")
    make.post(made.secretary, branch, "secretary")
    session.commit()
    return made


@pytest.fixture
def acting(session: Session) -> Acting:
    """Return what a person may do, by the person."""
    return lambda person: load_actor(session, TODAY, person_id=person.id)


def changes(session: Session) -> list[str]:
    """Return the changes of the directory that the ledger knows, in order."""
    payloads = session.scalars(select(LedgerEntry.payload).order_by(LedgerEntry.seq))
    return [(payload or "").split('"change":"')[1].split('"')[0] for payload in payloads]
