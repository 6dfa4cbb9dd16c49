"""Fixtures of the pages: the web application on the test's transaction, people, and browsers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from typing import Any
from uuid import uuid4

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from engine import postgres
from engine.clock import FixedClock
from engine.database import db, unit_of_work
from engine.definitions.operations import deploy_package
from engine.definitions.package import Package, load_folder
from engine.directory import accounts
from engine.directory.accounts import create_account
from engine.directory.actors import Actor, load_actor
from engine.directory.codes import OrganisationKind, PostKind
from engine.directory.models import Person
from engine.directory.organisations import add_organisation
from engine.directory.posts import add_post
from engine.ledger.models import LedgerEntry
from engine.runtime.operations import start_instance
from engine.settings import ROOT, Settings
from web import create_app
from web.translations import compile_texts

PASSWORD = "a quiet river bends"


@pytest.fixture(scope="session")
def app(
    settings: Settings, database: postgres.Addresses, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Flask]:
    """The web application, bound to the test database; uploads go to a folder of this run."""
    own = replace(settings, data_dir=tmp_path_factory.mktemp("data"))
    compile_texts()
    app = create_app(own, where=database)
    yield app
    with app.app_context():
        db.engine.dispose()


@cache
def leave_package() -> Package:
    """A procedure that has nothing to do with the Party: short, with every kind of step."""
    return load_folder(ROOT / "tests" / "packages" / "leave_request")


@dataclass
class World:
    """A small office: who is there, and how to act as one of them."""

    app: Flask
    session: Session
    clock: FixedClock
    office: int
    people: dict[str, int]

    def actor(self, name: str) -> Actor:
        return load_actor(self.session, self.clock.today(), person_id=self.people[name])

    def start(self, name: str = "worker", **data: Any) -> tuple[int, int]:
        """Let somebody ask for leave; return the matter and the task it opened."""
        values = {"leave_from": "2026-12-01", "leave_to": "2026-12-02", "leave_kind": "annual"}
        done = start_instance(
            "leave_request",
            {**values, **data},
            organisation_id=self.office,
            subject_id=self.people[name],
            actor=self.actor(name),
            clock=self.clock,
            occurred_on=self.clock.today(),
            command_id=uuid4(),
        )
        return done.instance_id, next(iter(done.opened))

    def browser(self) -> Browser:
        return Browser(self.app.test_client())

    def sign_in(self, name: str) -> Browser:
        browser = self.browser()
        assert browser.sign_in(name).status_code == 303
        return browser


@dataclass
class Browser:
    """A browser without JavaScript: it remembers the last page's token and posts forms."""

    client: FlaskClient
    page: str = ""
    token: str = ""

    def get(self, path: str, **more: Any) -> TestResponse:
        response = self.client.get(path, **more)
        self._keep(response)
        return response

    def _keep(self, response: TestResponse) -> None:
        if response.mimetype == "text/html":
            self.page = response.get_data(as_text=True)
            if found := re.search(r'name="_csrf" value="([^"]*)"', self.page):
                self.token = found[1]
        else:
            response.get_data()
            response.close()

    def hidden(self, name: str) -> str:
        """Return the value of a hidden input of the page."""
        found = re.search(rf'name="{name}" value="([^"]*)"', self.page)
        assert found, f"{name} is not on the page"
        return found[1]

    def post(self, path: str, data: dict[str, Any] | None = None, **more: Any) -> TestResponse:
        """Post a form of the page last read, with its token."""
        values = {"_csrf": self.token, **(data or {})}
        response = self.client.post(path, data=values, **more)
        if response.status_code not in (302, 303):
            self._keep(response)
        return response

    def sign_in(self, login: str, password: str = PASSWORD, **more: Any) -> TestResponse:
        self.get("/login")
        response = self.post("/login", {"login": login, "password": password, **more})
        if response.status_code == 303:
            self.get("/account")
        return response


@pytest.fixture
def quick_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash passwords weakly, or half of each test's time would go into it."""
    monkeypatch.setattr(
        accounts, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    )


@pytest.fixture
def world(app: Flask, session: Session, clock: FixedClock, quick_passwords: None) -> World:
    """An office with a worker, two heads and a stranger, and the leave procedure."""
    app.extensions["guicheng.clock"] = clock
    people: dict[str, int] = {}
    with unit_of_work() as unit:
        top = add_organisation(unit, name="总部", kind=OrganisationKind.COMMITTEE, code="top")
        office = add_organisation(
            unit, name="办公室", kind=OrganisationKind.BRANCH, code="office", parent_id=top.id
        )
        other = add_organisation(
            unit, name="仓库", kind=OrganisationKind.BRANCH, code="store", parent_id=top.id
        )
        for login, name, place in (
            ("worker", "万小云", office.id),
            ("leader", "陆明", office.id),
            ("deputy", "戴强", office.id),
            ("stranger", "石磊", other.id),
        ):
            person = Person(name=name, organisation_id=place, created_at=clock.now())
            unit.add(person)
            unit.flush()
            people[login] = person.id
            create_account(unit, person_id=person.id, login=login, password=PASSWORD, clock=clock)
        for login in ("leader", "deputy"):
            add_post(unit, people[login], office.id, PostKind.GROUP_LEADER, date(2020, 1, 1))
        add_post(unit, people["leader"], office.id, PostKind.SECRETARY, date(2020, 1, 1))
        deploy_package(unit, leave_package(), clock)
        office_id = office.id
    return World(app, session, clock, office_id, people)


def exported(session: Session) -> list[dict[str, Any]]:
    """Return what the ledger says was taken away as a list."""
    found = session.scalars(
        select(LedgerEntry.payload).where(LedgerEntry.kind == "exported").order_by(LedgerEntry.seq)
    )
    return [json.loads(payload or "{}") for payload in found]


@pytest.fixture
def pdf() -> Callable[[], Any]:
    """Make a small PDF as an upload."""
    import io

    return lambda: (io.BytesIO(b"%PDF-1.7\n%%EOF\n"), "证明.pdf")
