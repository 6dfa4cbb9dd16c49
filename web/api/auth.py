"""Bearer tokens. Nothing below ``/api/`` is answered without one but its own description.

Cookies are never looked at, so a browser cannot be tricked into using the API.
"""

from __future__ import annotations

from typing import Final, cast

from flask import Flask, g, request

from engine.directory.actors import Actor
from engine.directory.tokens import find_actor
from web.api.errors import Unauthenticated
from web.context import clock, reading
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
    found = find_actor(reading(), clock(), token)
    if found is None:
        raise Unauthenticated
    g.api_actor = found


def actor() -> Actor:
    """Return the person for whom the program acts, with the rights held today."""
    if "api_actor" not in g:
        raise Unauthenticated
    return cast(Actor, g.api_actor)


def register(app: Flask) -> None:
    """Put the check in front of every request."""
    app.before_request(authenticate)
