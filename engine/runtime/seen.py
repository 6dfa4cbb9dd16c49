"""What was last seen of tasks, so that claiming or completing one needs no second look at it.

Nothing here is believed: what is done from it is written only if the head of the matter's chain is
still the one that was seen. Whatever decides about a claim or a step (who holds the task, whether
it is open, whether the matter runs, the workflow's state) changes only with an entry in that chain.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from threading import Lock

from engine.database import Record

MOST = 5_000
"""Rows kept in a process; one or two kilobytes each."""


class Seen:
    """The rows seen last, by task: ``key`` names the column. Safe to use from many threads."""

    def __init__(self, key: str, most: int = MOST) -> None:
        self._key = key
        self._most = most
        self._rows: OrderedDict[int, Record] = OrderedDict()
        self._lock = Lock()

    def keep(self, rows: Iterable[Record]) -> None:
        """Keep rows of open tasks."""
        with self._lock:
            for row in rows:
                task_id = getattr(row, self._key)
                self._rows[task_id] = row
                self._rows.move_to_end(task_id)
            while len(self._rows) > self._most:
                self._rows.popitem(last=False)

    def take(self, task_id: int) -> Record | None:
        """Return the row of a task and forget it."""
        with self._lock:
            return self._rows.pop(task_id, None)


listed = Seen("id")
"""Lines of lists, from which tasks are claimed."""

claimed = Seen("task_id")
"""Tasks with their matters as a claim left them, from which they are completed."""
