"""Bearer tokens. Nothing below ``/api/`` is answered without one but its own description.

Cookies are never looked at, so a browser cannot be tricked into using the API.
"""

from __future__ import annotations

from typing import Final, cast

from flask import Flask, Request, g, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface

from engine.directory.actors import Actor
from engine.directory.tokens import find_actor
from web.api.errors import Unauthenticated
from web.context import asked_first, clock, reading
from web.security import API_PREFIX

OPEN_ENDPOINTS: Final = frozenset({"api.openapi"})
"""What may be read without a token: the description of the interface, which names no one."""

_LONGEST_TOKEN: Final = 200


def authenticate() -> None:
    """Find out who asks before anything else is done. Raises :class:`Unauthenticated`.

    Runs also for addresses that do not exist: without a token one does not learn which do.
    """
    if not request.path.startswith(API_PREFIX) or request.endpoint in OPEN_ENDPOINTS:
        return
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not 0 < len(token) <= _LONGEST_TOKEN:
        raise Unauthenticated
    found = asked_first(lambda: find_actor(reading(), clock(), token))
    if found is None:
        raise Unauthenticated
    g.api_actor = found


def actor() -> Actor:
    """Return the person for whom the program acts, with the rights held today."""
    if "api_actor" not in g:
        raise Unauthenticated
    return cast(Actor, g.api_actor)


class CookiesForPages(SecureCookieSessionInterface):
    """Flask's cookie sessions for the pages; a program's cookies are not even read."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """Return the session of the cookie, or one that holds nothing and takes nothing."""
        if request.path.startswith(API_PREFIX):
            return self.make_null_session(app)
        return super().open_session(app, request)


def register(app: Flask) -> None:
    """Put the check in front of every request."""
    app.session_interface = CookiesForPages()
    app.before_request(authenticate)
