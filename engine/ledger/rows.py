"""Entries as verification fetches them: fast to read, and their canonical text fast to write.

The text is the one that :func:`engine.ledger.chain.entry_digest` hashes, made without its detours;
a property test holds the two together.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from json.encoder import encode_basestring
from typing import Any, Final, NamedTuple
from uuid import UUID

from engine.digests import FORMS, digester

# Moments, days and UUIDs come as PostgreSQL's own bytes: making objects of them, and texts of
# those, would take longer than all hashing.
COLUMNS: Final = """
    chain_id, seq, form, kind, timestamptz_send(recorded_at), date_send(occurred_on), actor_id,
    on_behalf_of, element, task_id, uuid_send(command_id), payload, salt, payload_digest, snapshot,
    snapshot_digest, previous, digest
"""


class Row(NamedTuple):
    """A row of :data:`COLUMNS`."""

    chain_id: int
    seq: int
    form: int
    kind: str
    recorded_at: bytes
    occurred_on: bytes | None
    actor_id: int | None
    on_behalf_of: int | None
    element: str | None
    task_id: int | None
    command_id: bytes | None
    payload: str | None
    salt: bytes | None
    payload_digest: bytes
    snapshot: bytes | None
    snapshot_digest: bytes | None
    previous: bytes
    digest: bytes


_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_FIRST_DAY: Final = date(2000, 1, 1).toordinal()
_quoted = lru_cache(maxsize=4096)(encode_basestring)


def moment(found: bytes) -> datetime | None:
    """Return the moment; None for one that no calendar has, such as infinity."""
    try:
        return _EPOCH + timedelta(microseconds=int.from_bytes(found, "big", signed=True))
    except OverflowError:
        return None


def day(found: bytes) -> date | None:
    """Return the day; None for one that no calendar has."""
    try:
        return date.fromordinal(_FIRST_DAY + int.from_bytes(found, "big", signed=True))
    except (OverflowError, ValueError):
        return None


@lru_cache(maxsize=16384)
def _day_text(found: bytes) -> str:
    known = day(found)
    return '"?"' if known is None else f'"{known.isoformat()}"'


def _uuid_text(found: bytes) -> str:
    digits = found.hex()
    return f'"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"'


def entry_text(row: Row) -> str:
    """Return the canonical text of which the entry's digest is made. Raises KeyError: the form."""
    (
        chain_id,
        seq,
        form,
        kind,
        recorded_at,
        occurred_on,
        actor_id,
        on_behalf_of,
        element,
        task_id,
        command_id,
        _,
        _,
        payload_digest,
        snapshot,
        snapshot_digest,
        previous,
        _,
    ) = row
    at = moment(recorded_at)
    state = snapshot_digest if snapshot is None else digester(form)(snapshot).digest()
    return (
        f"[{form},{chain_id},{seq},{_quoted(kind)},"
        f'"{at.isoformat(timespec="microseconds") if at else "?"}",'
        f"{'null' if occurred_on is None else _day_text(occurred_on)},"
        f"{'null' if actor_id is None else actor_id},"
        f"{'null' if on_behalf_of is None else on_behalf_of},"
        f"{'null' if element is None else _quoted(element)},"
        f"{'null' if task_id is None else task_id},"
        f"{'null' if command_id is None else _uuid_text(command_id)},"
        f'"{payload_digest.hex()}",'
        f"{'null' if state is None else _hex(state)},"
        f'"{previous.hex()}"]'
    )


def _hex(found: bytes) -> str:
    return f'"{found.hex()}"'


def is_whole(row: Row) -> bool:
    """Tell whether the entry's digests are right and nothing of it was erased."""
    form = row[2]
    if form not in FORMS or row[11] is None or row[12] is None or row[15] is not None:
        return False
    make = digester(form)
    return bool(
        make(entry_text(row).encode()).digest() == row[17]
        and make(row[12] + row[11].encode()).digest() == row[13]
    )


def plain(row: Row) -> dict[str, Any]:
    """Return the row as a dictionary with the types that the engine uses."""
    return {
        **row._asdict(),
        "recorded_at": moment(row.recorded_at),
        "occurred_on": None if row.occurred_on is None else day(row.occurred_on),
        "command_id": None if row.command_id is None else UUID(bytes=row.command_id),
    }
