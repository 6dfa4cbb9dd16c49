"""What is to come of a running matter, for those who may see it.

Worked out by ``engine.runtime.forecasting``. Nothing is written, also not when days are supposed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy.orm import Session

from engine.clock import Clock
from engine.compliance.findings import load_facts
from engine.compliance.from_ledger import read_facts
from engine.compliance.results import ArticleRef, Result, Severity
from engine.compliance.rules import RuleBook
from engine.definitions.package import Basis
from engine.definitions.versions import Definition
from engine.directory.actors import Actor
from engine.directory.codes import MembershipStatus
from engine.directory.policy import Action, decide
from engine.errors import N_, InvalidInput, Translatable
from engine.runtime.forecasting import (
    MOST_FORECAST_YEARS,
    NOTHING_SUPPOSED,
    Forecast,
    Foreseen,
    Lateness,
    foresee,
)
from engine.runtime.measuring import measure_of
from engine.runtime.queries.access import open_matter
from engine.runtime.world import holidays


@dataclass(frozen=True, slots=True)
class StepAhead:
    """A step to come."""

    element: str
    number: str | None
    title: str
    again: bool
    """It is done once more after this."""
    day: date
    due_on: date | None
    basis: tuple[Basis, ...]
    """The articles that limit it."""
    decision: bool
    put_off: bool
    """It recurs, and ``day`` is the last on which it has to be done once more."""
    given: bool
    provisional: bool
    statuses: tuple[tuple[MembershipStatus, date], ...]
    """What the person becomes by it, and from which day that counts."""
    supposes: str = ""
    """What the package says that is supposed here; in English ``supposes_en``."""
    supposes_en: str = ""


@dataclass(frozen=True, slots=True)
class LateStep:
    """A step that is late, or will be after a day if nothing happens."""

    element: str
    number: str | None
    title: str
    until: date
    overdue: bool
    basis: tuple[Basis, ...]
    provisional: bool


@dataclass(frozen=True, slots=True)
class WouldBreak:
    """A rule on time that would not be met."""

    rule: str
    title: str
    title_en: str
    element: str
    step: str
    """The step in words."""
    severity: Severity
    blocks: bool
    """The step could not be completed like this."""
    sentence: Translatable
    basis: tuple[Basis, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """A day supposed that cannot be, or that nothing came of."""

    element: str
    title: str
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class MatterForecast:
    """What is to come of a matter."""

    today: date
    steps: tuple[StepAhead, ...]
    ends_on: date | None
    outcome_title: str | None
    outcome_on: date | None
    late: tuple[LateStep, ...]
    would_break: tuple[WouldBreak, ...]
    refused: tuple[Refused, ...]
    provisional: bool
    stopped_at: tuple[str, ...]
    """Titles of the steps at which it had to stop, when the end was not reached."""
    supposed: Mapping[str, date]
    blocked: bool
    """Some step could not be completed on its day, so that what comes after is in doubt."""
    with_findings: bool
    """False: rules are not for the actor, who only sees the days."""
    english: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    """English of words that come from the procedure's rules."""

    @property
    def decisions(self) -> tuple[StepAhead, ...]:
        """The decisions on which the outcome depends; without those of which words tell more."""
        return tuple(step for step in self.steps if step.decision and not step.supposes)


def matter_forecast(
    session: Session,
    actor: Actor,
    clock: Clock,
    instance_id: int,
    supposed: Mapping[str, date] | None = None,
) -> MatterForecast | None:
    """Return what is to come of a matter; None when it does not run, or nothing can be foreseen.

    ``supposed``: days thought of for steps by element, each for the next time that it is done.
    Raises NotFound where the actor may not know of the matter, InvalidInput for elements that are
    no steps of the procedure, and for days before the matter began or too far ahead.
    """
    opened = open_matter(session, actor, clock, instance_id)
    definition = opened.matter.definition
    if opened.row.status != "active" or not definition.package.forecast:
        return None
    today = clock.today()
    given = dict(supposed or {})
    _check_supposed(definition, given, opened.matter.started_on, today)
    measure = measure_of(session, definition, opened.row.path, clock)
    facts = None
    if measure is not None:
        facts = load_facts(session, instance_id) or read_facts(session, instance_id)
    told = foresee(
        opened.matter,
        now=clock.now(),
        holidays=holidays.get(session),
        measure=measure,
        facts=facts,
        given=given,
    )
    book = measure.book if measure is not None else None
    sees = decide(actor, Action.VIEW_FINDINGS, opened.view).allowed
    return _in_words(told, definition, book, today, given, with_findings=sees)


def _check_supposed(
    definition: Definition, given: Mapping[str, date], started_on: date, today: date
) -> None:
    wrong: dict[str, list[str]] = {}
    last = date(min(today.year + MOST_FORECAST_YEARS, date.max.year), 1, 1)
    for element, day in given.items():
        if element not in definition.package.steps:
            wrong[f"on.{element}"] = [N_("此流程没有这个环节。")]
        elif day < started_on:
            wrong[f"on.{element}"] = [N_("不能早于事项开始的日期。")]
        elif day >= last:
            wrong[f"on.{element}"] = [N_("日期太远，无法推算。")]
    if wrong:
        raise InvalidInput(wrong)


def _in_words(
    told: Forecast,
    definition: Definition,
    book: RuleBook | None,
    today: date,
    given: Mapping[str, date],
    *,
    with_findings: bool,
) -> MatterForecast:
    words = _Words(definition, book)
    last = {step.element: step.round for step in told.steps}
    refused = [
        Refused(element, words.title(element), reasons) for element, reasons in told.refused.items()
    ]
    refused += [
        Refused(element, words.title(element), (N_("按目前的推算，办结之前不会经过这个环节。"),))
        for element in told.unused
    ]
    return MatterForecast(
        today=today,
        steps=tuple(words.step(step, again=step.round < last[step.element]) for step in told.steps),
        ends_on=told.ends_on,
        outcome_title=told.outcome[1] if told.outcome else None,
        outcome_on=told.outcome_on,
        late=tuple(map(words.late, told.late)) if with_findings else (),
        would_break=tuple(map(words.would_break, told.findings)) if with_findings else (),
        refused=tuple(refused),
        provisional=told.provisional,
        stopped_at=tuple(map(words.title, told.stopped_at)),
        supposed=dict(given),
        blocked=any(result.hinders for result in told.findings),
        with_findings=with_findings,
        english=book.english if book is not None else {},
    )


@dataclass(frozen=True)
class _Words:
    """The words of a definition and its rules."""

    definition: Definition
    book: RuleBook | None

    def title(self, element: str) -> str:
        step = self.definition.package.steps[element]
        return f"{step.number} {step.title}" if step.number else step.title

    def step(self, foreseen: Foreseen, *, again: bool) -> StepAhead:
        step = self.definition.package.steps[foreseen.element]
        expected = self.definition.package.forecast.get(foreseen.element, NOTHING_SUPPOSED)
        return StepAhead(
            element=step.element,
            number=step.number,
            title=step.title,
            again=again,
            day=foreseen.day,
            due_on=foreseen.due,
            basis=self.basis(foreseen.articles) or (step.basis if foreseen.due else ()),
            decision=step.decision,
            put_off=again and not foreseen.given and foreseen.day == foreseen.due,
            given=foreseen.given,
            provisional=foreseen.provisional,
            statuses=tuple((MembershipStatus(c), since) for c, since in foreseen.statuses),
            supposes=expected.supposes,
            supposes_en=expected.supposes_en,
        )

    def late(self, one: Lateness) -> LateStep:
        step = self.definition.package.steps[one.element]
        basis = self.basis(one.articles) or step.basis
        return LateStep(
            step.element, step.number, step.title, one.until, one.overdue, basis, one.provisional
        )

    def would_break(self, result: Result) -> WouldBreak:
        return WouldBreak(
            rule=result.rule.id,
            title=result.rule.title,
            title_en=result.rule.title_en,
            element=result.element,
            step=self.title(result.element),
            severity=result.severity,
            blocks=result.hinders,
            sentence=result.sentence,
            basis=self.basis(result.articles),
        )

    def basis(self, articles: Iterable[ArticleRef]) -> tuple[Basis, ...]:
        return tuple(
            Basis(self.regulation(a.regulation), a.edition, a.article, "") for a in articles
        )

    def regulation(self, id: str) -> str:
        found = self.book.regulations.find(id) if self.book is not None else None
        return id if found is None else found.short
