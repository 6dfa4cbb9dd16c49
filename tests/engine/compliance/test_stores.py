"""What every process keeps at hand: deployed regulations and set values, seen fresh in time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
from flask import Flask
from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from engine.clock import FixedClock
from engine.compliance.fresh import LOOK_AGAIN, Fresh
from engine.compliance.regulation_models import RegulationSet
from engine.compliance.regulation_reading import load_regulation_folder, load_regulations
from engine.compliance.regulation_store import current_regulations, deploy_regulations
from engine.compliance.regulations import Regulations
from engine.database import unit_of_work
from engine.errors import EngineFault
from engine.ledger.models import LedgerChain, LedgerEntry
from engine.settings import ROOT


@dataclass
class Table:
    """Something that changes, with a count of how often it was asked for."""

    value: int = 1
    marks: int = 0
    loads: int = 0
    at: float = 0.0
    during: list[object] = field(default_factory=list)

    def mark(self, session: Session) -> int:
        self.marks += 1
        return self.value

    def load(self, session: Session) -> int:
        self.loads += 1
        value = self.value
        for action in self.during:
            action()  # type: ignore[operator]
        return value


@pytest.fixture
def table() -> Table:
    return Table()


@pytest.fixture
def fresh(table: Table) -> Fresh[int]:
    return Fresh(table.mark, table.load, now=lambda: table.at)


def test_the_database_is_asked_once_a_minute(
    session: Session, table: Table, fresh: Fresh[int]
) -> None:
    for at in (0.0, 1.0, LOOK_AGAIN - 1):
        table.at = at
        assert fresh.get(session) == 1
    assert (table.marks, table.loads) == (1, 1)
    table.at = LOOK_AGAIN
    assert fresh.get(session) == 1
    assert (table.marks, table.loads) == (2, 1)


def test_another_process_s_change_is_seen_within_a_minute(
    session: Session, table: Table, fresh: Fresh[int]
) -> None:
    fresh.get(session)
    table.value = 2
    assert fresh.get(session) == 1
    table.at = LOOK_AGAIN
    assert fresh.get(session) == 2


def test_our_own_change_is_seen_at_once(session: Session, table: Table, fresh: Fresh[int]) -> None:
    fresh.get(session)
    table.value = 2
    fresh.forget()
    assert fresh.get(session) == 2


def test_what_was_read_before_a_change_is_not_kept(
    session: Session, table: Table, fresh: Fresh[int]
) -> None:
    def committed_meanwhile() -> None:
        table.value = 2
        fresh.forget()

    table.during = [committed_meanwhile]
    assert fresh.get(session) == 1
    table.during = []
    assert fresh.get(session) == 2


def test_many_threads_share_one_copy(
    app: Flask, session: Session, table: Table, fresh: Fresh[int]
) -> None:
    def ask(_: int) -> int:
        with app.app_context():
            return fresh.get(session)

    fresh.get(session)
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, range(200))) == {1}
    assert table.loads == 1


# --- regulations -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ours() -> Regulations:
    return load_regulation_folder(ROOT / "processes" / "regulations")


def deploy(regulations: Regulations, clock: FixedClock) -> bool:
    with unit_of_work() as session:
        return deploy_regulations(session, regulations, clock).created


def test_before_anything_is_deployed_there_is_nothing(session: Session) -> None:
    found = current_regulations(session)
    assert (list(found), found.parameters, found.find("细则")) == ([], {}, None)


def test_what_is_deployed_is_what_was_read(
    session: Session, clock: FixedClock, ours: Regulations
) -> None:
    assert deploy(ours, clock)
    found = current_regulations(session)
    assert found.sha256 == ours.sha256
    assert found.by_id == ours.by_id
    assert found.parameters == ours.parameters


def test_the_same_again_changes_nothing(
    session: Session, clock: FixedClock, ours: Regulations
) -> None:
    assert deploy(ours, clock)
    assert not deploy(ours, clock)
    assert session.scalar(select(func.count(RegulationSet.id))) == 1


def test_a_deployment_is_recorded_with_its_digest(
    session: Session, clock: FixedClock, ours: Regulations
) -> None:
    deploy(ours, clock)
    payload = session.scalar(
        select(LedgerEntry.payload)
        .join(LedgerChain, LedgerChain.id == LedgerEntry.chain_id)
        .where(LedgerChain.name == "definitions")
    )
    assert payload is not None
    assert ours.sha256 in payload


def test_the_newest_counts_and_an_older_text_can_come_back(
    session: Session, clock: FixedClock, ours: Regulations
) -> None:
    other = load_regulations({"parameters.toml": ours.files["parameters.toml"]})
    assert [deploy(r, clock) for r in (ours, other, ours)] == [True, True, True]
    assert current_regulations(session).sha256 == ours.sha256


def test_texts_that_were_changed_in_the_database_are_not_used(
    session: Session, clock: FixedClock, ours: Regulations
) -> None:
    deploy(ours, clock)
    files = {**{path: data.decode() for path, data in ours.files.items()}}
    files["sources.toml"] += "\n# 改动\n"
    session.execute(update(RegulationSet).values(files=files))
    session.execute(text("SELECT 1"))
    with pytest.raises(EngineFault):
        current_regulations(session)
