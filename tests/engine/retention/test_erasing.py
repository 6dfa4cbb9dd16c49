"""Content goes when its time is over; that it was there, who removed it and why stays provable."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from engine.database import db, unit_of_work
from engine.definitions.versions import load_definition
from engine.digests import use_digest
from engine.errors import InvalidInput, NotAllowed, NotFound
from engine.ledger.chain import entry_digest
from engine.ledger.checkpoints import seal_checkpoint
from engine.ledger.proofs import prove, verify_inclusion
from engine.retention.operations import NotErasable, erase_payloads
from engine.runtime.queries.records import read_trail
from engine.settings import Settings
from tests.engine.test_crashes import verify_inside
from tests.factories import Desk, Matter, two_steps

REASON = "保管期限届满（规定第三条）"


def ended(desk: Desk) -> Matter:
    """A matter with a send-back, that has ended."""
    matter = desk.start(two_steps())
    matter.complete("apply", {"note": "个人情况"})
    matter.send_back("approve", "apply", reason="请补充家庭情况")
    matter.complete("apply", {"note": "补充"})
    matter.complete("approve", {"note": "同意"})
    return matter


def erase(
    desk: Desk, matter: Matter, *seqs: int, by: str = "superior", reason: str = REASON
) -> int:
    return erase_payloads(matter.id, seqs, reason, actor=desk.actor(by), clock=desk.clock)


def undone(matter: Matter) -> frozenset[int]:
    session = db.session()
    return read_trail(session, load_definition(session, matter.row.version_id), matter.id).undone


def faults(matter: Matter) -> list[tuple[int | None, str]]:
    driver: Any = db.session().connection().connection.driver_connection
    return [(f.seq, f.code) for f in verify_inside(driver) if f.chain_id == matter.id]


def test_the_content_goes_and_the_chain_still_verifies(desk: Desk) -> None:
    matter = ended(desk)
    before = {entry.seq: bytes(entry.digest) for entry in matter.entries}
    assert erase(desk, matter, 2, 4) == 2
    db.session.expire_all()
    for entry in matter.entries:
        gone = entry.seq in (2, 4)
        assert (entry.payload is None, entry.salt is None) == (gone, gone)
        assert (entry.snapshot_digest is not None) == gone
        if entry.seq in before:
            row = {c.name: getattr(entry, c.name) for c in entry.__table__.columns}
            assert entry_digest(row) == before[entry.seq]
    assert faults(matter) == []


def test_who_erased_what_and_why_is_an_entry_of_the_chain(desk: Desk) -> None:
    matter = ended(desk)
    erase(desk, matter, 4, 2)
    entry = matter.entries[-1]
    assert entry.kind == "erased"
    assert entry.actor_id == desk.town.people["superior"]
    assert matter.payload() == {"seqs": [2, 4], "reason": REASON}


def test_proofs_of_checkpoints_stay_good(desk: Desk, settings: Settings, tmp_path: Path) -> None:
    matter = ended(desk)
    own = replace(settings, data_dir=tmp_path)
    with unit_of_work() as session:
        sealed = seal_checkpoint(session, own, desk.clock)
    before = prove(db.session(), matter.id)
    erase(desk, matter, 2)
    after = prove(db.session(), matter.id)
    assert before == after is not None
    assert verify_inclusion(after.leaf, after, sealed.root)
    assert faults(matter) == []


def test_an_erased_send_back_keeps_what_it_undid(desk: Desk) -> None:
    matter = ended(desk)
    kinds = matter.kinds
    sent_back = kinds.index("sent_back") + 1
    before = undone(matter)
    assert before
    erase(desk, matter, *range(1, len(kinds) + 1))
    db.session.expire_all()
    assert undone(matter) == before
    assert matter.payload()["restored"] == {str(sent_back): 2}
    assert faults(matter) == []


def test_erasing_twice_erases_once(desk: Desk) -> None:
    matter = ended(desk)
    assert erase(desk, matter, 2) == 1
    length = len(matter.entries)
    assert erase(desk, matter, 2) == 0
    assert len(matter.entries) == length
    assert erase(desk, matter, 2, 3) == 1
    assert faults(matter) == []


def test_entries_of_either_digest_can_be_erased(desk: Desk) -> None:
    matter = desk.start(two_steps())
    use_digest("sm3")
    try:
        matter.complete("apply")
    finally:
        use_digest("sha256")
    matter.complete("approve")
    assert {entry.form for entry in matter.entries} == {1, 2}
    assert erase(desk, matter, 1, 2, 3) == 3
    assert faults(matter) == []


# --- who may not, and what may not ---------------------------------------------------------------


def test_a_running_matter_keeps_its_content(desk: Desk) -> None:
    matter = desk.start(two_steps())
    with pytest.raises(NotErasable, match="办结或终止以后"):
        erase(desk, matter, 1)
    matter.suspend()
    with pytest.raises(NotErasable):
        erase(desk, matter, 1)
    matter.cancel()
    assert erase(desk, matter, 1) == 1


@pytest.mark.parametrize("name", ["superior", "administrator"])
def test_those_who_may_erase(desk: Desk, name: str) -> None:
    assert erase(desk, ended(desk), 2, by=name) == 1


@pytest.mark.parametrize("name", ["secretary", "member", "applicant", "stranger"])
def test_those_who_may_not_erase(desk: Desk, name: str) -> None:
    matter = ended(desk)
    with pytest.raises(NotAllowed):
        erase(desk, matter, 2, by=name)
    assert "erased" not in matter.kinds


def test_nobody_erases_from_his_own_matter(desk: Desk) -> None:
    matter = desk.start(two_steps("about_person", subject="person"), subject="applicant")
    matter.cancel()
    db.session.execute(
        text("UPDATE instance SET subject_id = :person WHERE id = :id"),
        {"person": desk.town.people["superior"], "id": matter.id},
    )
    with pytest.raises(NotAllowed):
        erase(desk, matter, 1)
    assert erase(desk, matter, 1, by="administrator") == 1


def test_a_reason_is_required(desk: Desk) -> None:
    matter = ended(desk)
    with pytest.raises(InvalidInput, match="理由"):
        erase(desk, matter, 2, reason="  ")


def test_entries_that_are_not_there(desk: Desk) -> None:
    matter = ended(desk)
    with pytest.raises(InvalidInput, match="没有这些条目：98、99"):
        erase(desk, matter, 2, 99, 98)
    with pytest.raises(NotFound):
        erase_payloads(10**9, [1], REASON, actor=desk.actor("superior"), clock=desk.clock)


def test_a_record_of_erasing_is_not_erased(desk: Desk) -> None:
    matter = ended(desk)
    erase(desk, matter, 2)
    with pytest.raises(NotErasable, match="清除记录本身"):
        erase(desk, matter, len(matter.entries))


# --- nobody does it silently ---------------------------------------------------------------------


def refused(statement: str, **values: Any) -> None:
    refusal = pytest.raises(Exception, match=r"never changed|permission denied")
    with refusal, db.session().begin_nested():
        db.session().execute(text(statement), values)


def test_the_application_s_role_cannot_erase_without_a_record(desk: Desk) -> None:
    matter = ended(desk)
    erase(desk, matter, 2)
    call = "SELECT erase_ledger_payloads(:chain, ARRAY[3], ARRAY[CAST(:digest AS bytea)])"
    digest = db.session().scalar(
        text("SELECT sha256(snapshot) FROM ledger_entry WHERE chain_id = :c AND seq = 3"),
        {"c": matter.id},
    )
    refused(call, chain=matter.id, digest=digest)
    refused("UPDATE ledger_entry SET payload = NULL, salt = NULL")


def test_not_even_the_function_changes_anything_else(desk: Desk) -> None:
    matter = ended(desk)
    with unit_of_work() as session:
        # A record that names entry 2: now its content may go, with the right digest left behind.
        session.execute(
            text(
                "INSERT INTO ledger_entry (chain_id, seq, form, kind, recorded_at, payload, salt,"
                " payload_digest, previous, digest) VALUES (:chain, 99, 1, 'erased', now(),"
                """ '{"seqs":[2]}', '', '', '', '')"""
            ),
            {"chain": matter.id},
        )
    call = "SELECT erase_ledger_payloads(:chain, ARRAY[2], ARRAY[CAST(:digest AS bytea)])"
    refused(call, chain=matter.id, digest=b"x" * 32)
    refused(call, chain=matter.id, digest=None)
    refused(call.replace("2]", "99]"), chain=matter.id, digest=None)


def test_the_owner_who_erases_silently_is_found(live: Any) -> None:
    desk: Desk = live.desk
    matter = ended(desk)
    erase(desk, matter, 2)
    db.session.remove()
    with psycopg.connect(live.where.owner) as connection:
        update = (
            "UPDATE ledger_entry SET payload = NULL, salt = NULL, snapshot = NULL,"
            " snapshot_digest = CASE WHEN snapshot IS NULL THEN NULL ELSE sha256(snapshot) END"
            f" WHERE chain_id = {matter.id} AND seq = 3"
        )
        with pytest.raises(psycopg.errors.RaiseException, match="never changed"):
            connection.execute(update)
        connection.rollback()
        connection.execute("SET session_replication_role = replica")
        connection.execute(update)
        found = [f for f in verify_inside(connection) if f.chain_id == matter.id]
        assert [(f.seq, f.code) for f in found] == [(3, "erased_silently")]
        connection.rollback()


def test_content_that_comes_back_is_found(live: Any) -> None:
    desk: Desk = live.desk
    matter = ended(desk)
    kept = matter.entries[1]
    salt, payload, snapshot = kept.salt, kept.payload, kept.snapshot
    erase(desk, matter, 2)
    db.session.remove()
    with psycopg.connect(live.where.owner) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(
            "UPDATE ledger_entry SET payload = %s, salt = %s, snapshot = %s,"
            " snapshot_digest = NULL WHERE chain_id = %s AND seq = 2",
            (payload, salt, snapshot, matter.id),
        )
        found = [f for f in verify_inside(connection) if f.chain_id == matter.id]
        assert [(f.seq, f.code) for f in found] == [(2, "erasure_undone")]
        connection.rollback()
