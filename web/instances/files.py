"""Files of matters, handed out by the access policy and never shown inside our own pages."""

from __future__ import annotations

from flask import Blueprint, Response, send_file

from engine.runtime.queries import attachment
from web.context import actor, clock, login_required
from web.forms.posted import attachment_store

blueprint = Blueprint("files", __name__, url_prefix="/files")


@blueprint.get("/<int:attachment_id>")
@login_required
def download(attachment_id: int) -> Response:
    """Send a file as a download; reading sensitive material is recorded before."""
    found = attachment(actor(), clock(), attachment_id)
    response = send_file(
        attachment_store().path(found.sha256),
        mimetype=found.media_type,
        as_attachment=True,
        download_name=found.name,
        etag=False,
        conditional=False,
    )
    # Should a browser show it after all: no scripts, no forms, no origin.
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["Cache-Control"] = "private, no-store"
    return response
