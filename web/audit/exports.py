"""Lists to take away: Excel, CSV and the event log. That they are taken is recorded before."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from tempfile import SpooledTemporaryFile
from typing import IO, Any, Final, cast

from flask import Blueprint, Response, render_template, request
from flask_babel import gettext
from openpyxl import Workbook
from openpyxl.styles import Font

from engine.audit.event_log import write_event_log
from engine.audit.exporting import (
    ExportKind,
    MatterLine,
    every_matter,
    record_export,
)
from engine.audit.listing import choices, every_finding
from engine.audit.scope import FindingFilter, around, place_of, require_audience
from engine.audit.views import FindingRow
from engine.audit.wanted import MatterFilter
from engine.errors import N_, NotFound
from engine.runtime.views import MatterStatus
from web.audit.filters import code, number, wanted_findings, wanted_matters
from web.audit.words import finding_sentence, finding_state, rule_title
from web.context import actor, clock, login_required, reading
from web.downloads import download
from web.inbox.excel import FORMULA_MARKS, MEDIA_TYPE, date_cell, text_cell
from web.language import in_words
from web.words import as_date

blueprint = Blueprint("exports", __name__, url_prefix="/audit/exports")

Value = str | int | date | None
Column = tuple[str, int, Callable[[Any], Value]]
"""Heading, width in a workbook, and what stands in it."""

_IN_MEMORY: Final = 4 * 1024 * 1024
_TYPES: Final = {"xlsx": MEDIA_TYPE, "csv": "text/csv", "xes": "application/xml"}
_FORMS: Final = {
    ExportKind.FINDINGS: ("xlsx", "csv"),
    ExportKind.MATTERS: ("xlsx", "csv"),
    ExportKind.EVENT_LOG: ("xes",),
}


@blueprint.get("")
@login_required
def index() -> str:
    """Show what can be taken away."""
    me = actor()
    require_audience(me)
    place = place_of(reading(), me, number(request.args.get("organisation", "")))
    return render_template(
        "audit/exports.html",
        tab="exports",
        place=place,
        around=around(reading(), me, place),
        processes=choices(reading()).processes,
        statuses=[(s.value, in_words(s.label)) for s in MatterStatus],
        given=request.args,
    )


@blueprint.post("/<what>.<form>")
@login_required
def export(what: str, form: str) -> Response:
    """Hand out a list, once it is recorded that it is."""
    kind = code(ExportKind, what)
    if kind is None or form not in _FORMS.get(kind, ()):
        raise NotFound
    given = request.form
    with_names = given.get("names") == "yes"
    wanted = wanted_matters(given) if kind is not ExportKind.FINDINGS else wanted_findings(given)
    record_export(
        kind,
        form,
        {
            ("organisation" if name == "organisation_id" else name): value
            for name, value in vars(wanted).items()
        },
        names=with_names,
        actor=actor(),
        clock=clock(),
    )
    stream = cast(IO[bytes], SpooledTemporaryFile(_IN_MEMORY))  # noqa: SIM115  (sent, then closed)
    try:
        _write(stream, wanted, form, with_names)
    except BaseException:
        stream.close()
        raise
    stream.seek(0)
    today = clock().today().isoformat()
    return download(stream, f"{in_words(kind.label)}-{today}.{form}", _TYPES[form])


def _write(
    stream: IO[bytes], wanted: FindingFilter | MatterFilter, form: str, with_names: bool
) -> None:
    session, me = reading(), actor()
    if form == "xes":
        assert isinstance(wanted, MatterFilter)
        for piece in write_event_log(session, me, wanted, with_names=with_names):
            stream.write(piece.encode())
        return
    columns: Sequence[Column]
    rows: Iterable[FindingRow | MatterLine]
    if isinstance(wanted, FindingFilter):
        columns, rows = _finding_columns(with_names), every_finding(session, me, wanted)
    else:
        columns, rows = _matter_columns(with_names), every_matter(session, me, wanted)
    values = ([value_of(row) for _, _, value_of in columns] for row in rows)
    if form == "csv":
        _write_csv(stream, columns, values)
    else:
        _write_workbook(stream, columns, values)


def _write_csv(stream: IO[bytes], columns: Sequence[Column], rows: Iterator[list[Value]]) -> None:
    """Write UTF-8 with a mark, as spreadsheets expect it; text that begins like a formula is held
    back by an apostrophe."""
    text = io.TextIOWrapper(stream, "utf-8-sig", newline="")
    writer = csv.writer(text)
    writer.writerow([gettext(head) for head, _, _ in columns])
    for row in rows:
        writer.writerow([_plain(value) for value in row])
    text.flush()
    text.detach()


def _plain(value: Value) -> str:
    if isinstance(value, date):
        return value.isoformat()
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith((*FORMULA_MARKS, "\t", "\r")) else text


def _write_workbook(
    stream: IO[bytes], columns: Sequence[Column], rows: Iterator[list[Value]]
) -> None:
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.freeze_panes = "A2"
    for place, (_, width, _) in enumerate(columns):
        sheet.column_dimensions[chr(ord("A") + place)].width = width
    heads = [text_cell(sheet, gettext(head)) for head, _, _ in columns]
    for head in heads:
        head.font = Font(bold=True)
    sheet.append(heads)
    for row in rows:
        sheet.append([_cell(sheet, value) for value in row])
    book.save(stream)


def _cell(sheet: Any, value: Value) -> Any:
    if isinstance(value, int):
        return value
    if isinstance(value, str):
        return text_cell(sheet, value)
    return date_cell(sheet, value)


def _finding_columns(with_names: bool) -> list[Column]:
    columns: list[Column] = [
        (N_("事项编号"), 16, lambda f: f.matter_number),
        (N_("流程"), 12, lambda f: f.process_title),
        (N_("党组织"), 22, lambda f: f.organisation_name),
        (N_("环节"), 26, lambda f: f"{f.step_number or ''} {f.step_title}".strip()),
        (N_("第几次"), 8, lambda f: f.round),
        (N_("日期"), 12, lambda f: f.day),
        (N_("规则"), 11, lambda f: f.rule),
        (N_("规则内容"), 36, rule_title),
        (N_("程度"), 8, lambda f: in_words(f.severity.label)),
        (N_("问题"), 70, finding_sentence),
        (N_("依据"), 34, _articles),
        (N_("状态"), 12, lambda f: finding_state(f)[1]),
        (N_("发现日期"), 12, lambda f: as_date(f.found_at)),
        (N_("消除日期"), 12, lambda f: as_date(f.resolved_at)),
    ]
    if with_names:
        columns.insert(2, (N_("当事人"), 12, lambda f: f.subject_name))
    return columns


def _articles(found: FindingRow) -> str:
    return "；".join(f"《{a.title}》（{a.edition_title}）{a.number}" for a in found.articles)


def _matter_columns(with_names: bool) -> list[Column]:
    columns: list[Column] = [
        (N_("事项编号"), 16, lambda m: m.number),
        (N_("流程"), 14, lambda m: m.definition.package.title),
        (N_("党组织"), 24, lambda m: m.organisation_name),
        (N_("状态"), 10, lambda m: in_words(m.status.label)),
        (N_("结果"), 20, lambda m: m.outcome),
        (N_("开始日期"), 12, lambda m: m.started_on),
        (N_("结束日期"), 12, lambda m: m.ended_on),
        (N_("含补录"), 8, lambda m: gettext("是") if m.backfilled else ""),
        (N_("必须改正的问题"), 14, lambda m: m.hard),
        (N_("提醒"), 8, lambda m: m.warning),
    ]
    if with_names:
        columns.insert(2, (N_("当事人"), 12, lambda m: m.subject_name))
    return columns
