"""``/tasks``: the inbox, one task with its form, and what can be done to it."""

from __future__ import annotations

import re
from datetime import date
from typing import Any, Final

from flask import Response
from marshmallow import fields

from engine.database import unit_of_work
from engine.errors import N_, InvalidInput, NotFound
from engine.forms.drafts import discard_draft, load_draft, save_draft
from engine.runtime.assignment import claim_task, delegate_task, unclaim_task
from engine.runtime.operations import complete_task, send_back
from engine.runtime.queries.inbox import inbox, list_mine
from engine.runtime.queries.tasks import decision_of, task_view
from engine.runtime.views import Bucket
from web.api.auth import actor
from web.api.blueprint import ETAG, Blueprint, answers, body, commands, query
from web.api.conditions import carry, seen_revision
from web.api.fields import Choice, Data, Day, Shape, Text, Whole
from web.api.openapi import PREFIX
from web.api.paging import PageQuery, page, page_of
from web.api.records import (
    DoneSchema,
    TaskSchema,
    task_shape,
)
from web.api.replies import empty, moment, reply
from web.api.task_detail import TaskDetailSchema, task_detail
from web.context import clock, reading

blueprint = Blueprint(
    "api-tasks", __name__, url_prefix=f"{PREFIX}/tasks", description="Open tasks and what is done."
)

_CURSOR: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\.[0-9]{1,18}", re.ASCII)


class TaskQuery(PageQuery):
    """Which tasks to list; without any filter, all open tasks of one's own."""

    bucket = Choice(Bucket)
    process = Text(longest=100)
    organisation_id = Whole(from_text=True)
    text = Text(longest=100)


class TaskDetailQuery(Shape):
    """For which day the form is wanted."""

    occurred_on = Day(load_default=None)


class CompleteBody(Shape):
    """The data of the form, and the day on which it happened (today unless given)."""

    data = Data(required=True)
    occurred_on = Day(load_default=None, allow_none=True)


class DelegateBody(Shape):
    """To whom, and why."""

    person_id = Whole(required=True)
    reason = Text(longest=2000, required=True)


class SendBackBody(Shape):
    """To which step, and why."""

    target = Text(longest=200, required=True)
    reason = Text(longest=2000, required=True)


class DraftBody(Shape):
    """What was entered so far; it is checked only when the task is completed."""

    data = Data(required=True)


class DraftSchema(Shape):
    """A draft and when it was saved."""

    data = fields.Dict(required=True)
    saved_at = fields.DateTime(required=True)


class TaskListSchema(page_of(TaskSchema)):  # type: ignore[misc]  # a class made at run time
    """A page of tasks; with a filter, also how many there are in each bucket (999 at most)."""

    counts = fields.Dict(keys=fields.String(), values=fields.Integer())


@blueprint.get("")
@query(TaskQuery)
@answers(200, TaskListSchema)
def list_tasks(given: dict[str, Any]) -> Response:
    """List tasks

    Without filters: one's own open tasks, most urgent first. ``bucket=waiting`` lists what others
    have to do in instances one may see, ``bucket=done`` what one has done.
    """
    cursor = _cursor(given.pop("cursor", None))
    limit = given.pop("limit")
    if not given:
        rows, more = list_mine(reading(), actor(), clock(), limit=limit, cursor=cursor)
        return reply(page([task_shape(row) for row in rows], more))
    found = inbox(
        reading(),
        actor(),
        clock(),
        bucket=Bucket(given.get("bucket", Bucket.TODO)),
        process=given.get("process"),
        organisation_id=given.get("organisation_id"),
        text_wanted=given.get("text"),
        cursor=cursor,
        limit=limit,
    )
    body = page([task_shape(row) for row in found.rows], found.next_cursor)
    return reply({**body, "counts": dict(found.counts)})


@blueprint.get("/<id:task_id>", errors=(404,))
@query(TaskDetailQuery)
@answers(200, TaskDetailSchema, headers=ETAG)
def show_task(given: dict[str, Any], task_id: int) -> Response:
    """Show a task with its form

    ``form.values`` is the draft if there is one, else what is known already. Eligible people and
    rolls are those of ``occurred_on``.
    """
    view = task_view(reading(), actor(), clock(), task_id, occurred_on=given.get("occurred_on"))
    return reply(task_detail(view), revision=view.row.revision)


@blueprint.post("/<id:task_id>/claim", errors=(403, 404))
@commands
@answers(200, DoneSchema)
def claim(task_id: int) -> Response:
    """Claim a task

    It leaves the inboxes of the others. Claiming one's own changes nothing.
    """
    return reply(carry(claim_task, task_id=task_id, revision=seen_revision()))


@blueprint.post("/<id:task_id>/unclaim", errors=(403, 404))
@commands
@answers(200, DoneSchema)
def unclaim(task_id: int) -> Response:
    """Put a task back for all who may do it"""
    return reply(carry(unclaim_task, task_id=task_id, revision=seen_revision()))


@blueprint.post("/<id:task_id>/delegate", errors=(403, 404))
@commands
@body(DelegateBody)
@answers(200, DoneSchema)
def delegate(given: dict[str, Any], task_id: int) -> Response:
    """Hand a task to another person, with a reason"""
    return reply(
        carry(
            delegate_task,
            task_id=task_id,
            to_person_id=given["person_id"],
            reason=given["reason"],
            revision=seen_revision(),
        )
    )


@blueprint.post("/<id:task_id>/complete", errors=(403, 404, 500))
@commands
@body(CompleteBody)
@answers(200, DoneSchema)
def complete(given: dict[str, Any], task_id: int) -> Response:
    """Complete a task with the data of its form

    Problems of the form are named by the path of the field, below ``data``.
    """
    try:
        done = carry(
            complete_task,
            task_id=task_id,
            data=given["data"],
            occurred_on=given["occurred_on"],
            revision=seen_revision(),
        )
    except InvalidInput as error:
        raise below_data(error) from None
    return reply(done)


@blueprint.post("/<id:task_id>/send-back", errors=(403, 404, 500))
@commands
@body(SendBackBody)
@answers(200, DoneSchema)
def send_task_back(given: dict[str, Any], task_id: int) -> Response:
    """Send the matter back to an earlier step, with a reason"""
    return reply(
        carry(
            send_back,
            task_id=task_id,
            target=given["target"],
            reason=given["reason"],
            revision=seen_revision(),
        )
    )


@blueprint.get("/<id:task_id>/draft", errors=(404,))
@answers(200, DraftSchema)
def read_draft(task_id: int) -> Response:
    """Read one's own draft for a task"""
    me = actor()
    decision_of(reading(), me, clock(), task_id)
    draft = load_draft(reading(), task_id=task_id, person_id=me.person_id)
    if draft is None:
        raise NotFound(N_("还没有保存草稿。"))
    return reply({"data": draft.data, "saved_at": moment(draft.saved_at)})


@blueprint.put("/<id:task_id>/draft", errors=(403, 404, 409))
@body(DraftBody)
@answers(200, DraftSchema)
def write_draft(given: dict[str, Any], task_id: int) -> Response:
    """Save one's draft for a task one may complete, in the place of an earlier one"""
    me = actor()
    decision = decision_of(reading(), me, clock(), task_id)
    if decision.error is not None:
        raise decision.error
    with unit_of_work() as session:
        try:
            saved_at = save_draft(
                session, clock(), task_id=task_id, person_id=me.person_id, data=given["data"]
            )
        except InvalidInput as error:
            raise below_data(error) from None
    return reply({"data": given["data"], "saved_at": moment(saved_at)})


@blueprint.delete("/<id:task_id>/draft", errors=(404,))
@answers(204)
def remove_draft(task_id: int) -> Response:
    """Remove one's draft for a task; without one nothing happens"""
    me = actor()
    decision_of(reading(), me, clock(), task_id)
    with unit_of_work() as session:
        discard_draft(session, task_id=task_id, person_id=me.person_id)
    return empty()


FORM_FIELDS: Final = frozenset({"occurred_on", "subject", "Idempotency-Key"})
"""What the engine may complain about that does not stand in a form."""


def below_data(error: InvalidInput) -> InvalidInput:
    """Return the error with the form's fields named as the client sent them: below ``data``."""
    error.fields = {
        name if name in FORM_FIELDS else f"data.{name}" if name else "data": sentences
        for name, sentences in error.fields.items()
    }
    return error


def _cursor(cursor: str | None) -> str | None:
    if cursor is not None:
        try:
            if not _CURSOR.fullmatch(cursor):
                raise ValueError
            date.fromisoformat(cursor[:10])
        except ValueError:
            raise InvalidInput({"cursor": [N_("翻页位置无效，请回到第一页。")]}) from None
    return cursor
