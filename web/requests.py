"""One log line a request: what was asked of which page, how it ended, and how long it took.

Never a path with ids, a query, a form, a name or a token: the endpoint says which page it was, the
request id joins the line to what the engine logged meanwhile and to what the person can tell us.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from os import urandom
from time import perf_counter
from typing import Final

import structlog
from flask import Flask, Response, g, request

from engine.logging import configure_logging, request_id

log = structlog.get_logger(__name__)

HEADER: Final = "X-Request-ID"
UNNAMED: Final = frozenset(
    {"ballots.ballot", "ballots.cast", "api-ballots.ballot", "api-ballots.cast"}
)
"""Pages of secret ballots: the log does not say who was there, or when somebody voted."""
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{8,64}")
"""What is taken over from a proxy in front of us; anything else could be anything."""
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


@dataclass(slots=True)
class Asked:
    """What is kept of a request from its beginning to its end."""

    id: str
    began: float


def begin() -> None:
    """Give the request its id, which all log lines carry until it ends."""
    given = request.headers.get(HEADER)
    made = given if given and _TOKEN.fullmatch(given) else urandom(8).hex()
    g.asked = Asked(made, perf_counter())
    request_id.set(made)


def finish(response: Response) -> Response:
    """Log the request and tell its id to whoever asked."""
    asked: Asked | None = g.get("asked")
    if asked is None:
        return response
    response.headers[HEADER] = asked.id
    seconds = perf_counter() - asked.began
    who = g.get("signed_in") or g.get("api_actor")
    method = request.method
    log.info(
        "request",
        method=method if method in _METHODS else "other",
        endpoint=request.endpoint,
        status=response.status_code,
        ms=round(seconds * 1000, 1),
        account=None if who is None or request.endpoint in UNNAMED else who.account_id,
    )
    return response


def forget(error: BaseException | None) -> None:
    """Leave nothing of this request to the next one of the thread."""
    request_id.set(None)


def register(app: Flask) -> None:
    """Log every request. Registered before all other parts: it begins first and ends last."""
    if not structlog.is_configured():
        configure_logging()
    app.before_request(begin)
    app.after_request(finish)
    app.teardown_request(forget)
