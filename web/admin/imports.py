"""Bring a workbook in: upload, look at what it would change, confirm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers.response import Response

from engine.coded import Coded
from engine.directory.importing import (
    AlreadyImported,
    Upload,
    WrongRows,
    get_upload,
    import_directory,
    keep_upload,
    plan_import,
)
from engine.directory.imports.columns import SHEETS, Workbook
from engine.directory.imports.plan import Item, Plan, Tally
from engine.directory.imports.reading import LARGEST_FILE, read_workbook
from engine.errors import N_, InvalidInput
from web.admin.guard import administrators_only
from web.context import actor, clock, reading
from web.language import in_words

blueprint = Blueprint("imports", __name__, url_prefix="/import")

MISTAKES_SHOWN: Final = 200
ITEMS_SHOWN: Final = 100


@dataclass(frozen=True)
class Line:
    """A row of the workbook, as the preview tells it."""

    row: int
    label: str
    changes: tuple[tuple[str, str, str], ...]
    """Heading of the column, what stands there now, what will."""


@dataclass(frozen=True)
class Part:
    """A sheet in the preview. ``more`` rows are left out."""

    name: str
    tally: Tally
    changed: tuple[Line, ...]
    new: tuple[Line, ...]
    more_changed: int
    more_new: int


@blueprint.get("/")
@administrators_only
def start() -> str:
    """Ask for the workbook."""
    return render_template("admin/import.html", wrong=())


@blueprint.post("/")
@administrators_only
def upload() -> Response | tuple[str, int]:
    """Keep the workbook and show what it would change."""
    file = request.files.get("file")
    try:
        if file is None or not file.filename:
            raise InvalidInput({"file": [N_("请选择填好的 Excel 文件。")]})
        content = file.stream.read(LARGEST_FILE + 1)
        upload_id = keep_upload(clock(), actor(), file.filename.replace("\0", ""), content)
    except InvalidInput as error:
        wrong = [in_words(message) for found in error.fields.values() for message in found]
        return render_template("admin/import.html", wrong=wrong), 422
    return redirect(url_for("admin.imports.preview", upload_id=upload_id), 303)


@blueprint.get("/<int:upload_id>")
@administrators_only
def preview(upload_id: int) -> str:
    """Show every mistake, or everything that would change."""
    found = get_upload(reading(), actor(), upload_id)
    if found.content is None:
        return render_template("admin/imported.html", upload=found, done=None, parts=())
    plan = plan_import(reading(), clock(), actor(), read_workbook(found.content))
    return _page(found, plan)


@blueprint.post("/<int:upload_id>")
@administrators_only
def confirm(upload_id: int) -> Response | tuple[str, int] | str:
    """Import what the preview showed. A second confirmation changes nothing."""
    found = get_upload(reading(), actor(), upload_id)
    here = url_for("admin.imports.preview", upload_id=upload_id)
    if found.content is None:
        return redirect(here, 303)
    book: Workbook = read_workbook(found.content)
    plan = plan_import(reading(), clock(), actor(), book)
    if plan.mistakes or plan.digest != request.form.get("digest"):
        flash(gettext("检查之后系统中的信息有了变化，没有写入。请核对后重新确认。"), "info")
        return redirect(here, 303)
    try:
        done = import_directory(clock(), actor(), book, plan, upload_id=upload_id)
    except (AlreadyImported, WrongRows):
        return redirect(here, 303)
    # The passwords exist only in this answer; that is why it is no redirection.
    return render_template(
        "admin/imported.html",
        upload=found,
        done=done,
        parts=[(sheet.name, done.plan.tally(sheet)) for sheet in SHEETS],
    )


def _page(found: Upload, plan: Plan) -> str:
    return render_template(
        "admin/preview.html",
        upload=found,
        plan=plan,
        mistakes=plan.mistakes[:MISTAKES_SHOWN],
        more_mistakes=max(0, len(plan.mistakes) - MISTAKES_SHOWN),
        parts=[_part(plan, sheet) for sheet in SHEETS],
    )


def _part(plan: Plan, sheet: Any) -> Part:
    items = plan.of(sheet)
    new = [item for item in items if item.id is None]
    changed = [item for item in items if item.id is not None]
    headings = {column.key: column.heading for column in sheet.columns}
    return Part(
        sheet.name,
        plan.tally(sheet),
        tuple(_line(item, headings) for item in changed[:ITEMS_SHOWN]),
        tuple(Line(item.row, item.label, ()) for item in new[:ITEMS_SHOWN]),
        max(0, len(changed) - ITEMS_SHOWN),
        max(0, len(new) - ITEMS_SHOWN),
    )


def _line(item: Item, headings: dict[str, str]) -> Line:
    changes = [
        (headings.get(key, key), _shown(item.before.get(key)), _shown(value))
        for key, value in item.values.items()
    ]
    changes += [
        (in_words(point.status.label), "", gettext("%(day)s 起", day=point.since.isoformat()))
        for point in item.points
    ]
    return Line(item.row, item.label, tuple(changes))


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(gettext("是") if value else gettext("否"))
    if isinstance(value, Coded):
        return in_words(value.label)
    return "" if value is None else str(value)
