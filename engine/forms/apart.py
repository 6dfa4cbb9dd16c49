"""What of the answers is about single people, and not for all who may see the matter.

A field with ``readers = "concerned"`` is read whole by those who lead and those who supervise
(``Action.VIEW_EACH`` of the access policy) and by whoever recorded it. Everybody else reads of it
only what is about themselves: their own name in a list of people, their own rows of a list, and of
anything else nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from engine.forms.fields import Field, FieldKind

CONCERNED: Final = "concerned"


def is_apart(field: Field) -> bool:
    """Tell whether only the people concerned read the field, besides those who lead."""
    return field.props.get("readers") == CONCERNED


def part_for(fields: Sequence[Field], data: Mapping[str, Any], person_id: int) -> dict[str, Any]:
    """Return of a step's data what a person may read who sees only what is about themselves."""
    kept = dict(data)
    for field in fields:
        if is_apart(field):
            _keep_own(field, kept, person_id)
        elif field.kind is FieldKind.GROUP and not field.key:
            kept = part_for(field.children, kept, person_id)
        elif field.kind is FieldKind.GROUP and isinstance(kept.get(field.key), Mapping):
            kept[field.key] = part_for(field.children, kept[field.key], person_id)
    return kept


def person_column(field: Field) -> Field | None:
    """Return the column that says whom a row of a list is about: the first that names a person."""
    return next((child for child in field.children if child.kind is FieldKind.PERSON), None)


def _keep_own(field: Field, kept: dict[str, Any], person_id: int) -> None:
    if field.kind is FieldKind.GROUP and not field.key:
        for child in field.children:
            _keep_own(child, kept, person_id)
        return
    own = _own(field, kept.pop(field.key, None), person_id)
    if own:
        kept[field.key] = own


def _own(field: Field, value: Any, person_id: int) -> Any:
    match field.kind:
        case FieldKind.PERSON:
            return value if value == person_id else None
        case FieldKind.PEOPLE:
            return [one for one in value or () if one == person_id]
        case FieldKind.LIST:
            column = person_column(field)
            rows = value if column is not None and isinstance(value, list) else ()
            return [row for row in rows if column and row.get(column.key) == person_id]
    return None
