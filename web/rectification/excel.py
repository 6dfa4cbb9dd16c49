"""The rectification ledger as a workbook: one line an item, dates as dates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from io import BytesIO
from typing import Final

from flask_babel import gettext
from openpyxl import Workbook
from openpyxl.styles import Font

from engine.errors import N_
from engine.rectification.views import ItemRow
from web.inbox.excel import date_cell, text_cell
from web.rectification.words import item_limit, item_state

Value = str | date | None
_COLUMNS: Final[tuple[tuple[str, int, Callable[[ItemRow, date], Value]], ...]] = (
    (N_("整改期限"), 12, lambda row, today: row.due_on),
    (N_("整改情况"), 12, lambda row, today: item_state(row)[1]),
    (N_("时限情况"), 16, lambda row, today: _left(row, today)),
    (N_("存在问题"), 44, lambda row, today: row.problem),
    (N_("整改措施"), 44, lambda row, today: row.measure),
    (N_("责任人"), 12, lambda row, today: row.owner_name),
    (N_("党组织"), 22, lambda row, today: row.organisation_name),
    (N_("流程"), 16, lambda row, today: row.process_title),
    (N_("事项编号"), 16, lambda row, today: row.matter_number),
    (N_("提出日期"), 12, lambda row, today: row.raised_on),
    (N_("最初期限"), 12, lambda row, today: row.first_due_on),
    (N_("销号日期"), 12, lambda row, today: row.closed_on),
)


def _left(row: ItemRow, today: date) -> str:
    left = item_limit(row, today)
    return left.words if left else ""


def workbook(rows: Sequence[ItemRow], today: date, *, title: str, more: bool) -> bytes:
    """Return the items as an ``.xlsx`` file. ``more`` says that it does not hold everything."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(title)
    sheet.freeze_panes = "A2"
    heads = []
    for number, (head, width, _) in enumerate(_COLUMNS):
        sheet.column_dimensions[chr(ord("A") + number)].width = width
        heads.append(text_cell(sheet, gettext(head)))
    for cell in heads:
        cell.font = Font(bold=True)
    sheet.append(heads)
    for row in rows:
        values = [value_of(row, today) for _, _, value_of in _COLUMNS]
        sheet.append(
            [text_cell(sheet, v) if isinstance(v, str) else date_cell(sheet, v) for v in values]
        )
    if more:
        note = gettext("只导出了最急的 %(count)s 项，请先筛选再导出其余的。", count=len(rows))
        sheet.append([text_cell(sheet, note)])
    stream = BytesIO()
    book.save(stream)
    return stream.getvalue()
