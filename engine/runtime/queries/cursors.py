"""Cursors of lists: where the next page begins, as text that comes back from outside."""

from __future__ import annotations

from datetime import date

from engine.errors import N_, InvalidInput


def day_and_id(cursor: str) -> tuple[date, int]:
    """Return the day and number of ``2026-06-10.17``. Raises InvalidInput for any other text."""
    day, _, number = cursor.partition(".")
    try:
        if len(number) < 19 and number.isascii():
            return date.fromisoformat(day), int(number)
    except ValueError:
        pass
    raise InvalidInput({"cursor": [N_("翻页位置无效，请回到第一页。")]})
