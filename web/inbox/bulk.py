"""批量办理: one form for like tasks of several people, each completed on its own.

Every task is its own transaction with its own command id, made from the page's: sending the page
twice changes nothing. Steps that people have to decide one by one are never offered here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID, uuid5

import structlog
from flask import Blueprint, render_template, request, url_for
from flask_babel import gettext

from engine.attachments.operations import copy_attachments
from engine.database import unit_of_work
from engine.errors import Conflict, GuichengError, InvalidInput, NotAllowed, NotFound
from engine.forms.drafts import load_draft, save_draft
from engine.forms.fields import FieldKind, walk
from engine.forms.schema import FormSchema
from engine.ledger.operations import find_command
from engine.runtime.operations import complete_task
from engine.runtime.queries import task_view
from engine.runtime.queries.worklist import chosen_tasks
from engine.runtime.views import TaskRow, TaskView
from web.context import actor, clock, login_required, reading
from web.forms.copies import file_ids, with_files
from web.forms.page import FormPage, form_page, merge_errors
from web.forms.posted import Posted, posted_command, posted_day, read_posted
from web.inbox.tasks import DAY_KEY
from web.language import in_words
from web.numbers import row_number

log = structlog.get_logger(__name__)
blueprint = Blueprint("bulk", __name__, url_prefix="/inbox/bulk")

MOST_AT_ONCE: Final = 50


@dataclass(frozen=True)
class Kind:
    """Tasks that may be done together, and the page for them."""

    title: str
    count: int
    url: str | None


class NotTogether(GuichengError):
    """The tasks chosen cannot be done at once. ``kinds`` are those that could, each by itself."""

    code = "not_together"

    def __init__(self, template: str, kinds: Iterable[Kind] = (), /, **params: Any) -> None:
        super().__init__(template, **params)
        self.kinds = tuple(kinds)


@dataclass(frozen=True)
class Selection:
    """The tasks chosen: like ones, of which at least one is still open."""

    rows: tuple[TaskRow, ...]
    views: tuple[TaskView, ...]

    @property
    def first(self) -> TaskView:
        """The task whose matter the form is drawn for."""
        return self.views[0]

    @property
    def form(self) -> FormSchema:
        """The form they share."""
        return self.first.form


@dataclass(frozen=True)
class Result:
    """What came of one task."""

    row: TaskRow
    done: bool
    words: str


@blueprint.get("")
@login_required
def choose() -> str | tuple[str, int]:
    """Show the form once, for all tasks chosen in the inbox."""
    try:
        selection = _select(request.args.getlist("task", type=row_number))
    except NotTogether as refusal:
        return _refused(refusal)
    return _page(selection, _form(selection))


@blueprint.post("")
@login_required
def complete() -> str | tuple[str, int]:
    """Complete the tasks one after the other and say what came of each."""
    revisions = _posted_tasks()
    command, day = posted_command(), posted_day()
    rows = chosen_tasks(reading(), actor(), clock(), revisions)
    try:
        selection = _select(revisions) if any(row.state == "open" for row in rows) else None
    except NotTogether as refusal:
        return _refused(refusal)
    if selection is None:
        # Sent again after all was done: nothing is left to do but to say so.
        return _results([_closed(row, command) for row in rows])
    posted = read_posted(selection.form)
    if posted.errors or day is None:
        return _page(selection, _form(selection, posted)), 422
    results: list[Result] = []
    refusals: list[InvalidInput] = []
    for row in rows:
        if row.state != "open":
            results.append(_closed(row, command))
            continue
        try:
            results.append(_complete(row, posted, selection.form, command, revisions[row.id]))
        except InvalidInput as refusal:
            refusals.append(refusal)
            results.append(Result(row, False, _sentences(selection.form, refusal)))
        except GuichengError as refusal:
            results.append(Result(row, False, in_words(refusal)))
        except Exception:
            # What is done stays done, and the person has to learn what is not.
            log.exception("bulk_failed", endpoint=request.endpoint)
            results.append(
                Result(row, False, gettext("系统出现问题，这一项没有办结，请单独办理。"))
            )
    if len(refusals) == len(results):
        return _page(selection, _form(selection, posted, refusals[0])), 422
    return _results(results)


@blueprint.post("/refresh")
@login_required
def refresh() -> str | tuple[str, int]:
    """Draw the form anew with what was typed: rows, hidden fields, sums. Nothing is kept."""
    try:
        selection = _select(_posted_tasks())
    except NotTogether as refusal:
        return _refused(refusal)
    return _page(selection, _form(selection, read_posted(selection.form)))


@blueprint.post("/live")
@login_required
def live() -> str:
    """Say what the numbers mean while one types."""
    selection = _select(_posted_tasks())
    posted = read_posted(selection.form, with_files=False)
    form = _form(selection, Posted(posted.raw, posted.occurred_on, posted.command_id, None))
    return render_template(
        "forms/live.html", form=form, saved_at=None, grounds=selection.first.grounds
    )


# -- choosing ---------------------------------------------------------------------------------


def _posted_tasks() -> dict[int, int]:
    """Return the tasks of the page with the revisions it showed."""
    found: dict[int, int] = {}
    for value in request.form.getlist("_task")[: MOST_AT_ONCE + 1]:
        task, _, revision = value.partition(":")
        if task.isdecimal() and revision.isdecimal() and len(value) < 36:
            found[int(task)] = int(revision)
    return found


def _select(ids: Iterable[int]) -> Selection:
    """Return the tasks as they are now. Raises NotTogether with the reason."""
    rows = chosen_tasks(reading(), actor(), clock(), list(ids)[: MOST_AT_ONCE + 1])
    opened = [row for row in rows if row.state == "open"]
    if not opened:
        raise NotTogether(gettext("请先在待办中勾选要一起办理的任务。"))
    if len(opened) > MOST_AT_ONCE:
        raise NotTogether(
            gettext("一次最多批量办理 %(most)s 项，请分几次办理。", most=MOST_AT_ONCE)
        )
    groups: dict[tuple[Any, ...], list[TaskRow]] = {}
    for row in opened:
        groups.setdefault((row.process_key, row.element), []).append(row)
    if len(groups) > 1:
        raise NotTogether(
            gettext("只能批量办理同一流程、同一环节的任务。您选的任务分属下列环节，请分别办理。"),
            [_kind(group) for group in groups.values()],
        )
    if opened[0].decision:
        raise NotTogether(
            gettext(
                "“%(step)s”须逐人讨论、逐人决定，不能批量办理。请在待办中逐项办理。",
                step=_step(opened[0]),
            )
        )
    return _alike(rows, opened)


def _alike(rows: tuple[TaskRow, ...], opened: Sequence[TaskRow]) -> Selection:
    views: list[TaskView] = []
    for row in opened:
        try:
            views.append(task_view(reading(), actor(), clock(), row.id, occurred_on=posted_day()))
        except (NotFound, NotAllowed, Conflict):
            continue
    forms: dict[int, list[TaskRow]] = {}
    for view in views:
        forms.setdefault(id(view.form), []).append(view.row)
    if not views:
        raise NotTogether(gettext("请先在待办中勾选要一起办理的任务。"))
    if len(forms) > 1:
        raise NotTogether(
            gettext("所选任务属于流程的不同版本，表格不一样，请分别办理。"),
            [_kind(group) for group in forms.values()],
        )
    return Selection(rows, tuple(views))


def _step(row: TaskRow) -> str:
    return f"{row.step_number} {row.title}" if row.step_number else row.title


def _kind(rows: Sequence[TaskRow]) -> Kind:
    allowed = not rows[0].decision
    url = (
        url_for("bulk.choose", task=[row.id for row in rows])
        if len(rows) > 1
        else url_for("tasks.task", task_id=rows[0].id)
    )
    return Kind(
        f"{rows[0].process_title} · {_step(rows[0])}",
        len(rows),
        url if allowed else None,
    )


# -- doing ------------------------------------------------------------------------------------


def _complete(
    row: TaskRow, posted: Posted, form: FormSchema, command: UUID, revision: int
) -> Result:
    data = posted.raw
    if ids := file_ids(form.fields, data):
        copies = copy_attachments(clock(), ids, person_id=actor().person_id)
        data = with_files(form.fields, data, copies)
    try:
        complete_task(
            row.id,
            data,
            actor=actor(),
            clock=clock(),
            occurred_on=posted.occurred_on,
            command_id=uuid5(command, str(row.id)),
            revision=revision,
        )
    except InvalidInput:
        _keep(row, data, posted.occurred_on)
        raise
    return Result(row, True, gettext("已办结"))


def _keep(row: TaskRow, data: Mapping[str, Any], day: date | None) -> None:
    """Leave what was typed as a draft of the task, unless there is one that we would overwrite."""
    if day is not None:
        data = {**data, DAY_KEY: day.isoformat()}
    with unit_of_work() as session:
        person_id = actor().person_id
        if load_draft(session, task_id=row.id, person_id=person_id) is None:
            save_draft(session, clock(), task_id=row.id, person_id=person_id, data=data)


def _closed(row: TaskRow, command: UUID) -> Result:
    """Return the result for a task that is closed: by this very page, or before."""
    if find_command(reading(), uuid5(command, str(row.id)), actor().person_id) is not None:
        return Result(row, True, gettext("已办结"))
    return Result(row, False, gettext("此前已经办结，这次没有重复办理。"))


def _sentences(form: FormSchema, refusal: InvalidInput) -> str:
    labels = {"occurred_on": gettext("发生日期")}
    parts = []
    for path, words in refusal.fields.items():
        label = labels.get(path) or form.label(path)
        said = " ".join(in_words(w) for w in words)
        parts.append(f"{label}：{said}" if label else said)
    return " ".join(parts) or in_words(refusal)


# -- showing ----------------------------------------------------------------------------------


def _form(
    selection: Selection, posted: Posted | None = None, refusal: InvalidInput | None = None
) -> FormPage:
    first = selection.first
    if posted is None:
        return form_page(first.form, first.context, _shared(selection), occurred_on=clock().today())
    return form_page(
        first.form,
        first.context,
        posted.raw,
        occurred_on=posted.occurred_on,
        errors=merge_errors(posted.errors, refusal),
        command_id=posted.command_id,
    )


def _shared(selection: Selection) -> dict[str, Any]:
    """Return what is known beforehand and the same for everybody; the rest is left empty."""
    starts = [view.form.prefill(view.context) for view in selection.views]
    return {
        key: value
        for key, value in starts[0].items()
        if all(other.get(key) == value for other in starts[1:])
    }


def _warnings(selection: Selection) -> list[str]:
    """Say plainly what filling in one form for several people means here."""
    kinds = {field.kind for field in walk(selection.form.fields)}
    meeting = kinds & {FieldKind.ATTENDANCE, FieldKind.VOTE}
    found = []
    if meeting:
        found.append(
            gettext(
                "这张表有会议的到会和表决情况，会原样记入每个人的记录。"
                "只有在同一次会议上、到会和票数都相同时，才可以一起填。"
            )
        )
    if FieldKind.FILES in kinds:
        found.append(gettext("所附材料会为每个人各存一份，请确认它对每个人都适用。"))
    people = meeting or kinds & {FieldKind.PERSON, FieldKind.PEOPLE}
    if people and len({view.row.organisation_id for view in selection.views}) > 1:
        found.append(
            gettext(
                "所选任务属于不同的党组织，表中可选的人员以%(place)s为准。",
                place=selection.first.row.organisation_name,
            )
        )
    return found


def _page(selection: Selection, form: FormPage) -> str:
    return render_template(
        "inbox/bulk.html",
        row=selection.first.row,
        views=selection.views,
        warnings=_warnings(selection),
        form=form,
        form_action=url_for("bulk.refresh"),
    )


def _results(results: Sequence[Result]) -> str:
    return render_template(
        "inbox/bulk_done.html",
        results=sorted(results, key=lambda result: result.done),
        done=sum(result.done for result in results),
        failed=sum(not result.done for result in results),
    )


def _refused(refusal: NotTogether) -> tuple[str, int]:
    page = render_template("inbox/bulk_refused.html", reason=in_words(refusal), kinds=refusal.kinds)
    return page, 422
