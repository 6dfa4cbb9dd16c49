"""A checkpoint seals every chain as it is, and proves it for one without showing the others."""

from __future__ import annotations

import stat
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from engine.clock import FixedClock
from engine.digests import use_digest
from engine.errors import NotFound
from engine.ledger.checkpoints import (
    checkpoint_due,
    find_checkpoint,
    leaves_at,
    newest_checkpoint,
    seal_checkpoint,
)
from engine.ledger.keys import key_file, known_keys
from engine.ledger.merkle import Leaf, Tree
from engine.ledger.models import CheckpointLeaf, LedgerEntry
from engine.ledger.proofs import (
    CheckpointDamaged,
    inclusion_proof,
    latest_checkpoint_covering,
    prove,
    verify_inclusion,
)
from engine.ledger.statements import is_signed_by
from engine.settings import Settings
from tests.engine.ledger.conftest import Grow


def test_the_first_checkpoint_makes_the_key_and_seals_all_chains(
    session: Session, grow: Grow, own: Settings, clock: FixedClock
) -> None:
    a, b = grow("a", 3), grow("b", 1)
    sealed = seal_checkpoint(session, own, clock)
    (key,) = known_keys(session)
    assert stat.S_IMODE(key_file(own).stat().st_mode) == 0o600
    assert is_signed_by(key.public, sealed.statement())
    assert is_signed_by(key.public, key.statement())
    heads = {leaf.chain_id: leaf.length for leaf in leaves_at(session, sealed.number)}
    assert (heads[a], heads[b]) == (3, 1)
    # The new key is on record itself, in a chain that is sealed with the others.
    assert sealed.size == len(heads)
    assert sealed.entries == sum(heads.values())
    assert session.scalar(select(LedgerEntry.payload).where(LedgerEntry.kind == "signing_key")) == (
        f'{{"change":"create","id":"{key.id}","number":1,"public":"{key.public.hex()}"}}'
    )


def test_each_checkpoint_names_the_one_before_and_stores_only_what_has_changed(
    session: Session, grow: Grow, own: Settings, clock: FixedClock
) -> None:
    a, b = grow("a", 3), grow("b", 1)
    first = seal_checkpoint(session, own, clock)
    grow("b", 4)
    c = grow("c", 2)
    second = seal_checkpoint(session, own, clock)
    assert second.number == first.number + 1
    assert second.previous == first.digest()
    rows = session.execute(
        select(CheckpointLeaf.chain_id, CheckpointLeaf.length).where(
            CheckpointLeaf.number == second.number
        )
    ).all()
    assert set(rows) == {(b, 5), (c, 2)}
    before = {leaf.chain_id: leaf.length for leaf in leaves_at(session, first.number)}
    after = {leaf.chain_id: leaf.length for leaf in leaves_at(session, second.number)}
    assert (before[a], before[b], before.get(c)) == (3, 1, None)
    assert (after[a], after[b], after[c]) == (3, 5, 2)


def test_a_proof_can_be_given_for_an_old_checkpoint_after_the_chain_has_grown(
    session: Session, grow: Grow, own: Settings, clock: FixedClock
) -> None:
    chain = grow("a", 3)
    grow("b", 1)
    first = seal_checkpoint(session, own, clock)
    grow("a", 4)
    second = seal_checkpoint(session, own, clock)
    old = inclusion_proof(session, chain, first.number)
    new = prove(session, chain)
    assert new is not None
    assert (old.length, new.length) == (3, 7)
    assert verify_inclusion(old.leaf, old, first.root)
    assert verify_inclusion(new.leaf, new, second.root)
    assert not verify_inclusion(old.leaf, old, second.root)
    assert not verify_inclusion(Leaf(chain, 3, b"x" * 32), old, first.root)
    # The sealed head is the digest of the entry that was the last one then.
    assert (
        old.head
        == session.scalars(
            select(LedgerEntry.digest).where(LedgerEntry.chain_id == chain, LedgerEntry.seq == 3)
        )
        .one()
        .hex()
    )
    assert old.to_json()["checkpoint"] == first.statement()


def test_a_chain_younger_than_a_checkpoint_is_not_in_it(
    session: Session, grow: Grow, own: Settings, clock: FixedClock
) -> None:
    grow("a")
    first = seal_checkpoint(session, own, clock)
    young = grow("b", 2)
    assert prove(session, young) is None
    assert latest_checkpoint_covering(session, young, 1) is None
    with pytest.raises(NotFound, match=f"校验点 {first.number} 中没有这条链"):
        inclusion_proof(session, young, first.number)
    with pytest.raises(NotFound):
        inclusion_proof(session, young, first.number + 1)


def test_an_entry_is_covered_once_it_was_sealed(
    session: Session, grow: Grow, own: Settings, clock: FixedClock
) -> None:
    chain = grow("a", 2)
    sealed = seal_checkpoint(session, own, clock)
    grow("a", 1)
    assert latest_checkpoint_covering(session, chain, 2) == sealed
    assert latest_checkpoint_covering(session, chain, 3) is None
    later = seal_checkpoint(session, own, clock)
    assert latest_checkpoint_covering(session, chain, 3) == later


def test_what_is_read_back_is_what_was_signed(
    session: Session, grow: Grow, own: Settings, clock: FixedClock
) -> None:
    grow("a", 2)
    sealed = seal_checkpoint(session, own, clock)
    session.expire_all()
    assert newest_checkpoint(session) == sealed == find_checkpoint(session, sealed.number)
    assert type(sealed).from_statement(sealed.statement()) == sealed
    leaves = leaves_at(session, sealed.number)
    assert Tree(sealed.form, [leaf.text() for leaf in leaves]).root == sealed.root


def test_no_proof_is_given_from_tables_that_were_changed(
    session: Session, grow: Grow, own: Settings, clock: FixedClock
) -> None:
    chain = grow("a", 2)
    sealed = seal_checkpoint(session, own, clock)
    row = {"chain_id": chain + 1000, "number": sealed.number, "length": 1, "digest": b"x" * 32}
    session.add(CheckpointLeaf(**row))
    session.flush()
    with pytest.raises(CheckpointDamaged, match="guicheng verify"):
        prove(session, chain)


def test_a_chain_that_vanished_stays_sealed(
    session: Session, grow: Grow, own: Settings, clock: FixedClock
) -> None:
    chain = grow("a", 2)
    grow("b", 1)
    seal_checkpoint(session, own, clock)
    session.execute(text("DELETE FROM ledger_chain WHERE id = :id"), {"id": chain})
    sealed = seal_checkpoint(session, own, clock)
    assert chain in {leaf.chain_id for leaf in leaves_at(session, sealed.number)}
    assert prove(session, chain) is not None


def test_a_checkpoint_is_due_after_the_hours_of_the_settings(
    session: Session, own: Settings, clock: FixedClock
) -> None:
    own = replace(own, checkpoint_hours=2)
    assert checkpoint_due(session, own, clock)
    seal_checkpoint(session, own, clock)
    assert not checkpoint_due(session, own, clock)
    clock.at += timedelta(hours=1, minutes=59)
    assert not checkpoint_due(session, own, clock)
    clock.at += timedelta(minutes=1)
    assert checkpoint_due(session, own, clock)


def test_checkpoints_may_change_their_digest(
    session: Session, grow: Grow, own: Settings, clock: FixedClock
) -> None:
    chain = grow("a", 2)
    first = seal_checkpoint(session, own, clock)
    use_digest("sm3")
    try:
        grow("a", 1)
        second = seal_checkpoint(session, own, clock)
    finally:
        use_digest("sha256")
    assert (first.form, second.form) == (1, 2)
    assert second.previous == first.digest()
    for sealed in (first, second):
        proof = inclusion_proof(session, chain, sealed.number)
        assert verify_inclusion(proof.leaf, proof, sealed.root)


def test_the_application_s_role_cannot_change_a_checkpoint(
    session: Session, grow: Grow, own: Settings, clock: FixedClock
) -> None:
    seal_checkpoint(session, own, clock)
    for change in (
        "UPDATE checkpoint SET number = 9",
        "DELETE FROM checkpoint",
        "DELETE FROM checkpoint_leaf",
        "UPDATE checkpoint_key SET since = now()",
        "TRUNCATE checkpoint_leaf",
    ):
        with pytest.raises(Exception, match="permission denied"), session.begin_nested():
            session.execute(text(change))
