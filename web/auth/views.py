"""Pages for signing in and out, one's sessions and preferences."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from flask import (
    Blueprint,
    abort,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask import session as cookie
from flask_babel import gettext
from werkzeug.wrappers.response import Response

from engine.demo.people import demo_accounts
from engine.directory import accounts, sessions
from engine.directory.accounts import LoginRefused, LoginThrottled
from engine.errors import InvalidInput
from web.context import (
    SESSION_KEY,
    actor,
    clock,
    login_required,
    reading,
    settings,
    signed_in,
)
from web.language import chosen_language, in_words, switch_language
from web.numbers import row_number

blueprint = Blueprint("auth", __name__)

_SYSTEMS: Final = (
    ("HarmonyOS", "HarmonyOS"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
)
_BROWSERS: Final = (
    ("MicroMessenger", "微信"),
    ("Edg", "Edge"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)


def local_path(target: str | None) -> str:
    """Return ``target`` if it is a path on this site, else the inbox."""
    if target and target.startswith("/") and not target.startswith(("//", "/\\", "/login")):
        parts = urlsplit(target)
        if not parts.scheme and not parts.netloc and "\\" not in target:
            return target
    return url_for("inbox.index")


def device(user_agent: str) -> str:
    """Return system and browser in two words, as far as the browser says."""
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "")
    return " · ".join(filter(None, (system, browser))) or gettext("其他设备")


def _begin(account_id: int) -> None:
    """Start a session: everything the cookie held before is dropped (no fixation)."""
    language = chosen_language()
    token = sessions.open_session(
        clock(),
        account_id,
        user_agent=request.user_agent.string,
        days=settings().session_days,
    )
    cookie.clear()
    cookie.permanent = True
    cookie["language"] = language
    cookie[SESSION_KEY] = token


@blueprint.get("/login")
def login() -> Response | str:
    """Show the login page; who is signed in already goes on."""
    if signed_in():
        return redirect(local_path(request.args.get("next")))
    return _login_page(request.args.get("next", ""))


@blueprint.post("/login")
def enter() -> Response:
    """Sign in with login and password."""
    name, password = request.form.get("login", ""), request.form.get("password", "")
    target = request.form.get("next", "")
    try:
        account_id = accounts.authenticate(
            clock(), name, password, address=request.remote_addr or ""
        )
    except LoginThrottled as error:
        response = make_response(_login_page(target, in_words(error), name), 429)
        response.headers["Retry-After"] = str(error.seconds)
        return response
    except LoginRefused as error:
        return make_response(_login_page(target, in_words(error), name), 401)
    _begin(account_id)
    return redirect(local_path(target), 303)


def _login_page(target: str, error: str = "", name: str = "") -> str:
    offered = demo_accounts(reading(), clock().today()) if settings().demo else ()
    return render_template(
        "auth/login.html", next=target, error=error, login=name, demo_accounts=offered
    )


@blueprint.post("/login/demo")
def demo() -> Response:
    """Sign in as one of the people of a demonstration; only there."""
    if not settings().demo:
        abort(404)
    chosen = request.form.get("account", type=row_number)
    offered = {a.account_id for a in demo_accounts(reading(), clock().today())}
    if chosen is None or chosen not in offered:
        abort(404)
    if known := signed_in():
        sessions.revoke_session(clock(), known.account_id, known.id)
    _begin(chosen)
    return redirect(url_for("inbox.index"), 303)


@blueprint.post("/logout")
def logout() -> Response:
    """End the session, in the database too. Without one there is nothing to end."""
    if known := signed_in():
        sessions.revoke_session(clock(), known.account_id, known.id)
    cookie.clear()
    return redirect(url_for("auth.login"), 303)


@blueprint.post("/language")
def language() -> Response:
    """Switch a visitor's language."""
    switch_language(request.form.get("language", ""))
    return redirect(url_for("auth.login"), 303)


@blueprint.get("/account")
@login_required
def account() -> str:
    """Show one's sessions and preferences."""
    return _account_page()


def _account_page(password_error: str = "") -> str:
    account_id = _own_account()
    rows = sessions.list_sessions(
        reading(), clock(), account_id, idle_minutes=settings().session_idle_minutes
    )
    return render_template(
        "auth/account.html", sessions=rows, device=device, password_error=password_error
    )


def _own_account() -> int:
    actor()
    known = signed_in()
    assert known is not None  # actor() has just refused everybody else
    return known.account_id


@blueprint.post("/account/preferences")
@login_required
def preferences() -> Response:
    """Keep language and large print with the account."""
    accounts.set_preferences(
        clock(),
        _own_account(),
        language=request.form.get("language"),
        large_print=request.form.get("large_print") == "1",
    )
    flash(gettext("显示设置已保存。"), "done")
    return redirect(url_for("auth.account"), 303)


@blueprint.post("/account/password")
@login_required
def password() -> Response | tuple[str, int]:
    """Change one's password; the other devices are signed out."""
    known = signed_in()
    try:
        accounts.change_password(
            clock(),
            _own_account(),
            request.form.get("old", ""),
            request.form.get("new", ""),
            keep_session=known.id if known else None,
        )
    except InvalidInput as error:
        words = " ".join(in_words(w) for group in error.fields.values() for w in group)
        return _account_page(words), 422
    flash(gettext("密码已修改，其他设备已退出登录。"), "done")
    return redirect(url_for("auth.account"), 303)


@blueprint.post("/account/sessions/<int:session_id>/revoke")
@login_required
def revoke(session_id: int) -> Response:
    """Sign one device out."""
    sessions.revoke_session(clock(), _own_account(), session_id)
    flash(gettext("该设备已退出登录。"), "done")
    return redirect(url_for("auth.account"), 303)


@blueprint.post("/account/sessions/revoke-others")
@login_required
def revoke_others() -> Response:
    """Sign all other devices out."""
    known = signed_in()
    sessions.revoke_all_sessions(clock(), _own_account(), except_id=known.id if known else None)
    flash(gettext("其他设备已全部退出登录。"), "done")
    return redirect(url_for("auth.account"), 303)
