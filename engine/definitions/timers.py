"""Timers: what a diagram may say, and when they are due.

=================  ==========================================================================
BPMN element       accepted
=================  ==========================================================================
``timeDate``       an expression giving an ISO date (due at the start of that day in Shanghai)
                   or an ISO date and time; or such a date written out: ``2027-06-10``
``timeDuration``   ``P1Y``, ``P3M``, ``P2W``, ``P10D``, ``PT1H``, ``P1DT12H`` …, bare, or an
                   expression giving such text
``timeCycle``      ``R3/P1M``, ``R/PT10S``, ``R5/2027-01-01/P1D``, bare, or an expression
=================  ==========================================================================

Years and months are those of the calendar; the day stays, or becomes the last of a shorter month
(31 January + P1M = 28 February; + P2M = 31 March). A duration with years, months, weeks or days
counts from the latest day on which something happened on its branch, so that matters entered
from paper run by their true dates; one of hours, minutes and seconds only counts from now. The day
on which a timer was due is a day on which something happened: waits in a row add up, and what
follows a wait may not be dated before its end. A timer that is due when it is armed fires in the
same step. When several are due, they fire in the order of their moments, and each has its effect
before the next.
"""

from __future__ import annotations

# mypy: disallow-subclassing-any=False
# (SpiffWorkflow ships no type information.)
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, Literal

from SpiffWorkflow.bpmn.specs.event_definitions.timer import TimerEventDefinition
from SpiffWorkflow.util.task import TaskState

from engine.calendars.arithmetic import add_days, add_months
from engine.clock import ZONE
from engine.definitions.branches import latest_day
from engine.errors import N_, ExpressionFault

DUE: Final = "due"
"""The task's note of the moment it is due, in seconds since 1970."""
SOURCE: Final = "source"
"""A token's note of where it comes from, when that is not the task above it."""
CYCLE: Final = "cycle"
"""The task's note of a cycle: its text, the moment it counts from, how often it has fired."""

_DATE = r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?"
_DURATION = (
    r"P(?=[\dT])(?:\d{1,4}Y)?(?:\d{1,5}M)?(?:\d{1,5}W)?(?:\d{1,6}D)?"
    r"(?:T(?=\d)(?:\d{1,7}H)?(?:\d{1,8}M)?(?:\d{1,9}(?:\.\d{1,6})?S)?)?"
)
_FORMS: Final = {
    "date": re.compile(_DATE),
    "duration": re.compile(_DURATION),
    "cycle": re.compile(rf"R\d{{0,6}}/(?:{_DATE}/)?{_DURATION}"),
}
_LOOKS_LITERAL = re.compile(r"P[\dT]\S*|R\d*/\S*|\d+-\d+\S*")
_PARTS = re.compile(
    r"P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?)?"
)

Form = Literal["date", "duration", "cycle"]
FORM_OF: Final[dict[str, Form]] = {
    "timeDate": "date",
    "timeDuration": "duration",
    "timeCycle": "cycle",
}


def is_literal(text: str, form: Form | None = None) -> bool:
    """Tell whether a timer's text is written out (in the given form) and no expression."""
    forms = _FORMS.values() if form is None else (_FORMS[form],)
    return any(pattern.fullmatch(text) for pattern in forms)


def looks_literal(text: str) -> bool:
    """Tell whether text was surely meant to be written out, rightly or not."""
    return _LOOKS_LITERAL.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Duration:
    """A span of calendar months, days and seconds."""

    months: int
    days: int
    seconds: float

    @property
    def by_calendar(self) -> bool:
        """Whether it is counted in days or more."""
        return bool(self.months or self.days)

    def after(self, moment: datetime, times: int = 1) -> datetime:
        """Return the moment ``times`` such spans after ``moment``, in UTC."""
        local = moment.astimezone(ZONE)
        if self.by_calendar:
            day = add_days(add_months(local.date(), self.months * times), self.days * times)
            local = datetime.combine(day, local.timetz())
        return (local + timedelta(seconds=self.seconds * times)).astimezone(UTC)


def parse_duration(text: str) -> Duration:
    """Read ``P1Y2M10DT2H``. Raises ExpressionFault."""
    found = _PARTS.fullmatch(text) if is_literal(text, "duration") else None
    if found is None:
        raise ExpressionFault(N_("%(text)s 不是时长（例如 P1Y、P3M、P10D、PT1H）"), text=text[:40])
    years, months, weeks, days, hours, minutes = (int(part or 0) for part in found.groups()[:6])
    seconds = float(found[7] or 0) + 60 * minutes + 3600 * hours
    return Duration(12 * years + months, 7 * weeks + days, seconds)


def parse_moment(value: object) -> datetime:
    """Read an ISO date (the start of that day) or an ISO date and time, in Shanghai if unzoned.

    Raises ExpressionFault.
    """
    try:
        if isinstance(value, str) and is_literal(value, "date"):
            value = datetime.fromisoformat(value)
        if isinstance(value, datetime):
            return (value if value.tzinfo else value.replace(tzinfo=ZONE)).astimezone(UTC)
        if isinstance(value, date):
            return datetime.combine(value, time(), ZONE).astimezone(UTC)
    except ValueError:
        pass
    raise ExpressionFault(N_("定时表达式没有得到日期，而是 %(value)s"), value=str(value)[:40])


class Timer(TimerEventDefinition):
    """A timer of a diagram.

    It never fires by looking at a clock: the run fires timers one at a time, in due order.
    """

    def __init__(self, name: str, expression: str, description: str | None = None) -> None:
        super().__init__(name, expression, description=description)
        self.note = DUE
        """The key of the due moment in the task's notes; timers of one gateway have their own."""

    def first_due(self, task: Any) -> datetime:
        """Return the moment at which the timer is due when armed now."""
        raise NotImplementedError

    def due_at(self, task: Any) -> datetime | None:
        """Return the moment at which an armed timer is due; None when it is not armed."""
        due = task.internal_data.get(self.note)
        return None if due is None else datetime.fromtimestamp(due, UTC)

    def has_fired(self, task: Any) -> bool:
        """Arm the timer if it is not yet; tell whether it was fired."""
        if self.note not in task.internal_data:
            self._set_due(task, self.first_due(task))
        return bool(task.internal_data.get("event_fired"))

    def fire(self, task: Any) -> None:
        """Let the timer have its effect."""
        task.internal_data["event_fired"] = True
        task.task_spec._update(task)

    def update_task(self, task: Any) -> None:
        """Nothing to do: the run looks after timers."""

    def reset(self, task: Any) -> None:
        """Forget the due moment, once the event has happened."""
        for note in (self.note, CYCLE, "event_fired"):
            task.internal_data.pop(note, None)

    def _text(self, task: Any, form: Form) -> object:
        """Return what the diagram says, or the value of its expression."""
        if is_literal(self.expression, form):
            return self.expression
        return task.workflow.script_engine.evaluate(task, self.expression)

    def _set_due(self, task: Any, due: datetime) -> None:
        seconds = due.timestamp()
        task.internal_data[self.note] = int(seconds) if seconds.is_integer() else seconds

    def __eq__(self, other: object) -> bool:
        return self is other  # two timers are never the same event

    __hash__ = object.__hash__


class DateTimer(Timer):
    """``timeDate``."""

    def first_due(self, task: Any) -> datetime:
        return parse_moment(self._text(task, "date"))


class DurationTimer(Timer):
    """``timeDuration``."""

    def first_due(self, task: Any) -> datetime:
        duration = parse_duration(str(self._text(task, "duration")))
        return duration.after(_base(task, duration))


class CycleTimer(Timer):
    """``timeCycle``. Each round starts a token; after the last the event itself is over.

    On an interrupting boundary the first round ends the activity, so it is also the last.
    """

    def first_due(self, task: Any) -> datetime:
        text = str(self._text(task, "cycle"))
        _, start, duration = _parse_cycle(text)
        base = start or _base(task, duration)
        task.internal_data[CYCLE] = [text, base.timestamp(), 0]
        return self._due(task)

    def fire(self, task: Any) -> None:
        if repeats(task.task_spec):
            text, base, fired = task.internal_data[CYCLE]
            task.internal_data[CYCLE] = [text, base, fired + 1]
            times, _, _ = _parse_cycle(text)
            if times is None or fired < times:
                self._start_token(task)
            if times is None or fired + 1 < times:
                self._set_due(task, self._due(task))
                return
        super().fire(task)

    def _due(self, task: Any) -> datetime:
        text, base, fired = task.internal_data[CYCLE]
        _, start, duration = _parse_cycle(text)
        return duration.after(datetime.fromtimestamp(base, UTC), fired if start else fired + 1)

    @staticmethod
    def _start_token(task: Any) -> None:
        for output in task.task_spec.outputs:
            # Beside the event, not below it: it goes on when the event is no longer waited for.
            child = task.parent._add_child(output, TaskState.FUTURE)
            child.triggered = child.inherited = True
            child.data = dict(task.data)
            if len(output._inputs) > 1:
                child.internal_data[SOURCE] = task.task_spec.name
            child.task_spec._update(child)


def repeats(event: Any) -> bool:
    """Tell whether an event starts a token each round instead of going on itself."""
    return isinstance(getattr(event, "event_definition", None), CycleTimer) and not getattr(
        event, "cancel_activity", False
    )


def _parse_cycle(text: str) -> tuple[int | None, datetime | None, Duration]:
    if not is_literal(text, "cycle"):
        raise ExpressionFault(N_("%(text)s 不是周期（例如 R3/P1M、R/PT1H）"), text=text[:60])
    times, *start, span = text.split("/")
    duration = parse_duration(span)
    if not duration.by_calendar and not duration.seconds:
        raise ExpressionFault(N_("周期 %(text)s 的间隔为零"), text=text[:60])
    return (
        int(times[1:]) if len(times) > 1 else None,
        parse_moment(start[0]) if start else None,
        duration,
    )


def _base(task: Any, duration: Duration) -> datetime:
    clock = task.workflow.script_engine.environment.clock
    if not duration.by_calendar:
        return clock.now()  # type: ignore[no-any-return]  # a Clock, behind SpiffWorkflow's Any
    return datetime.combine(latest_day(task.data) or clock.today(), time(), ZONE)
