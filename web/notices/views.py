"""My notices: one line a thing, unread ones marked, each leading to where it can be dealt with."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers.response import Response

from engine.notifications.kinds import ABOUT_TASKS, NoticeKind
from engine.notifications.reading import (
    MOST_COUNTED,
    NoticeLine,
    mark_read,
    my_notices,
    open_notice,
    put_to_rest,
)
from web.context import actor, clock, login_required, reading

blueprint = Blueprint("notices", __name__, url_prefix="/notices")

TONES: Final = {
    NoticeKind.OPENED: "todo",
    NoticeKind.RETURNED: "soon",
    NoticeKind.DELEGATED: "todo",
    NoticeKind.REMINDED: "soon",
    NoticeKind.SOON: "soon",
    NoticeKind.OVERDUE: "overdue",
    NoticeKind.MOVED: "info",
    NoticeKind.ENDED: "done",
    NoticeKind.FINDING: "soon",
    NoticeKind.ASKED: "soon",
    NoticeKind.EXPLAINED: "info",
    NoticeKind.DUTY_DUE: "soon",
    NoticeKind.DUTY_LATE: "overdue",
    NoticeKind.INCIDENT: "overdue",
}


@blueprint.get("")
@login_required
def index() -> str:
    """List them, the latest first."""
    me = actor()
    put_to_rest(me, clock())
    unread = request.args.get("unread") == "1"
    lines, next_cursor = my_notices(
        reading(), me, unread=unread, cursor=request.args.get("cursor") or None
    )
    return render_template(
        "notices/index.html",
        lines=lines,
        next_cursor=next_cursor,
        unread=unread,
        tones=TONES,
        most=MOST_COUNTED,
    )


@blueprint.get("/<int:notice_id>")
@login_required
def go(notice_id: int) -> Response:
    """Mark a line as read and go to what it is about."""
    line = open_notice(notice_id, actor=actor(), clock=clock())
    return redirect(target(line), 303)


@blueprint.post("/read")
@login_required
def read_all() -> Response:
    """Mark all as read."""
    mark_read(actor=actor(), clock=clock())
    flash(gettext("全部通知已标为已读。"), "done")
    return redirect(url_for("notices.index"), 303)


@blueprint.post("/<int:notice_id>/read")
@login_required
def read_one(notice_id: int) -> Response:
    """Mark one as read and stay."""
    mark_read(actor=actor(), clock=clock(), notice_id=notice_id)
    return redirect(url_for("notices.index"), 303)


def target(line: NoticeLine) -> str:
    """Return the page on which a line can be dealt with."""
    if line.kind is NoticeKind.INCIDENT:
        return url_for("channels.index", _anchor="incidents")
    if line.kind in (NoticeKind.DUTY_DUE, NoticeKind.DUTY_LATE) and line.organisation_id:
        return url_for("years.year", organisation_id=line.organisation_id)
    if not line.visible or line.instance_id is None:
        return url_for("notices.index")
    if line.kind in ABOUT_TASKS and line.task_id and not line.settled:
        return url_for("tasks.task", task_id=line.task_id)
    if line.finding_id is not None:
        return url_for("instances.matter", instance_id=line.instance_id, tab="findings")
    return url_for("instances.matter", instance_id=line.instance_id)
