"""Items that a step raises: the rows of its lists. They go with the step, undone or corrected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from engine.clock import Clock
from engine.compliance.items import Item, ItemState, corrected, raised_by
from engine.database import Record
from engine.forms.schema import FormSchema
from engine.runtime.matters import Matter
from engine.runtime.rectification.models import RectificationItem
from engine.runtime.rectification.saying import put_standing, standing_of


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
        put_standing(kept, item)
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
