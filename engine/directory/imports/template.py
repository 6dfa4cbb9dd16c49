"""The empty workbook: headings, drop-downs, and a sheet that explains every column."""

from __future__ import annotations

from io import BytesIO
from typing import Any, Final

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation

from engine.directory.imports.columns import EXPLANATION, NO, SHEETS, YES, Column, Kind, Sheet

FORMATTED_ROWS: Final = 2_000
"""So many rows get a format and a drop-down; further ones are read all the same."""
_BOLD: Final = Font(bold=True)
_REQUIRED: Final = PatternFill("solid", fgColor="FFF4D6")
_FORMATS: Final = {Kind.TEXT: "@", Kind.DAY: "yyyy-mm-dd", Kind.YES_NO: "@", Kind.CODE: "@"}
_INTRODUCTION: Final = (
    "填写方法",
    "在“党组织”“人员”“职务”“账号”四个表中填写，每行一条，不用的表可以空着。带 * 的列必填。",
    "日期写成 2026-11-22 或 2026年11月22日。单元格只写内容，不写公式；表头和表名不要改动。",
    "导入前先全部检查：只要有一处错误，就什么都不写入，并逐条说明在哪一行、哪一列、怎样改。",
    "同一文件再次导入不会重复：党组织、人员按编码和编号对应。空着的单元格不改动系统中已有的内容。",
    "可以改动：名称、上级、任期等；姓名、电话等；新的身份日期；转入日期和新的党组织；卸任日期。",
    "已登记的身份日期、党组织类别、用户名不能靠导入改动。",
)


def template() -> bytes:
    """Return the empty workbook as an ``.xlsx`` file."""
    book = Workbook()
    book.remove(book.active)
    for sheet in SHEETS:
        _fill(book.create_sheet(sheet.name), sheet)
    _explain(book.create_sheet(EXPLANATION))
    stream = BytesIO()
    book.save(stream)
    return stream.getvalue()


def heading(column: Column) -> str:
    """Return the heading as it stands in the workbook."""
    return f"{column.heading} *" if column.required else column.heading


def _fill(page: Any, sheet: Sheet) -> None:
    page.freeze_panes = "A2"
    for number, column in enumerate(sheet.columns, 1):
        letter = get_column_letter(number)
        cell = page.cell(1, number, heading(column))
        cell.font = _BOLD
        if column.required:
            cell.fill = _REQUIRED
        dimension = page.column_dimensions[letter]
        dimension.width = column.width
        dimension.number_format = _FORMATS[column.kind]
        for row in range(2, 202):  # a column's format alone does not reach what is typed in Excel
            page.cell(row, number).number_format = _FORMATS[column.kind]
        page.add_data_validation(_validation(column, f"{letter}2:{letter}{FORMATTED_ROWS}"))


def _validation(column: Column, cells: str) -> DataValidation:
    """Return the drop-down of a column, or a note that shows while its cells are filled in."""
    labels = [YES, NO] if column.kind is Kind.YES_NO else []
    if column.codes is not None:
        labels = [code.label for code in column.codes]
    return DataValidation(
        type="list" if labels else None,
        formula1=f'"{",".join(labels)}"' if labels else None,
        allow_blank=True,
        showErrorMessage=bool(labels),
        errorTitle="请从列表中选择" if labels else None,
        error="可填：" + "、".join(labels) if labels else None,
        showInputMessage=True,
        promptTitle=column.heading,
        prompt=column.hint,
        sqref=cells,
    )


def _explain(page: Any) -> None:
    page.column_dimensions["A"].width = 14
    page.column_dimensions["B"].width = 22
    page.column_dimensions["C"].width = 60
    page.column_dimensions["D"].width = 26
    for words in _INTRODUCTION:
        page.append([words])
        page.merge_cells(start_row=page.max_row, end_row=page.max_row, start_column=1, end_column=4)
        page.cell(page.max_row, 1).alignment = Alignment(wrap_text=True, vertical="top")
    page.cell(1, 1).font = _BOLD
    page.append([])
    page.append(["表", "列", "填什么", "例"])
    for cell in page[page.max_row]:
        cell.font = _BOLD
    for sheet in SHEETS:
        for column in sheet.columns:
            hint = column.hint
            if column.codes is not None:
                hint += "：" + "、".join(code.label for code in column.codes)
            page.append([sheet.name, heading(column), hint, column.example])
            page.cell(page.max_row, 3).alignment = Alignment(wrap_text=True, vertical="top")
