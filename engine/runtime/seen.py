"""What a list has just shown of tasks, so that taking one needs no second look at it.

Nothing here is believed: a claim made from it is written only if the head of the matter's chain is
still the one that was shown. Whatever decides about a claim (who holds the task, whether it is
open, whether the matter runs) changes only with an entry in that chain.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from threading import Lock

from engine.database import Record

MOST = 5_000
"""Lines kept in a process; about a kilobyte each."""


class Seen:
    """The lines shown last, by task. Safe to use from many threads."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._rows: OrderedDict[int, Record] = OrderedDict()
        self._lock = Lock()

    def keep(self, rows: Iterable[Record]) -> None:
        """Keep lines of a list of open tasks."""
        with self._lock:
            for row in rows:
                self._rows[row.id] = row
                self._rows.move_to_end(row.id)
            while len(self._rows) > self._most:
                self._rows.popitem(last=False)

    def take(self, task_id: int) -> Record | None:
        """Return the line of a task and forget it."""
        with self._lock:
            return self._rows.pop(task_id, None)


seen = Seen()
