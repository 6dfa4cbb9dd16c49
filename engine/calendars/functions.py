"""The date functions of the expression language: ISO text in, ISO text or whole numbers out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, Final

from engine.calendars import arithmetic
from engine.calendars.working_days import MAX_WORKDAYS, HolidayTable
from engine.errors import N_, ExpressionFault

MAX_SPAN: Final = 100_000
"""Most days, months or years that are added in one go."""


def date_functions(
    table: HolidayTable,
    today: date,
    *,
    on_provisional: Callable[[date], object] | None = None,
) -> dict[str, Callable[..., Any]]:
    """Return the functions that :meth:`engine.expressions.Expression.evaluate` asks for.

    ``today`` is the day of the question: the clock's in the inbox, another in a what-if question.
    ``on_provisional`` is told each day that was reckoned on a year without a holiday notice, so
    that the caller can mark its result 暂算.

    Every function raises ExpressionFault when an argument is not a date or not a whole number.
    """

    def workdays_after(day: object, count: object) -> str:
        number = _whole(count)
        if not 0 <= number <= MAX_WORKDAYS:
            raise _fault(N_("工作日数须在 0 至 %(limit)s 之间"), limit=MAX_WORKDAYS)
        try:
            reckoned = table.reckon_workdays_after(_day(day), number)
        except OverflowError:
            raise _fault(N_("日期超出了可计算的范围")) from None
        if reckoned.provisional and on_provisional is not None:
            on_provisional(reckoned.day)
        return reckoned.day.isoformat()

    return {**_PLAIN, "workdays_after": workdays_after, "today": today.isoformat}


def _moved(move: Callable[[date, int], date]) -> Callable[[object, object], str]:
    return lambda day, number: _move(move, day, number)


def _move(move: Callable[[date, int], date], day: object, number: object) -> str:
    whole = _whole(number)
    if abs(whole) > MAX_SPAN:
        raise _fault(N_("日期超出了可计算的范围"))
    try:
        return move(_day(day), whole).isoformat()
    except (OverflowError, ValueError):
        raise _fault(N_("日期超出了可计算的范围")) from None


def _days(values: tuple[object, ...]) -> list[date]:
    if len(values) == 1 and isinstance(values[0], (list, tuple)):
        values = tuple(values[0])
    if not values:
        raise _fault(N_("没有可比较的日期"))
    return [_day(value) for value in values]


def _day(value: object) -> date:
    if isinstance(value, datetime):
        raise _fault(N_("需要日期，而不是时刻"))
    if isinstance(value, date):
        return value
    if isinstance(value, str):
        try:
            return arithmetic.parse_day(value)
        except ValueError:
            pass
    if value is None or value == "":
        raise _fault(N_("需要的日期还没有填写"))
    raise _fault(N_("“%(value)s”不是日期（应为 2026-06-10 的样子）"), value=str(value)[:40])


def _whole(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if value is None:
        raise _fault(N_("需要的数字还没有填写"))
    raise _fault(N_("“%(value)s”不是整数"), value=str(value)[:40])


def _fault(reason: str, **params: object) -> ExpressionFault:
    return ExpressionFault(N_("日期计算有误：") + reason, **params)


_PLAIN: Final[Mapping[str, Callable[..., Any]]] = {
    "add_days": _moved(arithmetic.add_days),
    "add_months": _moved(arithmetic.add_months),
    "add_years": _moved(arithmetic.add_years),
    "next_day": lambda day: _move(arithmetic.add_days, day, 1),
    "days_between": lambda start, end: arithmetic.days_between(_day(start), _day(end)),
    "months_between": lambda start, end: arithmetic.months_between(_day(start), _day(end)),
    "age_on": lambda birth, day: arithmetic.age_on(_day(birth), _day(day)),
    "latest": lambda *days: max(_days(days)).isoformat(),
    "earliest": lambda *days: min(_days(days)).isoformat(),
}
"""The functions that depend on nothing but their arguments."""
