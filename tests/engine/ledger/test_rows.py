"""The fast way to an entry's text is the canonical one, whatever the entry holds."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import postgres
from engine.digests import digester
from engine.ledger.chain import entry_digest, payload_digest
from engine.ledger.rows import COLUMNS, Row, entry_text, is_whole, plain

BIG = st.integers(-(2**63), 2**63 - 1)
# PostgreSQL keeps any text but NUL, and no half of a surrogate pair.
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)

ENTRIES = st.fixed_dictionaries(
    {
        "chain_id": BIG,
        "seq": st.integers(-(2**31), 2**31 - 1),
        "form": st.sampled_from([1, 2]),
        "kind": TEXT,
        "recorded_at": st.datetimes(timezones=st.just(UTC)),
        "occurred_on": st.none() | st.dates(),
        "actor_id": st.none() | BIG,
        "on_behalf_of": st.none() | BIG,
        "element": st.none() | TEXT,
        "task_id": st.none() | BIG,
        "command_id": st.none() | st.uuids(),
        "payload": TEXT,
        "salt": st.binary(max_size=16),
        "payload_digest": st.binary(max_size=32),
        "snapshot": st.none() | st.binary(max_size=40),
        "snapshot_digest": st.none() | st.binary(max_size=32),
        "previous": st.binary(max_size=32),
        "digest": st.just(b""),
    }
)

INSERT = (
    "INSERT INTO fast VALUES (%(chain_id)s, %(seq)s, %(form)s, %(kind)s, %(recorded_at)s,"
    " %(occurred_on)s, %(actor_id)s, %(on_behalf_of)s, %(element)s, %(task_id)s, %(command_id)s,"
    " %(payload)s, %(salt)s, %(payload_digest)s, %(snapshot)s, %(previous)s, %(digest)s,"
    " %(snapshot_digest)s)"
)


def through_the_database(connection: psycopg.Connection[Any], entry: dict[str, Any]) -> Row:
    """Return the entry as verification fetches it."""
    with connection.cursor(binary=True) as cursor:
        connection.execute("DELETE FROM fast")
        connection.execute(INSERT, entry)
        found = cursor.execute(f"SELECT {COLUMNS} FROM fast".encode()).fetchone()
    assert found is not None
    return Row._make(found)


def test_the_text_is_the_canonical_one(database: postgres.Addresses) -> None:
    with psycopg.connect(database.owner) as connection:
        connection.execute("CREATE TEMP TABLE fast (LIKE ledger_entry)")

        @given(ENTRIES)
        @settings(max_examples=300)
        def holds(entry: dict[str, Any]) -> None:
            row = through_the_database(connection, entry)
            made = digester(entry["form"])(entry_text(row).encode()).digest()
            assert made == entry_digest(entry)
            assert plain(row) == entry
            assert not is_whole(row)
            whole = {
                **entry,
                "payload_digest": payload_digest(entry["form"], entry["salt"], entry["payload"]),
                "snapshot_digest": None,
            }
            whole["digest"] = entry_digest(whole)
            assert is_whole(through_the_database(connection, whole))

        holds()
        connection.rollback()


@pytest.mark.parametrize("moment", ["infinity", "-infinity", "4714-11-24 BC", "294276-12-31"])
def test_moments_and_days_beyond_all_calendars_do_no_harm(
    database: postgres.Addresses, moment: str
) -> None:
    entry = {
        **dict.fromkeys(Row._fields),
        "chain_id": 1,
        "seq": 1,
        "form": 1,
        "kind": "read",
        "recorded_at": moment,
        "occurred_on": moment,
        "payload_digest": b"",
        "previous": b"",
        "digest": b"",
    }
    with psycopg.connect(database.owner) as connection:
        connection.execute("CREATE TEMP TABLE fast (LIKE ledger_entry)")
        row = through_the_database(connection, entry)
        connection.rollback()
    assert '"?"' in entry_text(row)
    assert plain(row)["recorded_at"] is None
    assert plain(row)["occurred_on"] is None


def test_a_text_that_can_be_read() -> None:
    row = Row(
        chain_id=7,
        seq=2,
        form=1,
        kind="completed",
        recorded_at=(86_400_000_000).to_bytes(8, "big"),
        occurred_on=(1).to_bytes(4, "big"),
        actor_id=3,
        on_behalf_of=None,
        element='谈"话',
        task_id=None,
        command_id=UUID(int=5).bytes,
        payload="{}",
        salt=b"s",
        payload_digest=b"\x01",
        snapshot=None,
        snapshot_digest=None,
        previous=b"\x02",
        digest=b"",
    )
    assert entry_text(row) == (
        '[1,7,2,"completed","2000-01-02T00:00:00.000000+00:00","2000-01-02",3,null,"谈\\"话",'
        'null,"00000000-0000-0000-0000-000000000005","01",null,"02"]'
    )
    assert plain(row)["recorded_at"] == datetime(2000, 1, 2, tzinfo=UTC)
    assert plain(row)["occurred_on"] == date(2000, 1, 2)
