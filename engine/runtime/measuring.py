"""What the rules of a matter are measured with on a day. Made once, and used by every step."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date
from operator import is_
from typing import Final

from sqlalchemy.orm import Session

from engine.calendars.working_days import HolidayTable
from engine.clock import Clock
from engine.compliance.books import rule_book
from engine.compliance.case import Frame, Timelines
from engine.compliance.evaluation import Limits, evaluate_in, limits_in
from engine.compliance.facts import Facts
from engine.compliance.parameter_store import all_settings, parameter_view
from engine.compliance.parameters import ParameterView
from engine.compliance.regulation_store import current_regulations
from engine.compliance.results import Result
from engine.compliance.rules import RuleBook
from engine.definitions.versions import Definition
from engine.runtime.world import holidays

MOST_KEPT: Final = 1_000
"""Measures that a process keeps: one for a version of a procedure and an organisation."""

NO_DAY: Final = date.min
"""Of what is kept, whose day of looking is yet to come."""


@dataclass(frozen=True, slots=True)
class Measure:
    """What rules are measured with: the book, and the world on the day of looking."""

    book: RuleBook
    today: date
    holidays: HolidayTable
    parameters: ParameterView
    timelines: Timelines = field(default_factory=dict, compare=False, repr=False)
    """Those found so far, whatever the day of looking."""

    def on(self, today: date) -> Measure:
        """Return the same for another day of looking."""
        return Measure(self.book, today, self.holidays, self.parameters, self.timelines)

    def judge(
        self, facts: Facts, touched: Collection[str] | None = None, since: int | None = None
    ) -> list[Result]:
        """Return what the rules say, all of them or those that ``touched`` elements concern."""
        return evaluate_in(self.frame(facts), touched, since)

    def limits(self, facts: Facts, element: str) -> Limits:
        """Return the first and the last lawful day of an open step."""
        return limits_in(self.frame(facts), element)

    def frame(self, facts: Facts) -> Frame:
        """Return a matter to be asked about, which answers no question twice."""
        return Frame(self.book, facts, self.today, self.holidays, self.parameters, self.timelines)


def measure_of(session: Session, definition: Definition, path: str, clock: Clock) -> Measure | None:
    """Return what a matter is measured with; None when its procedure has no rules."""
    if not definition.ruled:
        return None
    table = holidays.get(session)
    made_of = definition, current_regulations(session), all_settings(session), table
    place = definition.version_id, path
    kept = _kept.get(place)
    if kept is None or not all(map(is_, kept[0], made_of)):
        book = rule_book(session, definition)
        assert book is not None
        measure = Measure(book, NO_DAY, table, parameter_view(session, path, book.parameters))
        if len(_kept) >= MOST_KEPT:
            _kept.clear()
        kept = _kept[place] = made_of, measure
    return kept[1].on(clock.today())


_kept: dict[tuple[int | None, str], tuple[tuple[object, ...], Measure]] = {}
"""With what each was made of."""
