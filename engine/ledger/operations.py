"""Write to the chains that belong to no matter, and read any chain."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from engine.clock import Clock
from engine.ledger.chain import Event, Head, seal
from engine.ledger.models import LedgerChain, LedgerEntry


@dataclass(frozen=True)
class Entry:
    """An entry as people read it."""

    seq: int
    kind: str
    recorded_at: datetime
    occurred_on: date | None
    actor_id: int | None
    on_behalf_of: int | None
    element: str | None
    task_id: int | None
    payload: dict[str, Any] | None
    """None when the payload was erased."""
    digest: bytes


def append(session: Session, chain: str, event: Event, clock: Clock) -> Head:
    """Append ``event`` to the chain called ``chain``, making the chain if it is new.

    The chain's row is locked until the end of the transaction, so links never fork.
    """
    return append_all(session, chain, [event], clock)


def append_all(session: Session, chain: str, events: Iterable[Event], clock: Clock) -> Head:
    """Append events in their order, as :func:`append` does one.

    Without any event it only locks the chain: whoever would append to it waits.
    """
    session.execute(
        upsert(LedgerChain).values(name=chain, length=0, head=b"").on_conflict_do_nothing()
    )
    row = session.execute(
        select(LedgerChain.id, LedgerChain.length, LedgerChain.head)
        .where(LedgerChain.name == chain)
        .with_for_update()
    ).one()
    head = Head(row.length, row.head)
    sealed = []
    for event in events:
        entry, head = seal(row.id, head, event, clock.now())
        sealed.append(entry)
    if sealed:
        session.execute(insert(LedgerEntry), sealed)
        session.execute(
            update(LedgerChain)
            .where(LedgerChain.id == row.id)
            .values(length=head.length, head=head.digest)
        )
    return head


def entries(session: Session, chain_id: int) -> Iterator[Entry]:
    """Yield the entries of a chain in order."""
    rows = session.execute(
        select(
            LedgerEntry.seq,
            LedgerEntry.kind,
            LedgerEntry.recorded_at,
            LedgerEntry.occurred_on,
            LedgerEntry.actor_id,
            LedgerEntry.on_behalf_of,
            LedgerEntry.element,
            LedgerEntry.task_id,
            LedgerEntry.payload,
            LedgerEntry.digest,
        )
        .where(LedgerEntry.chain_id == chain_id)
        .order_by(LedgerEntry.seq)
    )
    for row in rows:
        fields = row._asdict()
        payload = fields.pop("payload")
        yield Entry(payload=None if payload is None else json.loads(payload), **fields)


def find_command(session: Session, command_id: UUID, actor_id: int | None) -> int | None:
    """Return the chain in which this actor's command is recorded, if it was carried out before."""
    return session.execute(
        select(LedgerEntry.chain_id).where(
            LedgerEntry.command_id == command_id,
            LedgerEntry.actor_id.is_not_distinct_from(actor_id),
        )
    ).scalar_one_or_none()
