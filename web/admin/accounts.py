"""账号: who has one in one's own part, and what an administrator may do about it."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers.response import Response

from engine.directory import operations
from engine.directory.account_lists import AccountState, account_page, list_accounts
from engine.directory.organisations import get_organisation, view
from engine.directory.policy import Action, require
from engine.errors import Conflict, InvalidInput, NotFound
from web.admin.guard import administrators_only
from web.context import actor, clock, reading
from web.language import in_words

blueprint = Blueprint("accounts", __name__, url_prefix="/accounts")

PAGE: Final = 100


@blueprint.get("/")
@administrators_only
def index() -> str:
    """List the people of one's part, or of an organisation in it, with their accounts."""
    session, me = reading(), actor()
    text = request.args.get("q", "").replace("\0", "").strip()[:100]
    state = request.args.get("state", "")
    number = request.args.get("organisation", "")
    after = request.args.get("cursor", "")
    place = None
    if number.isdecimal() and len(number) < 19:
        place = get_organisation(session, int(number))
        require(me, Action.VIEW_ROSTER, view(place))
    lines = list_accounts(
        session,
        me,
        clock(),
        path=place.path if place else "",
        state=AccountState(state) if state in set(AccountState) else None,
        text=text,
        after=int(after) if after.isdecimal() and len(after) < 19 else 0,
        limit=PAGE + 1,
    )
    more, lines = len(lines) > PAGE, lines[:PAGE]
    return render_template(
        "admin/accounts.html",
        lines=lines,
        place=place,
        text=text,
        state_chosen=state,
        states=list(AccountState),
        next_cursor=lines[-1].person_id if more else None,
    )


@blueprint.get("/<int:person_id>")
@administrators_only
def one(person_id: int) -> str:
    """Show somebody's account, and what may be done about it."""
    return _page(person_id)


@blueprint.post("/<int:person_id>/open")
@administrators_only
def open_one(person_id: int) -> Response | str | tuple[str, int]:
    """Give the person an account; its password exists only in this answer."""
    login = request.form.get("login", "")
    try:
        _, password = operations.open_account(clock(), actor(), person_id, login=login)
    except InvalidInput as error:
        words = " ".join(in_words(w) for group in error.fields.values() for w in group)
        return _page(person_id, login=login, error=words), 422
    except Conflict as error:
        flash(in_words(error), "info")
        return _back(person_id)
    return _shown(person_id, password)


@blueprint.post("/<int:person_id>/password")
@administrators_only
def reset(person_id: int) -> Response:
    """Draw a new password; it exists only in this answer."""
    return _shown(person_id, operations.reset_password(clock(), actor(), _account(person_id)))


@blueprint.post("/<int:person_id>/lock")
@administrators_only
def lock(person_id: int) -> Response:
    """Stop the account from being used."""
    operations.disable_account(clock(), actor(), _account(person_id))
    flash(gettext("账号已停用，已退出全部设备，令牌同时失效。"), "done")
    return _back(person_id)


@blueprint.post("/<int:person_id>/unlock")
@administrators_only
def unlock(person_id: int) -> Response:
    """Let the account be used again."""
    operations.enable_account(clock(), actor(), _account(person_id))
    flash(gettext("账号已启用。"), "done")
    return _back(person_id)


@blueprint.post("/<int:person_id>/sign-out")
@administrators_only
def sign_out(person_id: int) -> Response:
    """Sign the person out everywhere."""
    operations.end_account_sessions(clock(), actor(), _account(person_id))
    flash(gettext("已让该账号在全部设备上退出登录。"), "done")
    return _back(person_id)


def _account(person_id: int) -> int:
    found = account_page(reading(), actor(), clock(), person_id).line.account_id
    if found is None:
        raise NotFound()
    return found


def _back(person_id: int) -> Response:
    return redirect(url_for("admin.accounts.one", person_id=person_id), 303)


def _shown(person_id: int, password: str) -> Response:
    # No redirection: the password is nowhere but here, and no cache keeps this answer.
    return make_response(_page(person_id, password=password))


def _page(person_id: int, *, login: str = "", error: str = "", password: str = "") -> str:
    found = account_page(reading(), actor(), clock(), person_id)
    return render_template(
        "admin/account.html", page=found, login=login, error=error, password=password
    )
