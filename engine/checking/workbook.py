"""Read a matter from a workbook that a stranger may have made: bounded, and without formulas."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime
from io import BytesIO
from typing import Any, Final

from openpyxl import load_workbook
from openpyxl.utils import get_column_letter

from engine.checking import sheets
from engine.checking.problems import FileWrong, Places, Wrong
from engine.checking.sheets import INNER, ITEMS, ROLL, SHEETS, STATUS, Column, Sheet
from engine.checking.tables import hint
from engine.checking.values import NAMES_APART
from engine.directory.codes import MembershipStatus
from engine.directory.imports.reading import check_container
from engine.errors import N_, InvalidInput, Sentence

MOST_ROWS: Final = 20_000
"""Rows of one sheet."""
MOST_WRONG: Final = 200
LONGEST: Final = 10_000
"""Characters of a cell."""
_EXCLUDED: Final = "excluded"
_YES: Final = {"是": True, "否": False}

Row = dict[str, Any]


def read_workbook(content: bytes) -> tuple[Row, Places]:
    """Return the matter of a workbook as its file would say it, and where. Raises FileWrong."""
    try:
        check_container(content)
    except InvalidInput as error:
        raise FileWrong([Wrong("", text) for t in error.fields.values() for text in t]) from None
    try:
        book = load_workbook(BytesIO(content), read_only=True, keep_links=False)
        pages = {page.title: page for page in book.worksheets}
        reader = _Reader()
        rows = {sheet.name: reader.rows(sheet, pages.pop(sheet.name, None)) for sheet in SHEETS}
        book.close()
    except FileWrong:
        raise
    except Exception as error:
        # The library raises whatever the broken part of the file makes it raise.
        what = Sentence(N_("文件不是可以读取的 Excel 工作簿（.xlsx）。"))
        raise FileWrong([Wrong("", what)]) from error
    for name in pages:
        if name not in (sheets.EXPLANATION, sheets.FIELDS):
            near = hint(name, [sheet.name for sheet in SHEETS])
            what = Sentence(N_("没有这个表%(near)s，请对照模板改正。"), near=near)
            reader.wrong.append(Wrong(_sheet(name), what))
    found = _Matter(rows, reader.wrong)
    values = found.values()
    if reader.wrong:
        raise FileWrong(reader.wrong[:MOST_WRONG])
    return values, Places(found.places)


class _Reader:
    """Reads the rows of sheets, and keeps what is wrong with their cells."""

    def __init__(self) -> None:
        self.wrong: list[Wrong] = []

    def rows(self, sheet: Sheet, page: Any) -> list[Row]:
        """Return the filled rows; ``#`` of each is its number, ``@key`` the cell of a value."""
        if page is None:
            return []
        page.reset_dimensions()  # what the file says of its size need not be true
        lines = page.iter_rows(max_row=MOST_ROWS + 1, max_col=len(sheet.columns) + 5)
        columns = self._columns(sheet, next(lines, ()))
        found: list[Row] = []
        for number, cells in enumerate(lines, 2):
            row: Row = {}
            for place, (column, cell) in enumerate(zip(columns, cells, strict=False), 1):
                if column is None or cell.value in (None, ""):
                    continue
                where = Sentence(
                    N_("表“%(sheet)s”%(cell)s"),
                    sheet=sheet.name,
                    cell=f"{get_column_letter(place)}{number}",
                )
                row[column.key] = self._value(column, cell, where)
                row[f"@{column.key}"] = where
            if not row:
                continue
            row["#"] = Sentence(N_("表“%(sheet)s”第 %(n)s 行"), sheet=sheet.name, n=number)
            for column in sheet.columns:
                if column.required and column.key not in row:
                    what = Sentence(N_("没有填写“%(heading)s”。"), heading=column.heading)
                    self.wrong.append(Wrong(row["#"], what))
            found.append(row)
        return found

    def _columns(self, sheet: Sheet, cells: Any) -> list[Column | None]:
        known = {column.heading: column for column in sheet.columns}
        found: list[Column | None] = []
        for cell in cells:
            words = str(cell.value or "").strip(" *")
            if words and words not in known:
                near = hint(words, known)
                what = Sentence(N_("没有“%(word)s”这一列%(near)s。"), word=words[:40], near=near)
                self.wrong.append(Wrong(_sheet(sheet.name), what))
            found.append(known.get(words))
        for column in sheet.columns:
            if column.required and column not in found:
                what = Sentence(N_("缺少“%(heading)s”这一列。"), heading=column.heading)
                self.wrong.append(Wrong(_sheet(sheet.name), what))
        return found

    def _value(self, column: Column, cell: Any, where: str) -> Any:
        value = cell.value
        if cell.data_type in ("f", "e"):
            what = Sentence(N_("单元格是公式或者错误值，请改为内容本身。"))
            self.wrong.append(Wrong(where, what))
            return None
        if isinstance(value, datetime):
            return value.date().isoformat()
        if isinstance(value, date):
            return value.isoformat()
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, str):
            value = value.strip()
            if len(value) > LONGEST:
                self.wrong.append(Wrong(where, Sentence(N_("超过 %(n)s 个字。"), n=LONGEST)))
                return None
            if column.day:
                return _as_iso(value)
        return value


class _Matter:
    """Puts the rows of the sheets together."""

    def __init__(self, rows: dict[str, list[Row]], wrong: list[Wrong]) -> None:
        self.rows = rows
        self.wrong = wrong
        self.places: dict[str, str] = {}

    def values(self) -> Row:
        """Return the matter."""
        found: Row = {}
        for row in self.rows[sheets.MATTER.name]:
            item = ITEMS.get(str(row.get("item")))
            if item is None:
                word = str(row.get("item"))
                near = hint(word, ITEMS)
                what = Sentence(N_("没有“%(word)s”这一项%(near)s。"), word=word, near=near)
                self.wrong.append(Wrong(row["#"], what))
                continue
            value: Any = row.get("content")
            found[item] = (
                _as_iso(value) if isinstance(value, str) and "日期" in row["item"] else value
            )
            self.places[item] = _at(row)
        found["organisations"] = self._listed("organisations", sheets.ORGANISATIONS)
        found["people"] = self._people()
        found["steps"] = self._steps()
        found["parameters"] = {}
        for row in self.rows[sheets.PARAMETERS.name]:
            name, value = str(row.get("item")), row.get("content")
            found["parameters"][name] = _YES.get(str(value), value)
            self.places[f"parameters.{name}"] = row["#"]
        if self.rows[sheets.HOLIDAYS.name]:
            found["holidays"] = self._holidays()
        return found

    def _listed(self, key: str, sheet: Sheet) -> list[Row]:
        return [
            self._plain(f"{key}[{n}]", row, sheet) for n, row in enumerate(self.rows[sheet.name])
        ]

    def _plain(
        self, path: str, row: Row, sheet: Sheet, leave: Callable[[str], bool] = lambda key: False
    ) -> Row:
        self.places[path] = row["#"]
        found: Row = {}
        for column in sheet.columns:
            if column.key in row and not leave(column.key):
                found[column.key] = row[column.key]
                self.places[f"{path}.{column.key}"] = row[f"@{column.key}"]
        return found

    def _people(self) -> list[Row]:
        people: dict[str, Row] = {}
        for row in self.rows[sheets.PEOPLE.name]:
            one = people.setdefault(str(row.get("name")), {"name": row.get("name"), "status": []})
            path = f"people[{list(people).index(str(row.get('name')))}]"
            self.places.setdefault(path, row["#"])
            if "status" in row:
                self.places[f"{path}.status[{len(one['status'])}]"] = row["#"]
                one["status"].append(
                    {"status": row["status"], "since": row.get("since", "1921-07-01")}
                )
        for sheet, key in ((sheets.POSTS, "posts"), (sheets.RESTRICTED, "restricted")):
            for row in self.rows[sheet.name]:
                name = str(row.get("name"))
                if name not in people:
                    near = hint(name, people)
                    what = Sentence(N_("人员中没有“%(word)s”%(near)s。"), word=name, near=near)
                    self.wrong.append(Wrong(row["#"], what))
                    continue
                group = people[name].setdefault(key, [])
                path = f"people[{list(people).index(name)}].{key}[{len(group)}]"
                group.append(self._plain(path, row, sheet, lambda column: column == "name"))
        return list(people.values())

    def _steps(self) -> list[Row]:
        found: list[Row] = []
        by_number: dict[str, int] = {}
        for row in self.rows[sheets.STEPS.name]:
            number = str(row.get("number"))
            if number in by_number:
                what = Sentence(N_("序号 %(n)s 出现了两次。"), n=number)
                self.wrong.append(Wrong(row["#"], what))
            by_number[number] = len(found)
            path = f"steps[{len(found)}]"
            step = self._plain(path, row, sheets.STEPS, lambda column: column == "number")
            step["step"] = str(step.get("step", ""))
            found.append(step)
        for row in self.rows[sheets.DATA.name]:
            number = str(row.get("number"))
            if number not in by_number:
                what = Sentence(N_("“环节”表中没有序号 %(n)s。"), n=number)
                self.wrong.append(Wrong(row["#"], what))
                continue
            index = by_number[number]
            self._put(found[index], f"steps[{index}]", row)
        return found

    def _put(self, step: Row, path: str, row: Row) -> None:
        """Put a value where its dotted name says."""
        first, *inner = str(row.get("item")).split(".")
        value: Any = row.get("content")
        if first == ROLL and inner:
            inside, keys = "roll", inner
        elif first == STATUS and inner:
            labels = {code.label: code.value for code in MembershipStatus}
            inside, keys = "status", [labels.get(inner[0], inner[0])]
            value = _as_iso(value) if isinstance(value, str) else value
        else:
            inside, keys = "data", [first, *(INNER.get(word, word) for word in inner)]
        if keys[-1] == _EXCLUDED:
            value = list(self._excluded(str(value), row["#"]))
        table = step.setdefault(inside, {})
        for key in keys[:-1]:
            table = table.setdefault(key, {})
            if not isinstance(table, dict):
                what = Sentence(N_("“%(word)s”既有内容，又有下一层。"), word=key)
                self.wrong.append(Wrong(row["#"], what))
                return
        table[keys[-1]] = value
        self.places[".".join((path, inside, *keys))] = _at(row)

    def _excluded(self, text: str, where: str) -> Iterator[Row]:
        for item in text.split(NAMES_APART):
            name, colon, reason = item.replace(":", "：").partition("：")
            if not colon:
                what = Sentence(N_("减员写成“姓名：理由”，多人用顿号隔开。"))
                self.wrong.append(Wrong(where, what))
            yield {"person": name.strip(), "reason": reason.strip()}

    def _holidays(self) -> list[Row]:
        years: dict[Any, Row] = {}
        for row in self.rows[sheets.HOLIDAYS.name]:
            year = years.setdefault(row.get("year"), {"year": row.get("year"), "holiday": []})
            path = f"holidays[{list(years).index(row.get('year'))}]"
            self.places.setdefault(path, row["#"])
            one: Row = {key: row[key] for key in ("name", "from", "to") if key in row}
            if "make_up" in row:
                one["make_up"] = [_as_iso(day) for day in str(row["make_up"]).split(NAMES_APART)]
            year["holiday"].append(one)
        return list(years.values())


def _as_iso(text: str) -> str:
    """Write 2026年5月18日 and 2026/5/18 as 2026-05-18; leave what is no day as it is."""
    words = text.strip().rstrip("日")
    for mark in "年月/.":
        words = words.replace(mark, "-")
    parts = words.split("-")
    if len(parts) == 3 and all(part.strip().isdigit() for part in parts):
        year, month, day = (int(part) for part in parts)
        return f"{year:04}-{month:02}-{day:02}"
    return text


def _sheet(name: str) -> Sentence:
    return Sentence(N_("表“%(sheet)s”"), sheet=name)


def _at(row: Row) -> str:
    """Return the cell of a row's content, or the row."""
    found: str = row.get("@content") or row["#"]
    return found
