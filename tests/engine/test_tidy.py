"""The daily clean-up: what nobody needs goes, everything else stays."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from engine.attachments.models import Attachment, Blob
from engine.attachments.operations import add_attachment
from engine.attachments.store import Store
from engine.clock import FixedClock
from engine.database import unit_of_work
from engine.directory.accounts import LoginRefused, authenticate, create_account
from engine.directory.models import LoginAttempt, WebSession
from engine.directory.sessions import open_session
from engine.jobs import build_worker, tidy_up
from tests.factories import Desk


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store of files."""
    return Store(tmp_path / "attachments", 1024 * 1024)


@pytest.fixture
def used(desk: Desk, store: Store) -> Desk:
    """Somebody failed to sign in, signed in, and uploaded a file for nothing."""
    person = desk.actor("secretary").person_id
    with unit_of_work() as session:
        account = create_account(
            session,
            person_id=person,
            login="secretary",
            password="a quiet river bends",
            clock=desk.clock,
        ).id
    with pytest.raises(LoginRefused):
        authenticate(desk.clock, "secretary", "wrong", address="192.0.2.1")
    open_session(desk.clock, account, days=7)
    add_attachment(
        desk.clock,
        store,
        io.BytesIO(b"%PDF-1.7\n%%EOF\n"),
        name="a.pdf",
        document="",
        person_id=person,
    )
    return desk


def kept(session: Session) -> dict[str, int]:
    """Return how much of each is there."""
    session.rollback()
    return {
        table.__tablename__: session.scalar(select(func.count()).select_from(table)) or 0
        for table in (LoginAttempt, WebSession, Attachment, Blob)
    }


def files(store: Store) -> int:
    return sum(path.is_file() for path in store.folder.rglob("*"))


def test_nothing_fresh_is_removed(session: Session, used: Desk, store: Store) -> None:
    before = kept(session)
    assert all(before.values())
    tidy_up(used.clock, store)
    assert kept(session) == before
    assert files(store) == 1


def test_what_is_old_goes_with_its_file(session: Session, used: Desk, store: Store) -> None:
    before = kept(session)
    used.clock.set(used.clock.now() + timedelta(days=100))
    tidy_up(used.clock, store)
    after = kept(session)
    assert after["login_attempt"] == after["web_session"] == 0
    assert after["attachment"] == before["attachment"] - 1
    assert files(store) == 0


def test_it_may_run_again_at_once(session: Session, used: Desk, store: Store) -> None:
    used.clock.set(used.clock.now() + timedelta(days=100))
    tidy_up(used.clock, store)
    after = kept(session)
    tidy_up(used.clock, store)
    assert kept(session) == after


def test_the_worker_does_it_once_a_night(app: Flask, clock: FixedClock) -> None:
    worker = build_worker(app, "postgresql://", clock=clock)
    periodic = {
        task.task.name: task.cron for task in worker.periodic_registry.periodic_tasks.values()
    }
    assert periodic["tidy"] == "17 19 * * *"
