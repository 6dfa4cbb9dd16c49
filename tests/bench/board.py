"""The superior's board: three thousand branches, six thousand groups, a year of what they owe."""

from __future__ import annotations

import time
from datetime import date
from types import MappingProxyType

import psycopg
from sqlalchemy import select

from engine.clock import FixedClock, start_of_day
from engine.database import db, unit_of_work
from engine.directory.codes import PostKind
from engine.directory.models import Account, Organisation, Person
from engine.directory.posts import add_post
from engine.directory.sessions import open_session
from engine.duties.strips import write_all_years
from engine.settings import Settings
from tests.bench.installation import BENCH_DIR, Installation, installation
from tests.bench.report import Report, Spread, say
from tests.duty_years import YEAR, fill_year, packages
from web import create_app
from web.context import SESSION_KEY

TODAY = date(YEAR, 11, 22)
ROUNDS = 30

PAGES = MappingProxyType(
    {
        "board": "/board/?year=2026",
        "a quarter": "/board/?year=2026&part=q3",
        "ranking": "/board/ranking?year=2026",
        "needs help": "/board/ranking?year=2026&order=worst&page=3",
        "late": "/board/duties?year=2026&state=late",
        "matters": "/board/matters?year=2026",
    }
)


def measure(report: Report) -> None:
    """Ask every page again and again; the 95th percentile is that of the slowest page."""
    with installation("bench_board", packages()) as installed:
        with installed.app.app_context():
            token = _filled(installed)
            committee, branch = _a_committee()
            db.session.remove()
        settings = Settings(data_dir=BENCH_DIR, secret_key="bench")
        clock = FixedClock(start_of_day(TODAY))
        client = create_app(settings, where=installed.where, clock=clock).test_client()
        with client.session_transaction() as cookie:
            cookie[SESSION_KEY] = token
        pages = {
            **PAGES,
            "a committee": f"/board/?year={YEAR}&organisation={committee}",
            "a branch": f"/board/{branch}/year?year={YEAR}",
        }
        worst = 0.0
        for name, path in pages.items():
            taken = []
            for number in range(ROUNDS + 3):
                began = time.perf_counter()
                answer = client.get(path)
                taken.append(1000 * (time.perf_counter() - began))
                assert answer.status_code == 200, (path, answer.status_code)
                if number < 3:
                    taken.clear()
            taken.sort()
            p95 = taken[int(0.95 * len(taken)) - 1]
            worst = max(worst, p95)
            report.add(f"board: {name}, p50 ms", Spread.of(taken))
            say(f"{name}: p95 {p95:.0f} ms")
    report.fact("board: slowest page, p95 ms", round(worst, 1), key="board_p95_ms")


def _filled(installed: Installation) -> str:
    """Fill the tables and return the session of the county's secretary."""
    with psycopg.connect(installed.where.owner, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        fill_year(connection, top="top")
    with unit_of_work() as session:
        write_all_years(session, date(YEAR, 1, 1))
        top = session.scalar(select(Organisation.id).where(Organisation.code == "top"))
        assert top is not None
        person = Person(name="书记", organisation_id=top, created_at=installed.clock.now())
        session.add(person)
        session.flush()
        add_post(session, person.id, top, PostKind.SECRETARY, date(2020, 1, 1))
        account = Account(
            person_id=person.id, login="county", password_hash="-", created_at=installed.clock.now()
        )
        session.add(account)
    with psycopg.connect(installed.where.owner, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
    return open_session(FixedClock(start_of_day(TODAY)), account.id)


def _a_committee() -> tuple[int, int]:
    """Return a committee and one of its branches."""
    session = db.session()
    branch = session.scalars(
        select(Organisation).where(Organisation.code.like("yb%")).limit(1)
    ).one()
    assert branch.parent_id is not None
    return branch.parent_id, branch.id
