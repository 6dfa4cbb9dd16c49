"""Who acted with a token a moment ago, so that a program's next request need not ask again.

A program sends one request upon the other, and who it is costs as much to find as what it asks for.
What this process itself changes counts at once; what others change, within a second.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import date, datetime, timedelta
from threading import Lock
from typing import Final

from engine.database import changes
from engine.directory.actors import TokenActor

KEPT: Final = timedelta(seconds=1)
"""How long an answer is believed: so long may a token outlive its revocation elsewhere."""
MOST: Final = 2_000


class Recent:
    """Who acts with which token, each believed for :data:`KEPT`. Safe to use from many threads."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, date], tuple[datetime, int, TokenActor]] = OrderedDict()
        self._lock = Lock()

    def get(self, token_hash: str, now: datetime, day: date) -> TokenActor | None:
        """Return who was found last, unless that is old or this process has written since."""
        known = self._known.get((token_hash, day))
        if known is None:
            return None
        at, change, found = known
        fresh = change == changes.count and timedelta(0) <= now - at < KEPT
        return found if fresh else None

    def keep(self, token_hash: str, now: datetime, change: int, found: TokenActor) -> None:
        """Keep who was found, asked for when ``change`` was the last change."""
        with self._lock:
            key = token_hash, found.actor.day
            self._known[key] = now, change, found
            self._known.move_to_end(key)
            if len(self._known) > MOST:
                self._known.popitem(last=False)


recent = Recent()
