"""What a matter waits for besides its tasks: timers, and messages it has subscribed to."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from engine.database import fetch

_READ_WATCH = """
    SELECT uid, element, due_at, NULL AS name FROM timer WHERE instance_id = %(id)s
    UNION ALL
    SELECT uid, element, NULL, name FROM message_subscription WHERE instance_id = %(id)s
"""

# A timer that stays where it is returns nothing: its job is in the queue already.
_WRITE_WATCH = """
    WITH past AS (
        DELETE FROM timer WHERE instance_id = %(id)s AND uid <> ALL(%(timers)s::uuid[])
    ),
    unsubscribed AS (
        DELETE FROM message_subscription
        WHERE instance_id = %(id)s AND uid <> ALL(%(subscriptions)s::uuid[])
    ),
    subscribed AS (
        INSERT INTO message_subscription (instance_id, uid, element, name)
        SELECT %(id)s, n.uid, n.element, n.name FROM unnest(%(subscriptions)s::uuid[],
            %(catchers)s::text[], %(names)s::text[]) AS n(uid, element, name)
        ON CONFLICT DO NOTHING
    )
    INSERT INTO timer (instance_id, uid, element, due_at)
    SELECT %(id)s, n.uid, n.element, n.due_at FROM unnest(%(timers)s::uuid[],
        %(elements)s::text[], %(due)s::timestamptz[]) AS n(uid, element, due_at)
    ON CONFLICT (instance_id, uid) DO UPDATE SET due_at = excluded.due_at
        WHERE timer.due_at <> excluded.due_at
    RETURNING due_at
"""


@dataclass(frozen=True)
class Watch:
    """Timers and message subscriptions of a matter, as they are after a step."""

    timers: Mapping[UUID, tuple[str, datetime]] = field(default_factory=dict)
    subscriptions: Mapping[UUID, tuple[str, str]] = field(default_factory=dict)

    @property
    def mark(self) -> int:
        """Return a number that differs when the watch does; 0 when there is nothing to watch."""
        if not self.timers and not self.subscriptions:
            return 0
        lines = sorted(f"{uid}{value}" for uid, value in self.timers.items())
        lines += sorted(f"{uid}{value}" for uid, value in self.subscriptions.items())
        # Wide enough that no change is ever missed: a missed one would be a lost timer.
        digest = hashlib.blake2b("\n".join(lines).encode(), digest_size=8).digest()
        return 1 + (int.from_bytes(digest) >> 2)


def read_watch(session: Session, instance_id: int) -> Watch:
    """Return the stored timers and subscriptions of a matter."""
    rows = fetch(session, _READ_WATCH, {"id": instance_id})
    return Watch(
        {row.uid: (row.element, row.due_at) for row in rows if row.name is None},
        {row.uid: (row.element, row.name) for row in rows if row.name is not None},
    )


def write_watch(session: Session, instance_id: int, watch: Watch) -> list[datetime]:
    """Store the timers and subscriptions of a matter; return the due times that are new."""
    parameters = {
        "id": instance_id,
        "timers": list(watch.timers),
        "elements": [element for element, _ in watch.timers.values()],
        "due": [due_at for _, due_at in watch.timers.values()],
        "subscriptions": list(watch.subscriptions),
        "catchers": [element for element, _ in watch.subscriptions.values()],
        "names": [name for _, name in watch.subscriptions.values()],
    }
    return [row.due_at for row in fetch(session, _WRITE_WATCH, parameters)]
