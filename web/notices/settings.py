"""How I want to be told: kinds by channel, the hour, quiet hours, and the address with its code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import time

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers.response import Response

from engine.errors import N_, InvalidInput
from engine.notifications.kinds import TABLE, MailMode, NoticeKind
from engine.notifications.preferences import (
    CODE_MINUTES,
    ask_code,
    choose,
    confirm,
    forget_email,
    preferences_of,
)
from engine.notifications.quiet import DIGEST_FROM
from web.context import actor, clock, login_required, reading, settings
from web.language import in_words

blueprint = Blueprint("notice_settings", __name__, url_prefix="/notices/settings")


@blueprint.get("")
@login_required
def index() -> str:
    """Show what I have chosen."""
    return _page({})


@blueprint.post("")
@login_required
def save() -> Response | tuple[str, int]:
    """Keep what I choose."""
    try:
        choose(
            page=request.form.getlist("page"),
            mail=request.form.getlist("mail") if settings().smtp_host else None,
            mode=request.form.get("mode"),
            quiet_from=_time("quiet_from"),
            quiet_until=_time("quiet_until"),
            actor=actor(),
        )
    except InvalidInput as refusal:
        return _page(refusal.fields), 422
    flash(gettext("通知设置已保存。"), "done")
    return redirect(url_for("notice_settings.index"), 303)


@blueprint.post("/email")
@login_required
def email() -> Response | tuple[str, int]:
    """Send a code to an address."""
    try:
        ask_code(settings(), request.form.get("email", ""), actor=actor(), clock=clock())
    except InvalidInput as refusal:
        return _page(refusal.fields, request.form.get("email", "")), 422
    flash(gettext("验证码已发往该邮箱，请在下面填写。"), "done")
    return redirect(url_for("notice_settings.index", _anchor="email"), 303)


@blueprint.post("/email/confirm")
@login_required
def confirm_email() -> Response | tuple[str, int]:
    """Take the address whose code came back."""
    try:
        confirm(settings(), request.form.get("code", ""), actor=actor(), clock=clock())
    except InvalidInput as refusal:
        return _page(refusal.fields), 422
    flash(gettext("邮箱已确认，可以接收邮件通知。"), "done")
    return redirect(url_for("notice_settings.index"), 303)


@blueprint.post("/email/forget")
@login_required
def forget() -> Response:
    """Forget the address."""
    forget_email(actor=actor())
    flash(gettext("邮箱已删除，不再发送邮件。"), "done")
    return redirect(url_for("notice_settings.index"), 303)


def _time(name: str) -> time | None:
    given = request.form.get(name, "").strip()
    if not given:
        return None
    try:
        return time.fromisoformat(given[:5])
    except ValueError:
        raise InvalidInput({name: [N_("请填写时间，如 22:00。")]}) from None


def _page(errors: Mapping[str, Sequence[str]], typed_email: str = "") -> str:
    chosen = preferences_of(reading(), actor(), clock())
    return render_template(
        "notices/settings.html",
        chosen=chosen,
        table=TABLE,
        kinds=list(NoticeKind),
        modes=list(MailMode),
        mail_possible=bool(settings().smtp_host),
        minutes=CODE_MINUTES,
        digest_hour=DIGEST_FROM.strftime("%H:%M"),
        typed_email=typed_email,
        errors={name: [in_words(word) for word in words] for name, words in errors.items()},
    )
