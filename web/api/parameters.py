"""``/parameters``: what counts for an organisation, and who decided it."""

from __future__ import annotations

from typing import Any

from flask import Response
from marshmallow import fields

from engine.compliance.parameter_operations import set_parameter
from engine.compliance.parameter_queries import history, parameter_lines, place_seen
from engine.compliance.parameters import Parameter, ancestry_of
from web.api.auth import actor
from web.api.blueprint import IDEMPOTENCY_KEY, Blueprint, answers, body, query, takes
from web.api.conditions import idempotency_key
from web.api.fields import Day, Shape, Text, Whole
from web.api.openapi import PREFIX
from web.api.replies import day, empty, moment, reply
from web.context import clock, reading

blueprint = Blueprint(
    "api-parameters",
    __name__,
    url_prefix=f"{PREFIX}/parameters",
    description="Parameters (参数): what counts for an organisation, and who decided it.",
)


class ParameterQuery(Shape):
    """For whom, and on which day; by default at one's own organisation today."""

    organisation_id = Whole(from_text=True)
    day = Day()


class HistoryQuery(Shape):
    """Which parameter's history to show, and for which organisation and those above it."""

    key = Text(required=True, longest=100)
    organisation_id = Whole(from_text=True)


class SetParameterBody(Shape):
    """What is to count for an organisation and all below it, from when, and by which document."""

    key = Text(longest=100, required=True)
    organisation_id = Whole(required=True)
    value = fields.Raw(required=True)
    since = Day(required=True)
    until = Day(load_default=None, allow_none=True)
    reason = Text(longest=2000, shortest=1, required=True)


class ParameterSchema(Shape):
    """A parameter and what counts."""

    key = fields.String(required=True)
    title = fields.String(required=True)
    title_en = fields.String(required=True)
    process = fields.String(required=True, allow_none=True)
    type = fields.String(required=True)
    level = fields.String(required=True)
    choices = fields.Dict(required=True)
    minimum = fields.Raw(required=True, allow_none=True)
    maximum = fields.Raw(required=True, allow_none=True)
    default = fields.Raw(required=True)
    value = fields.Raw(required=True)
    origin = fields.String(required=True, metadata={"description": "`default` or `organisation`"})
    organisation_id = fields.Integer(required=True, allow_none=True)
    since = fields.Date(required=True, allow_none=True)
    reason = fields.String(required=True)
    unverified = fields.Boolean(required=True)


class ParameterListSchema(Shape):
    """All parameters as they stand at an organisation."""

    organisation_id = fields.Integer(required=True)
    day = fields.Date(required=True)
    items = fields.List(fields.Nested(ParameterSchema), required=True)


class SettingSchema(Shape):
    """A value that an organisation set."""

    id = fields.Integer(required=True)
    organisation_id = fields.Integer(required=True)
    value = fields.Raw(required=True)
    since = fields.Date(required=True)
    until = fields.Date(required=True, allow_none=True)
    reason = fields.String(required=True)
    set_at = fields.DateTime(required=True)
    ended_at = fields.DateTime(required=True, allow_none=True)
    end_reason = fields.String(required=True)


class HistorySchema(Shape):
    """All values ever set, the latest first."""

    items = fields.List(fields.Nested(SettingSchema), required=True)


@blueprint.get("", errors=(404,))
@query(ParameterQuery)
@answers(200, ParameterListSchema)
def list_parameters(given: dict[str, Any]) -> Response:
    """List all parameters with what counts for an organisation, and why"""
    on = given.get("day") or clock().today()
    place = place_seen(reading(), actor(), given.get("organisation_id"))
    items = [
        {
            **_parameter(line.parameter),
            "value": line.value.value,
            "origin": line.value.origin,
            "organisation_id": line.value.organisation_id,
            "since": day(line.value.since),
            "reason": line.value.reason,
        }
        for line in parameter_lines(reading(), place, on)
    ]
    return reply({"organisation_id": place.id, "day": day(on), "items": items})


@blueprint.get("/history", errors=(404,))
@query(HistoryQuery)
@answers(200, HistorySchema)
def show_history(given: dict[str, Any]) -> Response:
    """List the values that an organisation and those above it ever set"""
    place = place_seen(reading(), actor(), given.get("organisation_id"))
    items = [
        {
            "id": past.id,
            "organisation_id": past.organisation_id,
            "value": past.value,
            "since": day(past.since),
            "until": day(past.until),
            "reason": past.reason,
            "set_at": moment(past.set_at),
            "ended_at": moment(past.ended_at),
            "end_reason": past.end_reason,
        }
        for past in history(reading(), given["key"], ancestry_of(place.path))
    ]
    return reply({"items": items})


@blueprint.post("", errors=(403, 404, 409))
@takes(IDEMPOTENCY_KEY)
@body(SetParameterBody)
@answers(204)
def set_value(given: dict[str, Any]) -> Response:
    """Let another value count from a day on"""
    set_parameter(clock(), actor(), command_id=idempotency_key(), **given)
    return empty()


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "key": parameter.key,
        "title": parameter.title,
        "title_en": parameter.title_en,
        "process": parameter.process,
        "type": parameter.type.value,
        "level": parameter.level.value,
        "choices": dict(parameter.choices),
        "minimum": parameter.minimum,
        "maximum": parameter.maximum,
        "default": parameter.default,
        "unverified": parameter.unverified,
    }
