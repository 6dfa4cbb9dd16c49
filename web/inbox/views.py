"""The inbox: what I have to do, most urgent first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import groupby
from typing import Any, Final

from flask import Blueprint, redirect, render_template, request, send_file, url_for
from flask_babel import gettext
from werkzeug.wrappers.response import Response

from engine.audit.exporting import ExportKind, record_list
from engine.audit.matter import asked_of
from engine.errors import N_
from engine.rectification.queries import work_of
from engine.runtime.queries.worklist import Sort, work_list, work_page
from engine.runtime.views import Bucket, Inbox, TaskRow
from web.context import actor, clock, login_required, reading, signed_in
from web.inbox.excel import MEDIA_TYPE, workbook
from web.inbox.filters import query, wanted
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


@blueprint.record_once
def _globals(state: Any) -> None:
    state.app.jinja_env.globals["query"] = query


@blueprint.get("/")
def home() -> Response:
    """Go to the inbox; who is not signed in yet has not been refused anything."""
    return redirect(url_for("inbox.index" if signed_in() else "auth.login"))


@blueprint.get("/inbox")
@login_required
def index() -> str:
    """Show one bucket of the inbox."""
    asked = wanted()
    found = work_page(
        reading(),
        actor(),
        clock(),
        bucket=asked.bucket,
        filters=asked.filters,
        sort=asked.sort,
        cursor=asked.cursor,
    )
    filters = {
        "bucket": asked.bucket.value,
        "process": asked.filters.process or "",
        "organisation": asked.filters.organisation_id,
        "text": asked.filters.text_wanted or "",
        "sort": asked.sort.value,
        "sorts": [(sort.value, in_words(sort.label)) for sort in Sort],
        "active": asked.active,
        "empty": in_words(_EMPTY[asked.bucket]),
        "shown": asked.active or asked.sort is not Sort.DUE or len(found.rows) > 5,
        "kept": query(request.args, cursor=None),
        "bulk": alike(found.rows) if asked.bucket not in (Bucket.WAITING, Bucket.DONE) else (),
    }
    asked_about, asked_count = asked_of(reading(), actor())
    return render_template(
        "inbox/index.html",
        inbox=found,
        groups=gathered(found.rows, actor().person_id)
        if asked.bucket not in (Bucket.WAITING, Bucket.DONE)
        else [[row] for row in found.rows],
        buckets=_tabs(found, asked.bucket),
        filters=filters,
        asked_about=asked_about,
        asked_count=asked_count,
        rectifying=work_of(reading(), actor()) if asked.bucket is not Bucket.DONE else None,
    )


FEW: Final = 3
"""Tasks of one step for other people that still stand in the list one by one."""


def gathered(rows: Sequence[TaskRow], me: int) -> list[list[TaskRow]]:
    """Put together what follows each other and is the same step of a matter for other people.

    Whoever may enter something for each of many would otherwise not find their own work among it.
    """
    found: list[list[TaskRow]] = []
    for _, group in groupby(rows, key=lambda row: _others_step(row, me)):
        same = list(group)
        many = _others_step(same[0], me) is not None and len(same) > FEW
        found.extend([same] if many else [[row] for row in same])
    return found


def _others_step(row: TaskRow, me: int) -> tuple[int, str] | None:
    return None if row.for_id in (None, me) else (row.instance_id, row.element)


def alike(rows: Sequence[TaskRow]) -> frozenset[int]:
    """Return the tasks that can be done in bulk: at least two at the same step.

    Decisions are taken one by one, and what each person hands in is their own.
    """
    found = [row for row in rows if not row.decision and row.for_id is None]
    kinds = Counter((row.process_key, row.element) for row in found)
    return frozenset(row.id for row in found if kinds[row.process_key, row.element] > 1)


@blueprint.get("/inbox/export.xlsx")
@login_required
def export() -> Response:
    """Hand out the list, as it is narrowed and sorted, as a workbook; on record."""
    asked = wanted()
    found = work_list(
        reading(), actor(), clock(), bucket=asked.bucket, filters=asked.filters, sort=asked.sort
    )
    narrowed = bool(asked.filters.text_wanted)  # the words looked for may be a name
    criteria = {"bucket": asked.bucket, **vars(asked.filters), "text_wanted": narrowed}
    record_list(ExportKind.TASKS, criteria, names=True, actor=actor(), clock=clock())
    today = clock().today()
    title = in_words(asked.bucket.label)
    data = workbook(found.rows, today, title=title, more=found.next_cursor is not None)
    response = send_file(
        BytesIO(data),
        mimetype=MEDIA_TYPE,
        as_attachment=True,
        download_name=f"{title}-{today.isoformat()}.xlsx",
    )
    response.headers["Cache-Control"] = "no-store"
    return response


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
