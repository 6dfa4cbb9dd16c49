"""Fixtures of the API: a small town with the real procedure, and programs with tokens."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from engine.clock import FixedClock
from engine.database import unit_of_work
from engine.definitions.package import Package, load_folder
from engine.directory.codes import MembershipStatus, OrganisationKind, PostKind
from engine.directory.membership import set_status
from engine.directory.models import Account, Person
from engine.directory.organisations import add_organisation
from engine.directory.posts import add_post
from engine.directory.tokens import create_token
from engine.settings import ROOT
from tests.shipped import deploy_shipped

API = "/api/v1"
KEY = "member_admission"
LONG_AGO = date(2010, 7, 1)
PDF = b"%PDF-1.7\n%%EOF\n"


@cache
def admission() -> Package:
    """The real procedure of member admission."""
    return load_folder(ROOT / "processes" / KEY)


@dataclass
class Program:
    """A program with somebody's token."""

    client: FlaskClient
    token: str | None

    def send(self, method: str, path: str, **more: Any) -> TestResponse:
        headers = dict(more.pop("headers", {}))
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token}"
        address = path if path.startswith("/") else f"{API}/{path}"
        return self.client.open(address, method=method, headers=headers, buffered=True, **more)

    def get(self, path: str, **more: Any) -> TestResponse:
        return self.send("GET", path, **more)

    def post(self, path: str, json: Any = None, **more: Any) -> TestResponse:
        if json is not None:
            more["json"] = json
        return self.send("POST", path, **more)

    def put(self, path: str, json: Any, **more: Any) -> TestResponse:
        return self.send("PUT", path, json=json, **more)

    def delete(self, path: str, **more: Any) -> TestResponse:
        return self.send("DELETE", path, **more)

    def command(
        self, path: str, json: Any = None, *, key: UUID | None = None, **more: Any
    ) -> TestResponse:
        """Post with an idempotency key."""
        headers = {"Idempotency-Key": str(key or uuid4()), **more.pop("headers", {})}
        return self.post(path, json, headers=headers, **more)

    def upload(self, name: str = "申请书.pdf", content: bytes = PDF) -> int:
        response = self.post("attachments", query_string={"name": name}, data=content)
        assert response.status_code == 201, response.text
        found: int = response.get_json()["id"]
        return found


@dataclass
class Town:
    """A county with a town committee and a branch; who is there, and their programs."""

    app: Flask
    session: Session
    clock: FixedClock
    places: dict[str, int]
    people: dict[str, int]
    accounts: dict[str, int]

    def program(self, name: str | None) -> Program:
        """Return a program that acts for somebody, or for nobody."""
        token = None
        if name is not None:
            token = create_token(self.clock, self.accounts[name], name="测试")
        return Program(self.app.test_client(), token)

    def application(self, program: Program) -> dict[str, Any]:
        """Return the data of the first form, with a file handed in by the program."""
        return {
            "birth_date": "2000-05-01",
            "occupation": "镇农业综合服务中心职员",
            "receiving_branch": self.places["branch"],
            "in_own_words": True,
            "application_files": [program.upload()],
        }

    def start(self, name: str = "applicant", *, key: UUID | None = None) -> tuple[int, int]:
        """Let somebody apply; return the instance and the task it opened."""
        program = self.program(name)
        response = program.command(
            "process-instances",
            {
                "process": KEY,
                "organisation_id": self.places["branch"],
                "subject_id": self.people[name],
                "data": self.application(program),
            },
            key=key,
        )
        assert response.status_code == 201, response.text
        body = response.get_json()
        return body["instance_id"], body["opened"][0]["id"]

    def talk(self, program: Program) -> dict[str, Any]:
        """Return the data of the first talk."""
        return {
            "talkers": [self.people["secretary"], self.people["commissioner"]],
            "talk_place": "党员活动室",
            "topic_experience": "大学毕业后到镇农业综合服务中心工作。",
            "topic_understanding": "了解党的性质和宗旨。",
            "topic_motive": "愿意为群众办实事。",
            "topic_law": "遵纪守法。",
            "topic_family": "父母务农。",
            "talk_impression": "动机端正，建议纳入培养。",
            "talk_files": [program.upload("谈话记录.pdf")],
        }


PEOPLE = (
    ("applicant", "李一", "branch", MembershipStatus.NONE, None),
    ("member_two", "钱二", "branch", MembershipStatus.NONE, None),
    ("secretary", "王建国", "branch", MembershipStatus.FULL, PostKind.SECRETARY),
    ("commissioner", "赵敏", "branch", MembershipStatus.FULL, PostKind.ORGANISATION_COMMISSIONER),
    ("member", "周强", "branch", MembershipStatus.FULL, None),
    ("stranger", "石磊", "other", MembershipStatus.FULL, PostKind.SECRETARY),
    ("superior", "陈立", "committee", MembershipStatus.FULL, PostKind.SECRETARY),
    ("auditor", "许正", "county", MembershipStatus.FULL, PostKind.AUDITOR),
    ("administrator", "管平", "county", MembershipStatus.FULL, PostKind.ADMINISTRATOR),
)


@pytest.fixture
def town(app: Flask, session: Session, clock: FixedClock) -> Town:
    """The town, with the procedure deployed."""
    app.extensions["guicheng.clock"] = clock
    places: dict[str, int] = {}
    people: dict[str, int] = {}
    accounts: dict[str, int] = {}
    kind = OrganisationKind
    with unit_of_work() as unit:
        for key, name, sort, parent in (
            ("county", "和风县委", kind.COMMITTEE, None),
            ("committee", "青山镇党委", kind.COMMITTEE, "county"),
            ("branch", "第一党支部", kind.BRANCH, "committee"),
            ("other", "第二党支部", kind.BRANCH, "committee"),
        ):
            places[key] = add_organisation(
                unit,
                name=name,
                kind=sort,
                code=key,
                parent_id=places[parent] if parent else None,
                can_approve_members=sort is kind.COMMITTEE,
            ).id
        for key, name, place, status, post in PEOPLE:
            person = Person(
                name=name,
                organisation_id=places[place],
                created_at=clock.now(),
                phone="13812345678",
                birth_date=date(1980, 1, 1),
            )
            unit.add(person)
            unit.flush()
            people[key] = person.id
            where = {"clock": clock, "organisation_id": places[place]}
            set_status(unit, person.id, status, LONG_AGO, **where)
            if post is not None:
                add_post(unit, person.id, places[place], post, LONG_AGO)
            # Nobody signs in with a password here, so none is hashed.
            account = Account(
                person_id=person.id, login=key, password_hash="-", created_at=clock.now()
            )
            unit.add(account)
            unit.flush()
            accounts[key] = account.id
        deploy_shipped(unit, clock)
    return Town(app, session, clock, places, people, accounts)
