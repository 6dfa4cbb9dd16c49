"""One rule before one time that a step was done: what a check may ask, and what it used.

A judgement looks only at what was recorded before the judged step and at the step itself, so that
what happens later never changes what was said of an earlier step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from engine.calendars.functions import date_functions
from engine.calendars.working_days import HolidayTable
from engine.compliance.facts import Facts, Occurrence
from engine.compliance.names import EMPTY, Names, last_of
from engine.compliance.parameters import ParameterValue, ParameterView, Value
from engine.compliance.regulations import Timeline, held_on
from engine.compliance.rules import Amount, Condition, Field, Rule, RuleBook, Setting, Verdict
from engine.errors import ExpressionFault
from engine.expressions import NO_FUNCTIONS, Expression

Timelines = dict[str, Timeline | None]
"""By regulation, which edition holds from which day; None: it has to be asked each time."""


class Frame:
    """What all cases of one evaluation share."""

    __slots__ = (
        "_functions",
        "asked",
        "book",
        "facts",
        "holidays",
        "parameters",
        "provisional",
        "timelines",
        "today",
    )

    def __init__(
        self,
        book: RuleBook,
        facts: Facts,
        today: date,
        holidays: HolidayTable,
        parameters: ParameterView,
        timelines: Timelines | None = None,
    ) -> None:
        """Hold a matter; ``timelines`` are those of the same book and parameters found before."""
        self.book = book
        self.facts: Facts = facts
        self.today: date = today
        self.holidays = holidays
        self.parameters = parameters
        self.provisional = False
        """Set by whatever rests on a year whose holidays are not known."""
        self._functions: Mapping[str, Callable[..., Any]] | None = None
        self.asked: dict[tuple[int, str], tuple[tuple[Verdict, Case] | None, bool]] = {}
        """What each rule, by id(), said of a step not done yet, and whether provisionally."""
        self.timelines: Timelines = {} if timelines is None else timelines

    @property
    def functions(self) -> Mapping[str, Callable[..., Any]]:
        """What expressions may call."""
        if self._functions is None:
            self._functions = date_functions(self.holidays, self.today, on_provisional=self._mark)
        return self._functions

    def _mark(self, day: date) -> None:
        self.provisional = True

    def edition(self, rule: Rule, day: date) -> str | None:
        """Return the edition of a rule's regulation that is in force on a day."""
        name = rule.regulation
        if name is None:
            return None
        if name not in self.timelines:
            self.timelines[name] = self.book.regulations.timeline(name, self.parameters)
        timeline = self.timelines[name]
        found = (
            self.book.regulations.edition_on(name, day, self.parameters)
            if timeline is None
            else held_on(timeline, day)
        )
        return None if found is None else found.id


class Case:
    """A rule and the time that a step was done (``occurrence``), or is to be done (None)."""

    __slots__ = ("before", "day", "edition", "element", "frame", "occurrence", "rule", "used")

    def __init__(
        self,
        frame: Frame,
        rule: Rule,
        element: str,
        occurrence: Occurrence | None,
        edition: str | None,
        used: dict[str, ParameterValue] | None = None,
    ) -> None:
        self.frame: Frame = frame
        self.rule = rule
        self.element: str = element
        self.occurrence: Occurrence | None = occurrence
        self.edition: str | None = edition
        self.day: date = frame.today if occurrence is None else occurrence.occurred_on
        self.before: int | None = None if occurrence is None else occurrence.seq
        """Only what was recorded before this is seen."""
        self.used: dict[str, ParameterValue] = {} if used is None else used

    @property
    def facts(self) -> Facts:
        """The matter."""
        return self.frame.facts

    @property
    def data(self) -> Mapping[str, Any]:
        """What was entered at the judged step."""
        return EMPTY if self.occurrence is None else self.occurrence.data

    def parameter(self, name: str) -> Value:
        """Return a parameter's value on the judged day, and note that it was used."""
        found = self.used.get(name)
        if found is None:
            found = self.used[name] = self.frame.parameters.value(name, self.day)
        return found.value

    def amount(self, given: Amount | None) -> int:
        """Return a whole number; what is not given or not recorded counts as nothing."""
        if given is None:
            return 0
        value: object = given
        if isinstance(given, Setting):
            value = self.parameter(given.parameter)
        elif isinstance(given, Expression):
            value = self.evaluate(given)
        return value if isinstance(value, int) else 0

    def truth(self, given: bool | Setting) -> bool:
        """Return a truth value."""
        return bool(self.parameter(given.parameter)) if isinstance(given, Setting) else given

    def evaluate(self, expression: Expression) -> object:
        """Return the value of an expression here. Raises ExpressionFault."""
        functions = self.frame.functions if expression.functions else NO_FUNCTIONS
        return expression.evaluate(Names(self), functions)

    def holds(self, expression: Expression | None) -> bool:
        """Tell whether a condition is true here; one that lacks what it needs is not."""
        if expression is None:
            return True
        try:
            return bool(self.evaluate(expression))
        except ExpressionFault:
            return False

    def value(self, field: Field) -> Any:
        """Return what a field of the judged step, or of another before it, holds."""
        data = self.data
        if field.element is not None:
            found = last_of(self, field.element)
            data = EMPTY if found is None else found.data
        value = data.get(field.name)
        if field.inner:
            return value.get(field.inner) if isinstance(value, Mapping) else None
        return value

    def title(self, element: str) -> str:
        """Return the title of a step."""
        return self.frame.book.titles.get(element, element)

    def of(self, occurrence: Occurrence) -> Case:
        """Return the same question about another time."""
        return Case(self.frame, self.rule, occurrence.element, occurrence, self.edition, self.used)

    def earlier(self, elements: Sequence[str], where: Condition | None = None) -> Occurrence | None:
        """Return the last time that one of ``elements`` was done, recorded before the judged."""
        found: Occurrence | None = None
        for element in elements:
            latest = self._latest(element, where)
            if latest is not None and (found is None or latest.seq > found.seq):
                found = latest
        return found

    def _latest(self, element: str, where: Condition | None) -> Occurrence | None:
        if where is None:
            return self.facts.latest(element, self.before)
        for occurrence in reversed(self.facts.all(element)):
            recorded = self.before is None or occurrence.seq < self.before
            if recorded and self.of(occurrence).holds(where.expression):
                return occurrence
        return None

    def counted(self, element: str) -> list[Occurrence]:
        """Return the times that ``element`` was done and counts, up to the judged one."""
        where = self.rule.where
        return [
            o
            for o in self.facts.all(element)
            if (self.before is None or o.seq <= self.before)
            and (where is None or self.of(o).holds(where))
        ]
