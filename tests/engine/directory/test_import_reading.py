"""Reading workbooks that strangers made: bounded, no formulas, every cell of a known kind."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from io import BytesIO
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from openpyxl import Workbook, load_workbook

from engine.directory.imports import reading
from engine.directory.imports.columns import PEOPLE, SHEETS
from engine.directory.imports.reading import read_workbook
from engine.directory.imports.template import template
from engine.errors import InvalidInput
from tests.workbooks import workbook

HEADINGS = {"人员": ("人员编号", "姓名", "所在党组织编码", "出生日期", "联系电话", "公民身份号码")}


def cells(*row: Any) -> tuple[dict[str, Any], list[str]]:
    """Return what a row of the people's sheet holds, and what is wrong with it."""
    book = read_workbook(workbook(headings=HEADINGS, 人员=[row]))
    rows = book.of(PEOPLE)
    return dict(rows[0].values) if rows else {}, [str(m.wrong) for m in book.mistakes]


def test_the_template_is_read_as_empty() -> None:
    book = read_workbook(template())
    assert book.mistakes == ()
    assert [book.of(sheet) for sheet in SHEETS] == [(), (), (), ()]


def test_the_template_offers_every_code() -> None:
    page = load_workbook(BytesIO(template()))["党组织"]
    lists = [v.formula1 for v in page.data_validations.dataValidation if v.formula1]
    assert any("联合党支部" in found for found in lists)
    assert all(len(found) <= 257 for found in lists)  # Excel takes no longer list


@pytest.mark.parametrize(
    "value",
    [
        date(1996, 3, 12),
        datetime(1996, 3, 12, 9, 30),  # noqa: DTZ001 - Excel knows no time zones
        "1996-03-12",
        "1996/3/12",
        "1996.3.12",
        "1996年3月12日",
        " 1996 年 3 月 12 日 ",
    ],
)
def test_days_are_written_in_many_ways(value: object) -> None:
    assert cells("R1", "李一", "B1", value) == (
        {"code": "R1", "name": "李一", "organisation": "B1", "birth_date": date(1996, 3, 12)},
        [],
    )


@pytest.mark.parametrize("value", ["1996-02-30", "昨天", 35136, "1896-01-01", True])
def test_what_is_no_day_is_refused(value: object) -> None:
    assert cells("R1", "李一", "B1", value)[1] == ["不是有效的日期。"]


@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        ("=1+1", "单元格是公式。"),
        ("-1", "不能以 = + - @ 开头。"),
        ("@cmd", "不能以 = + - @ 开头。"),
        ("李\n一", "含有换行或不可见字符。"),
        ("李" * 101, "超过 100 个字。"),
        (date(2020, 1, 1), "这里应是文字，却是日期。"),
        (None, "没有填写。"),
        ("   ", "没有填写。"),
    ],
)
def test_texts_that_are_refused(value: object, wrong: str) -> None:
    assert cells("R1", value, "B1")[1] == [wrong]


def test_numbers_become_texts_unless_excel_has_cut_them() -> None:
    assert cells(1001, "李一", 12.0, None, "+86 138 0000 0000")[0] == {
        "code": "1001",
        "name": "李一",
        "organisation": "12",
        "phone": "+86 138 0000 0000",
    }
    _, wrong = cells("R1", "李一", "B1", None, None, 110105194912310000)
    assert wrong == ["数字太长，末尾几位已被 Excel 改成 0。"]


def test_headings_find_the_columns_and_are_checked() -> None:
    headings = {"人员": (" 姓 名 ", "所在党组织编码*", "人员编号", "备注", "姓名")}
    book = read_workbook(workbook(headings=headings, 人员=[("李一", "B1", "R1", "x", "y")]))
    assert [(m.column, str(m.wrong)) for m in book.mistakes] == [
        ("备注", "没有这一列。"),
        ("姓名", "同一列出现了两次。"),
    ]
    book = read_workbook(workbook(headings={"人员": ("姓名",)}, 人员=[("李一",)]))
    assert [m.column for m in book.mistakes] == ["人员编号", "所在党组织编码"]
    assert book.of(PEOPLE) == ()


def test_an_unknown_sheet_is_named() -> None:
    book = read_workbook(workbook(人员=[], Sheet1=[("a",)]))
    assert [m.sheet for m in book.mistakes] == ["Sheet1"]


def test_empty_rows_are_passed_over() -> None:
    book = read_workbook(workbook(人员=[("R1", "李一", "B1"), (), (), ("R2", "王二", "B1")]))
    assert [row.number for row in book.of(PEOPLE)] == [2, 5]


# -- files that mean harm ----------------------------------------------------------------------


def rewritten(change: Callable[[str, bytes], bytes]) -> bytes:
    """Return a workbook whose parts were changed."""
    out = BytesIO()
    with (
        ZipFile(BytesIO(workbook(人员=[("R1", "李一", "B1")]))) as old,
        ZipFile(out, "w", ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return out.getvalue()


def test_entities_are_never_resolved() -> None:
    doctype = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'

    def poison(name: str, part: bytes) -> bytes:
        return (
            part if "sheet1" not in name else part.replace(b"<worksheet", doctype + b"<worksheet")
        )

    def hide(name: str, part: bytes) -> bytes:
        comment = b"<!--" + b"-x" * 5_000 + b"-->"
        return part.replace(b"<worksheet", comment + doctype + b"<worksheet")

    def disguise(name: str, part: bytes) -> bytes:
        return part.decode().encode("utf-16") if "sheet1" in name else part

    for change in (poison, hide, disguise):
        with pytest.raises(InvalidInput):
            read_workbook(rewritten(change))


def test_what_unpacks_to_too_much_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = rewritten(lambda name, part: part + b" " * 3_000_000)
    assert len(bomb) < 100_000
    monkeypatch.setattr(reading, "LARGEST_UNPACKED", 2_000_000)
    with pytest.raises(InvalidInput) as error:
        read_workbook(bomb)
    assert "解压后过大" in error.value.fields["file"][0]


def test_too_large_and_too_long_files_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    content = workbook(人员=[(f"R{n}", "李一", "B1") for n in range(30)])
    with monkeypatch.context() as patch:
        patch.setattr(reading, "LARGEST_FILE", 1_000)
        with pytest.raises(InvalidInput):
            read_workbook(content)
    monkeypatch.setattr(reading, "MOST_ROWS", 20)
    with pytest.raises(InvalidInput):
        read_workbook(content)


@pytest.mark.parametrize("content", [b"", b"PK\x05\x06" + bytes(18), b"\xd0\xcf\x11\xe0", b"a,b"])
def test_other_files_are_refused_in_words(content: bytes) -> None:
    with pytest.raises(InvalidInput):
        read_workbook(content)


def test_a_broken_part_is_refused_in_words() -> None:
    with pytest.raises(InvalidInput):
        read_workbook(rewritten(lambda name, part: part[:-20] if "sheet" in name else part))


def test_rows_far_below_cost_nothing() -> None:
    book = Workbook()
    page = book.active
    page.title = "人员"
    page.append(["人员编号", "姓名", "所在党组织编码"])
    page.append(["R1", "李一", "B1"])
    page.cell(900_000, 1).value = "R2"
    stream = BytesIO()
    book.save(stream)
    assert [row.number for row in read_workbook(stream.getvalue()).of(PEOPLE)] == [2]
