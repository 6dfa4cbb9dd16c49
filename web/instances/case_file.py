"""Take a matter's case file away, and the official papers that are filled from its record."""

from __future__ import annotations

from flask import Blueprint, Response

from engine.documents.case_file import CaseFile, export_case_file
from engine.documents.papers import DOCX, PaperState, list_papers, make_paper
from engine.errors import NotAllowed
from web.context import actor, clock, login_required, reading, settings
from web.downloads import download
from web.forms.posted import attachment_store

blueprint = Blueprint("case_file", __name__, url_prefix="/matters/<int:instance_id>")


def offered_papers(instance_id: int) -> tuple[PaperState, ...]:
    """Return the papers to be had; none for those who may not read what was recorded."""
    try:
        return list_papers(reading(), actor(), clock(), instance_id)
    except NotAllowed:
        return ()


@blueprint.post("/case-file")
@login_required
def export(instance_id: int) -> Response:
    """Send the case file; that it is taken away has been recorded before."""
    made = export_case_file(
        instance_id, actor=actor(), clock=clock(), store=attachment_store(), settings=settings()
    )
    return send_case_file(made)


@blueprint.get("/papers/<paper_id>")
@login_required
def paper(instance_id: int, paper_id: str) -> Response:
    """Send an official paper, or its draft."""
    made = make_paper(reading(), actor(), clock(), instance_id, paper_id)
    return download(made.content, made.name, DOCX)


def send_case_file(made: CaseFile) -> Response:
    """Return a case file as a download, read from its temporary file piece by piece."""
    response = download(made.stream, made.name, "application/zip")
    response.content_length = made.size
    return response
