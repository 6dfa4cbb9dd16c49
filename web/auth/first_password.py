"""A password that somebody else has given is changed before anything else can be done."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request
from flask import url_for as url
from flask_babel import gettext
from werkzeug.wrappers.response import Response as AnyResponse

from engine.directory.accounts import change_first_password
from engine.errors import Conflict, InvalidInput
from web.auth.views import local_path
from web.context import LoginRequired, clock, signed_in
from web.language import in_words
from web.security import API_PREFIX

blueprint = Blueprint("first_password", __name__, url_prefix="/first-password")

_OPEN: Final = frozenset(
    {
        "static",
        "health.healthz",
        "first_password.ask",
        "first_password.change",
        "auth.logout",
        "auth.language",
    }
)
"""What whoever has still the password of somebody else may do: change it, or go."""


def insist() -> AnyResponse | None:
    """Lead to the change of the password, whatever page was asked for. Tokens wait anyway."""
    if request.path.startswith(API_PREFIX):
        return None
    known = signed_in()
    if known is None or not known.must_change_password or request.endpoint in _OPEN:
        return None
    target = request.full_path.rstrip("?") if request.method == "GET" else ""
    here = url("first_password.ask", next=target or None)
    if request.headers.get("HX-Request"):
        return Response(status=204, headers={"HX-Redirect": here})
    return redirect(here, 303)


@blueprint.get("")
def ask() -> AnyResponse | str:
    """Ask for a password of one's own."""
    known = signed_in()
    if known is None:
        raise LoginRequired
    target = request.args.get("next", "")
    if not known.must_change_password:
        return redirect(local_path(target))
    return _page(target)


@blueprint.post("")
def change() -> AnyResponse:
    """Keep the new password and go on to where the person wanted to go."""
    known = signed_in()
    if known is None:
        raise LoginRequired
    target, new = request.form.get("next", ""), request.form.get("new", "")
    if new != request.form.get("again", ""):
        return make_response(_page(target, gettext("两次填写的密码不一样，请重新填写。")), 422)
    try:
        change_first_password(clock(), known.account_id, new, keep_session=known.id)
    except InvalidInput as error:
        words = " ".join(in_words(w) for group in error.fields.values() for w in group)
        return make_response(_page(target, words), 422)
    except Conflict:
        return redirect(local_path(target), 303)  # sent twice: it was changed the first time
    flash(gettext("密码已修改。今后请用新密码登录。"), "done")
    return redirect(local_path(target), 303)


def _page(target: str, error: str = "") -> str:
    return render_template("auth/first_password.html", next=target, error=error)
