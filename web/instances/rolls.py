"""The list of a step with a task for each: who is missing, late-comers and leavers."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers.response import Response

from engine.errors import Conflict, InvalidInput, NotFound
from engine.runtime import operations
from engine.runtime.commands import Done
from engine.runtime.queries import joinable, matter_view
from engine.runtime.views import MatterView
from web.context import actor, clock, login_required, reading
from web.forms.posted import posted_command, posted_day, posted_revision
from web.language import in_words, why_refused
from web.numbers import row_number

blueprint = Blueprint(
    "rolls", __name__, url_prefix="/matters/<int:instance_id>/people/<string:element>"
)


@blueprint.post("/remind")
@login_required
def remind(instance_id: int, element: str) -> Response:
    """Remind everybody who is still missing."""
    _view(instance_id)
    try:
        operations.remind_people(
            instance_id, element, actor=actor(), clock=clock(), command_id=posted_command()
        )
    except Conflict as refusal:
        flash(in_words(refusal), "overdue")
    else:
        flash(gettext("已提醒全部未办的人。"), "done")
    return _back(instance_id, element)


@blueprint.get("/join")
@login_required
def joining(instance_id: int, element: str) -> str:
    """Show the form on which somebody who came late is added."""
    return _join_page(_view(instance_id), element)


@blueprint.post("/join")
@login_required
def add(instance_id: int, element: str) -> Response | tuple[str, int]:
    """Give somebody who came late a task of their own."""
    view = _view(instance_id)
    try:
        _change(operations.add_participant, instance_id, element)
    except InvalidInput as refusal:
        flash(why_refused(refusal), "overdue")
        return _join_page(view, element), 422
    flash(gettext("已增加，任务已送达本人。"), "done")
    return _back(instance_id, element)


@blueprint.post("/leave")
@login_required
def remove(instance_id: int, element: str) -> Response:
    """Take somebody who has left off the list."""
    _view(instance_id)
    try:
        _change(operations.remove_participant, instance_id, element)
    except InvalidInput as refusal:
        flash(why_refused(refusal), "overdue")
    else:
        flash(gettext("已移出名单，理由已记入留痕。"), "done")
    return _back(instance_id, element)


def _view(instance_id: int) -> MatterView:
    """Return the matter. Raises NotFound where the actor may not know of it."""
    return matter_view(reading(), actor(), clock(), instance_id)


def _back(instance_id: int, element: str) -> Response:
    place = url_for("instances.matter", instance_id=instance_id, _anchor=f"people-{element}")
    return redirect(place, 303)


def _change(change: Callable[..., Done], instance_id: int, element: str) -> None:
    change(
        instance_id,
        element,
        request.form.get("person", type=row_number) or 0,
        request.form.get("reason", ""),
        actor=actor(),
        clock=clock(),
        occurred_on=posted_day(),
        command_id=posted_command(),
        revision=posted_revision(),
    )


def _join_page(view: MatterView, element: str) -> str:
    roll = next((r for r in view.rolls if r.element == element and r.may_change), None)
    if roll is None:
        raise NotFound
    listed = {one.person_id for one in roll.people if one.place.value != "left"}
    people = joinable(reading(), actor(), clock(), view.row.id, element)
    return render_template(
        "instances/join.html",
        row=view.row,
        title=roll.title,
        element=element,
        people=[(id, name) for id, name in people if id not in listed],
        chosen=request.form.get("person", type=row_number),
        reason=request.form.get("reason", ""),
        day=posted_day() or clock().today(),
        command_id=uuid4(),
    )
