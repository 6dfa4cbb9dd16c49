"""规程 on the web: server-rendered pages and the REST interface, on top of ``engine``."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module
from importlib.util import find_spec
from typing import Final

from flask import Flask

from engine.application import configure, settle
from engine.clock import Clock, SystemClock
from engine.postgres import Addresses
from engine.settings import Settings

ROOMS: Final = (
    "web.health",
    "web.auth",
    "web.inbox",
    "web.instances",
    "web.mine",
    "web.notices",
    "web.ballots",
    "web.admin",
    "web.rectification",
    "web.regulations",
    "web.board",
    "web.audit",
    "web.api",
)
"""The packages that register pages; each has a function ``register(app)``."""


def create_app(
    settings: Settings | None = None,
    *,
    where: Addresses | None = None,
    clock: Clock | None = None,
) -> Flask:
    """Return the web application. ``where`` and ``clock`` are given by tests and demonstrations."""
    from web import context, errors, frame, language, requests, security, spare, words
    from web.application import Application
    from web.numbers import RowConverter

    settings = settings or Settings.from_environment()
    app = Application(__name__)
    app.url_map.converters["int"] = RowConverter
    app.secret_key = settings.secret_key
    app.config.update(
        SESSION_COOKIE_NAME="__Host-guicheng" if settings.secure_cookies else "guicheng",
        SESSION_COOKIE_SECURE=settings.secure_cookies,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=timedelta(days=settings.session_days),
        # A late answer must not bring back the cookie of before, and with it lose what was said.
        SESSION_REFRESH_EACH_REQUEST=False,
        MAX_CONTENT_LENGTH=5 * settings.attachment_max_bytes + 1024 * 1024,
        MAX_FORM_MEMORY_SIZE=1024 * 1024,
        MAX_FORM_PARTS=4_000,
    )
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    configure(app, settings, where=where)
    app.extensions["guicheng.clock"] = clock or SystemClock()
    for part in (requests, spare, language, words, frame, context, security, errors):
        part.register(app)
    for room in ROOMS:
        if find_spec(room):
            import_module(room).register(app)
    settle()
    return app
