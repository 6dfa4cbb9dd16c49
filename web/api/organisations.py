"""``/organisations``: the tree, as far as one's posts reach."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response
from marshmallow import fields
from sqlalchemy import select

from engine.directory.codes import OrganisationKind
from engine.directory.models import Organisation
from engine.directory.operations import dissolve_organisation
from engine.directory.organisations import exists_on
from engine.directory.policy import visible_organisations
from engine.errors import NotFound
from web.api.auth import actor
from web.api.blueprint import Blueprint, answers, body, query
from web.api.fields import Choice, Day, Shape, Text, Whole
from web.api.openapi import PREFIX
from web.api.paging import PageQuery, after, page, page_of
from web.api.replies import day, empty, reply
from web.context import clock, reading

blueprint = Blueprint(
    "api-organisations",
    __name__,
    url_prefix=f"{PREFIX}/organisations",
    description="Party organisations (党组织) and how they stand below each other.",
)

_COLUMNS = (
    Organisation.id,
    Organisation.parent_id,
    Organisation.path,
    Organisation.kind,
    Organisation.name,
    Organisation.short_name,
    Organisation.code,
    Organisation.can_approve_members,
    Organisation.has_committee,
    Organisation.term_start,
    Organisation.term_end,
    Organisation.founded_on,
    Organisation.dissolved_on,
)


class OrganisationQuery(PageQuery):
    """Which organisations to list; ``parent_id`` gives those directly below it."""

    parent_id = Whole(from_text=True)
    kind = Choice(OrganisationKind)
    text = Text(longest=100)


class OrganisationSchema(Shape):
    """An organisation."""

    id = fields.Integer(required=True)
    parent_id = fields.Integer(required=True, allow_none=True)
    superiors = fields.List(
        fields.Integer(), required=True, metadata={"description": "From the top downwards."}
    )
    kind = fields.String(required=True)
    kind_title = fields.String(required=True)
    name = fields.String(required=True)
    short_name = fields.String(required=True)
    code = fields.String(required=True)
    can_approve_members = fields.Boolean(required=True)
    has_committee = fields.Boolean(required=True)
    term_start = fields.Date(required=True, allow_none=True)
    term_end = fields.Date(required=True, allow_none=True)
    founded_on = fields.Date(required=True, allow_none=True)
    dissolved_on = fields.Date(required=True, allow_none=True)


class DissolveBody(Shape):
    """The first day on which the organisation exists no more, and why."""

    day = Day(required=True)
    reason = Text(longest=2000, required=True)


@blueprint.get("")
@query(OrganisationQuery)
@answers(200, page_of(OrganisationSchema))
def list_organisations(given: dict[str, Any]) -> Response:
    """List the organisations one may see that exist today"""
    limit = given["limit"]
    wanted = (
        select(*_COLUMNS)
        .where(
            visible_organisations(actor()),
            exists_on(clock().today()),
            Organisation.id > after(given.get("cursor")),
        )
        .order_by(Organisation.id)
        .limit(limit + 1)
    )
    if "parent_id" in given:
        wanted = wanted.where(Organisation.parent_id == given["parent_id"])
    if "kind" in given:
        wanted = wanted.where(Organisation.kind == given["kind"])
    if given.get("text"):
        wanted = wanted.where(Organisation.name.contains(given["text"], autoescape=True))
    rows = reading().execute(wanted).mappings().all()
    more = str(rows[limit - 1]["id"]) if len(rows) > limit else None
    return reply(page([_shape(row) for row in rows[:limit]], more))


@blueprint.get("/<id:organisation_id>", errors=(404,))
@answers(200, OrganisationSchema)
def show_organisation(organisation_id: int) -> Response:
    """Show an organisation"""
    row = (
        reading()
        .execute(
            select(*_COLUMNS).where(
                visible_organisations(actor()), Organisation.id == organisation_id
            )
        )
        .mappings()
        .one_or_none()
    )
    if row is None:
        raise NotFound
    return reply(_shape(row))


@blueprint.post("/<id:organisation_id>/dissolve", errors=(403, 404))
@body(DissolveBody)
@answers(204)
def dissolve(given: dict[str, Any], organisation_id: int) -> Response:
    """Let an organisation end

    What it owed for periods that have not ended lapses. Its people have to be moved by an import.
    """
    dissolve_organisation(clock(), actor(), organisation_id, **given)
    return empty()


def _shape(row: Mapping[Any, Any]) -> dict[str, Any]:
    kind = OrganisationKind(row["kind"])
    return {
        "id": row["id"],
        "parent_id": row["parent_id"],
        "superiors": [int(part) for part in row["path"].strip("/").split("/")[:-1]],
        "kind": kind.value,
        "kind_title": kind.label,
        "name": row["name"],
        "short_name": row["short_name"],
        "code": row["code"],
        "can_approve_members": row["can_approve_members"],
        "has_committee": row["has_committee"],
        "term_start": day(row["term_start"]),
        "term_end": day(row["term_end"]),
        "founded_on": day(row["founded_on"]),
        "dissolved_on": day(row["dissolved_on"]),
    }
