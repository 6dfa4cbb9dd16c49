"""The days of what is to come, in plain words: on the stages and key steps of a matter.

They come from its forecast, in which everything before is done on its earliest day.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from flask_babel import gettext

from engine.runtime.queries.forecast import MatterForecast, StepAhead
from engine.runtime.views import MatterView, Progress
from web.words import long_date


@dataclass(frozen=True)
class Coming:
    """What is said of stages, by id, and of steps still to come, by element."""

    stages: Mapping[str, str] = field(default_factory=dict)
    steps: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.stages or self.steps)


def coming(view: MatterView, told: MatterForecast | None) -> Coming:
    """Return the words for a matter; none where nothing can be foreseen."""
    if told is None:
        return Coming()
    first: dict[str, StepAhead] = {}
    last: dict[str, StepAhead] = {}
    for ahead in told.steps:
        first.setdefault(ahead.element, ahead)
        last[ahead.element] = ahead
    stages: dict[str, str] = {}
    for stage in view.stages:
        elements = [step.element for step in stage.steps if step.element in first]
        if not elements:
            continue
        if stage.state is Progress.AHEAD:
            begin = min((first[e] for e in elements), key=lambda step: step.day)
            stages[stage.id] = _span(begin)
        elif stage.state is Progress.NOW:
            stages[stage.id] = _finished(max(last[e].day for e in elements), told)
    numbers = {ahead.number: ahead for ahead in reversed(told.steps) if ahead.number}
    steps: dict[str, str] = {}
    for stage in view.stages:
        for step in stage.steps:
            # A key step may be drawn more than once and is shown once: the number tells.
            found = first.get(step.element) or numbers.get(step.number or "")
            if step.state is Progress.AHEAD and found is not None:
                steps[step.element] = in_time(found)
    return Coming(stages, steps)


def in_time(step: StepAhead) -> str:
    """Return from when and until when a step to come can lawfully be done."""
    if step.put_off:
        return str(gettext("不晚于 %(day)s", day=long_date(step.day)))
    if step.due_on is not None and step.due_on > step.day:
        return str(
            gettext(
                "最早 %(day)s，最迟 %(last)s",
                day=long_date(step.day),
                last=long_date(step.due_on),
            )
        )
    return str(gettext("最早 %(day)s", day=long_date(step.day)))


def _span(step: StepAhead) -> str:
    if not step.put_off and step.due_on is not None and step.due_on > step.day:
        return str(
            gettext(
                "最早 %(day)s 开始，最迟 %(last)s",
                day=long_date(step.day),
                last=long_date(step.due_on),
            )
        )
    return str(gettext("最早 %(day)s 开始", day=long_date(step.day)))


def _finished(day: date, told: MatterForecast) -> str:
    if day <= told.today:
        return str(gettext("进行中"))
    return str(gettext("进行中，最早 %(day)s 完成", day=long_date(day)))
