"""The rectification ledger (整改台账), written in the transaction of the step that says something.

Rows of a step's list become items; a later meeting answers those that are still open. What was
raised goes with the step when it is undone or corrected. Whether a person may say something of one
item is asked in ``engine.rectification``; nothing here decides that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, insert, select, text, update
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from engine.clock import Clock
from engine.compliance.items import SETTLED, Item, ItemState, corrected, raised_by
from engine.database import Record
from engine.definitions.versions import load_definition
from engine.directory.actors import HeldPost
from engine.directory.models import Person
from engine.errors import N_, Conflict, NotFound
from engine.forms.schema import FormSchema
from engine.ledger.chain import Event
from engine.ledger.kinds import EntryKind
from engine.ledger.models import LedgerEntry
from engine.runtime import store
from engine.runtime.judging import announce_breaches, rejudge
from engine.runtime.models import format_number
from engine.runtime.rectification_models import UNSETTLED, RectificationItem, RectificationNote
from engine.runtime.transitions import Matter

NUMBER: Final = "number"
"""The key under which an entry's payload names the item it is about."""

MOST_OPEN: Final = 200
"""Most items that one meeting answers; the longest due come first."""

_KINDS: Final[Mapping[str, EntryKind]] = {
    "done": EntryKind.ITEM_CLOSED,
    "extended": EntryKind.ITEM_EXTENDED,
    "carried": EntryKind.ITEM_CARRIED,
}


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


# --- what a step raises ---------------------------------------------------------------------------


def number_rows(
    session: Session, instance_id: int, form: FormSchema, data: Mapping[str, Any]
) -> dict[str, list[int]]:
    """Return the numbers of the items that the rows of a step become, by field."""
    rows = {field.key: len(data.get(field.key) or ()) for field in form.raising}
    if not any(rows.values()):
        return {}
    number = _highest(session, instance_id)
    found: dict[str, list[int]] = {}
    for field, count in rows.items():
        found[field] = list(range(number + 1, number + 1 + count))
        number += count
    return found


def raise_items(
    session: Session,
    row: Record,
    matter: Matter,
    element: str,
    data: Mapping[str, Any],
    raised: Mapping[str, Sequence[int]],
    day: date,
    clock: Clock,
) -> None:
    """Write the items of the step that the next entry of the matter in ``row`` records."""
    seq = row.chain_length + 1
    items = raised_by(element, seq, data, raised)
    words = _words(data, raised)
    session.execute(
        insert(RectificationItem),
        [_new(row, matter, item, *words[item.number], day, clock) for item in items],
    )


def withdraw_items(session: Session, instance_id: int, since: int) -> None:
    """Take away the items of the steps that a send-back undid: those since entry ``since``."""
    session.execute(
        update(RectificationItem)
        .where(RectificationItem.instance_id == instance_id, RectificationItem.seq >= since)
        .values(
            state=ItemState.WITHDRAWN.value,
            closed_on=None,
            revision=RectificationItem.revision + 1,
        )
    )


def renumber_rows(
    session: Session,
    instance_id: int,
    seq: int,
    form: FormSchema,
    changed: Mapping[str, Any],
) -> dict[str, list[int]]:
    """Return the numbers of the rows of a corrected step; empty when its lists stay as they are.

    A row with the same problem keeps its number; the others take those left over in their order,
    then new ones.
    """
    if not any(field.key in changed for field in form.raising):
        return {}
    known = session.execute(
        select(RectificationItem.number, RectificationItem.field, RectificationItem.problem)
        .where(
            RectificationItem.instance_id == instance_id,
            RectificationItem.seq == seq,
            RectificationItem.state != ItemState.WITHDRAWN.value,
        )
        .order_by(RectificationItem.number)
    ).all()
    highest = _highest(session, instance_id)
    found: dict[str, list[int]] = {}
    for field in form.raising:
        left = {item.number: item.problem for item in known if item.field == field.key}
        if field.key not in changed:
            found[field.key] = list(left)
            continue
        rows = changed[field.key] or []
        same: dict[int, int] = {}
        for index, wanted in enumerate(rows):
            number = next((n for n, problem in left.items() if problem == wanted["problem"]), None)
            if number is not None:
                same[index] = number
                del left[number]
        numbers = []
        for index in range(len(rows)):
            if index not in same and left:
                same[index] = min(left)
                del left[same[index]]
            if index not in same:
                highest += 1
                same[index] = highest
            numbers.append(same[index])
        found[field.key] = numbers
    return found


def correct_items(
    session: Session,
    row: Record,
    matter: Matter,
    element: str,
    seq: int,
    data: Mapping[str, Any],
    raised: Mapping[str, Sequence[int]],
    day: date,
    clock: Clock,
) -> None:
    """Write the items of a step as they are after its correction; ``data`` is the whole form."""
    rows = session.scalars(
        select(RectificationItem).where(
            RectificationItem.instance_id == row.instance_id, RectificationItem.seq == seq
        )
    ).all()
    known = {item.number: item for item in rows}
    before = [standing_of(i) for i in rows if i.state != ItemState.WITHDRAWN.value]
    words = _words(data, raised)
    for item in corrected(before, element, seq, data, raised):
        field, given = words[item.number]
        kept = known.pop(item.number, None)
        if kept is None:
            session.execute(
                insert(RectificationItem), [_new(row, matter, item, field, given, day, clock)]
            )
            continue
        kept.problem, kept.measure = given["problem"], given["measure"]
        kept.owner_id, kept.raised_on = given["owner"], day
        kept.first_due_on = date.fromisoformat(given["due"])
        _stand(kept, item)
    for gone in known.values():
        gone.state = ItemState.WITHDRAWN.value
        gone.revision += 1
    session.flush()


def _highest(session: Session, instance_id: int) -> int:
    return (
        session.scalar(
            select(func.max(RectificationItem.number)).where(
                RectificationItem.instance_id == instance_id
            )
        )
        or 0
    )


def _words(
    data: Mapping[str, Any], raised: Mapping[str, Sequence[int]]
) -> dict[int, tuple[str, Mapping[str, Any]]]:
    """Return field and row of each item, by its number."""
    return {
        number: (field, row)
        for field, numbers in raised.items()
        for number, row in zip(numbers, data.get(field) or (), strict=True)
    }


def _new(
    row: Record,
    matter: Matter,
    item: Item,
    field: str,
    given: Mapping[str, Any],
    day: date,
    clock: Clock,
) -> dict[str, Any]:
    lists = {f.key: f for f in matter.definition.form_of(item.element).raising}
    return {
        "instance_id": row.instance_id,
        "number": item.number,
        "process_key": matter.definition.package.key,
        "organisation_id": row.organisation_id,
        "path": row.path,
        "element": item.element,
        "field": field,
        "seq": item.seq,
        "owner_closes": lists[field].flag("owner_closes"),
        "problem": given["problem"],
        "measure": given["measure"],
        "owner_id": given["owner"],
        "raised_on": day,
        "first_due_on": item.due,
        "due_on": item.due,
        "state": item.state.value,
        "revision": 1,
        "created_at": clock.now(),
    }


# --- what is said of an item ----------------------------------------------------------------------


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


def _stand(item: RectificationItem, standing: Item) -> None:
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
    payload: dict[str, Any] = {NUMBER: item.number, "seq": item.seq, "text": saying.text}
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
    _stand(item, standing_of(item).after(saying.kind, saying.day, payload))
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


# --- what a later meeting answers -----------------------------------------------------------------


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


_NUMBER = text("SELECT prefix, year, serial FROM instance WHERE id = :id")


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
    number = session.execute(_NUMBER, {"id": row.instance_id}).one()
    for item, there in _locked(session, list(answers)):
        if ItemState(item.state) in SETTLED:
            raise Conflict(N_("整改事项“%(problem)s”已经办结，请刷新页面。"), problem=item.problem)
        answer = answers[item.id]
        due = answer.get("due")
        saying = Saying(
            kind=_KINDS[answer["answer"]],
            day=said.day,
            text=answer.get("reason") or "",
            actor_id=said.actor_id,
            on_behalf_of=said.on_behalf_of,
            post=said.post,
            due=date.fromisoformat(due) if due else None,
            told_by=row.instance_id,
            told_seq=row.chain_length + 1,
            told_number=format_number(number.prefix, number.year, number.serial),
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
    number = session.execute(_NUMBER, {"id": instance_id}).one()
    for item, there in _locked(session, list(told)):
        standing = _without(session, item, instance_id, told[item.id])
        saying = Saying(
            kind=EntryKind.ITEM_REOPENED,
            day=said.day,
            text=reason,
            actor_id=said.actor_id,
            on_behalf_of=said.on_behalf_of,
            post=said.post,
            told_by=instance_id,
            told_seq=told[item.id],
            told_number=format_number(number.prefix, number.year, number.serial),
            standing=standing,
        )
        say(session, there, item, saying, clock)


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
