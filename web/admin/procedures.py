"""流程: the versions of each procedure, what differs, and on which one new matters start."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers.response import Response

from engine.compliance.regulation_store import current_regulations
from engine.definitions.operations import choose_version
from engine.definitions.package import Package
from engine.errors import InvalidInput, Problem
from engine.lint import lint_package
from engine.runtime.queries.versions import procedures, version_events, version_view, versions
from web.admin.guard import administrators_only
from web.audit.filters import number
from web.context import actor, clock, reading
from web.language import in_words

blueprint = Blueprint("procedures", __name__, url_prefix="/procedures")


@blueprint.get("/")
@administrators_only
def index() -> str:
    """List the procedures in use."""
    return render_template("admin/procedures.html", lines=procedures(reading(), actor()))


@blueprint.get("/<key>")
@administrators_only
def one(key: str) -> str:
    """List the versions of a procedure, and when each was deployed or chosen."""
    session, me = reading(), actor()
    return render_template(
        "admin/procedure.html",
        lines=versions(session, me, key),
        events=version_events(session, me, key),
    )


@blueprint.get("/versions/<int(max=9223372036854775807):version_id>")
@administrators_only
def version(version_id: int) -> str:
    """Show what differs between a version and another; with ``check`` what the checks say."""
    return _page(version_id, check=request.args.get("check") == "yes")


@blueprint.post("/versions/<int(max=9223372036854775807):version_id>/activate")
@administrators_only
def activate(version_id: int) -> Response | tuple[str, int]:
    """Let new matters start on this version."""
    reason = request.form.get("reason", "")
    seen = number(request.form.get("instead_of", ""))
    try:
        changed = choose_version(clock(), actor(), version_id, reason=reason, instead_of=seen)
    except InvalidInput as refusal:
        errors = {name: [in_words(w) for w in words] for name, words in refusal.fields.items()}
        return _page(version_id, errors=errors), 422
    if changed:
        flash(gettext("已启用，今后发起的事项使用这个版本。"), "done")
    else:
        flash(gettext("这个版本已经启用，没有变化。"), "info")
    return redirect(url_for("admin.procedures.version", version_id=version_id), 303)


def _page(
    version_id: int, *, check: bool = False, errors: dict[str, list[str]] | None = None
) -> str:
    session, me = reading(), actor()
    other = number(request.args.get("against", ""))
    seen = version_view(session, me, version_id, other)
    shown: dict[str, Any] = {
        "seen": seen,
        "line": seen.line,
        "others": [v for v in versions(session, me, seen.line.key) if v.id != version_id],
        "errors": errors or {},
        "problems": None,
    }
    shown["active"] = next((v for v in (seen.line, *shown["others"]) if v.active), None)
    if check:
        shown["problems"] = _checked(seen.definition.package)
    return render_template("admin/version.html", **shown)


def _checked(package: Package) -> list[Problem]:
    known = current_regulations(reading())
    # The checks take seconds: no connection is held meanwhile.
    reading().rollback()
    return lint_package(package, known if known.by_id else None)
