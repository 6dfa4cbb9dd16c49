"""Measure a step against the rules of its procedure, in the step's own transaction.

What rules need of a matter is kept beside it, so a step reads no history. The same evaluation gives
the check that blocks, the limits of the tasks that open, and the findings.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy.orm import Session

from engine.clock import Clock
from engine.compliance.broken import RuleBroken
from engine.compliance.case import Frame
from engine.compliance.evaluation import evaluate_in, limits_in
from engine.compliance.facts import Facts
from engine.compliance.findings import (
    NO_BREACHES,
    Breaches,
    Found,
    Place,
    Remembered,
    found_of,
    remembered,
    write_found,
)
from engine.compliance.from_ledger import Told, facts_of, read_told, with_entry
from engine.compliance.results import Result
from engine.database import Record, after_commit, set_off
from engine.definitions.versions import Definition
from engine.ledger.kinds import EntryKind
from engine.runtime.matters import OpenedTask
from engine.runtime.measuring import Measure, measure_of
from engine.signals import rule_breached

NO_RULES: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Judgement:
    """A matter whose rules are to be heard: what is known of it, and which rules that concerns."""

    frame: Frame
    heard: frozenset[str]
    """Ids of the rules whose findings may change."""
    touched: Collection[str] | None = None
    """The elements that something was recorded of; None: all rules are heard on all that stands."""
    seq: int | None = None
    """The entry that is about to be recorded."""
    before: Remembered | None = None
    """What stood before; None: not known."""

    def results(self) -> list[Result]:
        """Hear the rules."""
        since = None if self.touched is None else self.seq
        return evaluate_in(self.frame, self.touched, since)

    def found(self, place: Place, results: Sequence[Result]) -> Found:
        """Return what has to be written of what the rules said."""
        return found_of(
            place,
            self.frame.facts,
            self.heard,
            results,
            before=self.before,
            complete=self.touched is None,
        )

    def days(self, task: OpenedTask) -> tuple[date | None, date | None]:
        """Return the first and the last lawful day of an open task.

        What rules say and what the package itself says both count: the later first day, and the
        earlier last one.
        """
        if not self.frame.book.standing_at(task.element):
            return task.earliest_on, task.due_on
        limits = limits_in(self.frame, task.element)
        return (
            max(filter(None, (task.earliest_on, limits.earliest)), default=None),
            min(filter(None, (task.due_on, limits.due)), default=None),
        )


def judgement_of(session: Session, row: Record, measure: Measure, told: Told) -> Judgement | None:
    """Take up what is about to be recorded of the locked matter in ``row``.

    None: nothing can be said of it.
    """
    known = remembered(session, row) if told.kind != EntryKind.SENT_BACK else None
    if known is None:
        # Begun, sent back, or begun before there were rules: everything is looked at.
        facts = facts_of([*read_told(session, row.instance_id), told])
        return None if facts is None else _whole(measure, facts, told.seq)
    facts = with_entry(known.facts, told, reads=measure.book.reads)
    if facts is known.facts:
        return Judgement(measure.frame(facts), NO_RULES, (), told.seq, known)
    goes_on = facts.ended_on is None and facts.outcome == known.facts.outcome
    if told.kind == EntryKind.COMPLETED and goes_on and told.element:
        heard = measure.book.heard.get(told.element, NO_RULES)
        return Judgement(measure.frame(facts), heard, {told.element}, told.seq, known)
    return _whole(measure, facts, told.seq, known)


def judge_step(session: Session, place: Place, judgement: Judgement, now: datetime) -> Breaches:
    """Hear the rules on a step whose statements wait, and write what they find.

    Meanwhile the server works on the step: it is undone with the transaction when this raises
    RuleBroken, because a rule stands in the way of completing it.
    """
    set_off(session)
    results = judgement.results()
    hindering = [r for r in results if r.hinders and r.seq == judgement.seq]
    if hindering:
        raise RuleBroken(hindering, judgement.frame.book.regulations)
    return write_found(session, judgement.found(place, results), now)


def place_of(row: Record, definition: Definition) -> Place:
    """Return where findings of the matter in ``row`` belong."""
    return Place(row.instance_id, definition.package.key, row.organisation_id, row.path)


def rejudge(
    session: Session,
    row: Record,
    definition: Definition,
    clock: Clock,
    *,
    gone: Collection[str] = NO_RULES,
) -> tuple[Judgement | None, Breaches]:
    """Measure all that stands in the ledger of the locked matter in ``row`` anew.

    What rules found that are ``gone`` (by id) does not apply any more. Of a matter whose content
    was erased, what was found before stays as it is.
    """
    measure = measure_of(session, definition, row.path, clock)
    told = [] if measure is None else read_told(session, row.instance_id)
    facts = facts_of(told)
    if measure is None or facts is None or any(e.kind == EntryKind.ERASED for e in told):
        return None, NO_BREACHES
    judgement = _whole(measure, facts, gone=gone)
    found = judgement.found(place_of(row, definition), judgement.results())
    return judgement, write_found(session, found, clock.now())


def announce_breaches(session: Session, instance_id: int, breaches: Breaches) -> None:
    """Send the signal of every rule that was broken just now, once it is committed."""

    def send() -> None:
        for finding_id in breaches.ids():
            rule_breached.send(None, instance_id=instance_id, finding_id=finding_id)

    after_commit(session, send)


def _whole(
    measure: Measure,
    facts: Facts,
    seq: int | None = None,
    before: Remembered | None = None,
    *,
    gone: Collection[str] = NO_RULES,
) -> Judgement:
    """Take up all that stands; what rules found that are ``gone`` is settled."""
    # What is judged is what is kept, so that the next step begins where this one ended.
    frame = measure.frame(facts.only(measure.book.reads))
    heard = frozenset(rule.id for rule in measure.book.rules).union(gone)
    return Judgement(frame, heard, None, seq, before)
