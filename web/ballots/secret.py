"""The secret of a browser's sign-in, from which receipts are derived, and what it remembers.

Which ballots were cast is remembered by the browser itself, in its signed cookie: the server keeps
no word of which sign-in cast which ballot.
"""

from __future__ import annotations

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
    """Let this browser remember that it cast a ballot."""
    session[CAST_KEY] = [*session.get(CAST_KEY, ()), box_id][-MOST_REMEMBERED:]


def was_cast_here(box_id: int) -> bool:
    """Tell whether this browser cast the ballot, with this sign-in."""
    return box_id in session.get(CAST_KEY, ())
