"""Finds the files that a form's raw data names, and puts others in their place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.forms.fields import Field, FieldKind


def file_ids(fields: Sequence[Field], raw: Mapping[str, Any]) -> set[int]:
    """Return the ids in all file fields of ``raw``, as far as they are numbers."""
    found: set[int] = set()
    _replace(fields, raw, {}, found)
    return found


def with_files(
    fields: Sequence[Field], raw: Mapping[str, Any], others: Mapping[int, int]
) -> dict[str, Any]:
    """Return ``raw`` with other files in its file fields; those not in ``others`` stay."""
    return _replace(fields, raw, others, set())


def _replace(
    fields: Sequence[Field], raw: Mapping[str, Any], others: Mapping[int, int], found: set[int]
) -> dict[str, Any]:
    kept = dict(raw)
    for field in fields:
        if field.kind is FieldKind.GROUP and not field.key:
            kept = _replace(field.children, kept, others, found)
            continue
        value = kept.get(field.key)
        if field.kind is FieldKind.FILES and isinstance(value, list):
            kept[field.key] = [_other(item, others, found) for item in value]
        elif field.kind is FieldKind.LIST and isinstance(value, list):
            kept[field.key] = [
                _replace(field.children, row, others, found) if isinstance(row, Mapping) else row
                for row in value
            ]
        elif field.kind is FieldKind.GROUP and isinstance(value, Mapping):
            kept[field.key] = _replace(field.children, value, others, found)
    return kept


def _other(item: Any, others: Mapping[int, int], found: set[int]) -> Any:
    text = str(item)
    if not text.isdecimal() or len(text) > 17:
        return item
    found.add(int(text))
    return others.get(int(text), item)
