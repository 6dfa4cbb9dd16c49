"""Sealed envelopes: anybody may close one, only who holds the private key opens it.

HPKE (RFC 9180) in the suite X25519, HKDF-SHA256, ChaCha20-Poly1305, as the library ``cryptography``
has it. A private key lies in a file of its own below the data directory, never in the database, so
that neither a dump nor a backup nor the write-ahead log opens what was sealed; and it is destroyed
when it has served.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from engine.errors import N_, Conflict

OVERHEAD: Final = 48
"""By how many bytes an envelope is longer than what is in it."""

_SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
_ABOUT: Final = b"guicheng secret ballot 1 "


class KeyMissing(Conflict):
    """The private key of a box is gone: nobody can open it any more."""

    code = "ballot_key_missing"
    default = N_("票箱的密钥文件不在了，票箱无法开启，只能作废后重新投票。")


class EnvelopeDamaged(Conflict):
    """An envelope in a box was changed, or was never sealed for this box."""

    code = "ballot_damaged"
    default = N_("票箱中有选票被改动或损坏，不能计票；请作废此票箱，重新投票。")


class _Folder:
    """Where this process keeps private keys."""

    path: Path = Path("var/ballot_keys")


def use_folder(path: Path) -> None:
    """Keep private keys in ``path`` from now on. All processes of an installation share it."""
    _Folder.path = path


def new_key(box: UUID) -> bytes:
    """Make the key of a box, keep the private half in its file, and return the public half."""
    key = X25519PrivateKey.generate()
    _Folder.path.mkdir(parents=True, exist_ok=True, mode=0o700)
    fd = os.open(_file(box), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(fd, "wb") as handle:
        handle.write(key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()))
        handle.flush()
        os.fsync(handle.fileno())
    return key.public_key().public_bytes_raw()


def seal(content: bytes, public_key: bytes, box: UUID) -> bytes:
    """Return an envelope for a box. The same content never gives the same envelope."""
    return _SUITE.encrypt(content, X25519PublicKey.from_public_bytes(public_key), _about(box))


def unseal(envelopes: list[bytes], box: UUID) -> list[bytes]:
    """Open the envelopes of a box. Raises KeyMissing, EnvelopeDamaged."""
    try:
        key = X25519PrivateKey.from_private_bytes(_file(box).read_bytes())
    except (FileNotFoundError, ValueError):
        raise KeyMissing from None
    try:
        return [_SUITE.decrypt(envelope, key, _about(box)) for envelope in envelopes]
    except (InvalidTag, ValueError):
        raise EnvelopeDamaged from None


def destroy_key(box: UUID) -> None:
    """Destroy the private key of a box. Without effect when it is gone."""
    path = _file(box)
    with suppress(FileNotFoundError):
        # Where the medium writes in place, the old bytes go with it.
        with path.open("r+b") as handle:
            handle.write(os.urandom(32))
            handle.flush()
            os.fsync(handle.fileno())
        path.unlink()


def kept_keys(*, older_than: float = 0) -> list[UUID]:
    """Return the boxes whose private keys have been kept for so many seconds."""
    until = time.time() - older_than
    return [UUID(path.stem) for path in _Folder.path.glob("*.key") if path.stat().st_mtime <= until]


def _file(box: UUID) -> Path:
    return _Folder.path / f"{box}.key"


def _about(box: UUID) -> bytes:
    return _ABOUT + box.bytes
