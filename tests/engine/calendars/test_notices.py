"""Reading holiday notices: what is taken, what is refused and how it is said."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy.orm import Session

from engine.calendars.notices import (
    holiday_data,
    holiday_year,
    parse_holiday_year,
    shipped_table,
    shipped_years,
)
from engine.calendars.operations import import_holiday_year, load_holiday_table
from engine.clock import FixedClock
from engine.errors import InvalidInput

NOTICE = """
year = 2027
source = "样例通知"
[[holiday]]
name = "春节"
from = 2027-02-05
to = 2027-02-11
make_up = [2027-01-31, 2027-02-20]
"""


def refused(text: str) -> dict[str, list[str]]:
    with pytest.raises(InvalidInput) as caught:
        parse_holiday_year(text)
    return caught.value.fields


@pytest.mark.parametrize("notice", shipped_years(), ids=lambda notice: str(notice.year))
def test_a_notice_survives_the_way_through_json(notice: Any) -> None:
    assert holiday_year(holiday_data(notice)) == notice


@pytest.mark.parametrize(
    ("old", "new", "field", "said"),
    [
        ("year = 2027", "", "year", "年份"),
        ("year = 2027", "year = true", "year", "年份"),
        ('source = "样例通知"', 'source = " "', "source", "通知名称"),
        ("2027-02-20]", "2027-02-19]", "holiday-1", "2027-02-19 不是周六或周日"),
        ("2027-02-20]", "2027-02-06]", "holiday", "2027-02-06 既是放假日又是上班日"),
        ("to = 2027-02-11", "to = 2027-02-04", "holiday-1", "早于第一天"),
        ("to = 2027-02-11", "to = 2027-02-20", "holiday-1", "超过 15 天"),
        ("to = 2027-02-11", "to = 2028-02-11", "holiday-1", "不在 2027 年内"),
        ("from = 2027-02-05", "from = 2026-11-30", "holiday-1", "不在 2027 年内"),
        ("to = 2027-02-11", 'to = "nonsense"', "holiday-1", "日期请写成"),
        ("to = 2027-02-11", "to = 2027-02-11T00:00:00Z", "holiday-1", "日期请写成"),
        ('name = "春节"', "", "holiday-1", "节日名称"),
        ("make_up = [2027-01-31, 2027-02-20]", 'make_up = "x"', "holiday-1", "日期列表"),
        ("[[holiday]]", "[[other]]", "holiday", "没有任何节日"),
        ("year = 2027", "year = ", "file", "格式不对"),
    ],
)
def test_refused_notices_say_why(old: str, new: str, field: str, said: str) -> None:
    fields = refused(NOTICE.replace(old, new))
    assert said in " ".join(fields[field])


def test_a_notice_may_reach_back_into_december() -> None:
    notice = parse_holiday_year(
        NOTICE.replace("from = 2027-02-05", "from = 2026-12-31", 1).replace(
            "to = 2027-02-11", "to = 2027-01-03"
        )
    )
    assert date(2026, 12, 31) in notice.days_off


def test_a_huge_file_is_refused() -> None:
    assert refused("#" * 30_000)["file"]


def test_an_imported_year_becomes_certain(session: Session, clock: FixedClock) -> None:
    assert not load_holiday_table(session).known(2027)
    import_holiday_year(session, clock, parse_holiday_year(NOTICE))
    session.flush()
    table = load_holiday_table(session)
    assert table.known(2027)
    assert table.known(2026)
    assert not table.is_workday(date(2027, 2, 8))
    assert table.is_workday(date(2027, 2, 20))


def test_an_import_replaces_the_year_shipped(session: Session, clock: FixedClock) -> None:
    day = date(2026, 10, 2)
    assert not shipped_table().is_workday(day)
    replaced = (
        NOTICE.replace("2027", "2026").replace("02-20]", "02-21]").replace("01-31,", "02-01,")
    )
    import_holiday_year(session, clock, parse_holiday_year(replaced))
    import_holiday_year(session, clock, parse_holiday_year(replaced))
    assert load_holiday_table(session).is_workday(day)
