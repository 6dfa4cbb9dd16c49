"""Health: each thing that is wrong gives one reason, and nothing else does."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from engine import health, postgres
from engine.application import create_core_app
from engine.database import db
from engine.settings import Settings


def beat(session: Session, seconds_ago: int) -> None:
    session.execute(text("DELETE FROM procrastinate_workers"))
    session.execute(
        text(
            "INSERT INTO procrastinate_workers (last_heartbeat)"
            " VALUES (now() - make_interval(secs => :ago))"
        ),
        {"ago": seconds_ago},
    )


def nothing_pending() -> list[str]:
    return []


def test_all_is_well_while_a_worker_gives_signs_of_life(session: Session) -> None:
    beat(session, 5)
    assert health.check(session, nothing_pending) == []


@pytest.mark.parametrize("seconds", [None, health.WORKER_SILENCE_SECONDS + 5])
def test_a_silent_worker_is_reported(session: Session, seconds: int | None) -> None:
    if seconds is None:
        session.execute(text("DELETE FROM procrastinate_workers"))
    else:
        beat(session, seconds)
    (reason,) = health.check(session, nothing_pending)
    assert "guicheng worker" in reason


def test_a_schema_that_is_behind_is_reported(session: Session) -> None:
    beat(session, 5)
    (reason,) = health.check(session, lambda: ["0002"])
    assert "guicheng db upgrade" in reason


def test_a_database_that_does_not_answer_is_reported_and_nothing_else() -> None:
    nowhere = "postgresql://nobody@/nothing?host=/nonexistent&connect_timeout=2"
    app = create_core_app(
        Settings(secret_key="test"), where=postgres.Addresses(app=nowhere, owner=nowhere)
    )
    with app.app_context():
        (reason,) = health.check(db.session(), nothing_pending)
        assert "数据库" in reason
        db.session.remove()
