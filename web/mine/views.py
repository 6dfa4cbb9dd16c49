"""My own matters, said in sentences: where it stands, what I must do, what comes next."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from flask import Blueprint, render_template, request
from flask_babel import gettext

from engine.duties.tally_views import own_tallies
from engine.runtime.queries import my_matters, my_readings, task_view
from engine.runtime.queries.forecast import MatterForecast
from engine.runtime.views import MatterRow, MatterStatus, MatterView, Progress, StepState, TaskRow
from web.context import actor, clock, login_required, reading
from web.instances.coming import Coming, coming
from web.instances.forecast import told_of
from web.language import in_words
from web.words import long_date

blueprint = Blueprint("mine", __name__, url_prefix="/mine")

AHEAD_SHOWN: Final = 3
"""How many of the coming steps are named."""


@dataclass(frozen=True)
class Story:
    """One matter, told to the person it is about."""

    view: MatterView
    sentence: str
    tasks: tuple[TaskRow, ...]
    ahead: tuple[StepState, ...]
    waiting_for: str
    ask: str
    forecast: MatterForecast | None = None
    days: Coming = field(default_factory=Coming)

    def when(self, step: StepState) -> str:
        """Return from when, or until when, a coming step can be expected."""
        if words := self.days.steps.get(step.element):
            return words
        day = step.earliest_on
        return str(gettext("最早 %(day)s", day=long_date(day))) if day is not None else ""

    @property
    def row(self) -> MatterRow:
        """The matter as one line."""
        return self.view.row


@blueprint.get("/")
@login_required
def index() -> str:
    """Show all matters about the person who asks."""
    views = my_matters(reading(), actor(), clock())
    return render_template(
        "mine/index.html",
        stories=[tell(view) for view in views],
        tallies=own_tallies(reading(), actor(), clock().today()),
    )


@blueprint.get("/readers")
@login_required
def readers() -> str:
    """Show who has read sensitive material of the matters about the person who asks."""
    cursor = request.args.get("cursor") or None
    readings, next_cursor = my_readings(reading(), actor(), cursor=cursor)
    return render_template("mine/readers.html", readings=readings, next_cursor=next_cursor)


def steps_of(view: MatterView) -> Iterator[StepState]:
    """Yield all steps in the order of the procedure."""
    for stage in view.stages:
        yield from stage.steps


def tell(view: MatterView) -> Story:
    """Work out what the person wants to know."""
    now = [step for step in steps_of(view) if step.state is Progress.NOW]
    tasks = tuple(
        task_view(reading(), actor(), clock(), step.task_id).row for step in now if step.task_id
    )
    ahead = tuple(s for s in steps_of(view) if s.state is Progress.AHEAD and s.number)
    told = told_of(view)
    waiting = [s.waiting_for for s in now if s.waiting_for and not s.task_id]
    return Story(
        view=view,
        sentence=_sentence(view, now),
        tasks=tasks,
        ahead=ahead[:AHEAD_SHOWN] if view.row.status is MatterStatus.ACTIVE else (),
        waiting_for="、".join(dict.fromkeys(waiting)),
        ask="、".join(dict.fromkeys(n for _, names in view.participants for n in names)),
        forecast=told,
        days=coming(view, told),
    )


def _sentence(view: MatterView, now: list[StepState]) -> str:
    row = view.row
    if row.status is MatterStatus.COMPLETED:
        return str(
            gettext(
                "已于 %(day)s 办结，结果：%(outcome)s。",
                day=long_date(row.ended_on),
                outcome=in_words(row.outcome_title or row.status.label),
            )
        )
    if row.status is not MatterStatus.ACTIVE:
        return str(gettext("此事项%(status)s。", status=in_words(row.status.label)))
    where = _where(view)
    if now:
        what = "、".join(dict.fromkeys(step.title for step in now))
        return str(gettext("%(stage)s，正在办理：%(what)s。", stage=where, what=what))
    if view.timers:
        timer = view.timers[0]
        return str(
            gettext(
                "%(stage)s，正在等待：%(what)s，到 %(day)s。",
                stage=where,
                what=timer.title,
                day=long_date(timer.until),
            )
        )
    return str(gettext("%(stage)s。", stage=where))


def _where(view: MatterView) -> str:
    """Return the stage the matter is in, as in 现在是第二阶段“培养教育”."""
    stage = next((s for s in view.stages if s.state is Progress.NOW and s.title), None)
    if stage is None:
        return str(gettext("“%(what)s”正在进行", what=view.row.process_title))
    if not stage.number:
        return str(gettext("现在是“%(title)s”阶段", title=stage.title))
    return str(gettext("现在是第%(number)s阶段“%(title)s”", number=stage.number, title=stage.title))
