"""Who is asking, and when: the signed-in person of this request.

The browser's cookie holds a random token; the database knows its digest, so a session that was
revoked ends at the next request, wherever the cookie lies.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

from flask import Flask, current_app, g, request, session
from sqlalchemy.orm import Session

from engine.clock import Clock
from engine.database import connection_lost, db
from engine.directory.actors import Actor, load_actor
from engine.directory.sessions import SignedIn, find_session
from engine.errors import N_, GuichengError
from engine.settings import Settings
from web import spare
from web.security import API_PREFIX

P = ParamSpec("P")
R = TypeVar("R")

SESSION_KEY = "token"


class LoginRequired(GuichengError):
    """Nobody is signed in, or the session has ended."""

    code = "login_required"
    default = N_("您还没有登录，或登录已过期。本次操作没有生效。")


def settings() -> Settings:
    """Return the installation's settings."""
    return cast(Settings, current_app.extensions["guicheng"])


def clock() -> Clock:
    """Return the application's clock."""
    return cast(Clock, current_app.extensions["guicheng.clock"])


def reading() -> Session:
    """Return the session of this request for reading; only a unit of work writes."""
    return cast(Session, db.session())


def asked_first(question: Callable[[], R]) -> R:
    """Ask the first question of a request, once more if the connection turns out to be dead.

    So nobody notices that the database was restarted since the request before.
    """
    try:
        return question()
    except Exception as error:
        if not connection_lost(error):
            raise
    spare.forget()
    return question()


def signed_in() -> SignedIn | None:
    """Return the session that the cookie names, if it is still good."""
    return cast("SignedIn | None", g.get("signed_in"))


def actor() -> Actor:
    """Return the person who asks, with the rights held today. Raises :class:`LoginRequired`."""
    if "actor" not in g:
        known = signed_in()
        if known is None:
            raise LoginRequired
        g.actor = load_actor(reading(), account_id=known.account_id, day=clock().today())
    return cast(Actor, g.actor)


def login_required(view: Callable[P, R]) -> Callable[P, R]:
    """Let only signed-in people reach a view."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        actor()
        return view(*args, **kwargs)

    return guarded


def identify() -> None:
    """Look up the session before every page that could need it."""
    g.pop("actor", None)
    if request.endpoint == "static" or request.path.startswith(API_PREFIX):
        return
    token = session.get(SESSION_KEY)
    idle = settings().session_idle_minutes
    g.signed_in = (
        asked_first(lambda: find_session(reading(), clock(), token, idle_minutes=idle))
        if token
        else None
    )


def template_values() -> dict[str, Any]:
    """Return what every page's frame needs."""
    known = signed_in()
    return {
        # Before a first password is changed no page is open: then the frame offers none either.
        "me": actor() if known and not known.must_change_password else None,
        "signed_in": known,
        "today": clock().today(),
        "demo": settings().demo,
    }


def register(app: Flask) -> None:
    """Identify people before each request and give templates ``me``."""
    app.before_request(identify)
    app.context_processor(template_values)
