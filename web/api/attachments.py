"""``/attachments``: hand in a file, then name it by its id in the data of a form."""

from __future__ import annotations

import io
from typing import Any

from flask import Response, request
from marshmallow import fields

from engine.attachments.operations import add_attachment
from engine.runtime.queries.files import attachment
from web.api.auth import actor
from web.api.blueprint import Blueprint, answers, query, takes_file
from web.api.fields import Shape, Text
from web.api.openapi import PREFIX
from web.api.replies import reply
from web.context import clock, settings
from web.downloads import download as sent
from web.forms.posted import attachment_store

blueprint = Blueprint(
    "api-attachments",
    __name__,
    url_prefix=f"{PREFIX}/attachments",
    description="Files (材料) that steps ask for.",
)


class UploadQuery(Shape):
    """What the file is called; its extension says what it is."""

    name = Text(shortest=1, longest=200, required=True)


class UploadSchema(Shape):
    """A file that was handed in and belongs to no process instance yet."""

    id = fields.Integer(required=True)
    name = fields.String(required=True)


@blueprint.post("", errors=(413,))
@takes_file("application/octet-stream")
@query(UploadQuery)
@answers(201, UploadSchema)
def upload(given: dict[str, Any]) -> Response:
    """Hand in a file, as the plain body

    Only the uploader can use it. It becomes part of a process instance when a form with its id is
    handed in; until then only the uploader can read it.
    """
    request.max_content_length = settings().attachment_max_bytes
    made = add_attachment(
        clock(),
        attachment_store(),
        io.BytesIO(request.get_data(cache=False)),
        name=given["name"],
        document="",
        person_id=actor().person_id,
    )
    return reply({"id": made.id, "name": made.name}, 201)


@blueprint.get("/<id:attachment_id>", errors=(403, 404))
@answers(200, {"type": "string", "format": "binary"}, content_type="application/octet-stream")
def download(attachment_id: int) -> Response:
    """Read a file; reading sensitive material is recorded in the ledger"""
    found = attachment(actor(), clock(), attachment_id)
    return sent(attachment_store().path(found.sha256), found.name, "application/octet-stream")
