"""Signed statements: what a checkpoint, a key or a receipt says, and the signature under it.

A statement is a JSON object with a ``type``, so that one kind can never pass for another. Signed is
the canonical text of all of it but the signature. Ed25519 (RFC 8032).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from engine.ledger.chain import canonical

CHECKPOINT: Final = "guicheng-checkpoint"
KEY: Final = "guicheng-key"
RECEIPT: Final = "guicheng-receipt"

ID_DIGITS: Final = 32


def key_id(public: bytes) -> str:
    """Return the name of a public key: the first half of its SHA-256, in hex."""
    return hashlib.sha256(public).hexdigest()[:ID_DIGITS]


def signed_text(statement: Mapping[str, Any]) -> bytes:
    """Return the bytes that the statement's signature covers."""
    return canonical({k: v for k, v in statement.items() if k != "signature"}).encode()


def sign(private: Ed25519PrivateKey, statement: Mapping[str, Any]) -> dict[str, Any]:
    """Return the statement with the signer's key id under ``key``, and the ``signature``."""
    made = {**statement, "key": key_id(private.public_key().public_bytes_raw())}
    return {**made, "signature": private.sign(signed_text(made)).hex()}


def is_signed_by(public: bytes, statement: Mapping[str, Any]) -> bool:
    """Tell whether the statement names this key and bears its signature."""
    if statement.get("key") != key_id(public):
        return False
    try:
        signature = bytes.fromhex(str(statement.get("signature")))
        Ed25519PublicKey.from_public_bytes(public).verify(signature, signed_text(statement))
    except (InvalidSignature, ValueError):
        return False
    return True
