"""Database sessions that serve one request after the other.

Making a session, fetching a connection for it and handing both back takes longer than the query of
a short request. So a request that ends well leaves its session, emptied and rolled back, with its
connection to the next one; any other session is removed as usual.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from flask import Flask, current_app
from flask_sqlalchemy.session import Session

from engine.database import db, forget_connections, set_aside

SPARE: Final = "guicheng.spare"
MOST: Final = 8
"""Sessions kept at most. When more requests run at once, more are made and closed again."""


def register(app: Flask) -> None:
    """Keep sessions. Comes after the database: what is registered last is torn down first."""
    spare: deque[Session] = deque()

    def take() -> None:
        registry = db.session.registry
        if spare and not registry.has():
            registry.set(spare.pop())

    def keep(error: BaseException | None) -> None:
        registry = db.session.registry
        if error is None and len(spare) < MOST and registry.has():
            session = registry()
            if set_aside(session):
                registry.clear()
                spare.append(session)

    app.before_request(take)
    app.teardown_appcontext(keep)
    app.extensions[SPARE] = spare


def forget() -> None:
    """Keep no session and no connection: the database was restarted, and all of them are dead."""
    spare: deque[Session] = current_app.extensions[SPARE]
    while spare:
        spare.pop().invalidate()
    forget_connections()
