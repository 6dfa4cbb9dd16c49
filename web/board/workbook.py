"""The board as a workbook: one sheet by organisation, one by duty, one of what is late."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from io import BytesIO
from typing import Any

from flask_babel import gettext
from openpyxl import Workbook
from openpyxl.styles import Font

from engine.duties.board_views import Board, ListedDuty, Tally
from web.board.words import duty_title, period_name
from web.inbox.excel import date_cell, text_cell


def board_workbook(board: Board, late: Sequence[ListedDuty], span: str) -> bytes:
    """Return the ``.xlsx`` file. Texts stay texts, whatever they begin with."""
    book = Workbook(write_only=True)
    counts = [
        gettext("应办"),
        gettext("按时"),
        gettext("补办"),
        gettext("逾期"),
        gettext("待办"),
        gettext("计划"),
        gettext("按时率（百分比）"),
    ]
    _sheet(
        book,
        gettext("按党组织"),
        [gettext("时段"), gettext("党组织"), *counts, gettext("在办事项"), gettext("问题")],
        ([span, o.name, *_numbers(o.tally), o.matters, o.findings] for o in board.below),
    )
    _sheet(
        book,
        gettext("按活动"),
        [gettext("时段"), gettext("规则"), gettext("活动"), *counts],
        ([span, d.known.duty.rule, duty_title(d.known), *_numbers(d.tally)] for d in board.duties),
    )
    _sheet(
        book,
        gettext("逾期未办"),
        [
            gettext("党组织"),
            gettext("规则"),
            gettext("活动"),
            gettext("周期"),
            gettext("最迟"),
            gettext("应办次数"),
            gettext("已办次数"),
        ],
        (
            [
                d.organisation_name,
                d.known.duty.rule,
                duty_title(d.known),
                period_name(d.period),
                d.due_on,
                d.times,
                d.done,
            ]
            for d in late
        ),
    )
    stream = BytesIO()
    book.save(stream)
    return stream.getvalue()


def _numbers(tally: Tally) -> list[int | float | None]:
    return [
        tally.all,
        tally.done,
        tally.made_up,
        tally.late,
        tally.due,
        tally.planned,
        tally.share,
    ]


def _sheet(book: Any, title: str, heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    sheet = book.create_sheet(title)
    sheet.freeze_panes = "A2"
    for place in range(len(heads)):
        sheet.column_dimensions[chr(ord("A") + place)].width = 22 if place < 3 else 12
    cells = [text_cell(sheet, head) for head in heads]
    for cell in cells:
        cell.font = Font(bold=True)
    sheet.append(cells)
    for row in rows:
        sheet.append([_cell(sheet, value) for value in row])


def _cell(sheet: Any, value: Any) -> Any:
    if isinstance(value, (int, float)) or value is None:
        return value
    return text_cell(sheet, value) if isinstance(value, str) else date_cell(sheet, value)
