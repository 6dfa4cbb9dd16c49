"""``/people``: whom one may see, with as little about them as will do.

Numbers are masked here, always: no program needs them to move a matter.
"""

from __future__ import annotations

from typing import Any

from flask import Response
from marshmallow import fields

from engine.directory.codes import MembershipStatus, PostKind
from engine.directory.membership import standing_on
from engine.directory.people import (
    PersonLine,
    find_people,
    get_person,
    mask_identity_number,
    mask_phone,
    person_view,
)
from engine.directory.policy import Action, require
from engine.directory.posts import posts_of
from engine.runtime.queries.rows import Names
from web.api.auth import actor
from web.api.blueprint import Blueprint, answers, query
from web.api.fields import Choice, Shape, Text, Whole
from web.api.openapi import PREFIX
from web.api.paging import PageQuery, after, page, page_of
from web.api.replies import day, reply
from web.context import clock, reading

blueprint = Blueprint(
    "api-people",
    __name__,
    url_prefix=f"{PREFIX}/people",
    description="People of the directory, with the membership status of today.",
)


class PersonQuery(PageQuery):
    """Whom to list; ``organisation_id`` takes in everything below it."""

    text = Text(longest=50)
    organisation_id = Whole(from_text=True)
    status = Choice(MembershipStatus)


class PersonSchema(Shape):
    """A person as one line of a list."""

    id = fields.Integer(required=True)
    name = fields.String(required=True)
    organisation_id = fields.Integer(required=True, allow_none=True)
    organisation_name = fields.String(required=True, allow_none=True)
    status = fields.String(required=True)
    status_title = fields.String(required=True)


class PostSchema(Shape):
    """A post held today."""

    organisation_id = fields.Integer(required=True)
    organisation_name = fields.String(required=True)
    kind = fields.String(required=True)
    kind_title = fields.String(required=True)
    since = fields.Date(required=True)
    until = fields.Date(required=True, allow_none=True)


class PersonDetailSchema(PersonSchema):
    """A person."""

    status_since = fields.Date(required=True, allow_none=True)
    posts = fields.List(fields.Nested(PostSchema), required=True)
    phone = fields.String(required=True, metadata={"description": "Masked."})
    identity_number = fields.String(required=True, metadata={"description": "Masked."})


@blueprint.get("")
@query(PersonQuery)
@answers(200, page_of(PersonSchema))
def list_people(given: dict[str, Any]) -> Response:
    """Search the people one may see"""
    limit, status = given["limit"], given.get("status")
    found = find_people(
        reading(),
        actor(),
        clock().today(),
        text=given.get("text", ""),
        organisation_id=given.get("organisation_id"),
        status=() if status is None else (MembershipStatus(status),),
        after_id=after(given.get("cursor")),
        limit=limit + 1,
    )
    more = str(found[limit - 1].id) if len(found) > limit else None
    return reply(page([_line(person) for person in found[:limit]], more))


@blueprint.get("/<id:person_id>", errors=(404,))
@answers(200, PersonDetailSchema)
def show_person(person_id: int) -> Response:
    """Show a person"""
    session, today = reading(), clock().today()
    require(actor(), Action.VIEW_PERSON, person_view(session, person_id))
    person = get_person(session, person_id)
    standing = standing_on(session, person_id, today)
    place = person.organisation_id
    line = PersonLine(
        person.id,
        person.name,
        place,
        None if place is None else Names(session).organisation(place),
        standing.status,
    )
    held = [
        {
            "organisation_id": organisation.id,
            "organisation_name": organisation.short_name,
            "kind": post.kind,
            "kind_title": PostKind(post.kind).label,
            "since": day(post.since),
            "until": day(post.until),
        }
        for post, organisation in posts_of(session, person_id)
        if post.since <= today and (post.until is None or today <= post.until)
    ]
    return reply(
        {
            **_line(line),
            "status_since": day(standing.since),
            "posts": held,
            "phone": mask_phone(person.phone),
            "identity_number": mask_identity_number(person.identity_number),
        }
    )


def _line(person: PersonLine) -> dict[str, Any]:
    return {
        "id": person.id,
        "name": person.name,
        "organisation_id": person.organisation_id,
        "organisation_name": person.organisation_name,
        "status": person.status.value,
        "status_title": person.status.label,
    }
