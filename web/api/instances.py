"""``/process-instances``: lists, one with its stages, its steps and ledger, and how to steer it."""

from __future__ import annotations

from typing import Any

from flask import Response

from engine.directory.policy import Action, require
from engine.errors import InvalidInput
from engine.runtime import operations
from engine.runtime.queries.access import open_matter
from engine.runtime.queries.matters import matter_view, matters
from engine.runtime.queries.readings import matter_readings
from engine.runtime.queries.records import history, read_trail, step_records
from engine.runtime.views import MatterStatus
from web.api.auth import actor
from web.api.blueprint import (
    ETAG,
    IDEMPOTENCY_KEY,
    Blueprint,
    answers,
    body,
    commands,
    query,
    takes,
)
from web.api.conditions import carry, seen_revision
from web.api.fields import Choice, Data, Day, Shape, Text, Whole
from web.api.instance_detail import InstanceDetailSchema, instance_detail
from web.api.openapi import PREFIX
from web.api.paging import PageQuery, after, page, page_of
from web.api.records import (
    DoneSchema,
    EntrySchema,
    InstanceSchema,
    ReadingSchema,
    StepSchema,
    entry_shape,
    instance_shape,
    reading_shape,
    step_shape,
)
from web.api.replies import reply
from web.api.tasks import below_data
from web.context import clock, reading

blueprint = Blueprint(
    "api-process-instances",
    __name__,
    url_prefix=f"{PREFIX}/process-instances",
    description="Matters (办理事项), running and ended.",
)


class InstanceQuery(PageQuery):
    """Which instances to list, among those one may see."""

    status = Choice(MatterStatus)
    process = Text(longest=100)
    organisation_id = Whole(from_text=True)
    text = Text(longest=100)


class StartBody(Shape):
    """What to start; with ``data`` the first task is completed in the same step."""

    process = Text(longest=100, required=True)
    organisation_id = Whole(required=True)
    subject_id = Whole(load_default=None, allow_none=True)
    occurred_on = Day(load_default=None, allow_none=True)
    data = Data(load_default=None, allow_none=True)


class ReasonBody(Shape):
    """Why."""

    reason = Text(longest=2000, required=True)


class MessageBody(Shape):
    """Which message of the procedure, and the data of its form."""

    message = Text(longest=100, required=True)
    data = Data(load_default=dict)
    occurred_on = Day(load_default=None, allow_none=True)


@blueprint.get("")
@query(InstanceQuery)
@answers(200, page_of(InstanceSchema))
def list_instances(given: dict[str, Any]) -> Response:
    """List the process instances one may see, newest first"""
    cursor = given.get("cursor")
    after(cursor)
    status = given.get("status")
    rows, more = matters(
        reading(),
        actor(),
        clock(),
        status=MatterStatus(status) if status else None,
        process=given.get("process"),
        organisation_id=given.get("organisation_id"),
        text_wanted=given.get("text"),
        cursor=cursor,
        limit=given["limit"],
    )
    return reply(page([instance_shape(row) for row in rows], more))


@blueprint.post("", errors=(403, 404, 409, 500))
@takes(IDEMPOTENCY_KEY)
@body(StartBody)
@answers(201, DoneSchema, headers={"Location": {"schema": {"type": "string"}}})
def start(given: dict[str, Any]) -> Response:
    """Start a process instance"""
    process = given["process"]
    try:
        done = carry(
            operations.start_instance,
            key=process,
            data=given["data"],
            organisation_id=given["organisation_id"],
            subject_id=given["subject_id"],
            occurred_on=given["occurred_on"],
        )
    except InvalidInput as error:
        raise below_data(error) from None
    place = f"{PREFIX}/process-instances/{done['instance_id']}"
    return reply(done, 201, headers={"Location": place})


@blueprint.get("/<id:instance_id>", errors=(404,))
@answers(200, InstanceDetailSchema, headers=ETAG)
def show_instance(instance_id: int) -> Response:
    """Show a process instance"""
    view = matter_view(reading(), actor(), clock(), instance_id)
    return reply(instance_detail(view), revision=view.row.revision)


@blueprint.get("/<id:instance_id>/steps", errors=(404,))
@query(PageQuery)
@answers(200, page_of(StepSchema))
def list_steps(given: dict[str, Any], instance_id: int) -> Response:
    """List what has been done, oldest first

    The person concerned reads only what they handed in themselves.
    """
    first, limit = after(given.get("cursor")), given["limit"]
    me = actor()
    opened = open_matter(reading(), me, clock(), instance_id)
    trail = read_trail(reading(), opened.matter.definition, instance_id)
    records = step_records(trail, with_data=True, own_only=opened.own_only)
    if not opened.sees_opinions:
        closed = {r.seq: r for r in step_records(trail, with_data=False)}
        records = [r if r.person_id == me.person_id else closed[r.seq] for r in records]
    wanted = [record for record in records if record.seq > first]
    more = str(wanted[limit - 1].seq) if len(wanted) > limit else None
    return reply(page([step_shape(record) for record in wanted[:limit]], more))


@blueprint.get("/<id:instance_id>/ledger", errors=(403, 404))
@query(PageQuery)
@answers(200, page_of(EntrySchema))
def list_ledger(given: dict[str, Any], instance_id: int) -> Response:
    """List the entries of the ledger, oldest first"""
    first, limit = after(given.get("cursor")), given["limit"]
    me = actor()
    opened = open_matter(reading(), me, clock(), instance_id)
    require(me, Action.VIEW_LEDGER, opened.view)
    trail = read_trail(reading(), opened.matter.definition, instance_id)
    entries = reversed(history(trail, with_reasons=True))
    wanted = [entry for entry in entries if entry.seq > first]
    more = str(wanted[limit - 1].seq) if len(wanted) > limit else None
    return reply(page([entry_shape(entry) for entry in wanted[:limit]], more))


@blueprint.get("/<id:instance_id>/readings", errors=(403, 404))
@query(PageQuery)
@answers(200, page_of(ReadingSchema))
def list_readings(given: dict[str, Any], instance_id: int) -> Response:
    """List who read sensitive material of the matter, newest first

    The person concerned may see it, and so may auditors and those who lead above the matter.
    """
    found, more = matter_readings(reading(), actor(), clock(), instance_id, **given)
    return reply(page([reading_shape(entry) for entry in found], more))


@blueprint.post("/<id:instance_id>/cancel", errors=(403, 404))
@commands
@body(ReasonBody)
@answers(200, DoneSchema)
def cancel(given: dict[str, Any], instance_id: int) -> Response:
    """End a process instance where it stands, with a reason"""
    return _steer(operations.cancel_instance, instance_id, **given)


@blueprint.post("/<id:instance_id>/suspend", errors=(403, 404))
@commands
@body(ReasonBody)
@answers(200, DoneSchema)
def suspend(given: dict[str, Any], instance_id: int) -> Response:
    """Halt a process instance until it is resumed, with a reason"""
    return _steer(operations.suspend_instance, instance_id, **given)


@blueprint.post("/<id:instance_id>/resume", errors=(403, 404))
@commands
@answers(200, DoneSchema)
def resume(instance_id: int) -> Response:
    """Take up a suspended process instance again"""
    return _steer(operations.resume_instance, instance_id)


@blueprint.post("/<id:instance_id>/messages", errors=(403, 404, 500))
@commands
@body(MessageBody)
@answers(200, DoneSchema)
def send_message(given: dict[str, Any], instance_id: int) -> Response:
    """Send one of the procedure's messages to a running instance, such as a withdrawal"""
    try:
        done = carry(
            operations.send_message,
            instance_id=instance_id,
            revision=seen_revision(),
            **given,
        )
    except InvalidInput as error:
        raise below_data(error) from None
    return reply(done)


def _steer(command: Any, instance_id: int, **given: Any) -> Response:
    return reply(carry(command, instance_id=instance_id, revision=seen_revision(), **given))
