"""Reads what a form page sent: its fields, files, day, revision and command id."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final
from uuid import UUID, uuid4

from flask import request
from werkzeug.datastructures import MultiDict

from engine.attachments.operations import add_attachment
from engine.attachments.store import FileRefused, Store
from engine.errors import N_
from engine.forms.fields import Field, FieldKind, walk
from engine.forms.schema import FormSchema
from web.context import actor, clock, settings
from web.language import in_words
from web.numbers import row_number

FILE_PREFIX: Final = "_file."
"""Before the name of a file input: its field of the same name holds ids."""
_ROW: Final = re.compile(r"-\d+(?=\.|$)")


@dataclass(frozen=True)
class Posted:
    """A form as it was sent."""

    raw: dict[str, Any]
    occurred_on: date | None
    command_id: UUID
    revision: int | None
    errors: Mapping[str, list[str]] = field(default_factory=dict)
    """Problems with files or the day, by path; what else is wrong the engine finds."""


def attachment_store() -> Store:
    """Return the installation's store of files."""
    return Store(settings().data_dir / "attachments", settings().attachment_max_bytes)


def without_rows(name: str) -> str:
    """Return the path of a field from an input's name: the rows of a list share theirs."""
    return _ROW.sub("", name)


def field_at(schema: FormSchema, name: str) -> Field | None:
    """Return the field that an input's name belongs to."""
    path = without_rows(name)
    return next((f for f in walk(schema.fields) if f.path == path), None)


def read_posted(schema: FormSchema, *, with_files: bool = True) -> Posted:
    """Read the request's form; files are stored at once, so that they survive a refusal."""
    errors: dict[str, list[str]] = {}
    removed = request.form.get("_remove", "") + "."
    values: MultiDict[str, str] = MultiDict(
        (name, value)
        for name, value in request.form.items(multi=True)
        if not name.startswith("_") and not name.startswith(removed)
    )
    if with_files:
        for name, attachment_id in _uploads(schema, errors):
            values.add(name, str(attachment_id))
    raw = schema.from_html(values)
    if wanted := request.form.get("_add"):
        add_row(raw, wanted)
    day = posted_day()
    if day is None:
        errors["occurred_on"] = [in_words(N_("请填写这件事实际发生的日期。"))]
    return Posted(raw, day, posted_command(), posted_revision(), errors)


def posted_day() -> date | None:
    """Return the day that was typed, if it is one."""
    try:
        return date.fromisoformat(request.form.get("_occurred_on", ""))
    except ValueError:
        return None


def posted_command() -> UUID:
    """Return the form's command id: the same on a double submit."""
    try:
        return UUID(request.form.get("_command", ""))
    except ValueError:
        return uuid4()


def posted_revision() -> int | None:
    """Return the revision that the page showed."""
    return request.form.get("_revision", type=row_number)


def _uploads(schema: FormSchema, errors: dict[str, list[str]]) -> Iterator[tuple[str, int]]:
    for prefixed, upload in request.files.items(multi=True):
        name = prefixed.removeprefix(FILE_PREFIX)
        found = field_at(schema, name)
        if not upload.filename or found is None or found.kind is not FieldKind.FILES:
            continue
        try:
            attachment = add_attachment(
                clock(),
                attachment_store(),
                upload.stream,
                name=upload.filename,
                document=found.props.get("document", found.label),
                person_id=actor().person_id,
            )
        except FileRefused as refusal:
            errors.setdefault(name, []).append(in_words(refusal))
        else:
            yield name, attachment.id


def add_row(raw: dict[str, Any], path: str) -> None:
    """Add an empty row to the list at ``path``, as its button asks without JavaScript."""
    *parents, last = path.split(".")
    here: Any = raw
    for part in parents:
        here = here.setdefault(part, {}) if isinstance(here, dict) else None
    if isinstance(here, dict) and isinstance(rows := here.setdefault(last, []), list):
        rows.append({})
