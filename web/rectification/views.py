"""The list of items, one item with its history, and what people say of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import uuid4

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers.response import Response

from engine.attachments.content import ACCEPT
from engine.attachments.operations import add_attachment
from engine.attachments.store import FileRefused
from engine.audit.exporting import ExportKind, record_list
from engine.compliance.items import ItemState
from engine.errors import N_, Conflict, InvalidInput, NotFound, StaleRevision
from engine.rectification.commands import DEEDS, EVIDENCE, Words, say_item
from engine.rectification.queries import (
    count_items,
    evidence_of,
    list_items,
    place_choices,
    process_choices,
    show_item,
)
from engine.rectification.views import ItemFilter, ItemPage
from web.audit.filters import code, day, number
from web.context import actor, clock, login_required, reading, settings
from web.downloads import download
from web.forms.posted import attachment_store, posted_command, posted_revision
from web.inbox.excel import MEDIA_TYPE
from web.language import in_words
from web.rectification.excel import workbook

blueprint = Blueprint("rectification", __name__, url_prefix="/rectification")

MOST_EXPORTED: Final = 2000


@dataclass(frozen=True)
class Ask:
    """One of the forms on an item's page; its words are message ids."""

    title: str
    what: str
    label: str
    button: str
    done: str
    """What is said when it was carried out."""


_ASKS: Final = {
    "report": Ask(
        N_("填报整改进展"),
        N_(
            "写明做了什么、效果怎样，可以附照片、记录等材料。都做完了就勾选“已整改完成”，请负责人核对销号。"
        ),
        N_("整改情况"),
        N_("提交整改进展"),
        N_("整改进展已提交，并记入留痕。"),
    ),
    "close": Ask(
        N_("核对销号"),
        N_("核对问题确已解决后销号。责任人不能给自己负责的事项销号。"),
        N_("核对情况"),
        N_("确认销号"),
        N_("已销号。"),
    ),
    "extend": Ask(
        N_("同意延期"),
        N_("到期不能完成的，写明理由和新的期限。应在原期限届满之前办理。"),
        N_("延期的理由"),
        N_("确认延期"),
        N_("已同意延期，新的期限已生效。"),
    ),
    "reopen": Ask(
        N_("要求重新整改"),
        N_("问题没有真正解决或再次出现的，写明情况和新的期限。"),
        N_("重新整改的理由"),
        N_("确认重新整改"),
        N_("已要求重新整改。"),
    ),
}


@blueprint.get("/")
@login_required
def index() -> str:
    """List the items that the address asks for."""
    today = clock().today()
    wanted = _wanted()
    rows, next_cursor = list_items(
        reading(), actor(), wanted, today, cursor=request.args.get("cursor") or None
    )
    tabs = [
        (code, in_words(title), count_items(reading(), actor(), _tab(code), today))
        for code, title in _TABS.items()
    ]
    return render_template(
        "rectification/index.html",
        rows=rows,
        next_cursor=next_cursor,
        tabs=tabs,
        here=_here(),
        processes=process_choices(reading()),
        places=place_choices(reading(), actor(), today),
        given=request.args,
        active=bool(set(request.args) - {"cursor", "show"}),
    )


_TABS: Final = {
    "open": N_("未销号"),
    "overdue": N_("已超期"),
    "done": N_("待销号"),
    "mine": N_("由我负责"),
    "closed": N_("已销号"),
}


def _here() -> str:
    return request.args.get("show", "") if request.args.get("show") in _TABS else "open"


def _tab(show: str) -> ItemFilter:
    match show:
        case "overdue":
            return ItemFilter(overdue=True)
        case "done":
            return ItemFilter(state=ItemState.DONE)
        case "mine":
            return ItemFilter(owner_id=actor().person_id)
        case "closed":
            return ItemFilter(state=ItemState.CLOSED)
    return ItemFilter()


def _wanted() -> ItemFilter:
    tab = _tab(_here())
    given = request.args
    return ItemFilter(
        state=code(ItemState, given.get("state", "")) or tab.state,
        settled=tab.settled,
        organisation_id=number(given.get("organisation", "")),
        process=given.get("process") or None,
        owner_id=tab.owner_id,
        overdue=tab.overdue,
        text=given.get("text", ""),
    )


@blueprint.get("/export.xlsx")
@login_required
def export() -> Response:
    """Hand out the list, as it is narrowed, as a workbook; on record."""
    today, wanted = clock().today(), _wanted()
    rows, more = list_items(reading(), actor(), wanted, today, limit=MOST_EXPORTED)
    criteria = {**vars(wanted), "text": bool(wanted.text)}  # words looked for may be a name
    record_list(ExportKind.ITEMS, criteria, names=True, actor=actor(), clock=clock())
    title = gettext("整改台账")
    made = workbook(rows, today, title=title, more=more is not None)
    return download(made, f"{title}-{today.isoformat()}.xlsx", MEDIA_TYPE)


@blueprint.get("/<int:item_id>")
@login_required
def item(item_id: int) -> str:
    """Show an item."""
    return _page(show_item(reading(), actor(), clock(), item_id))


@blueprint.get("/<int:item_id>/files/<int:attachment_id>")
@login_required
def evidence(item_id: int, attachment_id: int) -> Response:
    """Send a file that was handed in with a report."""
    found = evidence_of(reading(), actor(), item_id, attachment_id)
    path = attachment_store().path(found.sha256)
    return download(path, found.name, found.media_type, uploaded=True)


@dataclass(frozen=True)
class Given:
    """What was typed into a form that was refused."""

    code: str = ""
    text: str = ""
    occurred_on: str = ""
    due: str = ""
    done: bool = False
    files: tuple[tuple[int, str], ...] = ()
    errors: tuple[tuple[str, str], ...] = ()


def _page(page: ItemPage, given: Given | None = None) -> str:
    given = given or Given()
    order = ("close", "report", "extend", "reopen")
    if page.row.state is not ItemState.DONE:
        order = ("report", "close", "extend", "reopen")
    able = [name for name in order if name in page.may]
    main = given.code or next((name for name in able if name != "reopen"), "")
    return render_template(
        "rectification/item.html",
        page=page,
        row=page.row,
        asks={name: _ASKS[name] for name in able},
        main=main,
        given=given,
        wrong=dict(given.errors),
        command_id=uuid4(),
        accept=ACCEPT,
        max_bytes=settings().attachment_max_bytes,
    )


@blueprint.post("/<int:item_id>/<command>")
@login_required
def say(item_id: int, command: str) -> Response | tuple[str, int]:
    """Report, extend, close or reopen. Sent twice, it counts once."""
    if command not in DEEDS:
        raise NotFound
    page = show_item(reading(), actor(), clock(), item_id)
    refused: list[str] = []
    files = _files(refused)
    form = request.form
    given = Given(
        command,
        form.get("text", ""),
        form.get("occurred_on", ""),
        form.get("due", ""),
        bool(form.get("done")),
        tuple(files.items()),
    )
    try:
        if refused:
            raise InvalidInput({"files": refused})
        say_item(
            DEEDS[command],
            item_id,
            Words(given.text, _day("occurred_on"), _day("due"), given.done, tuple(files)),
            actor=actor(),
            clock=clock(),
            command_id=posted_command(),
            revision=posted_revision(),
        )
    except InvalidInput as refusal:
        words = tuple(
            (name, " ".join(in_words(w) for w in group)) for name, group in refusal.fields.items()
        )
        errors = words or (("text", in_words(refusal)),)
        return _page(page, _with_errors(given, errors)), 422
    except (Conflict, StaleRevision) as refusal:
        flash(in_words(refusal), "overdue")
        fresh = show_item(reading(), actor(), clock(), item_id)
        return _page(fresh, given if command in fresh.may else None), 409
    flash(in_words(_ASKS[command].done), "done")
    return redirect(url_for("rectification.item", item_id=item_id), 303)


def _with_errors(given: Given, errors: tuple[tuple[str, str], ...]) -> Given:
    fields: dict[str, Any] = {**vars(given), "errors": errors}
    return Given(**fields)


def _day(name: str) -> date | None:
    text = request.form.get(name, "").strip()
    found = day(text)
    if text and found is None:
        raise InvalidInput({name: [N_("请填写实际存在的日期，格式如 2026-06-10。")]})
    return found


def _files(refused: list[str]) -> dict[int, str]:
    """Return the files of the form by id: those stored before it was refused, and new ones."""
    found: dict[int, str] = {}
    for text in request.form.getlist("file"):
        known, _, name = text.partition(":")
        if (kept := number(known)) is not None:
            found[kept] = name
    for upload in request.files.getlist("files"):
        if not upload.filename:
            continue
        try:
            attachment = add_attachment(
                clock(),
                attachment_store(),
                upload.stream,
                name=upload.filename,
                document=EVIDENCE,
                person_id=actor().person_id,
            )
        except FileRefused as refusal:
            refused.append(in_words(refusal))
        else:
            found[attachment.id] = attachment.name
    return found
