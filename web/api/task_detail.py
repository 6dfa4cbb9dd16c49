"""One task as JSON has it, with its form and all that is needed to do it."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from engine.runtime.views import TaskView
from web.api.fields import Shape
from web.api.forms import FormSchemaSchema, PersonChoiceSchema, form_shape
from web.api.records import (
    BasisSchema,
    StepSchema,
    TaskSchema,
    basis_shapes,
    step_shape,
    task_shape,
)
from web.api.replies import day, moment


class TargetSchema(Shape):
    """A step to which a task may be sent back."""

    element = fields.String(required=True)
    title = fields.String(required=True)


class TaskDetailSchema(TaskSchema):
    """A task with its form and all that is needed to do it."""

    action = fields.String(required=True)
    description = fields.String(required=True)
    basis = fields.List(fields.Nested(BasisSchema), required=True)
    occurred_on = fields.Date(required=True, metadata={"description": "The form's day."})
    form = fields.Nested(FormSchemaSchema, required=True)
    draft_saved_at = fields.DateTime(required=True, allow_none=True)
    may = fields.List(
        fields.String(), required=True, metadata={"description": "The commands allowed now."}
    )
    why = fields.String(required=True)
    candidates = fields.List(fields.String(), required=True)
    send_back_targets = fields.List(fields.Nested(TargetSchema), required=True)
    delegates = fields.List(fields.Nested(PersonChoiceSchema), required=True)
    send_back_reason = fields.String(required=True, allow_none=True)
    previous = fields.List(fields.Nested(StepSchema), required=True)


def task_detail(view: TaskView) -> dict[str, Any]:
    """Return a task with its form."""
    row = view.row
    return {
        **task_shape(row),
        "action": row.action,
        "description": row.description,
        "basis": basis_shapes(view.grounds),
        "occurred_on": day(view.occurred_on),
        "form": form_shape(view.form, view.values, view.context),
        "draft_saved_at": moment(view.draft_saved_at),
        "may": sorted(view.may),
        "why": view.why,
        "candidates": list(view.candidates),
        "send_back_targets": [
            {"element": element, "title": title} for element, title in view.send_back_targets
        ],
        "delegates": [
            {"id": who.id, "name": who.name, "detail": who.detail} for who in view.delegates
        ],
        "send_back_reason": view.send_back_reason,
        "previous": [step_shape(record) for record in view.previous],
    }
