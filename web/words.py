"""Dates, times and limits in the words people use. Registered as template filters."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Final

from flask import Flask, current_app, url_for
from flask_babel import gettext, ngettext

from engine.clock import ZONE
from web.language import chosen_language

SOON_WORKDAYS: Final = 5
"""A limit at most this many working days away is shown as 即将到期."""
_MONTHS: Final = [
    "Jan",
    "Feb",
    "Mar",
    "Apr",
    "May",
    "Jun",
    "Jul",
    "Aug",
    "Sep",
    "Oct",
    "Nov",
    "Dec",
]


@dataclass(frozen=True)
class Limit:
    """How a limit is shown: ``tone`` picks icon and colour, the words say it all."""

    tone: str
    words: str
    detail: str


def as_date(value: date | datetime | str | None) -> date | None:
    """Return the day of a date, a moment (in Shanghai) or an ISO string."""
    if isinstance(value, datetime):
        return value.astimezone(ZONE).date()
    if isinstance(value, str):
        try:
            return date.fromisoformat(value[:10])
        except ValueError:
            return None
    return value


def long_date(value: date | datetime | str | None) -> str:
    """Return 2026年11月22日."""
    day = as_date(value)
    if day is None:
        return ""
    if chosen_language() == "en":
        return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"
    return f"{day.year}年{day.month}月{day.day}日"


def short_date(value: date | datetime | str | None, today: date | None = None) -> str:
    """Return 11月22日, with the year when it is not the present one."""
    day = as_date(value)
    if day is None:
        return ""
    if today is None or day.year != today.year:
        return long_date(day)
    if chosen_language() == "en":
        return f"{day.day} {_MONTHS[day.month - 1]}"
    return f"{day.month}月{day.day}日"


def clock_time(value: datetime | None) -> str:
    """Return 14:32, in Shanghai."""
    return "" if value is None else value.astimezone(ZONE).strftime("%H:%M")


def moment(value: datetime | None) -> str:
    """Return 2026年11月22日 14:32, in Shanghai."""
    return "" if value is None else f"{long_date(value)} {clock_time(value)}"


def limit(
    due_on: date | None,
    today: date,
    *,
    earliest_on: date | None = None,
    workdays_left: int | None = None,
) -> Limit:
    """Say in words first how a limit stands on ``today``.

    ``workdays_left`` is the number of working days until ``due_on``, when the caller counted them.
    """
    if earliest_on is not None and earliest_on > today:
        return Limit("waiting", gettext("最早可办 %(day)s", day=long_date(earliest_on)), "")
    if due_on is None:
        return Limit("todo", gettext("没有时限"), "")
    before = gettext("%(day)s前", day=short_date(due_on, today))
    days = (due_on - today).days
    if days < 0:
        return Limit("overdue", ngettext("已超期 %(num)s 天", "已超期 %(num)s 天", -days), before)
    if days == 0:
        return Limit("soon", gettext("今天到期"), before)
    if workdays_left is not None and workdays_left <= SOON_WORKDAYS:
        left = ngettext("还有 %(num)s 个工作日", "还有 %(num)s 个工作日", workdays_left)
        return Limit("soon", left, before)
    left = ngettext("还有 %(num)s 天", "还有 %(num)s 天", days)
    return Limit("soon" if days <= SOON_WORKDAYS else "todo", left, before)


def file_size(size: int) -> str:
    """Return 320 KB or 1.4 MB."""
    return f"{max(1, round(size / 1024))} KB" if size < 1_000_000 else f"{size / 1_048_576:.1f} MB"


def asset(name: str) -> str:
    """Return the URL of a static file with its digest, so that it may be cached for ever."""
    return url_for("static", filename=name, v=_digest(Path(current_app.static_folder or ""), name))


@lru_cache(maxsize=64)
def _digest(folder: Path, name: str) -> str:
    path = folder / name
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12] if path.is_file() else "0"


def register(app: Flask) -> None:
    """Give templates the filters and ``asset()``."""
    app.jinja_env.filters.update(
        long_date=long_date,
        short_date=short_date,
        clock_time=clock_time,
        moment=moment,
        file_size=file_size,
    )
    app.jinja_env.globals.update(asset=asset, limit=limit)
