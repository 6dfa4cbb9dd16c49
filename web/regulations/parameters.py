"""参数: what counts at an organisation, who decided it, and the form to decide otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from uuid import uuid4

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers.response import Response

from engine.compliance import parameter_operations as operations
from engine.compliance.parameter_queries import (
    Line,
    around,
    parameter_detail,
    parameter_lines,
    place_seen,
    procedure_titles,
)
from engine.compliance.parameters import NUMBERS, Level
from engine.compliance.uses import parameter_uses
from engine.directory.models import Organisation
from engine.errors import N_, InvalidInput
from web.context import actor, clock, login_required, reading
from web.forms.posted import posted_command, posted_revision
from web.language import in_words
from web.numbers import row_number
from web.regulations.words import keeps_rules
from web.words import as_date

blueprint = Blueprint("parameters", __name__, url_prefix="/parameters")


@dataclass(frozen=True)
class Typed:
    """What was filled in, to be shown again with what is wrong."""

    value: str = ""
    since: str = ""
    until: str = ""
    reason: str = ""
    ending: int | None = None
    """The value that was to be ended, when it is that form."""
    errors: Mapping[str, Sequence[str]] = field(default_factory=dict)


@blueprint.get("/")
@login_required
def index() -> str:
    """List what counts at an organisation, the national parameters first."""
    place, today = _place(), clock().today()
    keeper = keeps_rules(actor())
    only = request.args.get("only", "")
    only = only if only in ("own", "unverified") and (keeper or only != "unverified") else ""
    lines = [line for line in parameter_lines(reading(), place, today) if _wanted(line, only)]
    return render_template(
        "regulations/parameters.html",
        place=place,
        around=around(reading(), actor(), place, today),
        groups=_grouped(lines),
        only=only,
        keeper=keeper,
    )


def _wanted(line: Line, only: str) -> bool:
    if only == "own":
        return line.value.origin != "default"
    return only != "unverified" or line.parameter.unverified


def _grouped(lines: Sequence[Line]) -> list[tuple[str, list[Line]]]:
    """Return what may be decided, the national ones first; what is the same everywhere last."""
    titles = procedure_titles(reading())
    groups: dict[str, list[Line]] = {}
    later: list[Line] = []
    uniform: list[Line] = []
    for line in lines:
        process, procedures = line.parameter.process, line.parameter.procedures
        if line.parameter.level is Level.NONE:
            uniform.append(line)
        elif process is not None:
            groups.setdefault(titles.get(process, process), []).append(line)
        elif not procedures or titles.keys() & set(procedures):
            groups.setdefault(gettext("各流程通用"), []).append(line)
        else:
            later.append(line)
    found = list(groups.items())
    found.append((gettext("用于尚未部署的流程"), later))
    found.append((gettext("全国统一，不能另行设置"), uniform))
    return [(title, group) for title, group in found if group]


@blueprint.get("/<key>")
@login_required
def one(key: str) -> str:
    """Show one parameter: value, origin, history, and the forms of whoever may decide."""
    return _page(key, _place(), Typed(since=clock().today().isoformat()))


@blueprint.post("/<key>/set")
@login_required
def set_value(key: str) -> Response | tuple[str, int]:
    """Let another value count from a day on."""
    place = _place()
    typed = _typed()
    detail = parameter_detail(reading(), actor(), place, key, clock().today())
    try:
        wrong: dict[str, Sequence[str]] = {}
        since, until = _day(typed.since, "since", wrong), _day(typed.until, "until", wrong)
        if since is None:
            wrong.setdefault("since", [N_("请填写生效日期。")])
        try:
            value = detail.parameter.from_text(typed.value)
        except InvalidInput as refusal:
            wrong.update(refusal.fields)
        if not typed.reason.strip():
            wrong["reason"] = [N_("请写明理由和依据的文件。")]
        if wrong or since is None:
            raise InvalidInput(wrong)
        operations.set_parameter(
            clock(),
            actor(),
            organisation_id=place.id,
            key=key,
            value=value,
            since=since,
            until=until,
            reason=typed.reason,
            version=posted_revision(),
            command_id=posted_command(),
        )
    except InvalidInput as refusal:
        return _page(key, place, _again(typed, refusal)), 422
    flash(gettext("已设置，从生效日期起对本组织和下级组织适用。"), "done")
    return redirect(url_for("parameters.one", key=key, organisation=place.id), 303)


@blueprint.post("/<key>/end/<int:setting_id>")
@login_required
def end_value(key: str, setting_id: int) -> Response | tuple[str, int]:
    """Let a value count for the last time on a day."""
    place = _place()
    typed = replace(_typed(), ending=setting_id)
    wrong: dict[str, Sequence[str]] = {}
    until = _day(typed.until, "until", wrong)
    try:
        if until is None:
            raise InvalidInput(wrong or {"until": [N_("请填写适用的最后一天。")]})
        operations.end_parameter(
            clock(),
            actor(),
            setting_id=setting_id,
            until=until,
            reason=typed.reason,
            version=posted_revision(),
            command_id=posted_command(),
        )
    except InvalidInput as refusal:
        return _page(key, place, _again(typed, refusal)), 422
    flash(gettext("已结束，之后按上级的设置或者默认值。"), "done")
    return redirect(url_for("parameters.one", key=key, organisation=place.id), 303)


def _place() -> Organisation:
    wanted = request.values.get("organisation", type=row_number)
    return place_seen(reading(), actor(), wanted)


def _typed() -> Typed:
    form = request.form
    return Typed(
        value=form.get("value", ""),
        since=form.get("since", ""),
        until=form.get("until", ""),
        reason=form.get("reason", ""),
    )


def _day(text: str, name: str, wrong: dict[str, Sequence[str]]) -> date | None:
    if not text.strip():
        return None
    found = as_date(text.strip())
    if found is None:
        wrong[name] = [N_("请填写日期，例如 2026-05-18。")]
    return found


def _again(typed: Typed, refusal: InvalidInput) -> Typed:
    errors = {name: [in_words(w) for w in words] for name, words in refusal.fields.items()}
    return replace(typed, errors=errors)


def _page(key: str, place: Organisation, typed: Typed) -> str:
    today = clock().today()
    detail = parameter_detail(reading(), actor(), place, key, today)
    procedures = frozenset(detail.parameter.procedures)
    return render_template(
        "regulations/parameter.html",
        detail=detail,
        parameter=detail.parameter,
        place=place,
        around=around(reading(), actor(), place, today),
        typed=typed,
        command_id=uuid4(),
        ending_ids={past.id: uuid4() for past in detail.open_settings(today)},
        whole=detail.parameter.type in NUMBERS,
        uniform=detail.parameter.level is Level.NONE,
        keeper=keeps_rules(actor()),
        uses=parameter_uses(reading(), key),
        waiting=bool(procedures) and procedures.isdisjoint(procedure_titles(reading())),
    )
