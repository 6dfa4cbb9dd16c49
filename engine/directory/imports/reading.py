"""Read a workbook that a stranger may have made: bounded, no formulas, every cell of a known kind.

A ``.xlsx`` file is a zip of XML. Before anything is parsed the size of what it unpacks to is
checked, and that no part declares a document type, which is how XML is made to explode.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from io import BytesIO
from typing import Any, Final
from zipfile import BadZipFile, ZipFile

from openpyxl import load_workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

from engine.directory.imports.columns import (
    EXPLANATION,
    NO,
    SHEETS,
    YES,
    Column,
    Kind,
    Mistake,
    Row,
    Sheet,
    Workbook,
)
from engine.errors import N_, InvalidInput
from engine.errors import Translatable as T

LARGEST_FILE: Final = 20 * 1024 * 1024
LARGEST_UNPACKED: Final = 150 * 1024 * 1024
MOST_PARTS: Final = 500
MOST_ROWS: Final = 100_000
"""Filled rows of one sheet."""
EMPTY_ROWS: Final = 2_000
"""After so many empty rows the sheet counts as ended: a format may reach to its last row."""
MOST_MISTAKES: Final = 1_000
"""A workbook with more is of the wrong kind; the rest is not looked for."""
EARLIEST: Final = date(1900, 1, 1)

_FORMULA_MARKS: Final = ("=", "+", "-", "@")
_DAY: Final = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?")
_YES: Final = {YES: True, NO: False}
_TRUNCATED: Final = 10**15
"""Excel keeps 15 digits of a number; an identity number typed as one has lost its end."""


class Unreadable(Exception):
    """A cell that does not hold what its column asks for."""

    def __init__(self, wrong: T, cure: T) -> None:
        self.wrong, self.cure = wrong, cure
        super().__init__(str(wrong))


def read_workbook(
    content: bytes, *, progress: Callable[[int], object] = lambda rows: None
) -> Workbook:
    """Return the rows of a workbook and what is wrong with its cells.

    ``progress`` is told of every hundred rows. Raises InvalidInput when it is no workbook at all,
    or too large.
    """
    check_container(content)
    try:
        book = load_workbook(BytesIO(content), read_only=True, data_only=False, keep_links=False)
    except Exception as error:
        # The library raises whatever the broken part of the file makes it raise.
        raise _no_workbook() from error
    rows: dict[str, tuple[Row, ...]] = {}
    mistakes: list[Mistake] = []
    known = {sheet.name: sheet for sheet in SHEETS}
    try:
        for page in book.worksheets:
            if page.title in known:
                read = _Reader(known[page.title], mistakes, progress)
                rows[page.title] = tuple(read.rows(page))
            elif page.title != EXPLANATION:
                mistakes.append(_unknown_sheet(page.title))
    except InvalidInput:
        raise
    except Exception as error:
        raise _no_workbook() from error
    finally:
        book.close()
    if not rows:
        raise InvalidInput(
            {"file": [N_("文件中没有“党组织”“人员”“职务”“账号”表。请下载模板，按模板填写。")]}
        )
    return Workbook(rows, tuple(mistakes))


def _no_workbook() -> InvalidInput:
    return InvalidInput(
        {"file": [N_("文件不是可以读取的 Excel 工作簿（.xlsx）。请下载模板，按模板填写。")]}
    )


def check_container(content: bytes) -> None:
    """Raise InvalidInput for what is no workbook, unpacks to too much, or declares a type."""
    if len(content) > LARGEST_FILE:
        raise InvalidInput({"file": [N_("文件超过 20 MB。请拆成几个文件，分次导入。")]})
    try:
        with ZipFile(BytesIO(content)) as parts:
            infos = parts.infolist()
            if len(infos) > MOST_PARTS or sum(i.file_size for i in infos) > LARGEST_UNPACKED:
                raise InvalidInput(
                    {"file": [N_("文件解压后过大。请删去图片等无关内容，或拆成几个文件。")]}
                )
            for info in infos:
                if info.filename.endswith((".xml", ".rels")) and _declares_type(parts, info):
                    raise _no_workbook()
    except (BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, ValueError) as error:
        raise _no_workbook() from error


def _declares_type(parts: ZipFile, info: Any) -> bool:
    """Say whether a part has a document type, or an encoding in which one could be hidden."""
    with parts.open(info) as part:
        start = part.read(4096)
        if start[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\x00" in start:
            return True
        # A document type stands before the first element; comments may push it further down.
        while b"<!DOCTYPE" not in start and not re.search(rb"<[A-Za-z]", start):
            more = part.read(65536)
            if not more:
                return False
            start = start[-16:] + more
        return b"<!DOCTYPE" in start


class _Reader:
    """Reads one sheet, keeping what is wrong with it."""

    def __init__(
        self, sheet: Sheet, mistakes: list[Mistake], progress: Callable[[int], object]
    ) -> None:
        self.sheet = sheet
        self.mistakes = mistakes
        self.progress = progress

    def rows(self, page: Any) -> Iterator[Row]:
        """Yield the filled rows."""
        page.reset_dimensions()  # what the file says of its size need not be true
        lines = page.iter_rows(max_col=len(self.sheet.columns) + 20)
        columns = self._columns(next(lines, ()))
        if columns is None:
            return
        empty = count = 0
        for number, cells in enumerate(lines, 2):
            filled = [(c, cell) for c, cell in self._pairs(columns, cells) if _filled(cell)]
            if not filled:
                empty += 1
                if empty > EMPTY_ROWS:
                    return
                continue
            empty, count = 0, count + 1
            if count > MOST_ROWS:
                raise InvalidInput(
                    {"file": [N_("一个表最多 100000 行。请拆成几个文件，分次导入。")]}
                )
            if count % 100 == 0:
                self.progress(100)
            if len(self.mistakes) < MOST_MISTAKES:
                yield self._row(number, filled)

    def _pairs(
        self, columns: Sequence[Column | None], cells: Iterable[Any]
    ) -> Iterator[tuple[Column, Any]]:
        for column, cell in zip(columns, cells, strict=False):
            if column is not None:
                yield column, cell

    def _row(self, number: int, filled: Sequence[tuple[Column, Any]]) -> Row:
        values: dict[str, Any] = {}
        seen = {column.key for column, _ in filled}
        for column, cell in filled:
            try:
                values[column.key] = _value(column, cell)
            except Unreadable as problem:
                self._wrong(number, column.heading, problem.wrong, problem.cure)
        for column in self.sheet.columns:
            if column.required and column.key not in seen:
                self._wrong(number, column.heading, T(N_("没有填写。")), T(N_("请补填此项。")))
        return Row(number, values)

    def _columns(self, cells: Iterable[Any]) -> list[Column | None] | None:
        """Return which column each cell of the first row heads; None when one is missing."""
        by_heading = {column.heading: column for column in self.sheet.columns}
        found: list[Column | None] = []
        for cell in cells:
            words = "".join(str(cell.value or "").split()).strip("*＊")
            column = by_heading.get(words)
            if words and column is None:
                self._wrong(
                    1,
                    words[:40],
                    T(N_("没有这一列。")),
                    T(N_("请对照模板改正表头，多余的列请删去。")),
                )
            elif column is not None and column in found:
                self._wrong(1, words, T(N_("同一列出现了两次。")), T(N_("请只保留一列。")))
            found.append(column)
        lacking = [c for c in self.sheet.columns if c.required and c not in found]
        for column in lacking:
            self._wrong(1, column.heading, T(N_("缺少这一列。")), T(N_("请按模板补上表头。")))
        return None if lacking else found

    def _wrong(self, row: int, column: str, wrong: T, cure: T) -> None:
        self.mistakes.append(Mistake(self.sheet.name, row, column, wrong, cure))


def _filled(cell: Any) -> bool:
    value = cell.value
    return value is not None and (not isinstance(value, str) or bool(value.strip()))


def _value(column: Column, cell: Any) -> Any:
    """Return what a cell holds. Raises Unreadable."""
    if cell.data_type == "f":
        raise Unreadable(T(N_("单元格是公式。")), T(N_("请复制后“选择性粘贴”为数值。")))
    if cell.data_type == "e":
        raise Unreadable(T(N_("单元格是错误值。")), T(N_("请改成正确的内容。")))
    if column.kind is Kind.DAY:
        return _day(cell.value)
    words = _text(cell.value, column)
    if column.kind is Kind.YES_NO:
        if words not in _YES:
            raise Unreadable(T(N_("只能填“是”或“否”。")), T(N_("请从下拉列表选择。")))
        return _YES[words]
    if column.codes is not None:
        for code in column.codes:
            if words == code.label:
                return code
        raise Unreadable(
            T(N_("没有“%(value)s”这一项。"), {"value": words[:40]}),
            T(N_("可填：%(choices)s。"), {"choices": "、".join(c.label for c in column.codes)}),
        )
    return words


def _text(value: Any, column: Column) -> str:
    if isinstance(value, (datetime, date)):
        raise Unreadable(T(N_("这里应是文字，却是日期。")), T(N_("请将单元格设为文本格式再填。")))
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= _TRUNCATED:
        raise Unreadable(
            T(N_("数字太长，末尾几位已被 Excel 改成 0。")),
            T(N_("请将单元格设为文本格式，重新填写。")),
        )
    words = unicodedata.normalize("NFC", str(value)).strip()
    if ILLEGAL_CHARACTERS_RE.search(words) or "\n" in words or "\r" in words or "\t" in words:
        raise Unreadable(T(N_("含有换行或不可见字符。")), T(N_("请删去后重新填写。")))
    if words.startswith(_FORMULA_MARKS) and not (column.key == "phone" and words[0] == "+"):
        # It would be taken for a formula wherever the name is exported to.
        raise Unreadable(T(N_("不能以 = + - @ 开头。")), T(N_("请删去开头的符号。")))
    if len(words) > column.longest:
        raise Unreadable(
            T(N_("超过 %(most)s 个字。"), {"most": column.longest}), T(N_("请缩短后再填。"))
        )
    return words


def _day(value: Any) -> date:
    found: date | None = None
    if isinstance(value, datetime):
        found = value.date()
    elif isinstance(value, date):
        found = value
    elif isinstance(value, str) and (match := _DAY.fullmatch(value.strip())):
        try:
            found = date(int(match[1]), int(match[2]), int(match[3]))
        except ValueError:
            found = None
    if found is None or found < EARLIEST:
        raise Unreadable(T(N_("不是有效的日期。")), T(N_("请写成 2026-11-22 的样子。")))
    return found


def _unknown_sheet(name: str) -> Mistake:
    return Mistake(
        name[:40],
        None,
        None,
        T(N_("不认识这张表。")),
        T(N_("请删去，或按模板改正表名。")),
    )
