"""The task page: the form on the left, what it rests on to the right, one main action."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers.response import Response

from engine.database import unit_of_work
from engine.errors import InvalidInput, NotAllowed, NotFound, StaleRevision, TaskClosed
from engine.forms.drafts import save_draft
from engine.ledger.operations import find_command
from engine.runtime import assignment, operations
from engine.runtime.commands import Done
from engine.runtime.queries import matter_view, task_view
from engine.runtime.views import TaskView
from web.context import actor, clock, login_required, reading
from web.forms.page import FormPage, file_box, form_page, posted_page
from web.forms.posted import (
    Posted,
    posted_command,
    posted_day,
    posted_revision,
    read_posted,
)
from web.language import why_refused
from web.numbers import row_number
from web.words import as_date

blueprint = Blueprint("tasks", __name__, url_prefix="/tasks")

DAY_KEY: Final = "_occurred_on"
"""Where a draft keeps the day that was typed; no field of a form begins with a line."""


@blueprint.get("/<int:task_id>")
@login_required
def task(task_id: int) -> str | Response:
    """Show a task; a closed one leads to its matter."""
    view = task_view(reading(), actor(), clock(), task_id)
    if view.draft_saved_at and (day := as_date(view.values.get(DAY_KEY))):
        view = task_view(reading(), actor(), clock(), task_id, occurred_on=day)
    if view.row.state != "open":
        flash(gettext("这个任务已经办结或收回，下面是事项的最新情况。"), "info")
        return redirect(url_for("instances.matter", instance_id=view.row.instance_id))
    return _page(view, _form(view))


def _form(
    view: TaskView, posted: Posted | None = None, refusal: InvalidInput | None = None
) -> FormPage:
    upload_url = url_for("tasks.files", task_id=view.row.id)
    if posted is None:
        return form_page(
            view.form,
            view.context,
            view.values,
            occurred_on=view.occurred_on,
            upload_url=upload_url,
            prefilled=view.draft_saved_at is None,
        )
    return posted_page(view.form, view.context, posted, refusal, upload_url=upload_url)


def _page(view: TaskView, form: FormPage, *, panel: str = "") -> str:
    return render_template(
        "inbox/task.html",
        view=view,
        row=view.row,
        form=form,
        may_complete="complete" in view.may,
        open_panel=panel,
        reason=request.form.get("reason", ""),
        form_action=url_for("tasks.draft", task_id=view.row.id),
    )


def _seen(task_id: int) -> tuple[TaskView, Posted]:
    """Return the task as of the day that was typed, and what was typed."""
    view = task_view(reading(), actor(), clock(), task_id, occurred_on=posted_day())
    return view, read_posted(view.form)


@blueprint.post("/<int:task_id>")
@login_required
def complete(task_id: int) -> Response | tuple[str, int]:
    """Complete the task, or show the form again with what is wrong."""
    try:
        view, posted = _seen(task_id)
    except NotFound:
        # Who has done his part may have lost sight of the matter; a second click is no error.
        if find_command(reading(), posted_command(), actor().person_id) is None:
            raise
        return redirect(url_for("inbox.index"), 303)
    try:
        if posted.errors:
            raise InvalidInput(posted.errors)
        done = operations.complete_task(
            task_id,
            posted.raw,
            actor=actor(),
            clock=clock(),
            occurred_on=posted.occurred_on,
            command_id=posted.command_id,
            revision=posted.revision,
        )
    except InvalidInput as refusal:
        _keep_draft(view, posted)
        return _page(view, _form(view, posted, refusal)), 422
    flash(gettext("已办结：%(what)s。", what=view.row.title), "done")
    return redirect(_after(done), 303)


def _after(done: Done) -> str:
    """Return where to go: the next task if it is mine, else the matter if I may see it."""
    me = actor()
    for task_id in sorted(done.opened):
        try:
            view = task_view(reading(), me, clock(), task_id)
        except (NotFound, NotAllowed):
            continue
        if "complete" in view.may:
            return url_for("tasks.task", task_id=task_id)
    try:
        matter_view(reading(), me, clock(), done.instance_id)
    except (NotFound, NotAllowed):
        return url_for("inbox.index")
    return url_for("instances.matter", instance_id=done.instance_id)


def _keep_draft(view: TaskView, posted: Posted) -> None:
    """Keep what was typed, whatever happens next; only who may complete the task has a draft."""
    if "complete" in view.may:
        me = actor()
        data = dict(posted.raw)
        if posted.occurred_on is not None:
            data[DAY_KEY] = posted.occurred_on.isoformat()
        with unit_of_work() as session:
            save_draft(session, clock(), task_id=view.row.id, person_id=me.person_id, data=data)


@blueprint.post("/<int:task_id>/draft")
@login_required
def draft(task_id: int) -> Response | str:
    """Save what was typed; also adds and removes rows, and works out anew, without JavaScript."""
    view, posted = _seen(task_id)
    _refuse_closed(view)
    _keep_draft(view, posted)
    if request.form.get("_draft"):
        flash(gettext("草稿已保存，可以以后接着填。"), "done")
        return redirect(url_for("tasks.task", task_id=task_id), 303)
    return _page(view, _form(view, posted))


@blueprint.post("/<int:task_id>/live")
@login_required
def live(task_id: int) -> str:
    """Save a draft while one types and say what the numbers mean."""
    view = task_view(reading(), actor(), clock(), task_id, occurred_on=posted_day())
    _refuse_closed(view)
    posted = read_posted(view.form, with_files=False)
    saved_at = clock().now()
    _keep_draft(view, posted)
    form = _form(view, Posted(posted.raw, posted.occurred_on, posted.command_id, None))
    return render_template("forms/live.html", form=form, saved_at=saved_at, grounds=view.grounds)


@blueprint.post("/<int:task_id>/files")
@login_required
def files(task_id: int) -> str | tuple[str, int]:
    """Take in a file as soon as it is chosen, and draw its field anew."""
    view, posted = _seen(task_id)
    _refuse_closed(view)
    _keep_draft(view, posted)
    return file_box(_form(view, posted))


def _refuse_closed(view: TaskView) -> None:
    if view.row.state != "open":
        raise TaskClosed
    if "complete" not in view.may:
        raise NotAllowed(view.why)


def _carry_out(command: Callable[..., Done], task_id: int, *given: object) -> Done:
    """Give a command of the page to a task that the actor may see.

    A foreign task is not found, so that nobody learns which numbers exist.
    """
    task_view(reading(), actor(), clock(), task_id)
    return command(
        task_id,
        *given,
        actor=actor(),
        clock=clock(),
        command_id=posted_command(),
        revision=posted_revision(),
    )


@blueprint.post("/<int:task_id>/claim")
@login_required
def claim(task_id: int) -> Response:
    """Take the task for oneself."""
    _carry_out(assignment.claim_task, task_id)
    flash(gettext("已签收，由您办理。"), "done")
    return redirect(url_for("tasks.task", task_id=task_id), 303)


@blueprint.post("/<int:task_id>/unclaim")
@login_required
def unclaim(task_id: int) -> Response:
    """Put the task back for all who may do it."""
    _carry_out(assignment.unclaim_task, task_id)
    flash(gettext("已放回，其他有权的人可以办理。"), "done")
    return redirect(url_for("inbox.index"), 303)


@blueprint.post("/<int:task_id>/delegate")
@login_required
def delegate(task_id: int) -> Response | tuple[str, int]:
    """Hand the task to another person, with a reason."""
    person, reason = request.form.get("person", 0, type=row_number), request.form.get("reason", "")
    try:
        _carry_out(assignment.delegate_task, task_id, person, reason)
    except InvalidInput as refusal:
        return _again(task_id, refusal, "delegate")
    flash(gettext("已委托他人办理。"), "done")
    return redirect(url_for("inbox.index"), 303)


@blueprint.post("/<int:task_id>/send-back")
@login_required
def send_back(task_id: int) -> Response | tuple[str, int]:
    """Send the matter back to an earlier step, with a reason."""
    target, reason = request.form.get("target", ""), request.form.get("reason", "")
    try:
        done = _carry_out(operations.send_back, task_id, target, reason)
    except InvalidInput as refusal:
        return _again(task_id, refusal, "send-back")
    flash(gettext("已退回，对方会看到您的理由。"), "done")
    return redirect(url_for("instances.matter", instance_id=done.instance_id), 303)


def _again(task_id: int, refusal: InvalidInput, panel: str) -> tuple[str, int]:
    flash(why_refused(refusal), "overdue")
    view = task_view(reading(), actor(), clock(), task_id)
    if view.row.state != "open":
        raise StaleRevision
    return _page(view, _form(view), panel=panel), 422
