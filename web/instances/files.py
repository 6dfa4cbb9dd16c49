"""Files of matters, handed out by the access policy and never shown inside our own pages."""

from __future__ import annotations

from flask import Blueprint, Response

from engine.runtime.queries import attachment
from web.context import actor, clock, login_required
from web.downloads import download as sent
from web.forms.posted import attachment_store

blueprint = Blueprint("files", __name__, url_prefix="/files")


@blueprint.get("/<int:attachment_id>")
@login_required
def download(attachment_id: int) -> Response:
    """Send a file as a download; reading sensitive material is recorded before."""
    found = attachment(actor(), clock(), attachment_id)
    path = attachment_store().path(found.sha256)
    return sent(path, found.name, found.media_type, uploaded=True)
