"""Dates and limits in words, and the little markup of explanatory texts."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask

from web.forms.prose import prose
from web.words import clock_time, file_size, limit, long_date, moment, short_date

TODAY = date(2026, 11, 22)


@pytest.fixture(autouse=True)
def _page(app: Flask) -> None:
    """Words depend on the language of a request."""
    context = app.test_request_context()
    context.push()
    yield
    context.pop()


def test_dates_are_said_as_people_say_them() -> None:
    assert long_date(TODAY) == "2026年11月22日"
    assert long_date("2026-01-05") == "2026年1月5日"
    assert short_date(date(2026, 12, 4), TODAY) == "12月4日"
    assert short_date(date(2027, 1, 4), TODAY) == "2027年1月4日"
    assert long_date(None) == ""


def test_moments_are_said_in_shanghai() -> None:
    late = datetime(2026, 11, 21, 17, 5, tzinfo=UTC)
    assert clock_time(late) == "01:05"
    assert moment(late) == "2026年11月22日 01:05"


@pytest.mark.parametrize(
    ("due", "workdays", "tone", "words", "detail"),
    [
        (None, None, "todo", "没有时限", ""),
        (TODAY - timedelta(days=5), -5, "overdue", "已超期 5 天", "11月17日前"),
        (TODAY, 0, "soon", "今天到期", "11月22日前"),
        (date(2026, 11, 26), 3, "soon", "还有 3 个工作日", "11月26日前"),
        (date(2026, 12, 4), 9, "todo", "还有 12 天", "12月4日前"),
        (date(2027, 2, 1), None, "todo", "还有 71 天", "2027年2月1日前"),
    ],
)
def test_a_limit_says_first_how_long_is_left(
    due: date | None, workdays: int | None, tone: str, words: str, detail: str
) -> None:
    said = limit(due, TODAY, workdays_left=workdays)
    assert (said.tone, said.words, said.detail) == (tone, words, detail)


def test_what_may_not_be_done_yet_says_from_when() -> None:
    said = limit(None, TODAY, earliest_on=date(2027, 6, 10))
    assert (said.tone, said.words) == ("waiting", "最早可办 2027年6月10日")


def test_sizes() -> None:
    assert [file_size(n) for n in (1, 320_000, 1_500_000)] == ["1 KB", "312 KB", "1.4 MB"]


def test_texts_have_paragraphs_lists_and_bold_and_nothing_else() -> None:
    text = "第一段**重点**\n第二行\n\n- 甲\n- 乙\n\n1. 一\n2. 二\n\n<script>alert(1)</script>"
    assert prose(text) == (
        "<p>第一段<strong>重点</strong><br>第二行</p>\n"
        "<ul><li>甲</li><li>乙</li></ul>\n"
        "<ol><li>一</li><li>二</li></ol>\n"
        "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>"
    )
