"""The sheets of a matter's workbook, and what each column is called in a matter's file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its heading, its name in the file, and a hint for who fills it in."""

    heading: str
    key: str
    hint: str = ""
    required: bool = False
    day: bool = False


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet of the workbook."""

    name: str
    columns: tuple[Column, ...]


ITEM: Final = Column("项目", "item", required=True)
CONTENT: Final = Column("内容", "content", required=True)

MATTER: Final = Sheet("事项", (ITEM, Column("内容", "content")))
ITEMS: Final = {
    "流程": "procedure",
    "名称": "title",
    "党组织": "organisation",
    "本人": "subject",
    "检查日期": "today",
    "办结日期": "ended_on",
    "办理结果": "outcome",
}
"""Rows of the first sheet."""

ORGANISATIONS: Final = Sheet(
    "党组织",
    (
        Column("名称", "name", required=True),
        Column("类别", "kind", "党委、党总支、党支部等", required=True),
        Column("有审批权限", "approves", "是或者否：能否审批预备党员"),
        Column("上级", "parent", "上级党组织的名称"),
    ),
)
PEOPLE: Final = Sheet(
    "人员",
    (
        Column("姓名", "name", "同名的请加以区别", required=True),
        Column("身份", "status", "正式党员、预备党员、入党积极分子、群众等"),
        Column("自何日", "since", "身份从哪一天算起；一人有几段的写几行", day=True),
    ),
)
POSTS: Final = Sheet(
    "职务",
    (
        Column("姓名", "name", required=True),
        Column("职务", "post", "书记、组织委员、组织员等", required=True),
        Column("党组织", "at", required=True),
        Column("自", "since", day=True),
        Column("至", "until", day=True),
    ),
)
RESTRICTED: Final = Sheet(
    "限制",
    (
        Column("姓名", "name", "留党察看等权利受限制的党员", required=True),
        Column("自", "since", day=True),
        Column("至", "until", day=True),
    ),
)
STEPS: Final = Sheet(
    "环节",
    (
        Column("序号", "number", "1、2、3……，按登记先后", required=True),
        Column("环节", "step", "环节的标识、编号或者名称", required=True),
        Column("发生日期", "on", required=True, day=True),
        Column("登记日期", "recorded_on", "不写即为发生日期", day=True),
        Column("办理人", "by"),
        Column("办理的党组织", "at", "不写即为依规应当办理的党组织"),
        Column("到时自动", "by_timer", "是：没有人办理，是到时自动完成的"),
        Column("适用版本", "edition", "例如 2014、2026；不写即不核对"),
    ),
)
DATA: Final = Sheet(
    "内容",
    (
        Column("序号", "number", "“环节”表中的序号", required=True),
        Column(
            "项目", "item", "字段的标识或者名称；会议和票决写成“字段.到会人员”等", required=True
        ),
        Column("内容", "content", "多个的用顿号隔开", required=True),
    ),
)
PARAMETERS: Final = Sheet("参数", (ITEM, CONTENT))
HOLIDAYS: Final = Sheet(
    "放假",
    (
        Column("年份", "year", "软件没有收入的年份", required=True),
        Column("节日", "name", required=True),
        Column("自", "from", required=True, day=True),
        Column("至", "to", required=True, day=True),
        Column("补班日", "make_up", "多个的用顿号隔开"),
    ),
)

SHEETS: Final = (
    MATTER,
    ORGANISATIONS,
    PEOPLE,
    POSTS,
    RESTRICTED,
    STEPS,
    DATA,
    PARAMETERS,
    HOLIDAYS,
)
EXPLANATION: Final = "说明"
FIELDS: Final = "字段"
"""Sheets that are only read by people."""

INNER: Final = {
    "到会人员": "present_people",
    "应到会": "due",
    "实到会": "present",
    "减员": "excluded",
    "赞成": "for",
    "反对": "against",
    "弃权": "abstain",
    "发票": "issued",
    "收回": "collected",
    "结果": "outcome",
    "同时表决人数": "together",
    "书面意见": "written",
}
"""Parts of an attendance and of a vote."""
ROLL: Final = "名册"
STATUS: Final = "身份"
"""``名册.字段`` names those with a vote; ``身份.正式党员`` the day from which a status counts."""
