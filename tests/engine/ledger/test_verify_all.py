"""A whole database is verified by several processes, and they find what one would find."""

from __future__ import annotations

from itertools import pairwise

import psycopg
import pytest

from engine import postgres
from engine.ledger import verify as verifying
from engine.ledger.chain import Event
from engine.ledger.faults import Report
from engine.ledger.verify import count_entries, verify, verify_all
from tests.engine.ledger.conftest import Grow, owner

EVENTS = [Event("read", payload={"n": number}) for number in range(4)]


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shares so small that there is work for several processes."""
    monkeypatch.setattr(verifying, "SHARE", 5)


def test_several_processes_see_every_entry_once(
    database: postgres.Addresses, lasting: Grow, shared: None
) -> None:
    for name in "abcdef":
        lasting(name, *EVENTS)
    report, alone, seen = Report(), Report(), []
    faults = list(verify_all(database.app, report, processes=3, progress=seen.append))
    with psycopg.connect(database.app) as connection:
        assert list(verify(connection, alone)) == faults
    assert report == alone
    assert sum(seen) == report.entries == count_entries(database.app)


@pytest.mark.parametrize("processes", [1, 3])
def test_they_find_the_changed_entry_and_the_missing_chain(
    database: postgres.Addresses, lasting: Grow, shared: None, processes: int
) -> None:
    chains = [lasting(name, *EVENTS) for name in "abcdef"]
    with owner(database) as connection:
        connection.execute(
            "UPDATE ledger_entry SET kind = 'attached' WHERE chain_id = %s AND seq = 2",
            (chains[1],),
        )
        connection.execute("DELETE FROM ledger_entry WHERE chain_id = %s", (chains[2],))
        connection.execute(
            "INSERT INTO ledger_entry SELECT 10000000 + chain_id, seq, form, kind, recorded_at,"
            " occurred_on, actor_id, on_behalf_of, element, task_id, command_id, payload, salt,"
            " payload_digest, snapshot, previous, digest FROM ledger_entry WHERE chain_id = %s",
            (chains[5],),
        )
    found = {
        (f.chain_id, f.seq, f.code)
        for f in verify_all(database.app, Report(), processes=processes)
        if f.code != "matter_missing"
    }
    strange = 10_000_000 + chains[5]
    assert {(chains[1], 2, "entry_changed"), (chains[2], None, "chain_missing")} < found
    assert (strange, 4, "chain_unknown") in found
    assert {chain for chain, _, _ in found} == {chains[1], chains[2], strange}


def test_a_process_that_cannot_work_is_no_silence(
    database: postgres.Addresses, lasting: Grow, shared: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "abc":
        lasting(name, *EVENTS)
    monkeypatch.setattr(verifying.sys, "executable", "/bin/false")
    with pytest.raises((RuntimeError, BrokenPipeError)):
        list(verify_all(database.app, Report(), processes=2))


def test_ranges_cover_every_number_once(
    database: postgres.Addresses, lasting: Grow, shared: None
) -> None:
    for name in "abcdef":
        lasting(name, *EVENTS)
    with psycopg.connect(database.app) as connection:
        ranges = verifying._ranges(connection)
    assert len(ranges) > 2
    assert (ranges[0][0], ranges[-1][1]) == (verifying.FIRST, verifying.LAST)
    assert all(a[1] + 1 == b[0] for a, b in pairwise(ranges))
