"""One process instance as JSON has it, with its stages and what may be done to it."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from engine.runtime.views import MatterView
from web.api.fields import Shape
from web.api.records import FileSchema, InstanceSchema, file_shape, instance_shape
from web.api.replies import day


class StageSchema(Shape):
    """A stage of the procedure, and where it stands."""

    id = fields.String(required=True)
    number = fields.String(required=True)
    title = fields.String(required=True)
    state = fields.String(required=True)
    steps = fields.List(fields.Nested(lambda: StepStateSchema()), required=True)


class StepStateSchema(Shape):
    """A step of the procedure, and where it stands; its rounds are under ``/steps``."""

    element = fields.String(required=True)
    number = fields.String(required=True, allow_none=True)
    title = fields.String(required=True)
    state = fields.String(required=True)
    rounds = fields.Integer(required=True)
    task_id = fields.Integer(
        required=True, allow_none=True, metadata={"description": "Its task, if it is one's own."}
    )
    waiting_for = fields.String(required=True, allow_none=True)
    due_on = fields.Date(required=True, allow_none=True)
    earliest_on = fields.Date(required=True, allow_none=True)


class TimerSchema(Shape):
    """What the instance waits for by itself."""

    element = fields.String(required=True)
    title = fields.String(required=True)
    until = fields.Date(required=True)


class MessageSchema(Shape):
    """A message that may be sent to the instance now."""

    message = fields.String(required=True)
    title = fields.String(required=True)


class ParticipantSchema(Shape):
    """A role in the instance and who has it."""

    role = fields.String(required=True)
    people = fields.List(fields.String(), required=True)


class InstanceDetailSchema(InstanceSchema):
    """A process instance as far as one may see it."""

    stages = fields.List(fields.Nested(StageSchema), required=True)
    timers = fields.List(fields.Nested(TimerSchema), required=True)
    messages = fields.List(fields.Nested(MessageSchema), required=True)
    participants = fields.List(fields.Nested(ParticipantSchema), required=True)
    documents = fields.List(fields.Nested(FileSchema), required=True)
    diagram = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        required=True,
        metadata={"description": "By BPMN element: done, now or skipped."},
    )
    may = fields.List(fields.String(), required=True)


def instance_detail(view: MatterView) -> dict[str, Any]:
    """Return a process instance as far as the actor may see it."""
    return {
        **instance_shape(view.row),
        "stages": [
            {
                "id": stage.id,
                "number": stage.number,
                "title": stage.title,
                "state": stage.state.value,
                "steps": [
                    {
                        "element": step.element,
                        "number": step.number,
                        "title": step.title,
                        "state": step.state.value,
                        "rounds": len(step.records),
                        "task_id": step.task_id,
                        "waiting_for": step.waiting_for,
                        "due_on": day(step.due_on),
                        "earliest_on": day(step.earliest_on),
                    }
                    for step in stage.steps
                ],
            }
            for stage in view.stages
        ],
        "timers": [
            {"element": t.element, "title": t.title, "until": day(t.until)} for t in view.timers
        ],
        "messages": [{"message": key, "title": title} for key, title in view.messages],
        "participants": [
            {"role": role, "people": list(people)} for role, people in view.participants
        ],
        "documents": [file_shape(file) for file in view.documents],
        "diagram": dict(view.diagram),
        "may": sorted(view.may),
    }
