"""The inbox: what I have to do, most urgent first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from flask import Blueprint, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers.response import Response

from engine.errors import N_
from engine.runtime.queries import inbox as read_inbox
from engine.runtime.views import Bucket, Inbox
from web.context import actor, clock, login_required, reading
from web.language import in_words

blueprint = Blueprint("inbox", __name__)

_TONES: Final = {Bucket.OVERDUE: "hot", Bucket.SOON: "warm"}
_EMPTY: Final = {
    Bucket.OVERDUE: N_("没有超期的任务。"),
    Bucket.SOON: N_("近期没有到期的任务。"),
    Bucket.TODO: N_("现在没有需要您办理的任务。"),
    Bucket.WAITING: N_("没有在等待他人办理的事项。"),
    Bucket.DONE: N_("您还没有办结过任务。"),
}


@dataclass(frozen=True)
class BucketTab:
    """One of the tabs above the list."""

    code: str
    title: str
    count: str | None
    tone: str
    here: bool


def query(arguments: Any, **changes: Any) -> str:
    """Return the query string of this page with some arguments changed."""
    kept = {k: v for k, v in arguments.items() if v} | changes
    return urlencode({k: v for k, v in kept.items() if v is not None})


@blueprint.record_once
def _globals(state: Any) -> None:
    state.app.jinja_env.globals["query"] = query


@blueprint.get("/")
@login_required
def home() -> Response:
    """Go to the inbox."""
    return redirect(url_for("inbox.index"))


@blueprint.get("/inbox")
@login_required
def index() -> str:
    """Show one bucket of the inbox."""
    try:
        bucket = Bucket(request.args.get("bucket", ""))
    except ValueError:
        bucket = Bucket.TODO
    process = request.args.get("process") or None
    text = request.args.get("text", "").strip()
    found = read_inbox(
        reading(),
        actor(),
        clock(),
        bucket=bucket,
        process=process,
        text_wanted=text or None,
        cursor=request.args.get("cursor") or None,
    )
    filters = {
        "bucket": bucket.value,
        "process": process or "",
        "text": text,
        "active": bool(process or text),
        "empty": in_words(_EMPTY[bucket]),
        "shown": bool(process or text or len(found.rows) > 5),
    }
    return render_template(
        "inbox/index.html", inbox=found, buckets=_tabs(found, bucket), filters=filters
    )


def _tabs(found: Inbox, here: Bucket) -> list[BucketTab]:
    tabs = []
    for bucket in Bucket:
        count = found.counts.get(bucket)
        words = None if count is None else str(count)
        if count is not None and count >= found.most:
            words = gettext("%(count)s 以上", count=found.most)
        tone = _TONES.get(bucket, "") if count else ""
        tabs.append(BucketTab(bucket.value, in_words(bucket.label), words, tone, bucket is here))
    return tabs
