"""The committee entered as an installation does it: a workbook, brought in by the administrator."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, Final

from tests.workbooks import workbook
from tests.year.world import (
    APPLICANTS,
    BRANCHES,
    COMMITTEE,
    COUNTY,
    ELSEWHERE,
    OFFICE,
    OTHER_TOWN,
    SUPERIORS,
    Branch,
)

LONG_AGO: Final = date(2015, 7, 1)
HEADINGS: Final = {
    "党组织": ("编码 *", "全称 *", "类别 *", "上级编码", "有权审批党员", "设委员会", "成立日期"),
    "人员": (
        "人员编号 *",
        "姓名 *",
        "出生日期",
        "所在党组织编码 *",
        "党小组编码",
        "转入日期",
        "接收预备党员日期",
        "转正日期",
    ),
    "职务": ("人员编号 *", "党组织编码 *", "职务 *", "任职日期 *", "卸任日期"),
}

_SURNAMES = "王赵孙周吴郑冯陈褚卫蒋沈韩杨"
_GIVEN = ("建国", "敏", "丽", "强", "芳", "伟", "静", "磊", "洁")


def first_workbook() -> bytes:
    """Return everybody and everything as the year begins."""
    now = [branch for branch in BRANCHES if branch.founded is None]
    return book(
        places=[
            (COMMITTEE, "青山镇党委", "党委", COUNTY, "是"),
            (ELSEWHERE, "柳庄镇党委", "党委", COUNTY, "是"),
            (OTHER_TOWN, "柳庄镇机关党支部", "党支部", ELSEWHERE, "否"),
            *(line for branch in now for line in places(branch)),
        ],
        people=[
            *(
                person(code, name, OFFICE if place == COMMITTEE else place)
                for code, name, _, place in SUPERIORS
            ),
            *(person(code, name, place)[:4] for code, name, place in APPLICANTS),
            *(line for branch in now for line in people(branch)),
        ],
        posts=[
            *((code, place, post, LONG_AGO) for code, _, post, place in SUPERIORS),
            *(line for branch in now for line in posts(branch, LONG_AGO)),
        ],
    )


def places(branch: Branch) -> Iterable[tuple[Any, ...]]:
    """Yield the lines of a branch and its groups."""
    committee = "是" if branch.committee else "否"
    founded = branch.founded or LONG_AGO
    yield branch.key, branch.name, branch.kind, COMMITTEE, "否", committee, founded
    for number in range(1, branch.groups + 1):
        yield branch.group(number), f"第{number}党小组", "党小组", branch.key, "否", "否", founded


def people(branch: Branch) -> Iterable[tuple[Any, ...]]:
    """Yield the lines of the people of a branch; the last of them are probationary."""
    for n, code in enumerate(branch.people):
        full = LONG_AGO if n < branch.full else None
        group = branch.group(n % branch.groups + 1) if branch.groups else None
        name, arrived = name_of(code), branch.founded
        yield person(code, name, branch.key, group=group, arrived=arrived, full=full)


def name_of(code: str) -> str:
    """Return the name of a person, by the number."""
    key, _, n = code.partition("-")
    row = [known.key for known in BRANCHES].index(key)
    return _SURNAMES[row] + _GIVEN[int(n) - 1]


def person(
    code: str,
    name: str,
    place: str,
    *,
    group: str | None = None,
    arrived: date | None = None,
    full: date | None = LONG_AGO,
) -> tuple[Any, ...]:
    """Return the line of a member; one who is not full became probationary last summer."""
    probationary = None if full else date(2025, 8, 20)
    return code, name, date(1985, 5, 1), place, group, arrived, probationary, full


def posts(branch: Branch, since: date) -> Iterable[tuple[Any, ...]]:
    """Yield the lines of the posts in a branch and its groups."""
    yield branch.secretary, branch.key, "书记", since
    yield branch.recorder, branch.key, "组织委员", since
    if branch.committee:
        yield branch.people[2], branch.key, "宣传委员", since
    for number in range(1, branch.groups + 1):
        yield branch.group_people(number)[0], branch.group(number), "党小组组长", since


def book(
    *,
    places: Sequence[Sequence[Any]] = (),
    people: Sequence[Sequence[Any]] = (),
    posts: Sequence[Sequence[Any]] = (),
) -> bytes:
    """Return a workbook with these lines."""
    return workbook(
        headings=dict(HEADINGS),
        党组织=[_days(line) for line in places],
        人员=[_days(line) for line in people],
        职务=[_days(line) for line in posts],
    )


def _days(line: Sequence[Any]) -> list[Any]:
    return [value.isoformat() if isinstance(value, date) else value for value in line]
