"""``/notices``: what the person who asks is told."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from flask import Response
from marshmallow import fields

from engine.notifications.kinds import NoticeKind
from engine.notifications.reading import (
    NoticeLine,
    mark_read,
    my_notices,
    put_to_rest,
    unread_count,
)
from web.api.auth import actor
from web.api.blueprint import Blueprint, answers, query
from web.api.fields import Choice, Shape
from web.api.openapi import PREFIX
from web.api.paging import PageQuery, page
from web.api.replies import empty, moment, reply
from web.context import clock, reading

blueprint = Blueprint(
    "api-notices",
    __name__,
    url_prefix=f"{PREFIX}/notices",
    description="What one is told: one line a thing, told anew when there is news.",
)


class _Show(StrEnum):
    UNREAD = "unread"


class NoticeQuery(PageQuery):
    """Which lines to list."""

    show = Choice(_Show)


class NoticeSchema(Shape):
    """A line. What one may no longer see of its matter is null."""

    id = fields.Integer(required=True)
    kind = fields.String(required=True, metadata={"enum": [str(kind) for kind in NoticeKind]})
    at = fields.DateTime(required=True)
    unread = fields.Boolean(required=True)
    settled = fields.Boolean(required=True)
    instance_id = fields.Integer(required=True, allow_none=True)
    task_id = fields.Integer(required=True, allow_none=True)
    finding_id = fields.Integer(required=True, allow_none=True)
    process_title = fields.String(required=True, allow_none=True)
    step = fields.String(required=True, allow_none=True)
    matter_number = fields.String(required=True, allow_none=True)
    due_on = fields.Date(required=True, allow_none=True)


class NoticePageSchema(Shape):
    """A page of lines, and how many are unread (100 stands for more than 99)."""

    items = fields.List(fields.Nested(NoticeSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)
    unread_count = fields.Integer(required=True)


@blueprint.get("")
@query(NoticeQuery)
@answers(200, NoticePageSchema)
def list_notices(given: dict[str, Any]) -> Response:
    """List one's notices, the latest first"""
    me = actor()
    put_to_rest(me, clock())
    lines, next_cursor = my_notices(
        reading(),
        me,
        unread=given.get("show") == _Show.UNREAD,
        cursor=given.get("cursor"),
        limit=given["limit"],
    )
    body = page([_shape(line) for line in lines], next_cursor)
    return reply({**body, "unread_count": unread_count(reading(), me.person_id)})


@blueprint.post("/<id:notice_id>/read", errors=(404,))
@answers(204)
def read_notice(notice_id: int) -> Response:
    """Mark a notice as read"""
    mark_read(actor=actor(), clock=clock(), notice_id=notice_id)
    return empty()


@blueprint.post("/read")
@answers(204)
def read_notices() -> Response:
    """Mark all notices as read"""
    mark_read(actor=actor(), clock=clock())
    return empty()


def _shape(line: NoticeLine) -> dict[str, Any]:
    return {
        "id": line.id,
        "kind": line.kind,
        "at": moment(line.at),
        "unread": line.unread,
        "settled": line.settled,
        "instance_id": line.instance_id,
        "task_id": line.task_id,
        "finding_id": line.finding_id,
        "process_title": line.process_title or None,
        "step": line.step or None,
        "matter_number": line.matter_number or None,
        "due_on": line.due_on.isoformat() if line.due_on else None,
    }
