"""The date functions as expressions see them."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.calendars.functions import date_functions
from engine.calendars.notices import shipped_table
from engine.errors import ExpressionFault
from engine.expressions import DATE_FUNCTIONS, compile_expression

FUNCTIONS = date_functions(shipped_table(), date(2026, 11, 22))


def value_of(source: str, **variables: Any) -> object:
    return compile_expression(source).evaluate(variables, FUNCTIONS)


def test_every_function_of_the_language_is_supplied_and_no_other() -> None:
    assert set(FUNCTIONS) == DATE_FUNCTIONS


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("add_days('2026-06-10', 20)", "2026-06-30"),
        ("add_months('2026-01-31', 1)", "2026-02-28"),
        ("add_years('2024-02-29', 1)", "2025-02-28"),
        ("workdays_after('2026-06-02', 5)", "2026-06-09"),
        ("next_day(workdays_after('2026-06-02', 5))", "2026-06-10"),
        ("days_between('2026-06-02', '2026-06-10')", 8),
        ("months_between('2026-06-10', '2027-06-10')", 12),
        ("age_on('2008-05-01', '2026-05-01')", 18),
        ("latest('2026-06-02', '2026-06-10', '2025-12-31')", "2026-06-10"),
        ("earliest(['2026-06-02', '2026-06-10'])", "2026-06-02"),
        ("today()", "2026-11-22"),
        ("today() > '2026-11-21'", True),
        ("add_months(on['decide'], 12) <= today()", True),
    ],
)
def test_values(source: str, expected: object) -> None:
    assert value_of(source, on={"decide": "2025-11-22"}) == expected


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("add_months(day, 1)", "还没有填写"),
        ("add_months('', 1)", "还没有填写"),
        ("add_months('2026-06-10', n)", "数字还没有填写"),
        ("add_months('2026-06-31', 1)", "不是日期"),
        ("add_months('20260610', 1)", "不是日期"),
        ("add_months('2026-W24-3', 1)", "不是日期"),
        ("add_months('2026-06-10T00:00', 1)", "不是日期"),
        ("add_months(20260610, 1)", "不是日期"),
        ("add_months('2026-06-10', 1.5)", "不是整数"),
        ("add_months('2026-06-10', True)", "不是整数"),
        ("add_months('2026-06-10', 99999999)", "超出"),
        ("add_years('2026-06-10', 9000)", "超出"),
        ("add_days('2026-06-10', -99999999)", "超出"),
        ("add_days('0001-01-01', -1)", "超出"),
        ("workdays_after('2026-06-02', -1)", "0 至 1000"),
        ("workdays_after('2026-06-02', 1001)", "0 至 1000"),
        ("workdays_after('9999-12-31', 1)", "超出"),
        ("next_day('9999-12-31')", "超出"),
        ("latest()", "没有可比较的日期"),
        ("latest([])", "没有可比较的日期"),
        ("latest('2026-06-10', other)", "还没有填写"),
        ("age_on('2008-05-01')", "类型不合"),
    ],
)
def test_faults_say_what_is_wrong(source: str, said: str) -> None:
    with pytest.raises(ExpressionFault) as caught:
        value_of(source)
    assert said in str(caught.value)


def test_dates_are_taken_as_dates_too() -> None:
    assert FUNCTIONS["add_months"](date(2026, 1, 31), 1) == "2026-02-28"


def test_what_rests_on_an_unknown_year_is_reported() -> None:
    seen: list[date] = []
    functions = date_functions(shipped_table(), date(2026, 1, 1), on_provisional=seen.append)
    assert functions["workdays_after"]("2026-06-02", 5) == "2026-06-09"
    assert seen == []
    assert functions["workdays_after"]("2027-06-01", 1) == "2027-06-02"
    assert seen == [date(2027, 6, 2)]


anything = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text())


@given(st.sampled_from(sorted(DATE_FUNCTIONS - {"today"})), anything, anything)
def test_whatever_comes_in_a_value_or_a_fault_comes_out(name: str, a: Any, b: Any) -> None:
    arguments = {"next_day": "a", "latest": "a, b", "earliest": "a, b"}.get(name, "a, b")
    try:
        result = value_of(f"{name}({arguments})", a=a, b=b)
    except ExpressionFault:
        return
    assert isinstance(result, (str, int))
