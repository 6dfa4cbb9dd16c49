"""An installation to measure: its own server and databases, branches with secretaries, packages."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import psycopg
from flask import Flask
from psycopg import sql

from engine import postgres
from engine.application import create_core_app
from engine.clock import Clock, SystemClock
from engine.database import db, unit_of_work
from engine.definitions.operations import deploy_package
from engine.definitions.package import Package
from engine.definitions.versions import definitions
from engine.directory.actors import Actor, load_actor
from engine.directory.codes import OrganisationKind, PostKind
from engine.directory.models import Account, Person
from engine.directory.organisations import add_organisation
from engine.directory.posts import add_post
from engine.migrations import upgrade
from engine.runtime.operations import start_instance
from engine.runtime.world import holidays
from engine.settings import Settings

DATA_DIR = Path(os.environ.get("DATA_DIR", "var")).resolve()
BENCH_DIR = DATA_DIR / "bench"


@dataclass(frozen=True)
class Branch:
    """A branch with its secretary, who does all the tasks."""

    organisation_id: int
    person_id: int
    account_id: int


@dataclass(frozen=True)
class Installation:
    """An application on a fresh database."""

    app: Flask
    where: postgres.Addresses
    clock: Clock
    branches: Sequence[Branch]

    def actor(self, branch: Branch) -> Actor:
        """Return the secretary of a branch. Needs the application's context."""
        return load_actor(db.session(), self.clock.today(), person_id=branch.person_id)

    def start(self, branch: Branch, key: str, actor: Actor, clock: Clock | None = None) -> int:
        """Start a matter and return its first task's id, 0 when there is none yet."""
        done = start_instance(
            key,
            None,
            organisation_id=branch.organisation_id,
            subject_id=None,
            actor=actor,
            clock=clock or self.clock,
        )
        return next(iter(done.opened), 0)

    def environment(self, port: int = 0) -> dict[str, str]:
        """Return the environment of a process of this installation."""
        return {
            **os.environ,
            "DATABASE_URL": self.where.app,
            "DATABASE_OWNER_URL": self.where.owner,
            "DATA_DIR": str(BENCH_DIR),
            "PORT": str(port),
            "HOST": "127.0.0.1",
        }


@contextmanager
def installation(
    name: str, packages: Sequence[Package], branches: int = 1
) -> Iterator[Installation]:
    """Make a migrated database, deploy packages, enter branches; drop it all afterwards."""
    BENCH_DIR.mkdir(parents=True, exist_ok=True)
    drop(name)
    where = postgres.start(BENCH_DIR, database=name)
    upgrade(where)
    settings = Settings(data_dir=BENCH_DIR, secret_key="bench")
    app = create_core_app(settings, where=where)
    # Version ids mean something else in another database.
    definitions.clear()
    holidays.forget()
    clock = SystemClock()
    try:
        with app.app_context():
            entered = enter_branches(clock, branches)
            for package in packages:
                with unit_of_work() as session:
                    deploy_package(session, package, clock)
            yield Installation(app, where, clock, entered)
            db.session.remove()
            db.engine.dispose()
    finally:
        drop(name)


def enter_branches(clock: Clock, count: int) -> list[Branch]:
    """Enter a committee and branches below it, each with a secretary who has an account."""
    found = []
    with unit_of_work() as session:
        top = add_organisation(
            session,
            name="党委",
            kind=OrganisationKind.COMMITTEE,
            code="top",
            can_approve_members=True,
        )
        for number in range(1, count + 1):
            place = add_organisation(
                session,
                name=f"第{number}党支部",
                kind=OrganisationKind.BRANCH,
                code=f"b{number}",
                parent_id=top.id,
            )
            person = Person(name=f"书记{number}", organisation_id=place.id, created_at=clock.now())
            session.add(person)
            session.flush()
            add_post(
                session,
                person_id=person.id,
                organisation_id=place.id,
                kind=PostKind.SECRETARY,
                since=date(2020, 1, 1),
            )
            account = Account(
                person_id=person.id, login=f"s{number}", password_hash="-", created_at=clock.now()
            )
            session.add(account)
            session.flush()
            found.append(Branch(place.id, person.id, account.id))
    return found


def free_port() -> int:
    """Return a port that nobody uses."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


def drop(name: str) -> None:
    """Drop a database, whoever uses it."""
    where = postgres.start(BENCH_DIR, database="bench_maintenance")
    with psycopg.connect(where.owner, autocommit=True) as connection:
        connection.execute(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        )
