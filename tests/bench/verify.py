"""How many entries a second ``guicheng verify`` checks, all digests made anew.

The entries are made here and copied in: as many chains of 25 steps as needed, each entry with the
600 bytes that a step records and a snapshot of the usual size.
"""

from __future__ import annotations

import secrets
import time
from datetime import UTC, date, datetime, timedelta
from typing import Final
from uuid import uuid4

import psycopg

from engine.ledger.chain import Event, Head, seal
from engine.ledger.verify import Report as Seen
from engine.ledger.verify import verify_all
from tests.bench.installation import installation
from tests.bench.packages import DATA
from tests.bench.report import Report, Spread, say

ENTRIES: Final = 200_000
STEPS: Final = 25
SNAPSHOT: Final = 500
ROUNDS: Final = 3

COLUMNS: Final = (
    "chain_id, seq, form, kind, recorded_at, occurred_on, actor_id, on_behalf_of, element,"
    " task_id, command_id, payload, salt, payload_digest, snapshot, previous, digest"
)


def measure(report: Report) -> None:
    """Measure whole verifications, of the chains and of a checkpoint over them."""
    with installation("bench_verify", []) as installed:
        fill(installed.where.owner, ENTRIES)
        say(f"{ENTRIES} entries copied in")
        speeds = []
        for _ in range(ROUNDS):
            seen = Seen()
            began = time.perf_counter()
            faults = list(verify_all(installed.where.app, seen))
            speeds.append(seen.entries / (time.perf_counter() - began))
            assert not faults, faults[:3]
            assert seen.entries >= ENTRIES
    report.add(
        "ledger entries verified a second", Spread.of(speeds), key="verify_entries_per_s", digits=0
    )


def fill(url: str, entries: int) -> None:
    """Copy so many entries into the ledger, in chains of 25."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    chains = entries // STEPS
    copy = f"COPY ledger_entry ({COLUMNS}) FROM STDIN"
    heads = []
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT coalesce(max(id), 0) + 1 FROM ledger_chain").fetchone()
        assert row is not None
        with connection.cursor().copy(copy) as stream:
            for chain in range(row[0], row[0] + chains):
                head = Head()
                for step in range(STEPS):
                    event = Event(
                        "completed",
                        actor_id=chain % 977,
                        occurred_on=date(2026, 1, 1) + timedelta(days=step),
                        element=f"step_{step}",
                        task_id=chain * STEPS + step,
                        command_id=uuid4(),
                        payload={"data": DATA, "outcome": ["agree", "同意"]},
                        snapshot=secrets.token_bytes(SNAPSHOT),
                    )
                    entry, head = seal(chain, head, event, now + timedelta(seconds=chain + step))
                    stream.write_row(list(entry.values()))
                heads.append((chain, f"bench-{chain}", head.length, head.digest))
        columns = "ledger_chain (id, name, length, head)"
        with connection.cursor().copy(f"COPY {columns} FROM STDIN") as stream:
            for values in heads:
                stream.write_row(values)
        connection.execute("SELECT setval('chain_id_seq', max(id)) FROM ledger_chain")
        connection.commit()
        connection.execute("ANALYZE ledger_entry")
