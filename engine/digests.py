"""The ways to make a digest, by number, and the one this installation uses for what is new.

A chain or a checkpoint says itself by which way it was made, so the setting may change at any time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from typing import Any, Final

from engine.errors import N_, GuichengError

FORMS: Final[dict[int, str]] = {1: "sha256", 2: "sm3"}
"""The numbered ways to make a digest. A number is never reused for another way."""


class DigestUnavailable(GuichengError):
    """The setting names a digest that is unknown, or that this machine's OpenSSL does not have."""

    code = "digest_unavailable"
    default = N_("摘要算法 %(name)s 不可用。")


class _Chosen:
    """The form for what is new in this process."""

    form: int = 1


def use_digest(name: str) -> None:
    """Make ``name`` (``sha256`` or ``sm3``) the digest of what this process writes from now on.

    Raises DigestUnavailable.
    """
    form = next((number for number, known in FORMS.items() if known == name.lower()), None)
    if form is None:
        raise DigestUnavailable(
            N_("LEDGER_DIGEST 只能是 %(known)s，现在是“%(name)s”。"),
            known=" 或 ".join(FORMS.values()),
            name=name,
        )
    digester(form)
    _Chosen.form = form


def present_form() -> int:
    """Return the number of the digest for what is written now."""
    return _Chosen.form


@cache
def digester(form: int) -> Callable[[bytes], Any]:
    """Return the constructor of a form's hash objects.

    Raises KeyError for an unknown number, DigestUnavailable if this machine cannot make it.
    """
    name = FORMS[form]
    if name == "sha256":
        return hashlib.sha256
    try:
        hashlib.new(name)
    except ValueError:
        raise DigestUnavailable(
            N_(
                "本机 Python 的 OpenSSL 不提供 %(name)s，请换用带 SM3 的 OpenSSL（1.1.1 起），"
                "或把 LEDGER_DIGEST 设为 sha256。"
            ),
            name=name.upper(),
        ) from None

    def make(data: bytes) -> Any:
        return hashlib.new(name, data)

    return make
