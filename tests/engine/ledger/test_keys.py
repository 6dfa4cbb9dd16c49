"""The signing key: made once, readable by its owner only, changed on record, missed plainly."""

from __future__ import annotations

import stat
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.clock import FixedClock
from engine.database import unit_of_work
from engine.ledger import keys
from engine.ledger.checkpoints import seal_checkpoint
from engine.ledger.keys import (
    SigningKeyMissing,
    key_file,
    known_keys,
    present_key,
    public_keys,
    rotate_key,
    sign_statement,
)
from engine.ledger.models import LedgerEntry
from engine.ledger.statements import RECEIPT, is_signed_by, signed_text
from engine.ledger.verify_checkpoints import check_keys, unvouched
from engine.settings import Settings


def test_the_first_key_is_made_once(session: Session, own: Settings, clock: FixedClock) -> None:
    first = present_key(session, own, clock)
    again = present_key(session, own, clock)
    assert first.private_bytes_raw() == again.private_bytes_raw()
    assert len(known_keys(session)) == 1
    assert stat.S_IMODE(key_file(own).stat().st_mode) == 0o600


def test_the_setting_says_where_the_key_is(
    session: Session, own: Settings, clock: FixedClock, tmp_path: Path
) -> None:
    own = replace(own, checkpoint_key_file=tmp_path / "safe" / "key.pem")
    present_key(session, own, clock)
    assert (tmp_path / "safe" / "key.pem").exists()


def test_what_is_signed_names_its_type_and_key(
    session: Session, own: Settings, clock: FixedClock
) -> None:
    signed = sign_statement(session, own, clock, {"type": RECEIPT, "head": "张"})
    (key,) = known_keys(session)
    assert is_signed_by(key.public, signed)
    assert signed_text(signed) == (
        f'{{"head":"张","key":"{key.id}","type":"guicheng-receipt"}}'.encode()
    )
    assert not is_signed_by(key.public, {**signed, "type": "guicheng-checkpoint"})
    assert not is_signed_by(key.public, {**signed, "signature": "no hex"})
    assert not is_signed_by(key.public, {k: v for k, v in signed.items() if k != "signature"})
    assert not is_signed_by(b"x" * 32, signed)


def test_a_new_key_is_signed_by_the_old_one_and_recorded(
    session: Session, own: Settings, clock: FixedClock
) -> None:
    with unit_of_work():
        present_key(session, own, clock)
    clock.at += timedelta(days=1)
    new = rotate_key(own, clock)
    old, found = known_keys(session)
    assert found == new
    assert (new.previous, new.signed_by, new.number) == (old.id, old.id, 2)
    assert is_signed_by(old.public, new.statement())
    assert list(check_keys([old, new])) == []
    assert unvouched([old, new]) == []
    assert [key["until"] for key in public_keys(session)] == [new.statement()["since"], None]
    kinds = session.scalars(select(LedgerEntry.kind).where(LedgerEntry.kind == "signing_key"))
    assert len(kinds.all()) == 2
    assert present_key(session, own, clock).public_key().public_bytes_raw() == new.public
    assert [file.name for file in key_file(own).parent.iterdir()] == ["checkpoint_key.pem"]


def test_rotating_before_there_is_a_key_makes_the_first(
    session: Session, own: Settings, clock: FixedClock
) -> None:
    key = rotate_key(own, clock)
    assert (key.number, key.previous, key.signed_by) == (1, "", key.id)
    assert list(check_keys(known_keys(session))) == []


def test_a_missing_key_is_said_plainly(session: Session, own: Settings, clock: FixedClock) -> None:
    with unit_of_work():
        seal_checkpoint(session, own, clock)
    key_file(own).unlink()
    for act in (
        lambda: seal_checkpoint(session, own, clock),
        lambda: rotate_key(own, clock),
    ):
        with pytest.raises(SigningKeyMissing, match=r"找不到签名私钥 .*checkpoint_key.pem.*--lost"):
            act()
    assert len(known_keys(session)) == 1
    assert list(key_file(own).parent.iterdir()) == []


def test_a_lost_key_is_replaced_by_one_that_nothing_vouches_for(
    session: Session, own: Settings, clock: FixedClock
) -> None:
    with unit_of_work():
        seal_checkpoint(session, own, clock)
    key_file(own).unlink()
    new = rotate_key(own, clock, lost=True)
    old, found = known_keys(session)
    assert (found.previous, found.signed_by) == (old.id, new.id)
    assert list(check_keys([old, found])) == []
    assert unvouched([old, found]) == [new]
    with unit_of_work():
        assert seal_checkpoint(session, own, clock).key_id == new.id


def test_another_key_s_file_is_refused(session: Session, own: Settings, clock: FixedClock) -> None:
    with unit_of_work():
        present_key(session, own, clock)
    file = key_file(own)
    file.unlink()
    keys._write(file, Ed25519PrivateKey.generate())
    with pytest.raises(SigningKeyMissing, match="不是现行密钥"):
        present_key(session, own, clock)


def test_a_file_that_is_no_key_is_refused(
    session: Session, own: Settings, clock: FixedClock
) -> None:
    key_file(own).write_text("nothing")
    with pytest.raises(SigningKeyMissing, match="无法读取"):
        present_key(session, own, clock)
    key_file(own).write_bytes(
        X25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    with pytest.raises(SigningKeyMissing, match="不是 Ed25519"):
        present_key(session, own, clock)


def test_a_folder_that_cannot_be_written_is_said_plainly(
    session: Session, own: Settings, clock: FixedClock
) -> None:
    own = replace(own, checkpoint_key_file=Path("/proc/none/key.pem"))
    with pytest.raises(SigningKeyMissing, match="无法写入"):
        present_key(session, own, clock)


def test_a_rotation_cut_short_after_its_commit_is_finished_later(
    session: Session, own: Settings, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with unit_of_work():
        present_key(session, own, clock)

    def crash(self: Path, target: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(Path, "replace", crash)
        with pytest.raises(KeyboardInterrupt):
            rotate_key(own, clock)
    new = known_keys(session)[-1]
    assert new.number == 2
    assert present_key(session, own, clock).public_key().public_bytes_raw() == new.public
    assert [file.name for file in key_file(own).parent.iterdir()] == ["checkpoint_key.pem"]


def test_a_rotation_that_fails_leaves_the_old_key_at_work(
    session: Session, own: Settings, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with unit_of_work():
        present_key(session, own, clock)

    def fail(*arguments: object, **more: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as broken:
        broken.setattr(keys, "append", fail)
        with pytest.raises(RuntimeError):
            rotate_key(own, clock)
    assert len(known_keys(session)) == 1
    assert present_key(session, own, clock)
    assert [file.name for file in key_file(own).parent.iterdir()] == ["checkpoint_key.pem"]
