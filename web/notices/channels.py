"""What leaves the house: the robots of organisations, and what could not be delivered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers.response import Response

from engine.directory.rosters import organisations_kept
from engine.errors import InvalidInput
from engine.notifications.delivering import (
    failed_deliveries,
    give_up,
    send_again,
    try_webhook,
)
from engine.notifications.kinds import ROBOT_KINDS, Format
from engine.notifications.webhooks import add_webhook, remove_webhook, webhooks_kept
from engine.runtime.incidents import open_incidents
from web.admin.guard import administrators_only
from web.context import actor, clock, reading, settings
from web.language import in_words
from web.notices.failures import failure_words
from web.numbers import row_number

blueprint = Blueprint("channels", __name__, url_prefix="/admin/channels")

PLACES = 500
"""Most organisations to choose from; more are found by their name."""


@blueprint.get("")
@administrators_only
def index() -> str:
    """Show robots, the list of the failed, and the form for a new robot."""
    return _page(MultiDict(), {})


@blueprint.post("/webhooks")
@administrators_only
def add() -> Response | tuple[str, int]:
    """Add a robot."""
    form = request.form
    try:
        add_webhook(
            settings(),
            form.get("organisation", 0, type=row_number),
            name=form.get("name", ""),
            url=form.get("url", ""),
            format=form.get("format", ""),
            secret=form.get("secret", ""),
            kinds=form.getlist("kinds"),
            below=form.get("below") == "1",
            actor=actor(),
            clock=clock(),
        )
    except InvalidInput as refusal:
        return _page(form, refusal.fields), 422
    flash(gettext("群机器人已添加，可以先发一条测试消息。"), "done")
    return redirect(url_for("channels.index"), 303)


@blueprint.post("/webhooks/<int:webhook_id>/test")
@administrators_only
def test(webhook_id: int) -> Response:
    """Send a robot a test message."""
    try_webhook(webhook_id, actor=actor(), clock=clock())
    flash(gettext("测试消息已交付发送；如发送失败，会列在下面。"), "done")
    return redirect(url_for("channels.index"), 303)


@blueprint.post("/webhooks/<int:webhook_id>/remove")
@administrators_only
def remove(webhook_id: int) -> Response:
    """Tell a robot nothing any more."""
    remove_webhook(webhook_id, actor=actor(), clock=clock())
    flash(gettext("群机器人已停用，地址和密钥已删除。"), "done")
    return redirect(url_for("channels.index"), 303)


@blueprint.post("/deliveries/<int:delivery_id>/again")
@administrators_only
def again(delivery_id: int) -> Response:
    """Try a failed delivery anew."""
    send_again(delivery_id, actor=actor(), clock=clock())
    flash(gettext("已重新交付发送。"), "done")
    return redirect(url_for("channels.index"), 303)


@blueprint.post("/deliveries/<int:delivery_id>/drop")
@administrators_only
def drop(delivery_id: int) -> Response:
    """Take a failed delivery off the list."""
    give_up(delivery_id, actor=actor())
    flash(gettext("已从列表中移除。"), "done")
    return redirect(url_for("channels.index"), 303)


def _page(typed: MultiDict[str, str], errors: Mapping[str, Sequence[str]]) -> str:
    me = actor()
    return render_template(
        "notices/channels.html",
        hooks=webhooks_kept(reading(), me),
        failed=failed_deliveries(reading(), me),
        incidents=open_incidents(reading(), me),
        places=organisations_kept(reading(), me, clock().today(), limit=PLACES),
        formats=list(Format),
        kinds=ROBOT_KINDS,
        typed=typed,
        mail_possible=bool(settings().smtp_host),
        failure_words=failure_words,
        errors={name: [in_words(word) for word in words] for name, words in errors.items()},
    )
