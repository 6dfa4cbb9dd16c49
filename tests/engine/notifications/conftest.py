"""The town with accounts, a sweep that has looked once, and what people are told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import time
from typing import Any

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from engine.clock import FixedClock
from engine.database import db, unit_of_work
from engine.directory import accounts
from engine.directory.accounts import create_account
from engine.notifications.delivering import deliver
from engine.notifications.models import Delivery, Notice, NoticePreference
from engine.notifications.sweeping import sweep_notices
from engine.settings import Settings
from tests.engine.notifications.receivers import MailServer, mail_server
from tests.factories import Desk


@dataclass
class Told:
    """What people of a town are told."""

    desk: Desk
    settings: Settings
    boxes: MailServer

    @property
    def clock(self) -> FixedClock:
        """The desk's clock."""
        return self.desk.clock

    def sweep(self) -> int:
        """Look once."""
        return sweep_notices(self.settings, self.clock)

    def to(self, name: str, *, resting: bool = False) -> list[str]:
        """Return the kinds of a person's lines that are not at rest, the oldest thing first."""
        rows = self.lines(name)
        return [row.kind for row in rows if resting or row.settled_at is None]

    def lines(self, name: str) -> list[Notice]:
        db.session.rollback()
        return list(
            db.session.scalars(
                select(Notice)
                .where(Notice.person_id == self.desk.town.people[name])
                .order_by(Notice.id)
                .execution_options(populate_existing=True)
            )
        )

    def mail_to(self, name: str, mode: str = "instant", **values: Any) -> None:
        """Give a person a confirmed address."""
        given = {"quiet_from": None, "quiet_until": None, "page_off": [], "mail_off": []} | values
        with unit_of_work() as session:
            session.add(
                NoticePreference(
                    person_id=self.desk.town.people[name],
                    email=f"{name}@example.org",
                    confirmed_at=self.clock.now(),
                    mode=mode,
                    **given,
                )
            )

    def deliveries(self) -> list[Delivery]:
        db.session.rollback()
        return list(
            db.session.scalars(
                select(Delivery).order_by(Delivery.id).execution_options(populate_existing=True)
            )
        )

    def send_all(self) -> list[Any]:
        """Let each delivery that is not finished be tried, as its job would."""
        return [
            deliver(row.id, settings=self.settings, clock=self.clock)
            for row in self.deliveries()
            if row.state in ("waiting", "sending")
        ]


NIGHT = (time(22), time(7))


def give_accounts(desk: Desk) -> None:
    """Let everybody of the town sign in."""
    with unit_of_work() as session:
        for name, person_id in desk.town.people.items():
            create_account(
                session,
                person_id=person_id,
                login=f"{name}-{person_id}",
                password="a quiet river bends",
                clock=desk.clock,
            )


@pytest.fixture
def boxes() -> Iterator[MailServer]:
    """A mail server without encryption."""
    with mail_server() as server:
        yield server


@pytest.fixture
def told(
    session: Session,
    desk: Desk,
    settings: Settings,
    boxes: MailServer,
    monkeypatch: pytest.MonkeyPatch,
) -> Told:
    """People with accounts, swept once: what was before is not told."""
    quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(accounts, "_hasher", quick)
    give_accounts(desk)
    with unit_of_work() as unit:
        unit.execute(text("DELETE FROM procrastinate_jobs"))
    mailing = replace(
        settings,
        smtp_host="127.0.0.1",
        smtp_port=boxes.port,
        smtp_tls="none",
        mail_from="guicheng@example.org",
        public_url="https://guicheng.example",
    )
    made = Told(desk, mailing, boxes)
    made.sweep()
    return made
