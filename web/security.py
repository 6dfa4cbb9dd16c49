"""Headers and the CSRF check: on by default for every page, so that no view can forget them.

The REST interface is exempt from the CSRF check because it never looks at cookies.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

from flask import Flask, Response, request, session

from engine.errors import N_, GuichengError
from engine.settings import Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

CONTENT_SECURITY_POLICY: Final = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "object-src 'none'",
    )
)
HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    # Answers show personal data: no shared or disk copy may outlive the session.
    "Cache-Control": "no-store",
}
API_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""For data, which is never shown as a page: whoever shows it all the same may load nothing."""
HSTS: Final = {"Strict-Transport-Security": "max-age=31536000; includeSubDomains"}
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
API_PREFIX: Final = "/api/"
TOKEN_FIELD: Final = "_csrf"  # noqa: S105 - a field's name, not a secret
TOKEN_HEADER: Final = "X-CSRF-Token"  # noqa: S105 - a header's name


class StaleForm(GuichengError):
    """A form was posted without the token of the current session: an old page, or a forgery."""

    code = "stale_form"
    default = N_("这个页面打开得太久，或您已重新登录，本次操作没有生效。")


def csrf_token() -> str:
    """Return the token of this browser session, making one on first use."""
    if "csrf" not in session:
        session["csrf"] = secrets.token_urlsafe(24)
    token: str = session["csrf"]
    return token


def same_origin() -> bool:
    """Tell whether the browser vouches that this request came from one of our own pages."""
    return request.headers.get("Sec-Fetch-Site") == "same-origin"


def check_csrf() -> None:
    """Refuse a changing request that does not carry the session's token."""
    if request.method in SAFE_METHODS or request.path.startswith(API_PREFIX):
        return
    if request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site"):
        raise StaleForm
    given = request.headers.get(TOKEN_HEADER) or request.form.get(TOKEN_FIELD, "")
    if not hmac.compare_digest(given.encode(), session.get("csrf", "").encode()) or not given:
        raise StaleForm


def protected(application: WSGIApplication, *, secure: bool) -> WSGIApplication:
    """Return the application with protective headers on every answer, whoever made it.

    An answer may set a stricter one itself. They are added to the finished list, because Flask's
    own headers check and copy each of them several times. ``secure``: only ever reached by HTTPS.
    """
    more = HSTS if secure else {}
    for_pages, for_programs = _by_key(HEADERS | more), _by_key(API_HEADERS | more)

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        program = environ["PATH_INFO"].startswith(API_PREFIX)
        always = for_programs if program else for_pages

        def start(
            status: str, given: list[tuple[str, str]], error: Any = None
        ) -> Callable[[bytes], object]:
            names = {name.lower() for name, _ in given}
            given.extend([header for key, header in always if key not in names])
            return start_response(status, given, error)

        return application(environ, start)

    return answer


def _by_key(headers: dict[str, str]) -> list[tuple[str, tuple[str, str]]]:
    return [(name.lower(), (name, value)) for name, value in headers.items()]


def keep_files(response: Response) -> Response:
    """Let browsers keep the files whose address names their version."""
    if request.endpoint == "static" and request.args.get("v"):
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return response


def register(app: Flask) -> None:
    """Put the checks in front of, and the headers behind, every request."""
    settings: Settings = app.extensions["guicheng"]
    app.wsgi_app = protected(  # type: ignore[assignment, method-assign]
        app.wsgi_app, secure=settings.secure_cookies
    )
    app.before_request(check_csrf)
    app.after_request(keep_files)
    app.jinja_env.globals["csrf_token"] = csrf_token
