"""What a later meeting answers: the items of earlier matters that are still open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, Final

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from engine.clock import Clock
from engine.compliance.items import SETTLED, Item, ItemState
from engine.database import Record
from engine.directory.models import Person
from engine.errors import N_, Conflict, NotFound
from engine.forms.schema import FormSchema
from engine.ledger.kinds import EntryKind
from engine.runtime import store
from engine.runtime.matters import Matter
from engine.runtime.models import format_number
from engine.runtime.rectification.models import UNSETTLED, RectificationItem, RectificationNote
from engine.runtime.rectification.saying import Saying, say, standing_of

MOST_OPEN: Final = 200
"""Most items that one meeting answers; the longest due come first."""

_KINDS: Final[Mapping[str, EntryKind]] = {
    "done": EntryKind.ITEM_CLOSED,
    "extended": EntryKind.ITEM_EXTENDED,
    "carried": EntryKind.ITEM_CARRIED,
}


def open_items(
    session: Session, matter: Matter, form: FormSchema, instance_id: int | None
) -> list[dict[str, Any]]:
    """Return the items that a form of ``matter`` has to answer, those due first in front.

    They are the organisation's own, from other matters of the same kind or of the kinds that the
    list names in ``of``.
    """
    named = ",".join(f.props.get("of", "") or matter.definition.package.key for f in form.answering)
    kinds = {key.strip() for key in named.split(",") if key.strip()}
    rows = session.execute(
        select(RectificationItem, Person.name)
        .join(Person, Person.id == RectificationItem.owner_id)
        .where(
            RectificationItem.organisation_id == matter.organisation_id,
            RectificationItem.process_key.in_(sorted(kinds)),
            RectificationItem.instance_id != (instance_id or 0),
            UNSETTLED,
        )
        .order_by(RectificationItem.due_on, RectificationItem.id)
        .limit(MOST_OPEN)
    ).all()
    return [
        {
            "item": item.id,
            "problem": item.problem,
            "measure": item.measure,
            "owner": name,
            "due": item.due_on.isoformat(),
            "state": item.state,
        }
        for item, name in rows
    ]


def answered_items(form: FormSchema, data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the items that a step answered, as :func:`open_items` would: to look at it again."""
    return [
        {"item": row["item"], "problem": row.get("problem", ""), "due": row.get("due")}
        for field in form.answering
        for row in data.get(field.key) or ()
    ]


def answer_items(
    session: Session,
    row: Record,
    form: FormSchema,
    data: Mapping[str, Any],
    said: Saying,
    clock: Clock,
) -> None:
    """Write what the step that the next entry of ``row`` records says of items of other matters.

    ``said`` tells who says it. Raises Conflict when one of them was settled in the meantime.
    """
    answers = {int(r["item"]): r for field in form.answering for r in data.get(field.key) or ()}
    if not answers:
        return
    number = _number(session, row.instance_id)
    for item, there in _locked(session, list(answers)):
        if ItemState(item.state) in SETTLED:
            raise Conflict(N_("整改事项“%(problem)s”已经办结，请刷新页面。"), problem=item.problem)
        answer = answers[item.id]
        due = answer.get("due")
        saying = replace(
            said,
            kind=_KINDS[answer["answer"]],
            text=answer.get("reason") or "",
            due=date.fromisoformat(due) if due else None,
            told_by=row.instance_id,
            told_seq=row.chain_length + 1,
            told_number=number,
        )
        say(session, there, item, saying, clock)


def take_back_answers(
    session: Session, instance_id: int, since: int, reason: str, said: Saying, clock: Clock
) -> None:
    """Undo what a matter said of items of others in the steps since entry ``since``.

    Each item stands again as if it had not been said; that it was said stays on record.
    """
    notes = session.execute(
        select(RectificationNote.item_id, RectificationNote.told_seq, RectificationNote.kind)
        .where(RectificationNote.told_by == instance_id, RectificationNote.told_seq >= since)
        .order_by(RectificationNote.id)
    ).all()
    taken = {(n.item_id, n.told_seq) for n in notes if n.kind == EntryKind.ITEM_REOPENED}
    told = {n.item_id: n.told_seq for n in notes if (n.item_id, n.told_seq) not in taken}
    if not told:
        return
    number = _number(session, instance_id)
    for item, there in _locked(session, list(told)):
        saying = replace(
            said,
            kind=EntryKind.ITEM_REOPENED,
            text=reason,
            told_by=instance_id,
            told_seq=told[item.id],
            told_number=number,
            standing=_without(session, item, instance_id, told[item.id]),
        )
        say(session, there, item, saying, clock)


def _number(session: Session, instance_id: int) -> str:
    query = text("SELECT prefix, year, serial FROM instance WHERE id = :id")
    return format_number(*session.execute(query, {"id": instance_id}).one())


def _without(session: Session, item: RectificationItem, told_by: int, told_seq: int) -> Item:
    """Return how an item stands without what ``told_by`` said of it, and what was taken back."""
    notes = session.scalars(
        select(RectificationNote)
        .where(RectificationNote.item_id == item.id)
        .order_by(RectificationNote.id)
    ).all()
    gone: set[tuple[int | None, int | None]] = {(told_by, told_seq)}
    gone |= {
        (n.told_by, n.told_seq)
        for n in notes
        if n.told_by is not None and n.kind == EntryKind.ITEM_REOPENED
    }
    standing = Item(item.number, item.element, item.seq, item.first_due_on)
    if item.state == ItemState.WITHDRAWN.value:
        return standing_of(item)
    for note in notes:
        if (note.told_by, note.told_seq) not in gone:
            due = note.due_on.isoformat() if note.due_on else None
            standing = standing.after(note.kind, note.day, {"due": due, "done": note.done})
    return standing


def _locked(session: Session, ids: Sequence[int]) -> Iterator[tuple[RectificationItem, Record]]:
    """Yield items with their matters, each locked and as it is now; always in the same order."""
    places = session.execute(
        select(RectificationItem.id, RectificationItem.instance_id)
        .where(RectificationItem.id.in_(ids))
        .order_by(RectificationItem.instance_id, RectificationItem.number)
    ).all()
    for place in places:
        row = store.lock_instance(session, place.instance_id)
        if row is None:
            raise NotFound
        item = session.get_one(RectificationItem, place.id, populate_existing=True)
        yield item, row
