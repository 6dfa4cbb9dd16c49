"""What one branch of a running process knows, and how branches put it together.

A branch carries the variables of the process, and two entries of our own:

``on``
    the day on which an element last happened, ``{element: ISO date}``; expressions read it;
``_w``
    for each variable the number of the write that gave it its value. Where branches meet, the
    value written last counts, not the one that happens to arrive last: else the untouched copy
    that a slow branch carries would undo what a quick branch decided.

Values are replaced, never changed in place, because branches share them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any, Final

ON: Final = "on"
WRITTEN: Final = "_w"
RESERVED: Final = frozenset({ON, WRITTEN})

Data = dict[str, Any]


def merge(mine: Data, theirs: Mapping[str, Any]) -> None:
    """Add to ``mine`` what another branch knows: the values written last, the latest days."""
    written, other = mine.get(WRITTEN, {}), theirs.get(WRITTEN, {})
    for name, value in theirs.items():
        if name in RESERVED:
            continue
        if name not in mine or other.get(name, 0) > written.get(name, 0):
            mine[name] = value
    for name in RESERVED:
        if found := theirs.get(name):
            mine[name] = _greater(mine.get(name), found)


def write(task: Any, values: Mapping[str, Any]) -> None:
    """Give variables of a task's branch new values."""
    if not values:
        return
    top = task.workflow.top_workflow
    top.writes += 1
    data = {**task.data, **values}
    data[WRITTEN] = {**task.data.get(WRITTEN, {}), **dict.fromkeys(values, top.writes)}
    task.data = data


def record_day(data: Data, element: str, day: date, remembered: Collection[str]) -> None:
    """Note that ``element`` happened on ``day``; keep the days of the ``remembered`` elements.

    The latest entry is kept whatever its element: timers and limits count from the latest day.
    """
    days, text = data.get(ON, {}), day.isoformat()
    latest = max(days.values(), default="")
    data[ON] = {
        **{e: d for e, d in days.items() if e in remembered or (d == latest and d > text)},
        element: text,
    }


def add_days_known(data: Data, days: Mapping[str, str]) -> None:
    """Add days that another branch knows."""
    if days:
        data[ON] = _greater(data.get(ON), days)


def latest_day(data: Mapping[str, Any]) -> date | None:
    """Return the latest day on which something happened on this branch."""
    days = data.get(ON)
    return date.fromisoformat(max(days.values())) if days else None


def visible(data: Mapping[str, Any]) -> Data:
    """Return the process variables alone."""
    return {name: value for name, value in data.items() if name not in RESERVED}


def _greater(mine: Mapping[str, Any] | None, theirs: Mapping[str, Any]) -> Mapping[str, Any]:
    if not mine or mine == theirs:
        return theirs
    result = dict(mine)
    for name, value in theirs.items():
        if name not in result or value > result[name]:
            result[name] = value
    return result
