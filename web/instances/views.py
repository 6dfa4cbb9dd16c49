"""The list of matters, and one matter: its course, diagram, files and history."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.blueprints import BlueprintSetupState
from flask_babel import gettext
from werkzeug.wrappers.response import Response as Reply

from engine.audit.commands import allow_override
from engine.audit.conformance import show_conformance
from engine.audit.matter import matter_findings
from engine.errors import N_, InvalidInput
from engine.rectification.queries import items_of_matter
from engine.runtime import operations
from engine.runtime.commands import Done
from engine.runtime.queries import diagram_source, matter_readings, matter_view, startable
from engine.runtime.queries import matters as read_matters
from engine.runtime.views import (
    AttachmentRef,
    MatterStatus,
    MatterView,
    Progress,
    StageState,
    StepState,
)
from web.context import actor, clock, login_required, reading
from web.forms.posted import posted_command, posted_revision
from web.instances.case_file import offered_papers
from web.instances.coming import Coming, coming
from web.instances.forecast import (
    ForecastPage,
    depends_on,
    forecast_page,
    promise,
    rule_sentence,
    told_of,
)
from web.language import in_words, why_refused

blueprint = Blueprint("instances", __name__, url_prefix="/matters")

_TABS: Final = {
    "steps": N_("全程纪实"),
    "findings": N_("问题"),
    "diagram": N_("流程图"),
    "documents": N_("材料"),
    "forecast": N_("预计"),
    "history": N_("留痕"),
    "readers": N_("查阅记录"),
}
_RIGHTS: Final = {"history": "ledger", "readers": "readers"}
"""Tabs that not everybody who sees the matter may open, with the right they need."""
_STEERING: Final = {
    "suspend": (
        N_("挂起"),
        N_("挂起后，此事项的任务从待办中撤下，期限提醒暂停，直到恢复。"),
        N_("事项已挂起。"),
    ),
    "resume": (N_("恢复"), N_("恢复后，任务重新回到待办。"), N_("事项已恢复。")),
    "cancel": (
        N_("终止"),
        N_("终止后不能再办理，已有记录保留。此操作不能撤销。"),
        N_("事项已终止，记录保留。"),
    ),
}


def shown_steps(stage: StageState) -> list[StepState]:
    """Return the steps worth a line: of several with one number, what happened, or the first."""
    busy = {s.number for s in stage.steps if s.records or s.state is Progress.NOW}
    shown: list[StepState] = []
    for step in stage.steps:
        happened = bool(step.records) or step.state is Progress.NOW
        again = step.number is not None and step.number in busy | {s.number for s in shown}
        if happened or not again:
            shown.append(step)
    return shown


@dataclass(frozen=True)
class Paper:
    """A document of the procedure with the files handed in for it."""

    title: str
    files: tuple[AttachmentRef, ...]


def papers(view: MatterView) -> list[Paper]:
    """Return the documents in the order of the procedure, then whatever else was handed in.

    The person concerned sees only own files, and so not what is still missing.
    """
    by_title: dict[str, list[AttachmentRef]] = {}
    for file in view.documents:
        by_title.setdefault(file.document or file.name, []).append(file)
    titles = dict.fromkeys(document.title for document in view.expected_documents)
    if view.row.subject_id == actor().person_id:
        titles = {title: None for title in titles if title in by_title}
    titles |= dict.fromkeys(by_title)
    return [Paper(title, tuple(by_title.get(title, ()))) for title in titles]


@blueprint.record_once
def _globals(state: BlueprintSetupState) -> None:
    state.app.jinja_env.globals.update(
        shown_steps=shown_steps,
        promise=promise,
        depends_on=depends_on,
        rule_sentence=rule_sentence,
    )


@blueprint.get("/")
@login_required
def index() -> str:
    """Show the matters that the actor may see."""
    text = request.args.get("q", "").strip()
    process = request.args.get("process") or None
    status = request.args.get("status", "")
    wanted = MatterStatus(status) if status in list(MatterStatus) else None
    rows, next_cursor = read_matters(
        reading(),
        actor(),
        clock(),
        status=wanted,
        process=process,
        text_wanted=text or None,
        cursor=request.args.get("cursor") or None,
    )
    procedures = [(choice.key, choice.title) for choice in startable(reading(), actor(), clock())]
    filters = {
        "text": text,
        "status": status,
        "statuses": [(s.value, s.label) for s in MatterStatus],
        "process": process or "",
        "processes": procedures,
        "active": bool(text or process or wanted),
    }
    return render_template(
        "instances/index.html",
        rows=rows,
        next_cursor=next_cursor,
        filters=filters,
        search_text=text,
    )


@blueprint.get("/<int:instance_id>")
@login_required
def matter(instance_id: int) -> str:
    """Show one matter."""
    view = matter_view(reading(), actor(), clock(), instance_id)
    return _page(view, request.args.get("tab", "steps"))


def _page(view: MatterView, tab: str) -> str:
    found = matter_findings(reading(), actor(), clock(), view.row.id)
    tabs = [
        (code, in_words(title))
        for code, title in _TABS.items()
        if (code not in _RIGHTS or _RIGHTS[code] in view.may)
        and (code != "findings" or found is not None)
    ]
    tab = tab if tab in dict(tabs) else "steps"
    page = forecast_page(view) if tab == "forecast" else None
    readings, next_cursor = (
        matter_readings(
            reading(), actor(), clock(), view.row.id, cursor=request.args.get("cursor") or None
        )
        if tab == "readers"
        else ((), None)
    )
    return render_template(
        "instances/matter.html",
        view=view,
        row=view.row,
        tab=tab,
        tabs=tabs,
        papers=papers(view) if tab == "documents" else (),
        forecast=page,
        days=_days(view, tab, page),
        official=offered_papers(view.row.id) if tab == "documents" else (),
        found=found,
        items=items_of_matter(reading(), actor(), view.row.id) if tab == "steps" else (),
        conformance=show_conformance(reading(), actor(), clock(), view.row.id)
        if tab == "findings"
        else None,
        readings=readings,
        next_cursor=next_cursor,
        command_id=uuid4(),
        steering=[
            (code, in_words(title), in_words(what)) for code, (title, what, _) in _STEERING.items()
        ],
    )


def _days(view: MatterView, tab: str, page: ForecastPage | None) -> Coming:
    """Return the days of what is to come, on the tabs that are about steps."""
    if page is not None:
        return coming(view, page.told)
    return coming(view, told_of(view)) if tab == "steps" else Coming()


@blueprint.get("/<int:instance_id>/diagram.bpmn")
@login_required
def diagram(instance_id: int) -> Response:
    """Return the diagram of the matter's version, for those who may see the matter."""
    source = diagram_source(reading(), actor(), clock(), instance_id)
    response = Response(source, mimetype="application/xml")
    response.headers["Content-Disposition"] = 'attachment; filename="diagram.bpmn"'
    return response


_COMMANDS: Final[Mapping[str, Callable[..., Done]]] = {
    "suspend": operations.suspend_instance,
    "resume": operations.resume_instance,
    "cancel": operations.cancel_instance,
}


@blueprint.post("/<int:instance_id>/<any(suspend, resume, cancel):command>")
@login_required
def steer(instance_id: int, command: str) -> Reply | tuple[str, int]:
    """Suspend, resume or end the matter, with a reason."""
    why = () if command == "resume" else (request.form.get("reason", ""),)
    view = matter_view(reading(), actor(), clock(), instance_id)
    try:
        _COMMANDS[command](
            instance_id,
            *why,
            actor=actor(),
            clock=clock(),
            command_id=posted_command(),
            revision=posted_revision(),
        )
    except InvalidInput as refusal:
        return _refused(view, refusal)
    flash(in_words(_STEERING[command][2]), "done")
    return redirect(url_for("instances.matter", instance_id=instance_id), 303)


def _refused(view: MatterView, refusal: InvalidInput) -> tuple[str, int]:
    flash(why_refused(refusal), "overdue")
    return _page(view, "steps"), 422


@blueprint.post("/<int:instance_id>/allow")
@login_required
def allow(instance_id: int) -> Reply | tuple[str, int]:
    """Let a step of the matter pass although a rule stands in its way, with a reason."""
    view = matter_view(reading(), actor(), clock(), instance_id)
    rule, _, element = request.form.get("what", "").partition("~")
    try:
        allow_override(
            instance_id,
            rule,
            element,
            request.form.get("reason", ""),
            actor=actor(),
            clock=clock(),
            command_id=posted_command(),
        )
    except InvalidInput as refusal:
        flash(why_refused(refusal), "overdue")
        return _page(view, "findings"), 422
    flash(gettext("已准予越过。该环节由承办人办理，问题和理由仍然显示。"), "done")
    return redirect(url_for("instances.matter", instance_id=instance_id, tab="findings"), 303)
