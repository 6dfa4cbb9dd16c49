"""``/process-instances/…/forecast``: what is to come, and what would follow from other days."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from flask import Response, request
from marshmallow import fields

from engine.definitions.package import Basis
from engine.errors import N_, InvalidInput
from engine.runtime.queries.forecast import MatterForecast, StepAhead, matter_forecast
from web.api.auth import actor
from web.api.blueprint import Blueprint, answers, takes
from web.api.fields import Shape
from web.api.openapi import PREFIX
from web.api.replies import day, reply
from web.context import clock, reading
from web.instances.forecast import GIVEN, given_days, rule_sentence
from web.language import in_words

blueprint = Blueprint(
    "api-forecasts",
    __name__,
    url_prefix=f"{PREFIX}/process-instances",
    description="What is to come of a process instance (预计). Nothing is ever written.",
)

SUPPOSED: Final = {
    "in": "query",
    "name": "on",
    "description": (
        "Days supposed, as on.<element>=<date> (`on.first_talk=2026-12-12`): each is the day on"
        " which the step is next done. Unknown elements are refused (422); a day that cannot be is"
        " listed under `refused` and left out."
    ),
    "schema": {"type": "object", "additionalProperties": {"type": "string", "format": "date"}},
    "style": "form",
    "explode": False,
}


class CitedSchema(Shape):
    """An article."""

    regulation = fields.String(required=True)
    edition = fields.String(required=True)
    article = fields.String(required=True)


class StatusAheadSchema(Shape):
    """A membership status that follows, with the day from which it counts."""

    status = fields.String(required=True)
    since = fields.Date(required=True)


class StepAheadSchema(Shape):
    """A step to come."""

    element = fields.String(required=True)
    number = fields.String(required=True, allow_none=True)
    title = fields.String(required=True)
    day = fields.Date(
        required=True,
        metadata={"description": "The first lawful day, all before it being done on theirs."},
    )
    due_on = fields.Date(required=True, allow_none=True)
    given = fields.Boolean(required=True, metadata={"description": "The day was supposed."})
    provisional = fields.Boolean(
        required=True, metadata={"description": "It rests on a year without a holiday notice."}
    )
    articles = fields.List(fields.Nested(CitedSchema), required=True)
    statuses = fields.List(fields.Nested(StatusAheadSchema), required=True)


class LateStepSchema(Shape):
    """What is late, or will be after a day if nothing happens."""

    element = fields.String(required=True)
    title = fields.String(required=True)
    until = fields.Date(required=True)
    overdue = fields.Boolean(required=True)


class WouldBreakSchema(Shape):
    """A rule on time that would not be met."""

    rule = fields.String(required=True)
    element = fields.String(required=True)
    severity = fields.String(required=True)
    blocks = fields.Boolean(
        required=True, metadata={"description": "The step could not be completed like this."}
    )
    sentence = fields.String(required=True)
    articles = fields.List(fields.Nested(CitedSchema), required=True)


class RefusedSchema(Shape):
    """A supposed day that cannot be, or that nothing came of."""

    element = fields.String(required=True)
    reasons = fields.List(fields.String(), required=True)


class ForecastSchema(Shape):
    """What is to come. For the person concerned ``late`` and ``would_break`` are empty."""

    today = fields.Date(required=True)
    steps = fields.List(fields.Nested(StepAheadSchema), required=True)
    ends_on = fields.Date(required=True, allow_none=True)
    outcome_title = fields.String(required=True, allow_none=True)
    outcome_on = fields.Date(required=True, allow_none=True)
    late = fields.List(fields.Nested(LateStepSchema), required=True)
    would_break = fields.List(fields.Nested(WouldBreakSchema), required=True)
    refused = fields.List(fields.Nested(RefusedSchema), required=True)
    provisional = fields.Boolean(required=True)
    blocked = fields.Boolean(
        required=True,
        metadata={
            "description": "A step could not be completed on its day: later ones are unsure."
        },
    )
    stopped_at = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "Steps beyond which nothing can be supposed."},
    )


@blueprint.get("/<id:instance_id>/forecast", errors=(404, 422))
@takes(SUPPOSED)
@answers(200, ForecastSchema)
def show_forecast(instance_id: int) -> Response:
    """Say when the steps to come can happen, and what other days would lead to

    Each open step is supposed to be done on its first lawful day and decided in favour. Nothing is
    written.
    """
    unknown = [name for name in request.args if not name.startswith(GIVEN)]
    twice = [name for name, values in request.args.lists() if len(values) > 1]
    if unknown or twice:
        raise InvalidInput(
            {name: [N_("没有这个参数。")] for name in unknown}
            | {name: [N_("只能给出一次。")] for name in twice}
        )
    given = given_days(request.args.items())
    told = matter_forecast(reading(), actor(), clock(), instance_id, given)
    if told is None:
        raise InvalidInput(None, N_("事项不在办理中，或者这个流程版本没有写明怎样推算。"))
    return reply(forecast_shape(told))


def forecast_shape(told: MatterForecast) -> dict[str, Any]:
    """Return a forecast as JSON has it."""
    return {
        "today": day(told.today),
        "steps": [_step(step) for step in told.steps],
        "ends_on": day(told.ends_on),
        "outcome_title": told.outcome_title,
        "outcome_on": day(told.outcome_on),
        "late": [
            {
                "element": one.element,
                "title": one.title,
                "until": day(one.until),
                "overdue": one.overdue,
            }
            for one in told.late
        ],
        "would_break": [
            {
                "rule": broken.rule,
                "element": broken.element,
                "severity": str(broken.severity),
                "blocks": broken.blocks,
                "sentence": rule_sentence(broken, told),
                "articles": _articles(broken.basis),
            }
            for broken in told.would_break
        ],
        "refused": [
            {"element": one.element, "reasons": [in_words(reason) for reason in one.reasons]}
            for one in told.refused
        ],
        "provisional": told.provisional,
        "blocked": told.blocked,
        "stopped_at": list(told.stopped_at),
    }


def _step(step: StepAhead) -> dict[str, Any]:
    return {
        "element": step.element,
        "number": step.number,
        "title": step.title,
        "day": day(step.day),
        "due_on": day(step.due_on),
        "given": step.given,
        "provisional": step.provisional,
        "articles": _articles(step.basis),
        "statuses": [
            {"status": str(status), "since": day(since)} for status, since in step.statuses
        ],
    }


def _articles(basis: Iterable[Basis]) -> list[dict[str, str]]:
    return [
        {"regulation": item.regulation, "edition": item.edition, "article": item.article}
        for item in basis
    ]
