"""Measure a step against the rules of its procedure, in the step's own transaction.

What rules need of a matter is kept beside it, so a step reads no history. The same evaluation gives
the check that blocks, the limits of the tasks that open, and the findings.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy.orm import Session

from engine.calendars.working_days import HolidayTable
from engine.clock import Clock
from engine.compliance.books import rule_book
from engine.compliance.broken import RuleBroken
from engine.compliance.evaluation import Limits, evaluate, limits
from engine.compliance.facts import Facts
from engine.compliance.findings import Breaches, Place, remembered, write_findings
from engine.compliance.from_ledger import Told, facts_of, read_told, with_entry
from engine.compliance.parameter_store import parameter_view
from engine.compliance.parameters import ParameterView
from engine.compliance.results import Result
from engine.compliance.rules import RuleBook
from engine.compliance.standing import Standing
from engine.database import Record, after_commit
from engine.definitions.versions import Definition
from engine.ledger.kinds import EntryKind
from engine.runtime.matters import OpenedTask
from engine.runtime.world import holidays
from engine.signals import rule_breached


@dataclass(frozen=True, slots=True)
class Measure:
    """What rules are measured with: the book, and the world on the day of looking."""

    book: RuleBook
    today: date
    holidays: HolidayTable
    parameters: ParameterView

    def judge(
        self, facts: Facts, touched: Collection[str] | None = None, since: int | None = None
    ) -> list[Result]:
        """Return what the rules say, all of them or those that ``touched`` elements concern."""
        return evaluate(
            self.book,
            facts,
            today=self.today,
            holidays=self.holidays,
            parameters=self.parameters,
            touched=touched,
            since=since,
        )

    def limits(self, facts: Facts, element: str) -> Limits:
        """Return the first and the last lawful day of an open step."""
        return limits(
            self.book,
            facts,
            element,
            today=self.today,
            holidays=self.holidays,
            parameters=self.parameters,
        )


@dataclass(frozen=True, slots=True)
class Judged:
    """A step measured: what to write of it."""

    measure: Measure
    facts: Facts
    heard: tuple[str, ...]
    results: tuple[Result, ...]
    complete: bool
    """All rules were heard on all that stands."""
    standing: Standing | None = None
    """The findings that stood before; None: not known."""

    def days(self, task: OpenedTask) -> tuple[date | None, date | None]:
        """Return the first and the last lawful day of an open task.

        What rules say and what the package itself says both count: the later first day, and the
        earlier last one.
        """
        if not self.measure.book.standing_at(task.element):
            return task.earliest_on, task.due_on
        limits = self.measure.limits(self.facts, task.element)
        return (
            max(filter(None, (task.earliest_on, limits.earliest)), default=None),
            min(filter(None, (task.due_on, limits.due)), default=None),
        )


def is_judged(session: Session, definition: Definition, element: str) -> bool:
    """Tell whether some rule reads what is recorded of a step."""
    book = rule_book(session, definition)
    return book is not None and element in book.by_element


def measure_of(session: Session, definition: Definition, path: str, clock: Clock) -> Measure | None:
    """Return what a matter is measured with; None when its procedure has no rules."""
    book = rule_book(session, definition)
    if book is None:
        return None
    return Measure(
        book,
        clock.today(),
        holidays.get(session),
        parameter_view(session, path, book.parameters),
    )


def judge_step(
    session: Session, row: Record, definition: Definition, told: Told, clock: Clock
) -> Judged | None:
    """Measure what is about to be recorded of the locked matter in ``row``.

    Raises RuleBroken when a rule stands in the way of completing the step.
    """
    measure = measure_of(session, definition, row.path, clock)
    if measure is None:
        return None
    known = remembered(session, row) if told.kind != EntryKind.SENT_BACK else None
    if known is None:
        # Begun, sent back, or begun before there were rules: everything is looked at.
        facts = facts_of([*read_told(session, row.instance_id), told])
        if facts is None:
            return None
        judged = _all(measure, facts)
    else:
        before, standing = known.facts, known.standing
        facts = with_entry(before, told)
        if facts is before:
            return Judged(measure, facts, (), (), complete=False, standing=standing)
        facts = facts.only(measure.book.reads, since=told.seq)
        goes_on = facts.ended_on is None and facts.outcome == before.outcome
        if told.kind == EntryKind.COMPLETED and goes_on and told.element:
            touched = {told.element}
            heard = tuple({rule.id for rule in measure.book.by_element.get(told.element, ())})
            results = measure.judge(facts, touched, since=told.seq)
            judged = Judged(measure, facts, heard, tuple(results), False, standing)
        else:
            judged = replace(_all(measure, facts), standing=standing)
    hindering = [r for r in judged.results if r.hinders and r.seq == told.seq]
    if hindering:
        raise RuleBroken(hindering, measure.book.regulations)
    return judged


def write_judged(
    session: Session, row: Record, definition: Definition, judged: Judged, now: datetime
) -> Breaches:
    """Write the findings and the facts of a matter, with what comes next."""
    return write_findings(
        session,
        Place(row.instance_id, definition.package.key, row.organisation_id, row.path),
        judged.facts,
        judged.heard,
        judged.results,
        now,
        standing=judged.standing,
        complete=judged.complete,
    )


def rejudge(
    session: Session, row: Record, definition: Definition, clock: Clock
) -> tuple[Judged | None, Breaches]:
    """Measure all that stands in the ledger of the locked matter in ``row`` anew.

    Of a matter whose content was erased, what was found before stays as it is.
    """
    now = clock.now()
    measure = measure_of(session, definition, row.path, clock)
    told = [] if measure is None else read_told(session, row.instance_id)
    facts = facts_of(told)
    if measure is None or facts is None or any(e.kind == EntryKind.ERASED for e in told):
        return None, Breaches(None, now)
    judged = _all(measure, facts)
    return judged, write_judged(session, row, definition, judged, now)


def announce_breaches(session: Session, instance_id: int, breaches: Breaches) -> None:
    """Send the signal of every rule that was broken just now, once it is committed."""

    def send() -> None:
        for finding_id in breaches.ids():
            rule_breached.send(None, instance_id=instance_id, finding_id=finding_id)

    after_commit(session, send)


def _all(measure: Measure, facts: Facts) -> Judged:
    # What is judged is what is kept, so that the next step begins where this one ended.
    facts = facts.only(measure.book.reads)
    heard = tuple({rule.id for rule in measure.book.rules})
    return Judged(measure, facts, heard, tuple(measure.judge(facts)), complete=True)
