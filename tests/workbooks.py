"""Workbooks as administrators fill them in, for tests."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Any

from openpyxl import Workbook

HEADINGS = {
    "党组织": ("编码 *", "全称 *", "类别 *", "上级编码", "有权审批党员"),
    "人员": ("人员编号 *", "姓名 *", "所在党组织编码 *", "申请入党日期", "转正日期", "转入日期"),
    "职务": ("人员编号 *", "党组织编码 *", "职务 *", "任职日期 *", "卸任日期"),
    "账号": ("人员编号 *", "用户名 *"),
}


def workbook(
    *,
    headings: dict[str, Sequence[str]] | None = None,
    **sheets: Sequence[Sequence[Any]],
) -> bytes:
    """Return a workbook with these rows: ``workbook(人员=[("R1", "李一", "B1")])``."""
    book = Workbook(write_only=True)
    for name, rows in sheets.items():
        page = book.create_sheet(name)
        page.append(list({**HEADINGS, **(headings or {})}.get(name, ())))
        for row in rows:
            page.append(list(row))
    stream = BytesIO()
    book.save(stream)
    return stream.getvalue()
