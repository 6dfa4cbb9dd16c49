"""Every field of every kind of entry, changed by the owner of the server: each time it is found.

And what no single chain can show: a chain cut off, replaced, or taken away whole, with all digests
made anew. That a checkpoint shows, and against a forged one the copy that others have kept.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql

from engine import postgres
from engine.ledger.chain import Event, Head, seal
from engine.ledger.checking import FIRST, LAST, check_range
from engine.ledger.faults import NAMES, Fault, Report
from engine.ledger.kinds import EntryKind
from engine.ledger.models import LedgerEntry
from tests.engine.ledger.conftest import Connection, owner

AT = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
TOMBSTONE = "an erased entry"
KINDS = [*map(str, EntryKind), TOMBSTONE]

CHANGES: dict[str, list[Any]] = {
    "chain_id": [10**12],
    "seq": [5000],
    "form": ["other", 77, -1],
    "kind": ["other", "invented"],
    "recorded_at": [AT - timedelta(days=400), "infinity", "-infinity"],
    "occurred_on": [date(2020, 2, 29), None, "infinity"],
    "actor_id": [99, None],
    "on_behalf_of": [99, None],
    "element": ["other_step", None, ""],
    "task_id": [99, None],
    "command_id": [UUID(int=1), None],
    "payload": ['{"n":"changed"}', None, "no JSON"],
    "salt": [b"0123456789abcdef", None, b""],
    "payload_digest": [b"x" * 32, b""],
    "snapshot": [b"another state", None, b""],
    "snapshot_digest": [b"x" * 32],
    "previous": [b"x" * 32, b""],
    "digest": [b"x" * 32, b""],
}
SURE = {
    *("chain_id", "seq", "form", "kind", "occurred_on", "actor_id", "element", "task_id"),
    *("payload_digest", "previous", "digest"),
}
"""Fields that verification names alone, as their former values can be found out again."""


@dataclass(frozen=True)
class Planted:
    """A chain with an entry of every kind, and the connection that tampers with it."""

    connection: Connection
    chain_id: int
    places: dict[str, int]
    """The entries by kind."""

    def faults(self) -> list[Fault]:
        """Return what a verification finds within the open transaction."""
        return list(check_range(self.connection, FIRST, LAST, Report()))

    def set(self, seq: int, column: str, value: Any) -> None:
        """Change a field of an entry."""
        self.connection.execute(
            sql.SQL("UPDATE ledger_entry SET {} = %s WHERE chain_id = %s AND seq = %s").format(
                sql.Identifier(column)
            ),
            (value, self.chain_id, seq),
        )

    def get(self, seq: int, column: str) -> Any:
        """Return a field of an entry."""
        found = self.connection.execute(
            sql.SQL("SELECT {} FROM ledger_entry WHERE chain_id = %s AND seq = %s").format(
                sql.Identifier(column)
            ),
            (self.chain_id, seq),
        ).fetchone()
        assert found is not None
        return found[0]


def plant(connection: Connection) -> tuple[int, dict[str, int]]:
    """Write a chain of all kinds, digested by turns as SHA-256 and SM3, one entry erased."""
    row = connection.execute("SELECT nextval('chain_id_seq')").fetchone()
    assert row is not None
    chain_id, head, places = row[0], Head(), {}
    entries = []
    for number, kind in enumerate([TOMBSTONE, *EntryKind, "read"], 1):
        payload = {"seqs": [1], "reason": "届满"} if kind == EntryKind.ERASED else {"n": number}
        event = Event(
            kind="completed" if kind == TOMBSTONE else str(kind),
            actor_id=3,
            on_behalf_of=4,
            occurred_on=date(2026, 11, 1),
            element="步骤",
            task_id=5,
            command_id=uuid4(),
            payload=payload,
            snapshot=b"state %d" % number,
        )
        at = AT + timedelta(microseconds=number)
        entry, head = seal(chain_id, head, event, at, form=1 + number % 2)
        places.setdefault(str(kind), number)
        entries.append(entry)
    columns = list(entries[0])
    with connection.cursor().copy(
        sql.SQL("COPY ledger_entry ({}) FROM STDIN").format(
            sql.SQL(", ").join(map(sql.Identifier, columns))
        )
    ) as copy:
        for entry in entries:
            copy.write_row([entry[name] for name in columns])
    connection.execute(
        "INSERT INTO ledger_chain VALUES (%s, 'planted', %s, %s)",
        (chain_id, head.length, head.digest),
    )
    # The first entry is digested as SM3, which the server cannot make: its digest is ours.
    connection.execute(
        "UPDATE ledger_entry SET payload = NULL, salt = NULL, snapshot = NULL,"
        " snapshot_digest = %s WHERE chain_id = %s AND seq = 1",
        (hashlib.new("sm3", b"state 1").digest(), chain_id),
    )
    return chain_id, places


@pytest.fixture(scope="module")
def chain(database: postgres.Addresses) -> Iterator[Planted]:
    """The chain, in a transaction that is never committed."""
    with owner(database) as connection:
        yield Planted(connection, *plant(connection))
        connection.rollback()


@pytest.fixture
def planted(chain: Planted) -> Iterator[Planted]:
    """The chain as it was planted, whatever the last test did to it."""
    chain.connection.execute("SAVEPOINT planted")
    yield chain
    chain.connection.execute("ROLLBACK TO SAVEPOINT planted")


def test_every_field_and_every_kind_is_in_these_tests() -> None:
    columns = {column.name for column in LedgerEntry.__table__.columns}
    assert columns == set(CHANGES) == set(NAMES)
    assert set(KINDS) > set(EntryKind)


def test_the_chain_of_all_kinds_and_both_digests_verifies(planted: Planted) -> None:
    assert planted.faults() == []
    assert planted.get(1, "payload") is None


@pytest.mark.parametrize("field", CHANGES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_change_of_every_field_of_every_kind_is_found(
    planted: Planted, kind: str, field: str
) -> None:
    seq = planted.places[kind]
    before = planted.get(seq, field)
    for value in CHANGES[field]:
        if value == "other":
            value = 3 - before if field == "form" else "sampled" if kind == "read" else "read"
        if value == before:
            continue
        planted.connection.execute("SAVEPOINT once")
        planted.set(seq, field, value)
        found = planted.faults()
        planted.connection.execute("ROLLBACK TO SAVEPOINT once")
        moved = field in ("chain_id", "seq")
        # Moved away, an entry is missing where it was; anything else is said of the entry itself.
        here = [f for f in found if f.chain_id == planted.chain_id and (moved or f.seq == seq)]
        assert here, (value, found)
        if moved:
            assert any(f.code == "entry_missing" for f in here), (value, found)
            told = found
        else:
            told = here
        named = [f.fields for f in told if field in f.fields]
        assert named, (value, list(map(str, found)))
        if field in SURE and not (kind == TOMBSTONE and field == "payload_digest"):
            assert (field,) in named, (value, list(map(str, found)))


def test_the_former_value_is_said_where_it_can_be_found_out(planted: Planted) -> None:
    seq = planted.places["completed"]
    for field, value in {"kind": "read", "occurred_on": date(2026, 10, 1)}.items():
        former = planted.get(seq, field)
        planted.connection.execute("SAVEPOINT once")
        planted.set(seq, field, value)
        (fault,) = planted.faults()
        planted.connection.execute("ROLLBACK TO SAVEPOINT once")
        assert (fault.fields, fault.former) == ((field,), str(former))
        assert f"{NAMES[field]} {field}，原为 {former}" in str(fault)


def test_payload_and_salt_are_told_apart_where_their_forms_tell(planted: Planted) -> None:
    seq = planted.places["completed"]
    for field, value, fields in (
        ("payload", '{"n":7}', ("payload", "salt")),
        ("payload", '{"n": 7}', ("payload",)),
        ("payload", "no JSON", ("payload",)),
        ("salt", b"0123456789abcdef", ("payload", "salt")),
        ("salt", b"short", ("salt",)),
    ):
        planted.connection.execute("SAVEPOINT once")
        planted.set(seq, field, value)
        (fault,) = planted.faults()
        planted.connection.execute("ROLLBACK TO SAVEPOINT once")
        assert fault.fields == fields


def test_one_change_is_told_once(planted: Planted) -> None:
    seq = planted.places["completed"]
    for field in ("kind", "digest", "previous", "payload", "payload_digest", "snapshot_digest"):
        planted.connection.execute("SAVEPOINT once")
        planted.set(seq, field, CHANGES[field][-1])
        assert [f.seq for f in planted.faults()] == [seq], field
        planted.connection.execute("ROLLBACK TO SAVEPOINT once")


def test_a_changed_last_digest_is_told_at_the_last_entry(planted: Planted) -> None:
    last = len(EntryKind) + 2
    planted.set(last, "digest", b"x" * 32)
    (fault,) = planted.faults()
    assert (fault.seq, fault.fields) == (last, ("digest",))


def test_a_head_that_was_changed_alone_is_told(planted: Planted) -> None:
    planted.connection.execute(
        "UPDATE ledger_chain SET head = %s WHERE id = %s", (b"x" * 32, planted.chain_id)
    )
    assert [f.code for f in planted.faults()] == ["head_differs"]


def test_several_changes_are_all_told(planted: Planted) -> None:
    for seq in (3, 7, 9):
        planted.set(seq, "actor_id", 4711)
        planted.set(seq, "element", "elsewhere")
    assert [f.seq for f in planted.faults()] == [3, 7, 9]


@pytest.mark.parametrize("seq", [2, 8])
def test_a_removed_entry_is_told(planted: Planted, seq: int) -> None:
    planted.connection.execute(
        "DELETE FROM ledger_entry WHERE chain_id = %s AND seq = %s", (planted.chain_id, seq)
    )
    (fault,) = planted.faults()
    assert (fault.code, fault.message) == ("entry_missing", f"第 {seq} 至 {seq} 条缺失")


def test_a_removed_erasure_is_told_with_what_it_erased(planted: Planted) -> None:
    seq = planted.places["erased"]
    planted.connection.execute(
        "DELETE FROM ledger_entry WHERE chain_id = %s AND seq = %s", (planted.chain_id, seq)
    )
    assert {f.code for f in planted.faults()} == {"entry_missing", "erased_silently"}


def test_entries_in_each_other_s_place_are_told(planted: Planted) -> None:
    for old, new in ((5, -1), (8, 5), (-1, 8)):
        planted.set(old, "seq", new)
    told = {f.seq: f for f in planted.faults()}
    assert (told[5].fields, told[5].former) == (("seq",), "8")
    assert (told[8].fields, told[8].former) == (("seq",), "5")


def test_an_inserted_entry_is_told(planted: Planted) -> None:
    last = len(EntryKind) + 2
    head = Head(last, bytes(planted.get(last, "digest")))
    forged, _ = seal(planted.chain_id, head, Event("completed", payload={"forged": 1}), AT)
    columns = list(forged)
    planted.connection.execute(
        sql.SQL("INSERT INTO ledger_entry ({}) VALUES ({})").format(
            sql.SQL(", ").join(map(sql.Identifier, columns)),
            sql.SQL(", ").join([sql.Placeholder()] * len(columns)),
        ),
        [forged[name] for name in columns],
    )
    assert [(f.seq, f.code) for f in planted.faults()] == [(last + 1, "entry_inserted")]


def test_a_payload_of_another_entry_is_told(planted: Planted) -> None:
    for field in ("payload", "salt", "payload_digest"):
        planted.set(6, field, planted.get(7, field))
    (fault,) = planted.faults()
    assert fault.seq == 6


def test_faults_survive_the_way_from_one_process_to_another(planted: Planted) -> None:
    planted.set(4, "kind", "read")
    for fault in planted.faults():
        assert Fault.from_json(json.loads(json.dumps(fault.to_json()))) == fault


def test_a_matter_without_any_entry_is_told(planted: Planted) -> None:
    planted.connection.execute("INSERT INTO ledger_chain VALUES (-5, 'empty', 0, '')")
    assert [(f.chain_id, f.code) for f in planted.faults()] == [(-5, "chain_missing")]


def test_the_owner_needs_to_switch_the_guard_off(database: postgres.Addresses) -> None:
    with psycopg.connect(database.owner) as connection:
        connection.execute(
            "INSERT INTO ledger_entry (chain_id, seq, form, kind, recorded_at, payload_digest,"
            " previous, digest) VALUES (-1, 1, 1, 'read', now(), '', '', '')"
        )
        with pytest.raises(psycopg.errors.RaiseException, match="never changed"):
            connection.execute("UPDATE ledger_entry SET kind = 'x' WHERE chain_id = -1")
        connection.rollback()
