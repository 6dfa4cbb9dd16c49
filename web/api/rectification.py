"""``/rectification-items``: what matters found, who puts it right, and what is said of it."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from flask import Response
from marshmallow import fields, validate

from engine.compliance.items import ItemState
from engine.rectification.commands import DEEDS, MOST_FILES, Words, say_item
from engine.rectification.queries import list_items, show_item
from engine.rectification.views import ItemFilter, ItemPage, ItemRow
from web.api.auth import actor
from web.api.blueprint import Blueprint, answers, body, commands, query
from web.api.conditions import done_shape, idempotency_key, seen_revision
from web.api.fields import Choice, Day, Flag, Shape, Text, Whole
from web.api.openapi import PREFIX
from web.api.paging import PageQuery, page, page_of
from web.api.records import DoneSchema
from web.api.replies import day, moment, reply
from web.context import clock, reading

blueprint = Blueprint(
    "api-rectification",
    __name__,
    url_prefix=f"{PREFIX}/rectification-items",
    description="Rectification items (整改事项): problems that matters found, to be put right.",
)


class Show(StrEnum):
    """Which items are wanted."""

    OPEN = "open"
    OVERDUE = "overdue"
    SETTLED = "settled"
    ALL = "all"


class ItemQuery(PageQuery):
    """Which items to list: those with something left to do, unless ``show`` or ``state`` says."""

    state = Choice(ItemState)
    show = Choice(Show)
    process = Text(longest=100)
    organisation_id = Whole(from_text=True)
    owner_id = Whole(from_text=True)
    instance_id = Whole(from_text=True)
    text = Text(longest=100)


class SaidBody(Shape):
    """What is said of an item."""

    text = Text(longest=4000, shortest=1, required=True)
    occurred_on = Day()


class ReportBody(SaidBody):
    """How it goes. ``done``: all is done, it may be closed. ``files``: ids of own uploads."""

    done = Flag()
    files = fields.List(Whole(), validate=validate.Length(max=MOST_FILES))


class DueBody(SaidBody):
    """A reason and a new last day."""

    due = Day(required=True)


class ItemSchema(Shape):
    """An item as one line of a list."""

    id = fields.Integer(required=True)
    number = fields.Integer(required=True, metadata={"description": "In its matter, from 1."})
    instance_id = fields.Integer(required=True)
    instance_number = fields.String(required=True)
    process = fields.String(required=True)
    organisation_id = fields.Integer(required=True)
    organisation_name = fields.String(required=True)
    problem = fields.String(required=True)
    measure = fields.String(required=True)
    owner_id = fields.Integer(required=True)
    owner_name = fields.String(required=True)
    raised_on = fields.Date(required=True)
    first_due_on = fields.Date(required=True)
    due_on = fields.Date(required=True)
    missed_on = fields.Date(
        required=True,
        allow_none=True,
        metadata={"description": "A last day that passed before it was closed or extended."},
    )
    state = fields.String(required=True)
    overdue = fields.Boolean(required=True)
    closed_on = fields.Date(required=True, allow_none=True)
    revision = fields.Integer(required=True)


class ItemNoteSchema(Shape):
    """What was recorded of an item."""

    kind = fields.String(required=True)
    text = fields.String(required=True)
    done = fields.Boolean(required=True)
    day = fields.Date(required=True)
    due_on = fields.Date(required=True, allow_none=True)
    person_name = fields.String(required=True)
    post = fields.String(required=True, allow_none=True)
    at = fields.DateTime(required=True)
    entry = fields.Integer(required=True)
    files = fields.List(fields.Integer(), required=True)
    told_in = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "The later matter, such as a meeting, in which it was said."},
    )


class ItemDetailSchema(ItemSchema):
    """An item with its history, and what one may do."""

    notes = fields.List(fields.Nested(ItemNoteSchema), required=True)
    may = fields.List(fields.String(), required=True)


@blueprint.get("", errors=(404,))
@query(ItemQuery)
@answers(200, page_of(ItemSchema))
def list_rectification_items(given: dict[str, Any]) -> Response:
    """List the rectification items one may see, those due first in front"""
    cursor, limit = given.pop("cursor", None), given.pop("limit")
    if "state" in given:
        given["state"] = ItemState(given["state"])
    show = given.pop("show", Show.OPEN)
    given["settled"] = {Show.SETTLED: True, Show.ALL: None}.get(show, False)
    given["overdue"] = show == Show.OVERDUE
    rows, more = list_items(
        reading(), actor(), ItemFilter(**given), clock().today(), cursor=cursor, limit=limit
    )
    return reply(page([item_shape(row) for row in rows], more))


@blueprint.get("/<id:item_id>", errors=(404,))
@answers(200, ItemDetailSchema)
def get_rectification_item(item_id: int) -> Response:
    """Show a rectification item with its history"""
    found = show_item(reading(), actor(), clock(), item_id)
    return reply(detail_shape(found), revision=found.row.revision)


def _offer(name: str, shape: type[SaidBody], summary: str) -> None:
    """Add the address at which one of the deeds is done, with its summary for the description."""

    def view(given: dict[str, Any], item_id: int) -> Response:
        done = say_item(
            DEEDS[name],
            item_id,
            Words(**given),
            actor=actor(),
            clock=clock(),
            command_id=idempotency_key(),
            revision=seen_revision(),
        )
        return reply(done_shape(done))

    view.__name__, view.__doc__ = f"{name}_rectification_item", summary
    operation = commands(body(shape)(answers(200, DoneSchema)(view)))
    blueprint.post(f"/<id:item_id>/{name}", errors=(403, 404))(operation)


_offer("report", ReportBody, "Say how a rectification item goes, with evidence")
_offer("extend", DueBody, "Give a rectification item more time, with the reason")
_offer("close", SaidBody, "Close a rectification item: the problem is put right")
_offer(
    "reopen", DueBody, "Open a closed rectification item again, with the reason and a new last day"
)


def item_shape(row: ItemRow) -> dict[str, Any]:
    """Return an item as one line of a list."""
    return {
        "id": row.id,
        "number": row.number,
        "instance_id": row.instance_id,
        "instance_number": row.matter_number,
        "process": row.process_key,
        "organisation_id": row.organisation_id,
        "organisation_name": row.organisation_name,
        "problem": row.problem,
        "measure": row.measure,
        "owner_id": row.owner_id,
        "owner_name": row.owner_name,
        "raised_on": day(row.raised_on),
        "first_due_on": day(row.first_due_on),
        "due_on": day(row.due_on),
        "missed_on": day(row.missed_on),
        "state": row.state.value,
        "overdue": row.overdue(clock().today()),
        "closed_on": day(row.closed_on),
        "revision": row.revision,
    }


def detail_shape(found: ItemPage) -> dict[str, Any]:
    """Return an item with its history."""
    return {
        **item_shape(found.row),
        "notes": [
            {
                "kind": note.kind.value,
                "text": note.text,
                "done": note.done,
                "day": day(note.day),
                "due_on": day(note.due_on),
                "person_name": note.person_name,
                "post": note.post,
                "at": moment(note.written_at),
                "entry": note.seq,
                "files": [file.id for file in note.files],
                "told_in": note.told_by,
            }
            for note in found.notes
        ],
        "may": sorted(found.may),
    }
