"""``/organisations/<id>/duties``: what an organisation owes in a year, and how far it is."""

from __future__ import annotations

from typing import Any

from flask import Response
from marshmallow import fields

from engine.duties.queries import Activity, Cell, year_of
from engine.errors import N_, InvalidInput
from web.api.auth import actor
from web.api.blueprint import Blueprint, answers, query
from web.api.fields import Shape, Whole
from web.api.openapi import PREFIX
from web.api.replies import day, reply
from web.board.words import duty_title, period_name
from web.context import clock, reading

blueprint = Blueprint(
    "api-duties",
    __name__,
    url_prefix=f"{PREFIX}/organisations",
    description="What organisations owe in every period (应当开展的活动).",
)


class DutiesQuery(Shape):
    """Which year; by default the present one."""

    year = Whole(from_text=True)


class HeldSchema(Shape):
    """A step that counts."""

    instance_id = fields.Integer(required=True)
    instance_number = fields.String(required=True)
    day = fields.Date(required=True)


class DutySchema(Shape):
    """A duty of one period."""

    id = fields.Integer(required=True)
    key = fields.String(required=True)
    rule = fields.String(required=True)
    title = fields.String(required=True)
    period = fields.String(required=True)
    since = fields.Date(required=True)
    until = fields.Date(required=True)
    due_on = fields.Date(required=True)
    state = fields.String(
        required=True,
        metadata={"description": "planned, due, done, late, made_up or lapsed."},
    )
    times = fields.Integer(required=True)
    done = fields.Integer(required=True)
    done_on = fields.Date(required=True, allow_none=True)
    draft_id = fields.Integer(required=True, allow_none=True)
    finding_id = fields.Integer(required=True, allow_none=True)
    held = fields.List(fields.Nested(HeldSchema), required=True)


class DutiesSchema(Shape):
    """The year of an organisation."""

    organisation_id = fields.Integer(required=True)
    year = fields.Integer(required=True)
    items = fields.List(fields.Nested(DutySchema), required=True)


@blueprint.get("/<id:organisation_id>/duties", errors=(403, 404))
@query(DutiesQuery)
@answers(200, DutiesSchema)
def list_duties(given: dict[str, Any], organisation_id: int) -> Response:
    """List what an organisation owes in a year"""
    year = given.get("year", clock().today().year)
    if not 2000 <= year <= 9998:
        raise InvalidInput({"year": [N_("没有这个时段。")]})
    seen = year_of(reading(), actor(), organisation_id, year)
    items = [_shape(activity, cell) for activity in seen.activities for cell in activity.cells]
    return reply({"organisation_id": organisation_id, "year": year, "items": items})


def _shape(activity: Activity, cell: Cell) -> dict[str, Any]:
    return {
        "id": cell.id,
        "key": activity.known.key,
        "rule": activity.known.duty.rule,
        "title": duty_title(activity.known),
        "period": period_name(cell.period),
        "since": day(cell.since),
        "until": day(cell.until),
        "due_on": day(cell.due_on),
        "state": cell.state.value,
        "times": cell.times,
        "done": cell.done,
        "done_on": day(cell.done_on),
        "draft_id": cell.draft_id,
        "finding_id": cell.finding_id,
        "held": [
            {
                "instance_id": step.instance_id,
                "instance_number": step.number,
                "day": day(step.day),
            }
            for step in cell.held
        ],
    }
