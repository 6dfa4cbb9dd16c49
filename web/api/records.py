"""Rows of the engine as JSON has them, and the schemas that describe them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from marshmallow import fields

from engine.compliance.grounds import Ground
from engine.definitions.package import Basis
from engine.runtime.queries.readings import Reading
from engine.runtime.views import AttachmentRef, HistoryEntry, MatterRow, StepRecord, TaskRow
from web.api.fields import Shape
from web.api.replies import day, moment

# --- tasks --------------------------------------------------------------------------------------


class BasisSchema(Shape):
    """The article that demands a step."""

    regulation = fields.String(required=True)
    edition = fields.String(required=True)
    article = fields.String(required=True)
    text = fields.String(required=True)


class TaskSchema(Shape):
    """A task as one line of a list."""

    id = fields.Integer(required=True)
    revision = fields.Integer(required=True)
    state = fields.String(required=True)
    instance_id = fields.Integer(required=True)
    instance_number = fields.String(required=True)
    process = fields.String(required=True)
    process_title = fields.String(required=True)
    stage = fields.String(required=True, allow_none=True)
    element = fields.String(required=True)
    step_number = fields.String(required=True, allow_none=True)
    title = fields.String(required=True)
    subject_id = fields.Integer(required=True, allow_none=True)
    subject_name = fields.String(required=True)
    organisation_id = fields.Integer(required=True)
    organisation_name = fields.String(required=True)
    for_id = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "Whose task it is, where each of a list of people has one."},
    )
    for_name = fields.String(required=True)
    due_on = fields.Date(required=True, allow_none=True)
    earliest_on = fields.Date(required=True, allow_none=True)
    not_before = fields.Date(required=True, allow_none=True)
    workdays_left = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "Working days until the limit; calendar days over it, negative."},
    )
    claimed_by = fields.Integer(required=True, allow_none=True)
    claimed_by_name = fields.String(required=True, allow_none=True)
    waiting_for = fields.String(required=True)
    has_draft = fields.Boolean(required=True)
    returned = fields.Boolean(required=True)
    created_at = fields.DateTime(required=True)
    closed_at = fields.DateTime(required=True, allow_none=True)


def task_shape(row: TaskRow) -> dict[str, Any]:
    """Return a task as one line of a list."""
    return {
        "id": row.id,
        "revision": row.revision,
        "state": row.state,
        "instance_id": row.instance_id,
        "instance_number": row.matter_number,
        "process": row.process_key,
        "process_title": row.process_title,
        "stage": row.stage_title,
        "element": row.element,
        "step_number": row.step_number,
        "title": row.title,
        "subject_id": row.subject_id,
        "subject_name": row.subject_name,
        "organisation_id": row.organisation_id,
        "organisation_name": row.organisation_name,
        "for_id": row.for_id,
        "for_name": row.for_name,
        "due_on": day(row.due_on),
        "earliest_on": day(row.earliest_on),
        "not_before": day(row.not_before),
        "workdays_left": row.workdays_left,
        "claimed_by": row.claimed_by,
        "claimed_by_name": row.claimed_by_name,
        "waiting_for": row.waiting_for,
        "has_draft": row.has_draft,
        "returned": row.returned,
        "created_at": moment(row.created_at),
        "closed_at": moment(row.closed_at),
    }


def basis_shapes(basis: Iterable[Basis | Ground]) -> list[dict[str, str]]:
    """Return the articles that demand a step."""
    return [
        {"regulation": b.regulation, "edition": b.edition, "article": b.article, "text": b.text}
        for b in basis
    ]


# --- process instances --------------------------------------------------------------------------


class InstanceSchema(Shape):
    """A process instance as one line of a list."""

    id = fields.Integer(required=True)
    revision = fields.Integer(required=True)
    number = fields.String(required=True)
    process = fields.String(required=True)
    process_title = fields.String(required=True)
    version_id = fields.Integer(required=True)
    status = fields.String(required=True)
    outcome = fields.String(required=True, allow_none=True)
    outcome_title = fields.String(required=True, allow_none=True)
    stage = fields.String(required=True, allow_none=True)
    now = fields.List(fields.String(), required=True)
    subject_id = fields.Integer(required=True, allow_none=True)
    subject_name = fields.String(required=True)
    organisation_id = fields.Integer(required=True)
    organisation_name = fields.String(required=True)
    started_on = fields.Date(required=True)
    ended_on = fields.Date(required=True, allow_none=True)
    backfilled = fields.Boolean(required=True)


def instance_shape(row: MatterRow) -> dict[str, Any]:
    """Return a process instance as one line of a list."""
    return {
        "id": row.id,
        "revision": row.revision,
        "number": row.number,
        "process": row.process_key,
        "process_title": row.process_title,
        "version_id": row.version_id,
        "status": row.status.value,
        "outcome": row.outcome,
        "outcome_title": row.outcome_title,
        "stage": row.stage_title,
        "now": list(row.now),
        "subject_id": row.subject_id,
        "subject_name": row.subject_name,
        "organisation_id": row.organisation_id,
        "organisation_name": row.organisation_name,
        "started_on": day(row.started_on),
        "ended_on": day(row.ended_on),
        "backfilled": row.backfilled,
    }


# --- what happened ------------------------------------------------------------------------------


class FileSchema(Shape):
    """A file of a process instance."""

    id = fields.Integer(required=True)
    name = fields.String(required=True)
    document = fields.String(required=True)
    media_type = fields.String(required=True)
    size = fields.Integer(required=True)
    uploaded_at = fields.DateTime(required=True)


class AnswerSchema(Shape):
    """A label of a form and what was entered, in words."""

    label = fields.String(required=True)
    text = fields.String(required=True)


class StepSchema(Shape):
    """One completion of a task."""

    seq = fields.Integer(required=True, metadata={"description": "Its entry in the ledger."})
    element = fields.String(required=True)
    number = fields.String(required=True, allow_none=True)
    title = fields.String(required=True)
    occurred_on = fields.Date(required=True)
    recorded_at = fields.DateTime(required=True)
    person_id = fields.Integer(required=True, allow_none=True)
    person_name = fields.String(required=True)
    post = fields.String(required=True, allow_none=True)
    on_behalf_of = fields.String(required=True, allow_none=True)
    backfilled = fields.Boolean(required=True)
    undone = fields.Boolean(
        required=True, metadata={"description": "A later send-back went back to before this."}
    )
    data = fields.List(fields.Nested(AnswerSchema), required=True)
    documents = fields.List(fields.Nested(FileSchema), required=True)


class EntrySchema(Shape):
    """One entry of the ledger."""

    seq = fields.Integer(required=True)
    kind = fields.String(required=True)
    kind_title = fields.String(required=True)
    recorded_at = fields.DateTime(required=True)
    occurred_on = fields.Date(required=True, allow_none=True)
    actor_name = fields.String(required=True)
    on_behalf_of = fields.String(required=True, allow_none=True)
    text = fields.String(required=True)
    reason = fields.String(required=True)
    digest = fields.String(required=True, metadata={"description": "Hexadecimal."})


class ReadingSchema(Shape):
    """One look at sensitive material of a matter."""

    at = fields.DateTime(required=True)
    kind = fields.String(required=True, metadata={"description": "``read`` or ``exported``."})
    person_name = fields.String(required=True)
    post = fields.String(required=True, allow_none=True)
    on_behalf_of = fields.String(required=True, allow_none=True)
    documents = fields.List(fields.String(), required=True)


def file_shape(file: AttachmentRef) -> dict[str, Any]:
    """Return a file."""
    return {
        "id": file.id,
        "name": file.name,
        "document": file.document,
        "media_type": file.media_type,
        "size": file.size,
        "uploaded_at": moment(file.uploaded_at),
    }


def step_shape(record: StepRecord) -> dict[str, Any]:
    """Return one completion of a task."""
    return {
        "seq": record.seq,
        "element": record.element,
        "number": record.number,
        "title": record.title,
        "occurred_on": day(record.occurred_on),
        "recorded_at": moment(record.recorded_at),
        "person_id": record.person_id,
        "person_name": record.person_name,
        "post": record.post,
        "on_behalf_of": record.on_behalf_of,
        "backfilled": record.backfilled,
        "undone": record.undone,
        "data": [{"label": label, "text": text} for label, text in record.data],
        "documents": [file_shape(file) for file in record.documents],
    }


def entry_shape(entry: HistoryEntry) -> dict[str, Any]:
    """Return one entry of the ledger."""
    return {
        "seq": entry.seq,
        "kind": entry.kind,
        "kind_title": entry.kind_label,
        "recorded_at": moment(entry.at),
        "occurred_on": day(entry.occurred_on),
        "actor_name": entry.actor_name,
        "on_behalf_of": entry.on_behalf_of,
        "text": entry.text,
        "reason": entry.reason,
        "digest": entry.digest,
    }


def reading_shape(found: Reading) -> dict[str, Any]:
    """Return one look at sensitive material."""
    return {
        "at": moment(found.at),
        "kind": found.kind.value,
        "person_name": found.person_name,
        "post": found.post,
        "on_behalf_of": found.on_behalf_of,
        "documents": list(found.documents),
    }


class OpenedSchema(Shape):
    """A task that a command has opened."""

    id = fields.Integer(required=True)
    element = fields.String(required=True)


class DoneSchema(Shape):
    """What a command came to."""

    instance_id = fields.Integer(required=True)
    opened = fields.List(fields.Nested(OpenedSchema), required=True)
    ended = fields.Boolean(required=True, metadata={"description": "The instance has ended."})
