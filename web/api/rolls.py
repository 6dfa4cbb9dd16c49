"""``/process-instances/…/rolls``: who is done and who is missing in a step with a task for each."""

from __future__ import annotations

from typing import Any

from flask import Response
from marshmallow import fields

from engine.errors import InvalidInput
from engine.runtime import operations
from engine.runtime.queries.rolls import rolls
from engine.runtime.views import RollView
from web.api.auth import actor
from web.api.blueprint import Blueprint, answers, body, commands
from web.api.conditions import carry, seen_revision
from web.api.fields import Day, Shape, Text, Whole
from web.api.openapi import PREFIX
from web.api.records import DoneSchema
from web.api.replies import day, reply
from web.context import clock, reading

blueprint = Blueprint(
    "api-rolls",
    __name__,
    url_prefix=f"{PREFIX}/process-instances",
    description="Lists of people of a step with a task for each (参与人).",
)


class TakingSchema(Shape):
    """A person on a list."""

    person_id = fields.Integer(required=True)
    name = fields.String(required=True)
    state = fields.String(required=True, metadata={"description": "missing, done or left"})
    since = fields.Date(required=True, allow_none=True)
    done_on = fields.Date(required=True, allow_none=True)
    joined_on = fields.Date(required=True, allow_none=True)
    left_on = fields.Date(required=True, allow_none=True)
    reason = fields.String(required=True)
    task_id = fields.Integer(required=True, allow_none=True)


class RollSchema(Shape):
    """The list of a step with a task for each; the names for those who may read them."""

    element = fields.String(required=True)
    title = fields.String(required=True)
    done = fields.Integer(required=True)
    missing = fields.Integer(required=True)
    left = fields.Integer(required=True)
    reminded_on = fields.Date(required=True, allow_none=True)
    may_remind = fields.Boolean(required=True)
    may_change = fields.Boolean(required=True)
    people = fields.List(fields.Nested(TakingSchema), required=True)


class RollsSchema(Shape):
    """The lists of a process instance."""

    rolls = fields.List(fields.Nested(RollSchema), required=True)


class ComingBody(Shape):
    """Who came late or left, when and why."""

    person_id = Whole(required=True)
    reason = Text(longest=2000, required=True)
    occurred_on = Day(load_default=None, allow_none=True)


@blueprint.get("/<id:instance_id>/rolls", errors=(404,))
@answers(200, RollsSchema)
def list_rolls(instance_id: int) -> Response:
    """List who is done and who is missing in the steps with a task for each person"""
    found = rolls(reading(), actor(), clock(), instance_id)
    return reply({"rolls": [_shape(roll) for roll in found]})


@blueprint.post("/<id:instance_id>/rolls/<key:element>/people", errors=(403, 404))
@commands
@body(ComingBody)
@answers(200, DoneSchema)
def add_person(given: dict[str, Any], instance_id: int, element: str) -> Response:
    """Give a person who came late a task of their own in an open step"""
    return _change(operations.add_participant, given, instance_id, element)


@blueprint.post("/<id:instance_id>/rolls/<key:element>/leavers", errors=(403, 404))
@commands
@body(ComingBody)
@answers(200, DoneSchema)
def remove_person(given: dict[str, Any], instance_id: int, element: str) -> Response:
    """Take a person who has left off the list of an open step"""
    return _change(operations.remove_participant, given, instance_id, element)


@blueprint.post("/<id:instance_id>/rolls/<key:element>/remind", errors=(403, 404))
@commands
@answers(200, DoneSchema)
def remind(instance_id: int, element: str) -> Response:
    """Remind everybody who is still missing in a step, once a day"""
    return reply(carry(operations.remind_people, instance_id=instance_id, element=element))


def _change(command: Any, given: dict[str, Any], instance_id: int, element: str) -> Response:
    try:
        done = carry(
            command, instance_id=instance_id, element=element, revision=seen_revision(), **given
        )
    except InvalidInput as error:
        if "person" in error.fields:
            raise InvalidInput({"person_id": error.fields["person"]}) from None
        raise
    return reply(done)


def _shape(roll: RollView) -> dict[str, Any]:
    return {
        "element": roll.element,
        "title": roll.title,
        "done": roll.done,
        "missing": roll.missing,
        "left": roll.left,
        "reminded_on": day(roll.reminded_on),
        "may_remind": roll.may_remind,
        "may_change": roll.may_change,
        "people": [
            {
                "person_id": one.person_id,
                "name": one.name,
                "state": one.place.value,
                "since": day(one.since),
                "done_on": day(one.done_on),
                "joined_on": day(one.joined_on),
                "left_on": day(one.left_on),
                "reason": one.reason,
                "task_id": one.task_id,
            }
            for one in roll.people
        ],
    }
