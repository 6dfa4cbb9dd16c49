"""``/process-instances/…/case-file`` and ``…/papers``: what can be taken away of a matter."""

from __future__ import annotations

from flask import Response
from marshmallow import fields

from engine.documents.case_file import export_case_file
from engine.documents.papers import DOCX, list_papers, make_paper
from web.api.auth import actor
from web.api.blueprint import Blueprint, answers
from web.api.fields import Shape
from web.api.openapi import PREFIX
from web.api.replies import reply
from web.context import clock, reading, settings
from web.downloads import download
from web.forms.posted import attachment_store
from web.instances.case_file import send_case_file

blueprint = Blueprint(
    "api-case-files",
    __name__,
    url_prefix=f"{PREFIX}/process-instances",
    description="Case files (卷宗) and official papers (文书).",
)


class PaperSchema(Shape):
    """An official paper that can be had now."""

    id = fields.String(required=True)
    title = fields.String(required=True)
    description = fields.String(required=True)
    draft = fields.Boolean(
        required=True,
        metadata={"description": "The step that it reports on is not recorded yet."},
    )


class PapersSchema(Shape):
    """The papers of a process instance, in the order of the procedure."""

    items = fields.List(fields.Nested(PaperSchema), required=True)


@blueprint.get("/<id:instance_id>/case-file", errors=(403, 404, 409))
@answers(200, {"type": "string", "format": "binary"}, content_type="application/zip")
def export(instance_id: int) -> Response:
    """Take the case file away: a ZIP that verifies by itself

    What one may not read is left out and named. That it was taken away, and by whom, is an entry of
    the ledger before the first byte is sent.
    """
    made = export_case_file(
        instance_id, actor=actor(), clock=clock(), store=attachment_store(), settings=settings()
    )
    return send_case_file(made)


@blueprint.get("/<id:instance_id>/papers", errors=(403, 404))
@answers(200, PapersSchema)
def papers(instance_id: int) -> Response:
    """List the official papers that can be had of a process instance"""
    found = list_papers(reading(), actor(), clock(), instance_id)
    return reply({"items": [vars(paper) for paper in found]})


@blueprint.get("/<id:instance_id>/papers/<string:paper_id>", errors=(403, 404))
@answers(200, {"type": "string", "format": "binary"}, content_type=DOCX)
def paper(instance_id: int, paper_id: str) -> Response:
    """Take an official paper as .docx; before its step is recorded it is marked as a draft"""
    made = make_paper(reading(), actor(), clock(), instance_id, paper_id)
    return download(made.content, made.name, DOCX)
