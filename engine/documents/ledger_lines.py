"""Entries of the record as lines of ``ledger.jsonl``: all that is chained, and what may be read."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.ledger.chain import FORMS, canonical
from engine.ledger.models import LedgerEntry

_BATCH: Final = 500


def line_of(row: Mapping[str, Any], *, withheld: bool = False) -> dict[str, Any]:
    """Return an entry as JSON has it.

    ``state`` is ``full``; ``withheld`` (its content is not for the exporter) or ``erased`` (by the
    retention rule): then only the digest of the content is given. The workflow's snapshot is never
    given, only its digest.
    """
    erased = row["payload"] is None
    hidden = withheld or erased
    return {
        "form": row["form"],
        "chain_id": row["chain_id"],
        "seq": row["seq"],
        "kind": str(row["kind"]),
        "recorded_at": row["recorded_at"].astimezone(UTC).isoformat(timespec="microseconds"),
        "occurred_on": row["occurred_on"].isoformat() if row["occurred_on"] else None,
        "actor_id": row["actor_id"],
        "on_behalf_of": row["on_behalf_of"],
        "element": row["element"],
        "task_id": row["task_id"],
        "command_id": str(row["command_id"]) if row["command_id"] else None,
        "payload_digest": bytes(row["payload_digest"]).hex(),
        "snapshot_digest": _snapshot_digest(row),
        "previous": bytes(row["previous"]).hex(),
        "digest": bytes(row["digest"]).hex(),
        "payload": None if hidden else row["payload"],
        "salt": None if hidden else bytes(row["salt"]).hex(),
        "state": "erased" if erased else "withheld" if withheld else "full",
    }


def ledger_lines(session: Session, instance_id: int, withheld: Collection[int]) -> Iterator[bytes]:
    """Yield the record of a matter, a line an entry, in order."""
    columns = LedgerEntry.__table__.columns
    rows = session.execute(
        select(*columns).where(LedgerEntry.chain_id == instance_id).order_by(LedgerEntry.seq)
    ).yield_per(_BATCH)
    for row in rows:
        line = line_of(row._asdict(), withheld=row.seq in withheld)
        yield (canonical(line) + "\n").encode()


def _snapshot_digest(row: Mapping[str, Any]) -> str | None:
    if row["snapshot"] is not None:
        return hashlib.new(FORMS[row["form"]], row["snapshot"]).hexdigest()
    kept = row.get("snapshot_digest")  # what an erased snapshot left behind
    return None if kept is None else bytes(kept).hex()
