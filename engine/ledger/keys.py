"""The key that signs checkpoints: made when first needed, kept in a file, changed with a signature.

The database knows only public keys. Each is vouched for by the one before it, so that whoever has
kept the fingerprint of one can follow to the next.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session

from engine.clock import Clock
from engine.database import unit_of_work
from engine.errors import N_, GuichengError
from engine.ledger.chain import Event
from engine.ledger.kinds import EntryKind
from engine.ledger.models import CheckpointKey
from engine.ledger.operations import append
from engine.ledger.statements import KEY, key_id, sign
from engine.settings import Settings

CHAIN = "checkpoints"
"""The ledger chain that records every change of the key."""

_LOCK = text("SELECT pg_advisory_xact_lock(7205759403792795)")


class SigningKeyMissing(GuichengError):
    """The private key that should sign is not there, or is another one."""

    code = "signing_key_missing"
    default = N_("签名私钥 %(file)s 不可用。")


@dataclass(frozen=True)
class PublicKey:
    """A public key with the statement that vouches for it."""

    number: int
    id: str
    public: bytes
    since: datetime
    previous: str
    signed_by: str
    signature: bytes

    def statement(self) -> dict[str, Any]:
        """Return what was signed, with the signature."""
        return {
            "type": KEY,
            "id": self.id,
            "algorithm": "ed25519",
            "number": self.number,
            "public": self.public.hex(),
            "since": self.since.astimezone(UTC).isoformat(timespec="microseconds"),
            "previous": self.previous,
            "key": self.signed_by,
            "signature": self.signature.hex(),
        }

    @classmethod
    def from_statement(cls, found: Mapping[str, Any]) -> PublicKey:
        """Read a key from what :meth:`statement` returned. Raises KeyError, ValueError."""
        return cls(
            number=int(found["number"]),
            id=str(found["id"]),
            public=bytes.fromhex(found["public"]),
            since=datetime.fromisoformat(found["since"]),
            previous=str(found["previous"]),
            signed_by=str(found["key"]),
            signature=bytes.fromhex(found["signature"]),
        )


def key_file(settings: Settings) -> Path:
    """Return where the private key is kept."""
    return settings.checkpoint_key_file or settings.data_dir / "checkpoint_key.pem"


def lock_checkpoints(session: Session) -> None:
    """Let one transaction at a time seal or change keys."""
    session.execute(_LOCK)


def known_keys(session: Session) -> list[PublicKey]:
    """Return all public keys, the oldest first."""
    rows = session.scalars(select(CheckpointKey).order_by(CheckpointKey.number))
    return [
        PublicKey(
            row.number,
            row.id,
            bytes(row.public),
            row.since,
            row.previous,
            row.signed_by,
            bytes(row.signature),
        )
        for row in rows
    ]


def present_key(session: Session, settings: Settings, clock: Clock) -> Ed25519PrivateKey:
    """Return the private key that signs now; make and register the first one.

    Raises SigningKeyMissing when the registered key's private half is not on this machine.
    """
    lock_checkpoints(session)
    file = key_file(settings)
    keys = known_keys(session)
    if keys:
        return _private(file, keys[-1].id)
    private = _read(file) or _make(file)
    _register(session, clock, private, signer=private, before=[], change="create")
    return private


def sign_statement(
    session: Session, settings: Settings, clock: Clock, statement: Mapping[str, Any]
) -> dict[str, Any]:
    """Return ``statement`` (with its ``type``) signed by the present key: ``key``, ``signature``.

    Raises SigningKeyMissing.
    """
    return sign(present_key(session, settings, clock), statement)


def rotate_key(settings: Settings, clock: Clock, *, lost: bool = False) -> PublicKey:
    """Make a new key, have the present one sign it, and let it sign from now on.

    With ``lost`` the new key signs itself: whoever relies on checkpoints has to be told its
    fingerprint, as nothing leads from the old key to it. Raises SigningKeyMissing otherwise.
    """
    file = key_file(settings)
    private = Ed25519PrivateKey.generate()
    waiting = _waiting(file, key_id(private.public_key().public_bytes_raw()))
    try:
        with unit_of_work() as session:
            lock_checkpoints(session)
            before = known_keys(session)
            old = private if lost or not before else _private(file, before[-1].id)
            _write(waiting, private)
            change = "create" if not before else "replace_lost" if lost else "rotate"
            made = _register(session, clock, private, signer=old, before=before, change=change)
    except BaseException:
        waiting.unlink(missing_ok=True)
        raise
    waiting.replace(file)
    return made


def public_keys(session: Session) -> list[dict[str, Any]]:
    """Return all public keys as signed statements, each with ``until`` when it was replaced.

    ``until`` is no part of what was signed.
    """
    return with_end(known_keys(session))


def with_end(keys: Sequence[PublicKey]) -> list[dict[str, Any]]:
    """Return the keys' statements, each with the moment at which the next one took over."""
    statements = [key.statement() for key in keys]
    ends = [*(statement["since"] for statement in statements), None][1:]
    return [{**s, "until": end} for s, end in zip(statements, ends, strict=True)]


def _register(
    session: Session,
    clock: Clock,
    private: Ed25519PrivateKey,
    *,
    signer: Ed25519PrivateKey,
    before: list[PublicKey],
    change: str,
) -> PublicKey:
    public = private.public_key().public_bytes_raw()
    signed = sign(
        signer,
        {
            "type": KEY,
            "id": key_id(public),
            "algorithm": "ed25519",
            "number": len(before) + 1,
            "public": public.hex(),
            "since": clock.now().astimezone(UTC).isoformat(timespec="microseconds"),
            "previous": before[-1].id if before else "",
        },
    )
    key = PublicKey.from_statement(signed)
    session.execute(insert(CheckpointKey).values(vars(key)))
    about = {"change": change, "number": key.number, "id": key.id, "public": public.hex()}
    append(session, CHAIN, Event(EntryKind.SIGNING_KEY, payload=about), clock)
    return key


# --- the file -------------------------------------------------------------------------------------


def _waiting(file: Path, key: str) -> Path:
    """Return where a new key lies until the database knows it."""
    return file.with_name(f"{file.name}.{key}")


def _private(file: Path, wanted: str) -> Ed25519PrivateKey:
    """Return the private half of the key ``wanted``."""
    waiting = _waiting(file, wanted)
    if waiting.exists():  # a rotation was registered, and interrupted before the file was moved
        with suppress(FileNotFoundError):
            waiting.replace(file)
    private = _read(file)
    if private is None:
        raise SigningKeyMissing(
            N_(
                "找不到签名私钥 %(file)s（登记的密钥为 %(key)s）。请从备份或另一台机器复制该文件，"
                "或用 CHECKPOINT_KEY_FILE 指明位置；确已遗失的，运行 "
                "guicheng checkpoint rotate-key --lost 启用新密钥，并把新指纹通知保存校验点的各方。"
            ),
            file=file,
            key=wanted,
        )
    found = key_id(private.public_key().public_bytes_raw())
    if found != wanted:
        raise SigningKeyMissing(
            N_("签名私钥 %(file)s（%(found)s）不是现行密钥（%(key)s），请换成现行密钥的文件。"),
            file=file,
            found=found,
            key=wanted,
        )
    return private


def _read(file: Path) -> Ed25519PrivateKey | None:
    try:
        loaded = serialization.load_pem_private_key(file.read_bytes(), password=None)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise SigningKeyMissing(
            N_("签名私钥 %(file)s 无法读取：%(reason)s"), file=file, reason=error
        ) from error
    if not isinstance(loaded, Ed25519PrivateKey):
        raise SigningKeyMissing(N_("签名私钥 %(file)s 不是 Ed25519 密钥。"), file=file)
    return loaded


def _make(file: Path) -> Ed25519PrivateKey:
    private = Ed25519PrivateKey.generate()
    try:
        _write(file, private)
    except FileExistsError:  # another process made it between our two looks
        return _read(file) or private
    return private


def _write(file: Path, private: Ed25519PrivateKey) -> None:
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as handle:
            handle.write(pem)
            handle.flush()
            os.fsync(handle.fileno())
    except FileExistsError:
        raise
    except OSError as error:
        raise SigningKeyMissing(
            N_("签名私钥 %(file)s 无法写入：%(reason)s"), file=file, reason=error.strerror
        ) from error
