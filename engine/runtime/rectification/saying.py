"""What is said of an item: an entry in the chain of its matter, a note, and how it stands then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from engine.clock import Clock
from engine.compliance.items import Item, ItemState
from engine.database import Record
from engine.definitions.versions import load_definition
from engine.directory.actors import HeldPost
from engine.ledger.chain import Event
from engine.ledger.kinds import EntryKind
from engine.ledger.models import LedgerEntry
from engine.runtime import store
from engine.runtime.judging import announce_breaches, rejudge
from engine.runtime.rectification.models import RectificationItem, RectificationNote


@dataclass(frozen=True)
class Saying:
    """What is said of an item, and who says it."""

    kind: EntryKind
    day: date
    text: str
    actor_id: int
    on_behalf_of: int | None = None
    post: str | None = None
    due: date | None = None
    done: bool = False
    files: Mapping[str, str] | None = None
    """The evidence: digests by id, as the attachments were bound."""
    command_id: UUID | None = None
    told_by: int | None = None
    """The later matter in which it was said."""
    told_seq: int | None = None
    told_number: str = ""
    standing: Item | None = None
    """How the item stands again, when something said of it is taken back."""


def standing_of(item: RectificationItem) -> Item:
    """Return how an item stands, as a value."""
    return Item(
        item.number,
        item.element,
        item.seq,
        item.due_on,
        ItemState(item.state),
        item.closed_on,
        item.missed_on,
    )


def put_standing(item: RectificationItem, standing: Item) -> None:
    """Write down how an item stands."""
    item.due_on, item.state = standing.due, standing.state.value
    item.closed_on, item.missed_on = standing.closed_on, standing.missed
    item.revision += 1


def say(
    session: Session,
    row: Record,
    item: RectificationItem,
    saying: Saying,
    clock: Clock,
) -> None:
    """Write what is said of an item: the entry of its matter, locked in ``row``, note and state.

    Rules are measured anew, whether the matter goes on or not.
    """
    day = saying.due.isoformat() if saying.due else None
    payload: dict[str, Any] = {"number": item.number, "seq": item.seq, "text": saying.text}
    payload |= {"due": day} if day else {}
    payload |= {"done": True} if saying.done else {}
    payload |= {"files": dict(saying.files)} if saying.files else {}
    payload |= {"post": saying.post} if saying.post else {}
    if saying.told_by is not None:
        payload["told"] = {"matter": saying.told_number, "seq": saying.told_seq}
    if saying.standing is not None:
        payload["standing"] = saying.standing.as_data()
    event = Event(
        saying.kind,
        actor_id=saying.actor_id,
        on_behalf_of=saying.on_behalf_of,
        occurred_on=saying.day,
        element=item.element,
        command_id=saying.command_id,
        payload=payload,
    )
    store.write_entry(session, row, event, clock.now())
    put_standing(item, standing_of(item).after(saying.kind, saying.day, payload))
    session.add(
        RectificationNote(
            item_id=item.id,
            kind=saying.kind.value,
            text=saying.text,
            done=saying.done,
            day=saying.day,
            due_on=saying.due,
            files=[int(number) for number in saying.files or ()],
            person_id=saying.actor_id,
            post=saying.post,
            written_at=clock.now(),
            seq=row.chain_length + 1,
            told_by=saying.told_by,
            told_seq=saying.told_seq,
        )
    )
    session.flush()
    _, breaches = rejudge(session, row, load_definition(session, row.version_id), clock)
    announce_breaches(session, row.instance_id, breaches)


def said_by(event: Event, day: date, post: HeldPost | None) -> Saying:
    """Return who says what a step says of items, and when."""
    assert event.actor_id is not None
    return Saying(
        EntryKind.ITEM_REPORTED,
        day,
        "",
        event.actor_id,
        event.on_behalf_of,
        post.key if post else None,
    )


def forget_words(session: Session, instance_id: int, seqs: Sequence[int], instead: str) -> None:
    """Put ``instead`` in the place of the words of erased entries; that there was an item stays.

    The words of a corrected step stand in both entries: either of them erased takes them.
    """
    corrections = select(LedgerEntry.seq).where(
        LedgerEntry.chain_id == instance_id,
        LedgerEntry.seq.in_(seqs),
        LedgerEntry.kind == EntryKind.CORRECTED,
    )
    here = RectificationItem.instance_id == instance_id
    gone: ColumnElement[bool] = RectificationItem.seq.in_(seqs)
    if session.scalars(corrections).first() is not None:
        gone = here  # which step it was about is erased with it
    session.execute(
        update(RectificationItem).where(here, gone).values(problem=instead, measure=instead)
    )
    items = select(RectificationItem.id).where(here)
    session.execute(
        update(RectificationNote)
        .where(RectificationNote.item_id.in_(items), RectificationNote.seq.in_(seqs))
        .values(text=instead)
    )
