"""What people see of the rectification ledger: own items, lists, one item with its history."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from sqlalchemy import Select, and_, func, or_, select, tuple_
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from engine.attachments.models import Attachment, Blob
from engine.clock import Clock
from engine.compliance.items import SETTLED, ItemState
from engine.definitions.models import ProcessVersion
from engine.definitions.versions import load_definition
from engine.directory.actors import Actor
from engine.directory.models import Organisation, Person
from engine.directory.policy import Action, SupervisedColumns, may, require, supervised
from engine.directory.rights import LEADING
from engine.errors import NotFound
from engine.ledger.kinds import EntryKind
from engine.rectification.commands import DEEDS, item_view
from engine.rectification.views import Evidence, ItemFilter, ItemPage, ItemRow, NoteRow, Work
from engine.runtime.models import MATTER_COLUMNS, Instance, format_number
from engine.runtime.queries.cursors import day_and_id
from engine.runtime.queries.inbox import escaped
from engine.runtime.queries.rows import Names
from engine.runtime.rectification.models import UNSETTLED, RectificationItem, RectificationNote

BATCH: Final = 500
_COLUMNS = SupervisedColumns(
    RectificationItem.instance_id, RectificationItem.organisation_id, RectificationItem.path
)


def items_seen(actor: Actor) -> ColumnElement[bool]:
    """Return the clause for the items that the actor may see (Action.VIEW_ITEM)."""
    return or_(
        RectificationItem.owner_id == actor.person_id,
        supervised(actor, _COLUMNS, MATTER_COLUMNS),
    )


def list_items(
    session: Session,
    actor: Actor,
    wanted: ItemFilter,
    today: date,
    *,
    cursor: str | None = None,
    limit: int = 50,
) -> tuple[tuple[ItemRow, ...], str | None]:
    """Return a page of the items that the actor may see, those due first in front.

    Raises InvalidInput for a cursor that we did not give.
    """
    query = (
        _rows()
        .where(items_seen(actor), *_conditions(session, wanted, today))
        .order_by(RectificationItem.due_on, RectificationItem.id)
        .limit(limit + 1)
    )
    if cursor:
        query = query.where(
            tuple_(RectificationItem.due_on, RectificationItem.id) > tuple_(*day_and_id(cursor))
        )
    rows = _read(session, query)
    more = f"{rows[limit - 1].due_on.isoformat()}.{rows[limit - 1].id}" if len(rows) > limit else ""
    return tuple(rows[:limit]), more or None


def count_items(session: Session, actor: Actor, wanted: ItemFilter, today: date) -> int:
    """Return how many items a filter finds, up to a thousand."""
    found = (
        select(RectificationItem.id)
        .where(items_seen(actor), *_conditions(session, wanted, today))
        .limit(1000)
    )
    return session.scalar(select(func.count()).select_from(found.subquery())) or 0


def work_of(session: Session, actor: Actor, *, limit: int = 5) -> Work:
    """Return what of the ledger waits for the actor: first lines and counts."""
    mine = and_(RectificationItem.owner_id == actor.person_id, UNSETTLED)
    places = {post.organisation_id for post in actor.posts if post.kind in LEADING}
    waiting = and_(
        RectificationItem.organisation_id.in_(sorted(places)),
        RectificationItem.state == ItemState.DONE.value,
        or_(
            RectificationItem.owner_id != actor.person_id, RectificationItem.owner_closes.is_(True)
        ),
        supervised(actor, _COLUMNS, MATTER_COLUMNS),
    )
    lines, counts = [], []
    for clause in (mine, waiting) if places else (mine,):
        query = _rows().where(clause).order_by(RectificationItem.due_on, RectificationItem.id)
        rows = _read(session, query.limit(limit + 1))
        count = len(rows)
        if count > limit:
            count = session.scalar(select(func.count(RectificationItem.id)).where(clause)) or 0
        lines.append(tuple(rows[:limit]))
        counts.append(count)
    if not places:
        return Work(lines[0], counts[0], (), 0)
    return Work(lines[0], counts[0], lines[1], counts[1])


def items_of_matter(session: Session, actor: Actor, instance_id: int) -> tuple[ItemRow, ...]:
    """Return the items that a matter raised, as far as the actor may see them, in their order."""
    query = _rows().where(items_seen(actor), RectificationItem.instance_id == instance_id)
    return tuple(_read(session, query.order_by(RectificationItem.number)))


def show_item(session: Session, actor: Actor, clock: Clock, item_id: int) -> ItemPage:
    """Return an item with its history. Raises NotFound where it is not to be seen."""
    item = session.get(RectificationItem, item_id, populate_existing=True)
    if item is None:
        raise NotFound
    subject_id = session.scalar(select(Instance.subject_id).where(Instance.id == item.instance_id))
    view = item_view(item, subject_id)
    require(actor, Action.VIEW_ITEM, view)
    row = _read(session, _rows().where(RectificationItem.id == item_id))[0]
    able = frozenset(name for name, deed in DEEDS.items() if may(actor, deed.action, view))
    if row.state is ItemState.WITHDRAWN:
        able = frozenset()
    seen = select(Instance.id).where(
        Instance.id == item.instance_id,
        supervised(actor, SupervisedColumns(*_MATTER), MATTER_COLUMNS),
    )
    return ItemPage(row, _notes(session, item_id), able, session.scalar(seen) is not None)


_MATTER = (Instance.id, Instance.organisation_id, Instance.path)


def evidence_of(session: Session, actor: Actor, item_id: int, attachment_id: int) -> Evidence:
    """Return a file of an item's history. Raises NotFound."""
    item = session.get(RectificationItem, item_id)
    if item is None:
        raise NotFound
    subject_id = session.scalar(select(Instance.subject_id).where(Instance.id == item.instance_id))
    require(actor, Action.VIEW_ITEM, item_view(item, subject_id))
    for note in _notes(session, item_id):
        for file in note.files:
            if file.id == attachment_id:
                return file
    raise NotFound


def process_choices(session: Session) -> tuple[tuple[str, str], ...]:
    """Return key and title of the procedures that have raised items."""
    keys = select(RectificationItem.process_key).distinct()
    rows = session.execute(
        select(ProcessVersion.key, ProcessVersion.title)
        .where(ProcessVersion.active, ProcessVersion.key.in_(keys))
        .order_by(ProcessVersion.key)
    )
    return tuple((row.key, row.title) for row in rows)


def place_choices(
    session: Session, actor: Actor, today: date, *, limit: int = 200
) -> tuple[tuple[int, str], ...]:
    """Return the organisations of the items that the actor may see."""
    rows = session.execute(
        select(Organisation.id, Organisation.short_name)
        .where(
            Organisation.id.in_(select(RectificationItem.organisation_id).where(items_seen(actor)))
        )
        .order_by(Organisation.path)
        .limit(limit)
    )
    return tuple((row.id, row.short_name) for row in rows)


# --- inside -------------------------------------------------------------------------------------


def _rows() -> Select[*tuple[Any, ...]]:
    return (
        select(
            RectificationItem,
            Instance.version_id,
            Instance.prefix,
            Instance.year,
            Instance.serial,
            Organisation.short_name,
            Person.name,
        )
        .join(Instance, Instance.id == RectificationItem.instance_id)
        .join(Organisation, Organisation.id == RectificationItem.organisation_id)
        .join(Person, Person.id == RectificationItem.owner_id)
    )


def _read(session: Session, query: Select[*tuple[Any, ...]]) -> list[ItemRow]:
    found = []
    for item, version_id, prefix, year, serial, place, owner in session.execute(
        query.execution_options(populate_existing=True)
    ):
        package = load_definition(session, version_id).package
        step = package.steps.get(item.element)
        found.append(
            ItemRow(
                id=item.id,
                number=item.number,
                instance_id=item.instance_id,
                matter_number=format_number(prefix, year, serial),
                process_key=item.process_key,
                process_title=package.title,
                organisation_id=item.organisation_id,
                organisation_name=place,
                step_title=step.title if step else item.element,
                problem=item.problem,
                measure=item.measure,
                owner_id=item.owner_id,
                owner_name=owner,
                raised_on=item.raised_on,
                first_due_on=item.first_due_on,
                due_on=item.due_on,
                missed_on=item.missed_on,
                state=ItemState(item.state),
                closed_on=item.closed_on,
                revision=item.revision,
            )
        )
    return found


def _conditions(session: Session, wanted: ItemFilter, today: date) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    settled = RectificationItem.state.in_([state.value for state in SETTLED])
    if wanted.state is not None:
        found.append(RectificationItem.state == wanted.state.value)
    elif wanted.settled is not None:
        found.append(settled if wanted.settled else UNSETTLED)
    if wanted.organisation_id is not None:
        path = session.scalar(
            select(Organisation.path).where(Organisation.id == wanted.organisation_id)
        )
        if path is None:
            raise NotFound
        found.append(RectificationItem.path.like(f"{path}%"))
    if wanted.process is not None:
        found.append(RectificationItem.process_key == wanted.process)
    if wanted.owner_id is not None:
        found.append(RectificationItem.owner_id == wanted.owner_id)
    if wanted.instance_id is not None:
        found.append(RectificationItem.instance_id == wanted.instance_id)
    if wanted.overdue:
        found += [UNSETTLED, RectificationItem.due_on < today]
    if words := wanted.text.strip()[:100]:
        like = f"%{escaped(words)}%"
        owners = select(Person.id).where(Person.name.like(like))
        found.append(
            or_(
                RectificationItem.problem.like(like),
                RectificationItem.measure.like(like),
                RectificationItem.owner_id.in_(owners),
            )
        )
    return found


def _notes(session: Session, item_id: int) -> tuple[NoteRow, ...]:
    notes = session.scalars(
        select(RectificationNote)
        .where(RectificationNote.item_id == item_id)
        .order_by(RectificationNote.id.desc())
    ).all()
    names = Names(session)
    people = {
        row.id: row.name
        for row in session.execute(
            select(Person.id, Person.name).where(Person.id.in_({n.person_id for n in notes}))
        )
    }
    told = {
        row.id: format_number(row.prefix, row.year, row.serial)
        for row in session.execute(
            select(Instance.id, Instance.prefix, Instance.year, Instance.serial).where(
                Instance.id.in_({n.told_by for n in notes if n.told_by is not None})
            )
        )
    }
    files = _files(session, [number for note in notes for number in note.files])
    return tuple(
        NoteRow(
            kind=EntryKind(note.kind),
            text=note.text,
            done=note.done,
            day=note.day,
            due_on=note.due_on,
            person_name=people.get(note.person_id, ""),
            post=names.principal(note.post) if note.post else None,
            written_at=note.written_at,
            seq=note.seq,
            files=tuple(files[number] for number in note.files if number in files),
            told_number=told.get(note.told_by, "") if note.told_by is not None else "",
            told_by=note.told_by,
        )
        for note in notes
    )


def _files(session: Session, ids: Sequence[int]) -> dict[int, Evidence]:
    if not ids:
        return {}
    rows = session.execute(
        select(Attachment.id, Attachment.name, Attachment.sha256, Blob.size, Blob.media_type)
        .join(Blob, Blob.sha256 == Attachment.sha256)
        .where(Attachment.id.in_(ids))
    )
    return {r.id: Evidence(r.id, r.name, r.size, r.media_type, r.sha256) for r in rows}
