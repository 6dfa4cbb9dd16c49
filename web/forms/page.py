"""The form part of a task page or a start page: fields, errors, and what is remembered."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID, uuid4

from flask import render_template, request
from flask_babel import gettext
from sqlalchemy import select

from engine.attachments.models import Attachment, Blob
from engine.errors import InvalidInput
from engine.forms.fields import FieldKind, FormContext, walk
from engine.forms.schema import FormSchema
from web.context import reading, settings
from web.forms.posted import FILE_PREFIX, Posted, without_rows
from web.forms.rendering import (
    Drawing,
    FieldView,
    FileView,
    draw,
    element_id,
    speaking,
)
from web.language import in_words


@dataclass(frozen=True)
class ErrorLine:
    """One line of the list above the form; ``target`` is the element it links to."""

    target: str
    label: str
    words: str


@dataclass(frozen=True)
class Chosen:
    """Whom and what a matter that is being started is about."""

    subject_id: int | None
    organisation_id: int


@dataclass(frozen=True)
class FormPage:
    """What the templates draw of a form."""

    fields: tuple[FieldView, ...]
    hidden: tuple[str, ...]
    errors: tuple[ErrorLine, ...]
    occurred_on: str
    day_errors: tuple[str, ...]
    subject: str
    subject_errors: tuple[str, ...]
    organisation: str
    command_id: UUID

    @property
    def speaking(self) -> tuple[FieldView, ...]:
        """The fields that say something while one types."""
        return speaking(self.fields)


def form_page(
    schema: FormSchema,
    context: FormContext,
    values: Mapping[str, Any],
    *,
    occurred_on: date | None,
    upload_url: str = "",
    errors: Mapping[str, Sequence[str]] | None = None,
    prefilled: bool = False,
    command_id: UUID | None = None,
    chosen: Chosen | None = None,
) -> FormPage:
    """Build the form part of a page. ``values`` are raw, as a post or a draft gives them."""
    errors = {path: [in_words(w) for w in words] for path, words in (errors or {}).items()}
    hidden = schema.hidden(values, context)
    drawing = Drawing(
        schema=schema,
        entry=schema.entry(values, context),
        context=context,
        values=values,
        errors=errors,
        hidden=hidden,
        files=_files(schema, values),
        upload_url=upload_url,
        max_bytes=settings().attachment_max_bytes,
        prefilled=_filled(schema, values) if prefilled else (),
    )
    views = draw(schema.fields, drawing)
    return FormPage(
        fields=views,
        hidden=tuple(sorted(hidden)),
        errors=tuple(_lines(schema, errors)),
        occurred_on=occurred_on.isoformat() if occurred_on else "",
        day_errors=tuple(errors.get("occurred_on", ())),
        subject=str((chosen and chosen.subject_id) or ""),
        subject_errors=tuple(errors.get("subject", ())),
        organisation=str((chosen and chosen.organisation_id) or ""),
        command_id=command_id or uuid4(),
    )


def posted_page(
    schema: FormSchema,
    context: FormContext,
    posted: Posted,
    refusal: InvalidInput | None = None,
    *,
    upload_url: str = "",
    chosen: Chosen | None = None,
) -> FormPage:
    """Build the form part of a page from what was sent, with what was said against it."""
    return form_page(
        schema,
        context,
        posted.raw,
        occurred_on=posted.occurred_on,
        upload_url=upload_url,
        errors=merge_errors({}, refusal) if refusal else posted.errors,
        command_id=posted.command_id,
        chosen=chosen,
    )


def file_box(page: FormPage) -> str:
    """Draw the field anew in which a file was chosen just now."""
    found = field_view(page, request.headers.get("HX-Trigger-Name", "").removeprefix(FILE_PREFIX))
    if found is None:
        raise InvalidInput
    return render_template("forms/file_box.html", f=found)


def merge_errors(
    first: Mapping[str, Sequence[str]], refusal: InvalidInput | None
) -> dict[str, list[str]]:
    """Join problems of the page itself with those the engine found."""
    merged = {path: list(words) for path, words in first.items()}
    if refusal is not None:
        for path, words in refusal.fields.items():
            merged.setdefault(path, []).extend(words)
        if not refusal.fields:
            merged.setdefault("", []).append(in_words(refusal))
    return merged


def field_view(page: FormPage, path: str) -> FieldView | None:
    """Return one field of the page, wherever it stands."""
    return _find(page.fields, path)


def _find(views: Iterable[FieldView], path: str) -> FieldView | None:
    for view in views:
        if view.path == path:
            return view
        inner = (*view.children, *(child for item in view.items for child in item))
        if found := _find(inner, path):
            return found
    return None


def _files(schema: FormSchema, values: Mapping[str, Any]) -> dict[int, FileView]:
    if not any(f.kind is FieldKind.FILES for f in walk(schema.fields)):
        return {}
    ids = sorted(_numbers(values))[:500]
    if not ids:
        return {}
    rows = reading().execute(
        select(Attachment.id, Attachment.name, Blob.size)
        .join(Blob, Blob.sha256 == Attachment.sha256)
        .where(Attachment.id.in_(ids))
    )
    return {row.id: FileView(row.id, row.name, row.size) for row in rows}


def _numbers(value: Any) -> set[int]:
    """Return every list item that could be a file's id; only file fields look theirs up."""
    if isinstance(value, Mapping):
        return {n for inner in value.values() for n in _numbers(inner)}
    if isinstance(value, list):
        return {n for inner in value for n in (_numbers(inner) or _number(inner))}
    return set()


def _number(value: Any) -> set[int]:
    text = str(value)
    return {int(text)} if text.isdecimal() and len(text) < 18 else set()


def _filled(schema: FormSchema, values: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(
        f.path
        for f in schema.fields
        if f.prefill is not None and values.get(f.key) not in (None, "", [])
    )


def _lines(schema: FormSchema, errors: Mapping[str, Sequence[str]]) -> list[ErrorLine]:
    known = {f.path for f in walk(schema.fields)}
    page = {
        "occurred_on": gettext("发生日期"),
        "subject": gettext("当事人"),
        "organisation": gettext("所在党组织"),
        "reason": gettext("更正的理由和依据"),
    }
    lines: list[ErrorLine] = []
    for path, words in errors.items():
        target, label = _target(known, path), schema.label(path)
        if path in page and path not in known:
            target, label = path, page[path]
        lines.extend(ErrorLine(target, label, w) for w in words)
    return lines


def _target(known: Collection[str], path: str) -> str:
    """Return the element to go to; what lies below a meeting or a vote is the meeting's."""
    parts = path.split(".")
    for length in range(len(parts), 0, -1):
        here = ".".join(parts[:length])
        if without_rows(here) in known:
            return element_id(here)
    return ""
