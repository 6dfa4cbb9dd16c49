"""Organisations and people that an administrator keeps."""

from __future__ import annotations

import re
from io import BytesIO
from typing import Final

from flask import Blueprint, Response, render_template, request, send_file

from engine.directory.imports.template import template
from engine.directory.rosters import organisations_kept, roster
from web.admin.guard import administrators_only
from web.context import actor, clock, reading
from web.inbox.excel import MEDIA_TYPE

blueprint = Blueprint("admin", __name__, url_prefix="/admin")

PAGE: Final = 100


@blueprint.get("/")
@administrators_only
def index() -> str:
    """List the organisations, the tree's order kept."""
    text = request.args.get("q", "").replace("\0", "").strip()[:100]
    after = request.args.get("cursor", "")[:500]
    if not re.fullmatch(r"(/\d{1,18})+/", after):
        after = ""
    lines = organisations_kept(
        reading(), actor(), clock().today(), text=text, after=after, limit=PAGE + 1
    )
    more, lines = len(lines) > PAGE, lines[:PAGE]
    return render_template(
        "admin/index.html",
        lines=lines,
        text=text,
        top=min((line.depth for line in lines), default=0),
        next_cursor=lines[-1].path if more else None,
    )


@blueprint.get("/organisations/<int:organisation_id>")
@administrators_only
def organisation(organisation_id: int) -> str:
    """Show who is in an organisation, with posts and logins."""
    after = request.args.get("cursor", "0")
    found = roster(
        reading(),
        actor(),
        organisation_id,
        clock().today(),
        after_id=int(after) if after.isdecimal() and len(after) < 19 else 0,
        limit=PAGE,
    )
    return render_template("admin/organisation.html", roster=found)


@blueprint.get("/template.xlsx")
@administrators_only
def empty_workbook() -> Response:
    """Hand out the empty workbook."""
    return send_file(
        BytesIO(template()),
        mimetype=MEDIA_TYPE,
        as_attachment=True,
        download_name="党组织和人员.xlsx",
    )
