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
        bind = session.get_bind()
        now = self.now()
        with self._lock:
            found = self._copies.get(bind)
            if found is not None and now - found.looked_at < LOOK_AGAIN:
                return found.value
            forgotten = self._forgotten
        mark = self._mark(session)
        same = found is not None and found.mark == mark
        value = found.value if found is not None and same else self._load(session)
        with self._lock:
            # Somebody may have committed a change after we looked: then the next one looks again.
            if forgotten == self._forgotten:
                self._copies[bind] = _Copy(value, mark, now)
        return value

    def forget(self) -> None:
        """Look at the database again the next time, whenever that is."""
        with self._lock:
            self._copies.clear()
            self._forgotten += 1
