"""What only checkpoints show: chains cut off, replaced or taken away with all digests made anew.

And what only a checkpoint kept outside shows: the checkpoints themselves made anew.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from flask import Flask

from engine import postgres
from engine.clock import FixedClock
from engine.database import db, unit_of_work
from engine.digests import use_digest
from engine.ledger.chain import Event, Head, seal
from engine.ledger.checkpoints import Sealed, seal_checkpoint
from engine.ledger.faults import Fault, Report
from engine.ledger.handing_on import (
    ExportUnreadable,
    compare_checkpoint,
    export_checkpoint,
    read_export,
)
from engine.ledger.keys import key_file, known_keys, rotate_key
from engine.ledger.merkle import Leaf, Tree
from engine.ledger.statements import sign
from engine.ledger.verify import verify
from engine.settings import Settings
from tests.engine.ledger.conftest import CHECKPOINTS, Connection, Grow, owner

EVENTS = [Event("read", payload={"n": number}) for number in range(5)]


@pytest.fixture
def sealing(
    app: Flask, own: Settings, clock: FixedClock, lasting: Grow
) -> Iterator[Callable[[], Sealed]]:
    """A function that seals a checkpoint, a day later each time, and commits it."""

    def seal_all() -> Sealed:
        clock.at += timedelta(days=1)
        with app.app_context(), unit_of_work() as session:
            return seal_checkpoint(session, own, clock)

    yield seal_all


def found(database: postgres.Addresses) -> list[Fault]:
    with psycopg.connect(database.app) as connection:
        return [f for f in verify(connection, Report()) if f.code != "matter_missing"]


def codes(database: postgres.Addresses) -> list[tuple[int, int | None, str]]:
    return [(f.chain_id, f.seq, f.code) for f in found(database)]


def rewrite(connection: Connection, chain_id: int, events: list[Event], clock: FixedClock) -> Head:
    """Replace a whole chain, with all its digests and its head, as the server's owner can."""
    connection.execute("DELETE FROM ledger_entry WHERE chain_id = %s", (chain_id,))
    head = Head()
    for event in events:
        entry, head = seal(chain_id, head, event, clock.now())
        columns = ", ".join(entry)
        places = ", ".join(["%s"] * len(entry))
        connection.execute(
            f"INSERT INTO ledger_entry ({columns}) VALUES ({places})".encode(),
            list(entry.values()),
        )
    connection.execute(
        "UPDATE ledger_chain SET length = %s, head = %s WHERE id = %s",
        (head.length, head.digest, chain_id),
    )
    return head


def test_sealed_chains_that_grow_verify(
    database: postgres.Addresses, lasting: Grow, sealing: Callable[[], Sealed]
) -> None:
    lasting("a", *EVENTS)
    sealing()
    lasting("b", *EVENTS)
    lasting("a", *EVENTS)
    sealing()
    lasting("a", *EVENTS)
    report = Report()
    with psycopg.connect(database.app) as connection:
        assert [f for f in verify(connection, report) if f.code != "matter_missing"] == []
    assert report.checkpoints == 2
    assert report.sealed == 16  # with the entry of the key


@pytest.mark.parametrize("digest", ["sha256", "sm3"])
def test_a_chain_cut_off_is_found(
    database: postgres.Addresses,
    lasting: Grow,
    sealing: Callable[[], Sealed],
    clock: FixedClock,
    digest: str,
) -> None:
    use_digest(digest)
    try:
        chain = lasting("a", *EVENTS)
        sealing()
    finally:
        use_digest("sha256")
    with owner(database) as connection:
        head = connection.execute(
            "SELECT digest FROM ledger_entry WHERE chain_id = %s AND seq = 3", (chain,)
        ).fetchone()
        assert head is not None
        connection.execute("DELETE FROM ledger_entry WHERE chain_id = %s AND seq > 3", (chain,))
        connection.execute(
            "UPDATE ledger_chain SET length = 3, head = %s WHERE id = %s", (head[0], chain)
        )
    assert codes(database) == [(chain, 5, "sealed_head_lost")]
    assert "已不存在" in found(database)[0].message


def test_a_chain_replaced_whole_is_found(
    database: postgres.Addresses,
    lasting: Grow,
    sealing: Callable[[], Sealed],
    clock: FixedClock,
) -> None:
    chain = lasting("a", *EVENTS)
    with owner(database) as connection:
        rewrite(connection, chain, [replace(e, actor_id=9) for e in EVENTS], clock)
    assert codes(database) == []  # digests alone cannot tell
    sealing()
    with owner(database) as connection:
        rewrite(connection, chain, [replace(e, actor_id=7) for e in EVENTS], clock)
    assert codes(database) == [(chain, 5, "sealed_head_lost")]
    assert "校验点 1 封存时" in found(database)[0].message
    # Later checkpoints do not heal it.
    sealing()
    assert codes(database) == [(chain, 5, "sealed_head_lost")]


def test_a_chain_taken_away_whole_is_found(
    database: postgres.Addresses, lasting: Grow, sealing: Callable[[], Sealed]
) -> None:
    chain = lasting("a", *EVENTS)
    sealing()
    with owner(database) as connection:
        connection.execute("DELETE FROM ledger_entry WHERE chain_id = %s", (chain,))
        connection.execute("DELETE FROM ledger_chain WHERE id = %s", (chain,))
    assert codes(database) == [(chain, 5, "sealed_head_lost")]


# --- the tables of checkpoints ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("UPDATE checkpoint SET at = at + interval '1 second' WHERE number = 2", "signature_wrong"),
        (
            "UPDATE checkpoint SET at = at + interval '1 second' WHERE number = 2",
            "checkpoint_broken",
        ),
        ("UPDATE checkpoint SET size = size + 1 WHERE number = 3", "signature_wrong"),
        ("UPDATE checkpoint SET entries = 1 WHERE number = 3", "signature_wrong"),
        ("UPDATE checkpoint SET root = sha256('x') WHERE number = 3", "root_differs"),
        ("UPDATE checkpoint SET root = sha256('x') WHERE number = 3", "signature_wrong"),
        ("UPDATE checkpoint SET previous = '' WHERE number = 3", "checkpoint_broken"),
        ("UPDATE checkpoint SET form = 2 WHERE number = 3", "signature_wrong"),
        ("UPDATE checkpoint SET form = 9 WHERE number = 3", "checkpoint_changed"),
        ("UPDATE checkpoint SET signature = sha512('x') WHERE number = 3", "signature_wrong"),
        ("UPDATE checkpoint SET signature = '' WHERE number = 3", "signature_wrong"),
        ("UPDATE checkpoint SET key_id = 'x' WHERE number = 3", "key_unknown"),
        ("UPDATE checkpoint SET number = 7 WHERE number = 3", "checkpoint_missing"),
        ("DELETE FROM checkpoint WHERE number = 1", "checkpoint_missing"),
        ("DELETE FROM checkpoint WHERE number = 2", "checkpoint_missing"),
        ("DELETE FROM checkpoint WHERE number = 3", "leaf_unknown"),
        ("DELETE FROM checkpoint_leaf WHERE number = 2", "root_differs"),
        ("UPDATE checkpoint_leaf SET length = 4 WHERE number = 3", "root_differs"),
        ("UPDATE checkpoint_leaf SET digest = sha256('x') WHERE number = 2", "sealed_head_lost"),
        ("INSERT INTO checkpoint_leaf VALUES (999999, 1, 1, 'x')", "root_differs"),
        ("UPDATE checkpoint_key SET public = sha256('x')", "key_changed"),
        ("UPDATE checkpoint_key SET since = now()", "key_changed"),
        ("UPDATE checkpoint_key SET id = 'x'", "key_changed"),
        ("UPDATE checkpoint_key SET previous = 'x'", "key_changed"),
        ("UPDATE checkpoint_key SET signed_by = 'x'", "key_changed"),
        ("UPDATE checkpoint_key SET number = 2", "key_missing"),
        ("DELETE FROM checkpoint_key", "key_unknown"),
    ],
)
def test_every_change_of_a_checkpoint_is_found(
    database: postgres.Addresses,
    lasting: Grow,
    sealing: Callable[[], Sealed],
    change: str,
    expected: str,
) -> None:
    for name in ("a", "b", "a"):
        lasting(name, *EVENTS)
        sealing()
    assert codes(database) == []
    with owner(database) as connection:
        connection.execute(change.encode())
    assert expected in {code for _, _, code in codes(database)}


def test_a_checkpoint_signed_by_a_stranger_s_key_is_found(
    database: postgres.Addresses, lasting: Grow, sealing: Callable[[], Sealed], own: Settings
) -> None:
    chain = lasting("a", *EVENTS)
    sealed = sealing()
    forged = Sealed.from_statement(sign(Ed25519PrivateKey.generate(), sealed.statement()))
    with owner(database) as connection:
        connection.execute(
            "UPDATE checkpoint SET signature = %s, key_id = %s",
            (forged.signature, forged.key_id),
        )
    assert codes(database) == [(0, None, "key_unknown")]
    with owner(database) as connection:
        connection.execute("UPDATE checkpoint SET key_id = %s", (sealed.key_id,))
    assert codes(database) == [(0, None, "signature_wrong")]
    assert chain


# --- what others have kept -------------------------------------------------------------------


@pytest.fixture
def kept(
    app: Flask, lasting: Grow, sealing: Callable[[], Sealed], tmp_path: Path
) -> Callable[..., Path]:
    """A function that seals a chain and exports the checkpoint to a file."""

    def keep(*, chains: bool = True) -> Path:
        lasting("a", *EVENTS)
        sealing()
        with app.app_context():
            data = export_checkpoint(db.session(), chains=chains)
            db.session.remove()
        file = tmp_path / "kept.json"
        file.write_text(json.dumps(data, ensure_ascii=False))
        return file

    return keep


def compared(database: postgres.Addresses, file: Path) -> list[str]:
    with psycopg.connect(database.app) as connection:
        return [fault.code for fault in compare_checkpoint(connection, read_export(file))]


@pytest.mark.parametrize("chains", [True, False])
def test_a_database_that_goes_on_agrees_with_what_was_kept(
    database: postgres.Addresses,
    lasting: Grow,
    sealing: Callable[[], Sealed],
    kept: Callable[..., Path],
    chains: bool,
) -> None:
    file = kept(chains=chains)
    lasting("a", *EVENTS)
    lasting("b", *EVENTS)
    sealing()
    assert compared(database, file) == []


def test_everything_made_anew_is_found_by_what_was_kept(
    database: postgres.Addresses,
    app: Flask,
    lasting: Grow,
    sealing: Callable[[], Sealed],
    kept: Callable[..., Path],
    own: Settings,
    clock: FixedClock,
) -> None:
    file = kept()
    chain = lasting("a")
    with owner(database) as connection:
        rewrite(connection, chain, [replace(e, actor_id=7) for e in EVENTS], clock)
        for table in CHECKPOINTS:
            connection.execute(f"DELETE FROM {table}".encode())
        connection.execute("DELETE FROM ledger_entry WHERE kind = 'signing_key'")
        connection.execute("DELETE FROM ledger_chain WHERE name = 'checkpoints'")
    key_file(own).unlink()
    clock.at -= timedelta(days=1)
    sealing()
    # Inside, all is in order: a new key, a new checkpoint, new digests.
    assert codes(database) == []
    assert compared(database, file) == [
        "key_differs",
        "checkpoint_differs",
        "sealed_head_lost",  # the chain of keys
        "sealed_head_lost",
    ]


def test_a_checkpoint_that_is_gone_is_found(
    database: postgres.Addresses, kept: Callable[..., Path]
) -> None:
    file = kept(chains=False)
    with owner(database) as connection:
        connection.execute("DELETE FROM checkpoint")
    assert compared(database, file) == ["checkpoint_missing"]


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        (("checkpoint", "entries"), 99, "签名不符"),
        (("checkpoint", "signature"), "00", "签名不符"),
        (("checkpoint", "key"), "00", "公钥不可信"),
        (("checkpoint", "form"), 9, "公钥不可信"),
        (("checkpoint", "root"), "zz", "格式不符"),
        (("keys", 0, "public"), "00" * 32, "公钥不可信"),
        (("chains", 0, 1), 99, "不符"),
        (("chains", 0), [1], "格式不符"),
        (("type",), "other", "类型不符"),
        (("keys",), [], "公钥不可信"),
    ],
)
def test_a_changed_file_is_refused(
    kept: Callable[..., Path], path: tuple[Any, ...], value: Any, reason: str
) -> None:
    file = kept()
    data = json.loads(file.read_text())
    place = data
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    file.write_text(json.dumps(data))
    with pytest.raises(ExportUnreadable, match=reason):
        read_export(file)


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff\xfe", b"{}", b'{"type": 1}'])
def test_a_file_that_is_something_else_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "file"
    file.write_bytes(content)
    with pytest.raises(ExportUnreadable):
        read_export(file)


# --- keys -------------------------------------------------------------------------------------


def test_a_rotated_key_signs_from_then_on_and_everything_verifies(
    database: postgres.Addresses,
    app: Flask,
    lasting: Grow,
    sealing: Callable[[], Sealed],
    own: Settings,
    clock: FixedClock,
) -> None:
    lasting("a", *EVENTS)
    first = sealing()
    clock.at += timedelta(hours=1)
    with app.app_context():
        key = rotate_key(own, clock)
        assert [k.signed_by for k in known_keys(db.session())] == [first.key_id] * 2
        db.session.remove()
    second = sealing()
    assert (second.key_id, key.number) == (key.id, 2)
    assert codes(database) == []
    # The old key signs nothing any more, wherever its file went.
    with owner(database) as connection:
        connection.execute("UPDATE checkpoint SET key_id = %s WHERE number = 2", (first.key_id,))
    assert codes(database) == [(0, None, "signature_wrong")]


def test_an_old_key_that_signs_after_its_time_is_found(
    database: postgres.Addresses,
    app: Flask,
    lasting: Grow,
    sealing: Callable[[], Sealed],
    own: Settings,
    clock: FixedClock,
) -> None:
    lasting("a", *EVENTS)
    sealing()
    stolen = load_pem_private_key(key_file(own).read_bytes(), None)
    assert isinstance(stolen, Ed25519PrivateKey)
    with app.app_context():
        rotate_key(own, clock)
        db.session.remove()
    second = sealing()
    forged = Sealed.from_statement(sign(stolen, second.statement()))
    with owner(database) as connection:
        connection.execute(
            "UPDATE checkpoint SET key_id = %s, signature = %s WHERE number = 2",
            (forged.key_id, forged.signature),
        )
    assert codes(database) == [(0, None, "key_out_of_time")]


def test_a_tree_over_other_heads_is_no_way_out(
    database: postgres.Addresses,
    lasting: Grow,
    sealing: Callable[[], Sealed],
    own: Settings,
    clock: FixedClock,
) -> None:
    chain = lasting("a", *EVENTS)
    sealed = sealing()
    with owner(database) as connection:
        head = rewrite(connection, chain, [replace(e, actor_id=7) for e in EVENTS], clock)
        connection.execute(
            "UPDATE checkpoint_leaf SET digest = %s WHERE chain_id = %s", (head.digest, chain)
        )
        leaves = connection.execute(
            "SELECT chain_id, length, digest FROM checkpoint_leaf ORDER BY chain_id"
        ).fetchall()
        root = Tree(sealed.form, [Leaf(*leaf).text() for leaf in leaves]).root
        connection.execute("UPDATE checkpoint SET root = %s", (root,))
    assert codes(database) == [(0, None, "signature_wrong")]
