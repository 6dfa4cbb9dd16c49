"""The secret of a browser's sign-in, from which receipts are derived, and what it remembers.

Which ballots were cast is remembered by the browser itself, in its signed cookie: the server keeps
no word of which sign-in cast which ballot.
"""

from __future__ import annotations

import hashlib

from flask import session

from web.context import SESSION_KEY, LoginRequired

CAST_KEY = "cast"
MOST_REMEMBERED = 40


def sign_in_secret() -> str:
    """Return the token in the cookie; the database knows only its digest."""
    token = session.get(SESSION_KEY)
    if not token:
        raise LoginRequired
    return str(token)


def remember_cast(box_id: int) -> None:
    """Let this browser remember that it cast a ballot with this sign-in."""
    known = [*_remembered(), box_id][-MOST_REMEMBERED:]
    session[CAST_KEY] = {"of": _mark(), "boxes": known}


def was_cast_here(box_id: int) -> bool:
    """Tell whether this browser cast the ballot, with this sign-in and no other."""
    return box_id in _remembered()


def _remembered() -> list[int]:
    found = session.get(CAST_KEY)
    if not isinstance(found, dict) or found.get("of") != _mark():
        return []
    return list(found["boxes"])


def _mark() -> str:
    """Return what tells one sign-in from another, in the browser's own cookie only."""
    return hashlib.sha256(b"cast with " + sign_in_secret().encode()).hexdigest()[:16]
