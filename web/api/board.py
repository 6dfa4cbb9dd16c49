"""``/organisations/<id>/board``: what all organisations below owe and did, counted."""

from __future__ import annotations

from typing import Any, Final

from flask import Response
from marshmallow import fields

from engine.duties.board import show_board
from engine.duties.board_views import Tally, span_of
from engine.duties.codes import DutyState
from web.api.auth import actor
from web.api.blueprint import Blueprint, answers, query
from web.api.fields import Shape, Text, Whole
from web.api.openapi import PREFIX
from web.api.replies import day, reply
from web.board.words import duty_title
from web.context import clock, reading

COUNTED: Final = (
    DutyState.DONE,
    DutyState.MADE_UP,
    DutyState.LATE,
    DutyState.DUE,
    DutyState.PLANNED,
)

blueprint = Blueprint(
    "api-board",
    __name__,
    url_prefix=f"{PREFIX}/organisations",
    description="The board of an organisation with others below it (工作台账).",
)


class BoardQuery(Shape):
    """Which year, and which part of it: ``h1``, ``q3``, ``m11``, or all."""

    year = Whole(from_text=True)
    part = Text(longest=3, load_default="")


class BoardTallySchema(Shape):
    """Periods by how they stand."""

    done = fields.Integer(required=True)
    made_up = fields.Integer(required=True)
    late = fields.Integer(required=True)
    due = fields.Integer(required=True)
    planned = fields.Integer(required=True)


class BoardBelowSchema(BoardTallySchema):
    """An organisation directly below, with all below it; ``own``: the one asked for, alone."""

    organisation_id = fields.Integer(required=True)
    organisation_name = fields.String(required=True)
    own = fields.Boolean(required=True)
    running = fields.Integer(required=True)
    findings = fields.Integer(required=True)


class BoardDutySchema(BoardTallySchema):
    """A duty, of all organisations."""

    key = fields.String(required=True)
    rule = fields.String(required=True)
    title = fields.String(required=True)


class BoardStageSchema(Shape):
    """Process instances that run, by where they stand."""

    process = fields.String(required=True)
    stage = fields.String(required=True)
    title = fields.String(required=True)
    running = fields.Integer(required=True)


class BoardSchema(BoardTallySchema):
    """The board. Counted are the periods that end within the days from ``since`` to ``until``."""

    organisation_id = fields.Integer(required=True)
    since = fields.Date(required=True)
    until = fields.Date(required=True)
    running = fields.Integer(required=True)
    hard = fields.Integer(required=True, metadata={"description": "Findings that are problems."})
    warning = fields.Integer(required=True)
    organisations = fields.List(fields.Nested(BoardBelowSchema), required=True)
    duties = fields.List(fields.Nested(BoardDutySchema), required=True)
    stages = fields.List(fields.Nested(BoardStageSchema), required=True)


@blueprint.get("/<id:organisation_id>/board", errors=(403, 404))
@query(BoardQuery)
@answers(200, BoardSchema)
def read_board(given: dict[str, Any], organisation_id: int) -> Response:
    """Count what the organisations below owe and did, what runs, and the findings"""
    span = span_of(given.get("year", clock().today().year), given["part"])
    board = show_board(reading(), actor(), organisation_id, span)
    return reply(
        {
            "organisation_id": board.place.id,
            "since": day(board.span.first),
            "until": day(board.span.last),
            **_counts(board.total),
            "running": board.matters,
            "hard": board.hard,
            "warning": board.warning,
            "organisations": [
                {
                    "organisation_id": below.id,
                    "organisation_name": below.name,
                    "own": below.own,
                    **_counts(below.tally),
                    "running": below.matters,
                    "findings": below.findings,
                }
                for below in board.below
            ],
            "duties": [
                {
                    "key": each.known.key,
                    "rule": each.known.duty.rule,
                    "title": duty_title(each.known),
                    **_counts(each.tally),
                }
                for each in board.duties
            ],
            "stages": [
                {
                    "process": stage.process,
                    "stage": stage.stage,
                    "title": stage.stage_title or stage.process_title,
                    "running": stage.matters,
                }
                for stage in board.stages
            ],
        }
    )


def _counts(tally: Tally) -> dict[str, int]:
    return {state.value: tally.of(state) for state in COUNTED}
