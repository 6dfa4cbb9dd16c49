"""流程: the versions of each procedure, what differs, and on which one new matters start."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext, ngettext
from werkzeug.wrappers.response import Response

from engine.compliance.regulation_store import current_regulations
from engine.definitions.operations import choose_version
from engine.definitions.package import Package
from engine.errors import InvalidInput, Problem, Sentence
from engine.lint import lint_package
from engine.runtime.migrating import MOST_AT_ONCE, Looked, move_matters, preview_move
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
    """Show what differs between a version and another; with ``check`` what the checks say.

    With ``move``: which running matters could move to the version, and why the others could not.
    """
    asked = {name for name in ("check", "move") if request.args.get(name) == "yes"}
    return _page(version_id, asked)


@blueprint.post("/versions/<int(max=9223372036854775807):version_id>/activate")
@administrators_only
def activate(version_id: int) -> Response | tuple[str, int]:
    """Let new matters start on this version."""
    reason = request.form.get("reason", "")
    seen = number(request.form.get("instead_of", ""))
    try:
        changed = choose_version(clock(), actor(), version_id, reason=reason, instead_of=seen)
    except InvalidInput as refusal:
        return _page(version_id, errors=_in_words(refusal)), 422
    if changed:
        flash(gettext("已启用，今后发起的事项使用这个版本。"), "done")
    else:
        flash(gettext("这个版本已经启用，没有变化。"), "info")
    return redirect(url_for("admin.procedures.version", version_id=version_id), 303)


@blueprint.post("/versions/<int(max=9223372036854775807):version_id>/move")
@administrators_only
def move(version_id: int) -> Response | tuple[str, int]:
    """Move the running matters of the procedure to this version, where that is safe."""
    reason = request.form.get("reason", "")
    try:
        found = move_matters(clock(), actor(), version_id, reason=reason, most=MOST_AT_ONCE)
    except InvalidInput as refusal:
        return _page(version_id, {"move"}, move_errors=_in_words(refusal)), 422
    if found.moving:
        text = ngettext(
            "已有 %(num)s 项换用这个版本。", "已有 %(num)s 项换用这个版本。", len(found.moving)
        )
        flash(text, "done")
    else:
        flash(gettext("没有可以换用这个版本的事项，没有变化。"), "info")
    address = url_for("admin.procedures.version", version_id=version_id, move="yes")
    return redirect(address, 303)


def _in_words(refusal: InvalidInput) -> dict[str, list[str]]:
    return {name: [in_words(w) for w in words] for name, words in refusal.fields.items()}


def _page(
    version_id: int,
    asked: Collection[str] = (),
    *,
    errors: Mapping[str, list[str]] | None = None,
    move_errors: Mapping[str, list[str]] | None = None,
) -> str:
    session, me = reading(), actor()
    other = number(request.args.get("against", ""))
    seen = version_view(session, me, version_id, other)
    shown: dict[str, Any] = {
        "seen": seen,
        "line": seen.line,
        "others": [v for v in versions(session, me, seen.line.key) if v.id != version_id],
        "errors": errors or {},
        "move_errors": move_errors or {},
        "problems": None,
        "outlook": None,
    }
    shown["active"] = next((v for v in (seen.line, *shown["others"]) if v.active), None)
    shown["elsewhere"] = sum(v.running for v in shown["others"])
    if "move" in asked:
        shown["outlook"] = found = preview_move(session, clock(), me, version_id)
        shown["groups"] = _by_reasons(found.staying)
    if "check" in asked:
        shown["problems"] = _checked(seen.definition.package)
    return render_template("admin/version.html", **shown)


def _by_reasons(staying: Iterable[Looked]) -> dict[tuple[Sentence, ...], list[Looked]]:
    """Return the matters that stay, those with the same reasons together."""
    groups: dict[tuple[Sentence, ...], list[Looked]] = {}
    for matter in staying:
        groups.setdefault(matter.reasons, []).append(matter)
    return groups


def _checked(package: Package) -> list[Problem]:
    known = current_regulations(reading())
    # The checks take seconds: no connection is held meanwhile.
    reading().rollback()
    return lint_package(package, known if known.by_id else None)
