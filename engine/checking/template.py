"""Write the workbook of a procedure: empty, or filled with a matter; with all steps and fields."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from openpyxl import Workbook
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter

from engine.checking.procedures import Procedure
from engine.checking.sheets import EXPLANATION, FIELDS, ITEMS, MATTER, SHEETS, Sheet
from engine.checking.values import fields_of
from engine.forms.fields import Field, FieldKind

_BOLD: Final = Font(bold=True)
_REQUIRED: Final = PatternFill("solid", fgColor="FFF4D6")
_WIDTH: Final = 20
_KINDS: Final = {
    FieldKind.DATE: "日期",
    FieldKind.NUMBER: "数字",
    FieldKind.CHECKBOX: "是或者否",
    FieldKind.PERSON: "一个人的姓名",
    FieldKind.PEOPLE: "姓名，用顿号隔开",
    FieldKind.ORGANISATION: "党组织的名称",
    FieldKind.ATTENDANCE: ".应到会、.到会人员、.减员（姓名：理由）",
    FieldKind.VOTE: ".赞成、.反对、.弃权、.书面意见.赞成、.结果",
    FieldKind.FILES: "不填",
}
_WORDS: Final = (
    "填写方法",
    "“事项”写明流程、办理的党支部和本人；“党组织”“人员”列出所有涉及的党组织和人员。",
    "“环节”每行是一次办理，按登记先后排列；“内容”按序号填写该环节表单的各项，项目见“字段”表。",
    "会议写成三行：字段.应到会、字段.到会人员、字段.减员；票决写成字段.赞成、字段.反对、字段.弃权。",
    "“名册.字段”写当日有表决权的党员；“身份.预备党员”写该环节使身份从哪一天算起。",
    "填好后运行：guicheng check 文件.xlsx。单元格只写内容，不写公式；表名和表头不要改动。",
)


def write_template(path: Path, procedure: Procedure) -> None:
    """Write the empty workbook of a procedure."""
    book = Workbook()
    book.remove(book.active)
    for sheet in SHEETS:
        page = book.create_sheet(sheet.name)
        _head(page, [f"{c.heading} *" if c.required else c.heading for c in sheet.columns])
        _hints(page, sheet)
    page = book[MATTER.name]
    for item, key in ITEMS.items():
        page.append([item, procedure.definition.package.key if key == "procedure" else None])
    _fields(book.create_sheet(FIELDS), procedure)
    page = book.create_sheet(EXPLANATION, 0)
    page.column_dimensions["A"].width = 110
    for words in _WORDS:
        page.append([words])
        page.cell(page.max_row, 1).alignment = Alignment(wrap_text=True)
    page.cell(1, 1).font = _BOLD
    book.active = 0
    book.save(path)


def _head(page: Any, headings: Sequence[str]) -> None:
    page.append(list(headings))
    page.freeze_panes = "A2"
    for number, heading in enumerate(headings, 1):
        cell = page.cell(1, number)
        cell.font = _BOLD
        if heading.endswith("*"):
            cell.fill = _REQUIRED
        page.column_dimensions[get_column_letter(number)].width = _WIDTH


def _hints(page: Any, sheet: Sheet) -> None:
    for number, column in enumerate(sheet.columns, 1):
        if column.hint:
            page.cell(1, number).comment = Comment(column.hint, "规程")
        letter = get_column_letter(number)
        page.column_dimensions[letter].number_format = "yyyy-mm-dd" if column.day else "@"


def _fields(page: Any, procedure: Procedure) -> None:
    _head(page, ["编号", "环节", "环节标识", "字段", "字段标识", "填写内容"])
    package = procedure.definition.package
    for step in package.steps.values():
        fields = fields_of(procedure.definition.form_of(step.element))
        for key, field in fields.items():
            page.append([step.number, step.title, step.element, field.label, key, _told(field)])


def _told(field: Field) -> str:
    if field.options:
        many = "，可多选" if field.multiple else ""
        return "、".join(option.label for option in field.options) + many
    return _KINDS.get(field.kind, "文字")
