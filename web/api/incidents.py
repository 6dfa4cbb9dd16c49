"""``/incidents``: commands the engine could not carry out, for administrators."""

from __future__ import annotations

from typing import Any

from flask import Response
from marshmallow import fields

from engine.directory.policy import Audience, audiences
from engine.errors import NotAllowed, NotFound
from engine.runtime.incidents import open_incidents, retry_incident
from web.api.auth import actor
from web.api.blueprint import Blueprint, answers, query
from web.api.conditions import done_shape
from web.api.fields import Shape, Whole
from web.api.openapi import PREFIX
from web.api.paging import MAX_LIMIT, page, page_of
from web.api.records import DoneSchema
from web.api.replies import moment, reply
from web.context import clock, reading

blueprint = Blueprint(
    "api-incidents",
    __name__,
    url_prefix=f"{PREFIX}/incidents",
    description="What the engine could not carry out. Administrators only.",
)


class IncidentQuery(Shape):
    """How many to list."""

    limit = Whole(least=1, most=MAX_LIMIT, from_text=True, load_default=MAX_LIMIT)


class IncidentSchema(Shape):
    """A command that waits to be carried out again; never what the person had filled in."""

    id = fields.Integer(required=True)
    instance_id = fields.Integer(required=True, allow_none=True)
    command = fields.String(required=True)
    code = fields.String(required=True)
    message = fields.String(required=True)
    created_at = fields.DateTime(required=True)
    attempts = fields.Integer(required=True)


@blueprint.get("", errors=(403,))
@query(IncidentQuery)
@answers(200, page_of(IncidentSchema))
def list_incidents(given: dict[str, Any]) -> Response:
    """List the incidents that wait in one's own part of the tree, newest first"""
    _administrator()
    found = open_incidents(reading(), actor(), limit=given["limit"])
    items = [
        {
            "id": incident.id,
            "instance_id": incident.instance_id,
            "command": incident.command,
            "code": incident.code,
            "message": incident.message,
            "created_at": moment(incident.created_at),
            "attempts": incident.attempts,
        }
        for incident in found
    ]
    return reply(page(items, None))


@blueprint.post("/<id:incident_id>/retry", errors=(403, 404, 409, 412, 422, 500))
@answers(200, DoneSchema)
def retry(incident_id: int) -> Response:
    """Carry out the command again, as the person who gave it

    A fault that comes again is answered with 500 and counts as one more attempt.
    """
    _administrator()
    try:
        done = retry_incident(incident_id, actor=actor(), clock=clock())
    except NotAllowed:
        raise NotFound from None
    return reply(done_shape(done))


def _administrator() -> None:
    """Raise NotAllowed to everybody else, before it shows which incidents there are."""
    if Audience.ADMIN not in audiences(actor()):
        raise NotAllowed
