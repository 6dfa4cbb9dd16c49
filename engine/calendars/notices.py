"""Read holiday notices: the years shipped with the software, and years an administrator brings in.

The same TOML serves both::

    year = 2026
    source = "国务院办公厅关于2026年部分节假日安排的通知（…）"
    [[holiday]]
    name = "元旦"
    from = 2026-01-01
    to = 2026-01-03
    make_up = [2026-01-04]
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from importlib import resources
from typing import Any, Final

from engine.calendars.arithmetic import parse_day
from engine.calendars.working_days import Holiday, HolidayTable, HolidayYear
from engine.errors import N_, InvalidInput

MAX_LENGTH: Final = 20_000
"""Longest notice, in characters."""
MAX_HOLIDAY: Final = 15
"""Longest single holiday, in days; anything longer is a slip of the pen."""


@cache
def shipped_years() -> tuple[HolidayYear, ...]:
    """Return the notices shipped in ``holidays/``, in order of years."""
    folder = resources.files("engine.calendars") / "holidays"
    files = sorted(
        (item for item in folder.iterdir() if item.name.endswith(".toml")),
        key=lambda item: item.name,
    )
    return tuple(parse_holiday_year(item.read_text("utf-8")) for item in files)


@cache
def shipped_table() -> HolidayTable:
    """Return the table of the shipped notices alone: for what has no database at hand."""
    return HolidayTable.of(shipped_years())


def parse_holiday_year(text: str) -> HolidayYear:
    """Read one notice. Raises InvalidInput that names the item and what is wrong with it."""
    if len(text) > MAX_LENGTH:
        raise InvalidInput({"file": [N_("文件过大，请确认选择的是节假日安排文件。")]})
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(
            {"file": [N_("文件格式不对，第一处错误：%(error)s。") % {"error": error}]}
        ) from None
    return holiday_year(data)


def holiday_year(data: Mapping[str, Any]) -> HolidayYear:
    """Make a notice from its data and check it; dates may be ISO text. Raises InvalidInput."""
    year = data.get("year")
    if not isinstance(year, int) or isinstance(year, bool) or not 1949 <= year <= 2200:
        raise InvalidInput({"year": [N_("请写明年份，例如 year = 2027。")]})
    source = data.get("source")
    if not isinstance(source, str) or not source.strip():
        raise InvalidInput({"source": [N_("请写明依据的通知名称和文号。")]})
    items = data.get("holiday")
    if not isinstance(items, list) or not items:
        raise InvalidInput({"holiday": [N_("没有任何节日，请按通知逐项写明。")]})
    problems: dict[str, list[str]] = {}
    holidays: list[Holiday] = []
    for number, item in enumerate(items, 1):
        try:
            holidays.append(_holiday(item, year))
        except ValueError as error:
            problems[f"holiday-{number}"] = [str(error)]
    notice = HolidayYear(year, source.strip(), tuple(holidays))
    for day in sorted(notice.days_off & notice.make_up_days):
        problems.setdefault("holiday", []).append(
            N_("%(day)s 既是放假日又是上班日，请核对。") % {"day": day.isoformat()}
        )
    if problems:
        raise InvalidInput(problems)
    return notice


def holiday_data(notice: HolidayYear) -> dict[str, Any]:
    """Return a notice as JSON-able data that :func:`holiday_year` reads back."""
    return {
        "year": notice.year,
        "source": notice.source,
        "holiday": [
            {
                "name": holiday.name,
                "from": holiday.first.isoformat(),
                "to": holiday.last.isoformat(),
                "make_up": [day.isoformat() for day in holiday.make_up],
            }
            for holiday in notice.holidays
        ],
    }


def _holiday(item: Any, year: int) -> Holiday:
    if not isinstance(item, Mapping) or not isinstance(item.get("name"), str):
        raise ValueError(N_("请写明节日名称。"))
    first, last = _day(item.get("from"), year), _day(item.get("to"), year)
    if last < first:
        raise ValueError(N_("放假的最后一天早于第一天，请核对。"))
    if (last - first).days >= MAX_HOLIDAY:
        raise ValueError(N_("一个节日连休超过 %(limit)s 天，请核对。") % {"limit": MAX_HOLIDAY})
    given = item.get("make_up", [])
    if not isinstance(given, list):
        raise ValueError(N_("调休上班日请写成日期列表。"))
    make_up = tuple(_day(day, year) for day in given)
    for day in make_up:
        if day.weekday() < 5:
            raise ValueError(
                N_("调休上班日 %(day)s 不是周六或周日，请核对。") % {"day": day.isoformat()}
            )
    return Holiday(item["name"].strip(), first, last, make_up)


def _day(value: Any, year: int) -> date:
    if isinstance(value, str):
        try:
            value = parse_day(value)
        except ValueError:
            value = None
    if not isinstance(value, date) or isinstance(value, datetime):
        raise ValueError(N_("日期请写成 2027-01-01 的样子。"))
    # A notice reaches back into the last days of December for the New Year holiday.
    if value.year != year and (value.year, value.month) != (year - 1, 12):
        raise ValueError(
            N_("%(day)s 不在 %(year)s 年内，请核对。") % {"day": value.isoformat(), "year": year}
        )
    return value
