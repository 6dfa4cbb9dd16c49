"""Measure a matter that is being played against the rules of its procedure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from engine.calendars.notices import shipped_table
from engine.compliance.broken import RuleBroken
from engine.compliance.evaluation import evaluate, hindrances, limits
from engine.compliance.facts import Coming, Facts, Occurrence, Place, Witness
from engine.compliance.parameters import ParameterView
from engine.compliance.results import Outcome, Result
from engine.compliance.rules import RuleBook
from engine.forms.fields import Field, FieldKind
from engine.lint.cast import Cast, CastContext, CastPerson
from engine.runtime.matters import OpenedTask, Transition


@dataclass(frozen=True)
class Measured:
    """What rules know of a matter so far."""

    book: RuleBook
    facts: Facts

    def step(
        self,
        task: OpenedTask,
        data: Mapping[str, Any],
        on: date,
        by: CastPerson | None,
        context: CastContext,
        fields: Iterable[Field],
        transition: Transition,
        today: date,
    ) -> Measured:
        """Return what they know with one more step done. Raises RuleBroken if a rule blocks it."""
        seq = self._next()
        held = list(fields)
        occurrence = Occurrence(
            element=task.element,
            occurred_on=on,
            recorded_on=today,
            data=data,
            seq=seq,
            actor=by.id if by else None,
            place=_place(context.cast, task.candidates.organisation_id),
            people=_people(held, data, context, task.candidates.organisation_id),
            rolls={
                field.key: tuple(p.id for p in context.roll(field.props.get("body", "members"), on))
                for field in held
                if field.kind is FieldKind.ATTENDANCE and field.key in data
            },
            statuses=tuple((c.status, c.since) for c in transition.status_changes),
            item=task.person_id,
        )
        facts = self.facts.plus(occurrence)
        if transition.outcome:
            facts = replace(facts, outcome=transition.outcome.code)
        if transition.completed:
            facts = replace(facts, ended_on=transition.occurred_on or on)
        after = Measured(self.book, facts)
        results = after.judge(today, touched={task.element})
        if hindering := hindrances(results, task.element, facts.round_of(occurrence)):
            raise RuleBroken(hindering, self.book.regulations)
        return after

    def _next(self) -> int:
        facts = self.facts
        done = (one.seq for one in facts.occurrences)
        return 1 + max((*done, *(one.seq for one in facts.coming)), default=0)

    def came(self, element: str, person: int, on: date, *, left: bool) -> Measured:
        """Return what they know once somebody came onto the list of a step, or left it."""
        one = Coming(element, person, on, left, self._next())
        return Measured(self.book, replace(self.facts, coming=(*self.facts.coming, one)))

    def ended(self, outcome: str | None, on: date) -> Measured:
        """Return what they know once the matter has ended without a step."""
        return Measured(self.book, replace(self.facts, outcome=outcome, ended_on=on))

    def judge(self, today: date, touched: set[str] | None = None) -> list[Result]:
        """Return what the rules say."""
        return evaluate(
            self.book,
            self.facts,
            today=today,
            holidays=shipped_table(),
            parameters=ParameterView(self.book.parameters),
            touched=touched,
        )

    def broken(self, today: date) -> list[str]:
        """Return the ids of the rules that are not met, each once, in order."""
        return sorted({r.rule.id for r in self.judge(today) if r.outcome is Outcome.NOT_MET})

    def limit(self, task: OpenedTask, today: date) -> OpenedTask:
        """Return an open task with the first and the last lawful day that rules set."""
        if not self.book.standing_at(task.element):
            return task
        found = limits(
            self.book,
            self.facts,
            task.element,
            today=today,
            holidays=shipped_table(),
            parameters=ParameterView(self.book.parameters),
        )
        return replace(
            task,
            earliest_on=max(filter(None, (task.earliest_on, found.earliest)), default=None),
            due_on=min(filter(None, (task.due_on, found.due)), default=None),
        )


def begin(
    book: RuleBook, key: str, cast: Cast, organisation_id: int, subject_id: int | None, on: date
) -> Measured:
    """Return what rules know of a matter that begins."""
    place = _place(cast, organisation_id)
    assert place is not None
    return Measured(book, Facts(key, place, subject_id, on))


def _place(cast: Cast, organisation_id: int | None) -> Place | None:
    if organisation_id is None:
        return None
    found = cast.places[organisation_id]
    return Place(found.id, str(found.kind), found.can_approve_members)


def _people(
    fields: Iterable[Field], data: Mapping[str, Any], context: CastContext, at: int | None
) -> dict[int, Witness]:
    """Return what the cast says of the people that a step names."""
    named: list[int] = []
    for field in fields:
        value = data.get(field.key)
        if field.kind is FieldKind.PERSON and value is not None:
            named.append(value)
        elif field.kind is FieldKind.PEOPLE and value:
            named += value
    day, cast = context.occurred_on, context.cast
    approves = at is not None and cast.places[at].can_approve_members
    found: dict[int, Witness] = {}
    for person in (cast.by_id[id] for id in named):
        posts = tuple(
            sorted(
                post.code
                for post in person.posts
                if post.holds(day) and cast.organisations[post.at].id == at
            )
        )
        found[person.id] = Witness(
            str(context.statuses(person.id, day)),
            any(restriction.holds(day) for restriction in person.restrictions),
            posts if approves else None,
        )
    return found
