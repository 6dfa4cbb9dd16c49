"""The inbox as a workbook: one line a task, dates as dates, and text that stays text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from io import BytesIO
from typing import Any, Final

from flask_babel import gettext
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Font

from engine.errors import N_
from engine.runtime.views import TaskRow
from web.words import as_date, limit

MEDIA_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FORMULA_MARKS: Final = ("=", "+", "-", "@")
"""A text that begins so could be taken for a formula, here or in the program it is pasted into."""
_LONGEST: Final = 32_000


def text_cell(sheet: Any, value: str) -> Any:
    """Return a cell that holds ``value`` as text, whatever it begins with."""
    cell = WriteOnlyCell(sheet, value=None)
    cell.value = ILLEGAL_CHARACTERS_RE.sub("", value)[:_LONGEST]
    cell.data_type = "s"
    if value.startswith(FORMULA_MARKS):
        # Excel shows such a cell as if an apostrophe had been typed, and keeps it text when edited.
        cell.quotePrefix = True
    return cell


def date_cell(sheet: Any, value: date | None) -> Any:
    """Return a cell that sorts and counts as a date; empty for None."""
    cell = WriteOnlyCell(sheet, value=value)
    cell.number_format = "yyyy-mm-dd"
    return cell


def workbook(rows: Sequence[TaskRow], today: date, *, title: str, more: bool) -> bytes:
    """Return the list as an ``.xlsx`` file. ``more`` says that it does not hold everything."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(title)
    sheet.freeze_panes = "A2"
    columns = _columns(today)
    for number, (_, width, _) in enumerate(columns):
        sheet.column_dimensions[chr(ord("A") + number)].width = width
    heads = [text_cell(sheet, gettext(head)) for head, _, _ in columns]
    for head in heads:
        head.font = Font(bold=True)
    sheet.append(heads)
    for row in rows:
        sheet.append(list(_cells(sheet, row, columns)))
    if more:
        note = gettext("只导出了最急的 %(count)s 项，请先筛选再导出其余的。", count=len(rows))
        sheet.append([text_cell(sheet, note)])
    stream = BytesIO()
    book.save(stream)
    return stream.getvalue()


Column = tuple[str, int, Callable[[TaskRow], str | date | None]]


def _columns(today: date) -> tuple[Column, ...]:
    """Return heading, width and value of each column."""

    def left(row: TaskRow) -> str:
        if row.closed_at is not None:
            return str(gettext("已办"))
        return limit(
            row.due_on, today, earliest_on=row.earliest_on, workdays_left=row.workdays_left
        ).words

    return (
        (N_("期限"), 12, lambda row: row.due_on),
        (N_("时限情况"), 18, left),
        (N_("流程"), 14, lambda row: row.process_title),
        (N_("事项编号"), 16, lambda row: row.matter_number),
        (N_("当事人"), 12, lambda row: row.for_name or row.subject_name),
        (N_("党组织"), 22, lambda row: row.organisation_name),
        (N_("阶段"), 26, lambda row: row.stage_title or ""),
        (N_("环节编号"), 10, lambda row: row.step_number or ""),
        (N_("环节"), 26, lambda row: row.title),
        (N_("依据"), 36, _basis),
        (N_("由谁办理"), 22, lambda row: row.waiting_for),
        (N_("被退回"), 8, lambda row: gettext("是") if row.returned else ""),
        (N_("最早可办"), 12, lambda row: row.earliest_on),
        (N_("办结日期"), 12, lambda row: as_date(row.closed_at)),
    )


def _basis(row: TaskRow) -> str:
    return "；".join(
        f"{b.regulation}（{b.edition}）{b.article}" if b.edition else f"{b.regulation}{b.article}"
        for b in row.basis
    )


def _cells(sheet: Any, row: TaskRow, columns: Sequence[Column]) -> Iterator[Any]:
    for _, _, value_of in columns:
        value = value_of(row)
        yield text_cell(sheet, value) if isinstance(value, str) else date_cell(sheet, value)
