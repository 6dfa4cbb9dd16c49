"""Run a ballot: the roll, paper ballots, tellers, closing. What anybody chose is shown nowhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from marshmallow import ValidationError
from werkzeug.wrappers.response import Response

from engine.ballots.paper import Paper, place_name
from engine.directory.voting import party_members
from engine.errors import Conflict, InvalidInput, NotAllowed
from engine.forms.values import Number
from engine.runtime import balloting
from engine.runtime.people import DatabaseFormContext
from engine.runtime.queries import task_view
from engine.runtime.queries.ballots import ballot_page, ballots_of_task
from web.context import actor, clock, login_required, reading
from web.language import in_words, why_refused
from web.numbers import row_number

blueprint = Blueprint("running_ballots", __name__, url_prefix="/ballots")

_PREFIX: Final = "n:"
"""Begins the names of numbers in the tellers' form."""


@blueprint.record_once
def _globals(state: Any) -> None:
    state.app.jinja_env.globals["task_ballots"] = task_ballots


def task_ballots(view: Any) -> list[Any]:
    """Return the ballots of a task, to be shown above its form."""
    if not view.form.ballots:
        return []
    labels = {field.key: field.label for field in view.form.ballots}
    return ballots_of_task(reading(), view.row.id, labels)


@blueprint.get("/<int:box_id>/run")
@login_required
def run(box_id: int) -> str:
    """Show the roll and what can be done."""
    page = ballot_page(reading(), actor(), box_id)
    if not page.may_run:
        raise NotAllowed
    return render_template("ballots/run.html", page=page, others=_others(page))


def _others(page: Any) -> list[tuple[int, str]]:
    """Return who may be admitted to the roll: people of the organisation who are not on it."""
    view = task_view(reading(), actor(), clock(), page.task_id)
    assert isinstance(view.context, DatabaseFormContext)
    known = {line.person_id for line in page.roll if not line.struck}
    found = party_members(reading(), view.context.organisation_id, clock().today())
    return [(person.id, person.name) for person in found if person.id not in known]


@blueprint.post("/open/<int:task_id>/<key>")
@login_required
def open_box(task_id: int, key: str) -> Response:
    """Open a box by hand."""
    task_view(reading(), actor(), clock(), task_id)
    box_id = balloting.open_ballot(task_id, key, actor=actor(), clock=clock())
    flash(gettext("票箱已开启，名册上的人现在可以投票。"), "done")
    return redirect(url_for("running_ballots.run", box_id=box_id), 303)


def _carry_out(box_id: int, command: Callable[..., object], *given: object, said: str) -> Response:
    try:
        command(box_id, *given, actor=actor(), clock=clock())
    except InvalidInput as refusal:
        flash(why_refused(refusal), "overdue")
    except Conflict as refusal:
        flash(in_words(refusal), "overdue")
    else:
        flash(said, "done")
    return redirect(url_for("running_ballots.run", box_id=box_id), 303)


@blueprint.post("/<int:box_id>/issue")
@login_required
def issue(box_id: int) -> Response:
    """Note who was handed a paper ballot."""
    people = request.form.getlist("people", type=row_number)
    return _carry_out(box_id, balloting.issue_paper, people, said=gettext("已登记领取纸质票。"))


@blueprint.post("/<int:box_id>/strike")
@login_required
def strike(box_id: int) -> Response:
    """Take somebody off the roll."""
    given = (request.form.get("person", 0, type=row_number), request.form.get("reason", ""))
    try:
        return _carry_out(box_id, balloting.strike_voter, *given, said=gettext("已从名册中划去。"))
    except NotAllowed:
        if not ballot_page(reading(), actor(), box_id).may_run:
            raise
        flash(gettext("请选择名册上的人。"), "overdue")
        return redirect(url_for("running_ballots.run", box_id=box_id), 303)


@blueprint.post("/<int:box_id>/admit")
@login_required
def admit(box_id: int) -> Response:
    """Put somebody on the roll."""
    given = (
        request.form.get("person", 0, type=row_number),
        request.form.get("category", ""),
        request.form.get("reason", ""),
    )
    return _carry_out(box_id, balloting.admit_voter, *given, said=gettext("已补入名册。"))


@blueprint.post("/<int:box_id>/tellers")
@login_required
def tellers(box_id: int) -> Response:
    """Appoint those who count the paper ballots."""
    people = request.form.getlist("people", type=row_number)
    return _carry_out(box_id, balloting.appoint_tellers, people, said=gettext("已指定计票人。"))


@blueprint.post("/<int:box_id>/void")
@login_required
def void(box_id: int) -> Response:
    """Throw the ballots away unread."""
    page = ballot_page(reading(), actor(), box_id)
    try:
        balloting.void_ballot(box_id, request.form.get("reason", ""), actor=actor(), clock=clock())
    except InvalidInput as refusal:
        flash(" ".join(in_words(w) for g in refusal.fields.values() for w in g), "overdue")
        return redirect(url_for("running_ballots.run", box_id=box_id), 303)
    flash(gettext("票箱已作废，选票没有开启。需要时请重新开启票箱，全体重新投票。"), "done")
    return redirect(url_for("tasks.task", task_id=page.task_id), 303)


@blueprint.route("/<int:box_id>/close", methods=["GET", "POST"])
@login_required
def close(box_id: int) -> str | Response:
    """Ask whether to close, saying what will happen; then close and count."""
    page = ballot_page(reading(), actor(), box_id)
    if not page.may_run:
        raise NotAllowed
    if request.method == "GET":
        return render_template("ballots/close.html", page=page)
    return _carry_out(
        box_id,
        balloting.close_ballot,
        said=gettext("投票已结束，计票结果如下。请回到任务办结这一环节。"),
    )


@blueprint.get("/<int:box_id>/paper")
@login_required
def paper(box_id: int) -> str:
    """Show the tellers' form."""
    page = ballot_page(reading(), actor(), box_id)
    if not page.may_count:
        raise NotAllowed
    return _paper(page, dict(page.totals or {}), {})


@blueprint.post("/<int:box_id>/paper")
@login_required
def enter(box_id: int) -> str | Response | tuple[str, int]:
    """Take in what the tellers counted, their confirmation, or that it is to be entered anew."""
    page = ballot_page(reading(), actor(), box_id)
    act = request.form.get("_act", "enter")
    given: dict[str, Any] = {}
    try:
        if act == "confirm":
            balloting.confirm_totals(box_id, actor=actor(), clock=clock())
            flash(gettext("纸质票数已经两名计票人核对。"), "done")
        elif act == "reject":
            balloting.reject_totals(box_id, actor=actor(), clock=clock())
            flash(gettext("已退回，请重新清点和登记。"), "done")
        else:
            given = _posted_numbers()
            balloting.enter_totals(box_id, given, actor=actor(), clock=clock())
            flash(gettext("已登记，请另一名计票人核对。"), "done")
    except InvalidInput as refusal:
        return _paper(page, given, refusal.fields), 422
    return redirect(url_for("running_ballots.paper", box_id=box_id), 303)


def _posted_numbers() -> dict[str, int | None]:
    reader = Number()
    found: dict[str, int | None] = {}
    wrong: dict[str, list[str]] = {}
    for name, value in request.form.items():
        if not name.startswith(_PREFIX):
            continue
        key = name.removeprefix(_PREFIX)
        try:
            number = reader.deserialize(value)
            if number is not None and not 0 <= number <= 100_000:
                raise ValidationError(gettext("请填写数字。"))
            found[key] = number
        except ValidationError as refusal:
            wrong[key] = [str(word) for word in refusal.messages]
    if wrong:
        raise InvalidInput(wrong)
    return found


def _paper(page: Any, values: dict[str, Any], problems: Any) -> str:
    issued = {
        category: sum(
            line.way == "paper" and line.category == category and not line.struck
            for line in page.roll
        )
        for category in page.paper.categories
    }
    return render_template(
        "ballots/paper.html",
        page=page,
        values=values,
        problems={k: [in_words(w) for w in v] for k, v in problems.items()},
        prefix=_PREFIX,
        issued=issued,
        lines=_lines(page.paper),
    )


def _lines(paper: Paper) -> list[tuple[str, str, Any]]:
    """Return the answers to be counted: name, what it is about, the options."""
    lines = []
    for question in paper.questions:
        abouts = {item.value: item.label for item in question.items}
        for place in question.places:
            label = abouts.get(place, question.label)
            lines.append((place_name(question, place), label, question.options))
    return lines
