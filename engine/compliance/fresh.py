"""Copies of small, rarely changed tables that a process keeps, and looks at again once a minute.

What another process changes is seen within :data:`LOOK_AGAIN`; what this one changes, at once: the
command that changes it calls :meth:`Fresh.forget` after its commit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from time import monotonic
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy.orm import Session

LOOK_AGAIN = 60.0
"""Seconds after which a copy is compared with the database again."""

Kept = TypeVar("Kept")


@dataclass
class _Copy(Generic[Kept]):
    value: Kept
    mark: object
    looked_at: float
    forgotten: int
    """How often copies had been forgotten when this one was made."""


class Fresh(Generic[Kept]):
    """A copy for each database this process works with; safe to use from many threads.

    ``mark`` is a cheap question whose answer changes whenever the tables do; ``load`` makes the
    copy, which must be immutable.
    """

    def __init__(
        self,
        mark: Callable[[Session], object],
        load: Callable[[Session], Kept],
        now: Callable[[], float] = monotonic,
    ) -> None:
        self._mark, self._load, self.now = mark, load, now
        self._copies: WeakKeyDictionary[object, _Copy[Kept]] = WeakKeyDictionary()
        self._lock = Lock()
        self._forgotten = 0

    def get(self, session: Session) -> Kept:
        """Return the copy, asking the database only when it is due."""
        # Every step comes by here: the session remembers what it was given.
        found: _Copy[Kept] | None = session.info.get(self)
        if found is not None and self._is_fresh(found):
            return found.value
        found = session.info[self] = self._copy(session)
        return found.value

    def _is_fresh(self, copy: _Copy[Kept]) -> bool:
        return copy.forgotten == self._forgotten and self.now() - copy.looked_at < LOOK_AGAIN

    def _copy(self, session: Session) -> _Copy[Kept]:
        bind = session.get_bind()
        with self._lock:
            found = self._copies.get(bind)
            if found is not None and self._is_fresh(found):
                return found
            # Somebody may commit a change after we looked: then this copy is not kept for long.
            now, forgotten = self.now(), self._forgotten
        mark = self._mark(session)
        same = found is not None and found.mark == mark
        value = found.value if found is not None and same else self._load(session)
        copy = _Copy(value, mark, now, forgotten)
        with self._lock:
            self._copies[bind] = copy
        return copy

    def forget(self) -> None:
        """Look at the database again the next time, whenever that is."""
        with self._lock:
            self._copies.clear()
            self._forgotten += 1
