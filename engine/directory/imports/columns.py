"""The sheets and columns of the workbook, and what a row or a mistake in it is.

The workbook is Chinese whatever language its reader has chosen: headings are how columns are found.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from engine.coded import Coded
from engine.directory.codes import Gender, MembershipStatus, OrganisationKind, PostKind
from engine.errors import N_, Translatable


class Kind(StrEnum):
    """What the cells of a column hold once they are read: text, a day, a bool, a code."""

    TEXT = "text"
    DAY = "day"
    YES_NO = "yes_no"
    CODE = "code"


@dataclass(frozen=True)
class Column:
    """One column. ``hint`` tells whoever fills it in, in the workbook itself."""

    key: str
    heading: str
    hint: str
    kind: Kind = Kind.TEXT
    required: bool = False
    codes: type[Coded] | None = None
    width: int = 16
    longest: int = 100
    example: str = ""


@dataclass(frozen=True)
class Sheet:
    """One sheet. ``key`` names the columns that together say what a row is about."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]

    def column(self, key: str) -> Column:
        """Return the column with this key."""
        return next(c for c in self.columns if c.key == key)


STATUS_COLUMNS: Final[Mapping[str, MembershipStatus]] = {
    "applicant_on": MembershipStatus.APPLICANT,
    "activist_on": MembershipStatus.ACTIVIST,
    "prospect_on": MembershipStatus.PROSPECT,
    "probationary_on": MembershipStatus.PROBATIONARY,
    "full_on": MembershipStatus.FULL,
    "left_on": MembershipStatus.LEFT,
}
"""The columns of a person's timeline, in the order in which the days must follow each other."""

ORGANISATIONS: Final = Sheet(
    N_("党组织"),
    (
        Column(
            "code", "编码", "本单位内唯一，导入后不再变", required=True, width=14, example="D0102"
        ),
        Column("name", "全称", "党组织全称", required=True, width=40, example="和风镇石桥村党支部"),
        Column("short_name", "简称", "留空则与全称相同", width=22, example="石桥村党支部"),
        Column(
            "kind",
            "类别",
            "从下拉列表选择",
            Kind.CODE,
            required=True,
            codes=OrganisationKind,
            example="党支部",
        ),
        Column("parent", "上级编码", "上级党组织的编码；最上级组织留空", width=14, example="D01"),
        Column(
            "can_approve_members",
            "有权审批党员",
            "是或否；留空按否",
            Kind.YES_NO,
            width=14,
            example="否",
        ),
        Column(
            "has_committee", "设委员会", "是或否；留空按是", Kind.YES_NO, width=12, example="是"
        ),
        Column("founded_on", "成立日期", "日期，可留空", Kind.DAY, example="1998-07-01"),
        Column("term_start", "本届起始", "日期，可留空", Kind.DAY, example="2024-06-01"),
        Column("term_end", "本届届满", "日期，可留空", Kind.DAY, example="2027-05-31"),
    ),
    ("code",),
)

PEOPLE: Final = Sheet(
    N_("人员"),
    (
        Column(
            "code",
            "人员编号",
            "本单位内唯一，导入后不再变；系统中没有编号的人写“#系统编号”",
            required=True,
            width=14,
            example="R0001",
        ),
        Column("name", "姓名", "姓名", required=True, width=12, example="李某某"),
        Column("gender", "性别", "从下拉列表选择", Kind.CODE, codes=Gender, width=8, example="男"),
        Column("ethnicity", "民族", "可留空", width=10, example="汉族"),
        Column("identity_number", "公民身份号码", "18 位，单元格须为文本格式；可留空", width=22),
        Column("birth_date", "出生日期", "日期，可留空", Kind.DAY, example="1996-03-12"),
        Column("phone", "联系电话", "可留空", width=16),
        Column("education", "学历", "可留空", width=12, example="大学本科"),
        Column(
            "organisation",
            "所在党组织编码",
            "现在所在的党组织（党支部）",
            required=True,
            example="D0102",
        ),
        Column("group", "党小组编码", "可留空；须是所在党组织下的党小组", width=14),
        Column("workplace", "工作单位", "可留空", width=24),
        Column("floating_to", "流动去向", "流动党员现居地；不流动则留空", width=16),
        Column(
            "arrived_on",
            "转入日期",
            "组织关系转入现党组织的日期；一直在此则留空",
            Kind.DAY,
        ),
        Column("applicant_on", "申请入党日期", "递交入党申请书", Kind.DAY, example="2023-01-10"),
        Column("activist_on", "确定积极分子日期", "列为入党积极分子", Kind.DAY, width=18),
        Column("prospect_on", "确定发展对象日期", "列为发展对象", Kind.DAY, width=18),
        Column("probationary_on", "接收预备党员日期", "支部大会通过之日", Kind.DAY, width=18),
        Column("full_on", "转正日期", "成为正式党员", Kind.DAY),
        Column("left_on", "出党日期", "退党、除名、开除等", Kind.DAY),
    ),
    ("code",),
)

POSTS: Final = Sheet(
    N_("职务"),
    (
        Column("person", "人员编号", "见“人员”表", required=True, width=14, example="R0001"),
        Column("organisation", "党组织编码", "任职的党组织", required=True, example="D0102"),
        Column(
            "kind",
            "职务",
            "从下拉列表选择；兼任几个职务就写几行",
            Kind.CODE,
            required=True,
            codes=PostKind,
            example="组织委员",
        ),
        Column("since", "任职日期", "第一天", Kind.DAY, required=True, example="2024-06-01"),
        Column("until", "卸任日期", "最后一天；仍在任则留空", Kind.DAY),
    ),
    ("person", "organisation", "kind", "since"),
)

ACCOUNTS: Final = Sheet(
    N_("账号"),
    (
        Column("person", "人员编号", "见“人员”表", required=True, width=14, example="R0001"),
        Column(
            "login",
            "用户名",
            "2 至 64 个字母、数字或 . _ - @；密码由系统生成，只显示一次",
            required=True,
            width=22,
            longest=64,
            example="limoumou",
        ),
    ),
    ("person",),
)

SHEETS: Final = (ORGANISATIONS, PEOPLE, POSTS, ACCOUNTS)
EXPLANATION: Final = "说明"
YES, NO = "是", "否"


@dataclass(frozen=True)
class Row:
    """One filled row. ``values`` holds only what is filled in: str, date, bool or code."""

    number: int
    values: Mapping[str, Any]

    def get(self, key: str) -> Any:
        """Return the value, or None where the cell is empty."""
        return self.values.get(key)


@dataclass(frozen=True)
class Mistake:
    """What is wrong with a cell, and what to do. Without ``row`` it is about the whole sheet."""

    sheet: str
    row: int | None
    column: str | None
    wrong: Translatable
    cure: Translatable

    @property
    def place(self) -> str:
        """Return where it is, as in 人员 第 12 行“出生日期”."""
        row = "" if self.row is None else f" 第 {self.row} 行"
        return f"{self.sheet}{row}" + (f"“{self.column}”" if self.column else "")

    def __str__(self) -> str:
        return f"{self.place}：{self.wrong} {self.cure}"


@dataclass(frozen=True)
class Workbook:
    """The rows of the four sheets, by the name of the sheet, and what could not be read."""

    rows: Mapping[str, tuple[Row, ...]]
    mistakes: tuple[Mistake, ...] = ()

    def of(self, sheet: Sheet) -> tuple[Row, ...]:
        """Return the rows of a sheet; none where the workbook has no such sheet."""
        return self.rows.get(sheet.name, ())
