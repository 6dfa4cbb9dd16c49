"""Receipts: a code the voter sees, which lies in the envelope and is published without the vote.

The code is derived from the secret of the voter's own sign-in, of which the database keeps only a
digest. So two windows of one browser show the same code, and nobody who holds the database can
tell whose a code is. It says that the ballot is among those counted, and nothing of what is on it.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from engine.ballots.paper import CODE_BYTES

_LETTERS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no letter that is taken for a number."""


def receipt_code(box: UUID, secret: str) -> bytes:
    """Return the receipt of the holder of ``secret`` at a box."""
    derive = HKDF(SHA256(), CODE_BYTES, salt=box.bytes, info=b"guicheng ballot receipt 1")
    return derive.derive(secret.encode())


def in_letters(code: bytes) -> str:
    """Return a code as people read and copy it: ``7Q2M-…`` in four groups of four."""
    number = int.from_bytes(code, "big")
    letters = "".join(_LETTERS[number >> 5 * n & 31] for n in reversed(range(CODE_BYTES * 8 // 5)))
    return "-".join(letters[at : at + 4] for at in range(0, len(letters), 4))
