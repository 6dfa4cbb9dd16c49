"""How far each source has been read, so that nothing is missed and little is read twice."""

from __future__ import annotations

from typing import Final, NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

BATCH: Final = 20_000
"""Most rows of one source that a sweep takes."""


PATIENCE: Final = 5 * 60 * 1_000_000
"""How long, in microseconds, a transaction may run that the cursor waits for."""


class Stretch(NamedTuple):
    """The ids to read now: above ``after``, up to ``upto``."""

    after: int
    upto: int


_SOURCES: Final = {
    "task": text("SELECT max(id) FROM task"),
    "finding_note": text("SELECT max(id) FROM finding_note"),
    "incident": text("SELECT max(id) FROM incident"),
}

_READ = text("SELECT value, seen, horizon FROM notice_cursor WHERE source = :source FOR UPDATE")
_SNAPSHOT = text(
    """
    SELECT pg_snapshot_xmin(s)::text::bigint AS oldest, pg_snapshot_xmax(s)::text::bigint AS next
    FROM pg_current_snapshot() s
    """
)
_WRITE = text(
    """
    INSERT INTO notice_cursor (source, value, seen, horizon)
    VALUES (:source, :value, :seen, :horizon)
    ON CONFLICT (source) DO UPDATE SET value = excluded.value, seen = excluded.seen,
        horizon = excluded.horizon
    """
)
_MINE = text("SELECT value FROM notice_cursor WHERE source = :source FOR UPDATE SKIP LOCKED")
_BEGIN = text(
    "INSERT INTO notice_cursor (source, value, seen, horizon) VALUES (:source, :value, :value, 0)"
    " ON CONFLICT DO NOTHING"
)


def stretch(session: Session, source: str, now: int) -> Stretch:
    """Return what to read of a source, and note how far that is. ``now`` is in microseconds.

    Rows of transactions that were still running are read again the next time, so whatever is made
    of them has to bear being made twice. What was there before the first look is not read. Nobody's
    step takes longer than :data:`PATIENCE`; other transactions that do are not waited for.
    """
    # The newest id first: a transaction that is running when it is read cannot have ended before
    # the snapshot is asked for without having been committed, and then its rows are seen.
    newest = session.scalar(_SOURCES[source]) or 0
    snapshot = session.execute(_SNAPSHOT).one()
    known = session.execute(_READ, {"source": source}).one_or_none()
    noted = session.execute(_READ, {"source": f"{source}:noted"}).one_or_none()
    if known is None:
        _note(session, source, newest, newest, snapshot.next, now)
        return Stretch(newest, newest)
    upto = min(newest, known.value + BATCH)
    patient = noted is not None and 0 <= now - noted.value < PATIENCE
    if snapshot.oldest >= known.horizon or not patient:
        _note(session, source, known.seen, max(known.seen, upto), snapshot.next, now)
    return Stretch(known.value, upto)


def _note(session: Session, source: str, value: int, seen: int, horizon: int, now: int) -> None:
    session.execute(_WRITE, {"source": source, "value": value, "seen": seen, "horizon": horizon})
    put(session, f"{source}:noted", now)


def take(session: Session, source: str, first: int) -> int | None:
    """Return where a source stood, held until the end of the transaction; None: others are at it.

    A source that is new stands at ``first``.
    """
    session.execute(_BEGIN, {"source": source, "value": first})
    value: int | None = session.scalar(_MINE, {"source": source})
    return value


def put(session: Session, source: str, value: int) -> None:
    """Note where a source that was taken stands now."""
    session.execute(_WRITE, {"source": source, "value": value, "seen": value, "horizon": 0})
