"""What is to come of a matter: its own procedure played on to the end, on a copy.

Open tasks are completed on the first lawful day with the favourable answers that the package names,
the clock goes on to the next timer, and limits come from the rules as they do for real. Pure: the
matter that is given stays as it is, and nothing is written anywhere.

A forecast is no promise. It says when things can happen at the earliest, and what would follow from
the days that somebody thinks of (``given``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from engine.calendars.functions import date_functions
from engine.calendars.working_days import HolidayTable
from engine.clock import ZONE, FixedClock, start_of_day
from engine.compliance.evaluation import Limits
from engine.compliance.facts import Facts, Occurrence
from engine.compliance.results import ArticleRef, Outcome, Result
from engine.compliance.timing import first_after_others, limits_time, timing_book
from engine.definitions.expected import Expected
from engine.errors import GuichengError, InvalidInput
from engine.runtime import transitions
from engine.runtime.conditions import day_of
from engine.runtime.following import after, restore
from engine.runtime.matters import Matter, OpenedTask, Transition, World
from engine.runtime.measuring import Measure

MOST_MOVES: Final = 120
"""Most steps and timers that are looked ahead."""
MOST_FORECAST_YEARS: Final = 20
"""How far a forecast looks."""


@dataclass(frozen=True, slots=True)
class Foreseen:
    """A step to come."""

    element: str
    round: int
    """Which time from now on, from 1."""
    day: date
    """The first day on which it can lawfully happen, or the day that was given."""
    due: date | None
    """The last lawful day, if all before it happens on the days foreseen."""
    articles: tuple[ArticleRef, ...] = ()
    """Where its limits come from."""
    given: bool = False
    provisional: bool = False
    """Reckoned on a year whose holidays are not known (暂算)."""
    statuses: tuple[tuple[str, date], ...] = ()
    """Membership statuses that follow, with the day from which each counts."""


@dataclass(frozen=True, slots=True)
class Lateness:
    """Something that is late already, or will be if nothing happens."""

    element: str
    until: date
    """The last lawful day."""
    overdue: bool
    articles: tuple[ArticleRef, ...] = ()
    provisional: bool = False


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is to come of a matter, as far as it can be told."""

    steps: tuple[Foreseen, ...]
    """In the order in which they happen."""
    ends_on: date | None
    """None when the end was not reached: see ``stopped_at``."""
    outcome: tuple[str, str] | None
    """Code and title of the outcome."""
    outcome_on: date | None
    late: tuple[Lateness, ...]
    findings: tuple[Result, ...]
    """Rules on time that would not be met by the steps as foreseen, and are not broken already."""
    refused: Mapping[str, tuple[str, ...]]
    """By element: why a day given for it is not possible; it was then left out."""
    unused: tuple[str, ...]
    """Elements for which a day was given that are not on the way."""
    provisional: bool
    stopped_at: tuple[str, ...]
    """Open elements at which the forecast had to stop: what follows cannot be supposed."""


def foresee(
    matter: Matter,
    *,
    now: datetime,
    holidays: HolidayTable,
    measure: Measure | None = None,
    facts: Facts | None = None,
    given: Mapping[str, date] | None = None,
) -> Forecast:
    """Play a running matter to its end and return what happened when.

    ``facts`` are what rules know of the matter so far; without ``measure`` and ``facts`` only the
    limits of process.toml count. ``given`` are days supposed for steps, each for its next time.
    """
    timed = None
    if measure is not None and facts is not None:
        timed = replace(measure, book=timing_book(measure.book))
    clock = FixedClock(now)
    course = _Course(matter, clock, _Days(holidays, clock), timed, facts, dict(given or {}))
    course.look()
    now_judged = tuple(course.judge())
    late = tuple(course.late(now_judged))
    moves = 0
    while course.goes_on and moves < MOST_MOVES and course.move():
        moves += 1
    return Forecast(
        steps=tuple(course.steps),
        ends_on=course.ends_on,
        outcome=course.outcome,
        outcome_on=course.outcome_on,
        late=late,
        findings=tuple(course.broken(now_judged)),
        refused=course.refused,
        unused=tuple(course.given),
        provisional=course.days.provisional,
        stopped_at=tuple(dict.fromkeys(t.element for t in course.open.values())),
    )


NOTHING_SUPPOSED: Final = Expected("", {})


class Nowhere:
    """A directory that knows no organisation: a forecast does not ask who acts."""

    def approving(self, organisation_id: int) -> int | None:
        return None

    def parent(self, organisation_id: int) -> int | None:
        return None


@dataclass(frozen=True, slots=True)
class _Plan:
    """A task that could be done next."""

    task: OpenedTask
    expected: Expected
    day: date
    """The first lawful day, or the one given."""
    due: date | None
    articles: tuple[ArticleRef, ...]
    given: bool

    @property
    def put_off(self) -> bool:
        """It is done again and again, as late as can be."""
        return self.expected.repeats and not self.given


class _Days:
    """The date functions on whatever day the clock shows, and whether a year was unknown."""

    def __init__(self, holidays: HolidayTable, clock: FixedClock) -> None:
        self.provisional = False
        plain = date_functions(holidays, clock.today(), on_provisional=self._mark)
        self.functions = {**plain, "today": lambda: clock.today().isoformat()}

    def _mark(self, day: date) -> None:
        self.provisional = True


@dataclass
class _Course:
    """The copy, and how far it has come."""

    matter: Matter
    """Its snapshot stays that of the beginning: what lies between is never written down."""
    clock: FixedClock
    days: _Days
    measure: Measure | None
    facts: Facts | None
    given: dict[str, date]
    """The days supposed that were not used yet."""
    open: dict[UUID, OpenedTask] = field(default_factory=dict)
    limits: dict[UUID, Limits] = field(default_factory=dict)
    timers: list[datetime] = field(default_factory=list)
    steps: list[Foreseen] = field(default_factory=list)
    refused: dict[str, tuple[str, ...]] = field(default_factory=dict)
    ends_on: date | None = None
    outcome: tuple[str, str] | None = None
    outcome_on: date | None = None
    goes_on: bool = True

    def __post_init__(self) -> None:
        self.world = World(self.clock, self.days.functions, Nowhere())
        self.run = restore(self.matter, self.world)

    def look(self) -> None:
        """Take over where the matter stands."""
        started = self.matter.started_on
        self.follow(after(self.matter, self.run, {}, self.world, started, lasting=True))

    # --- one move -------------------------------------------------------------------------------

    def move(self) -> bool:
        """Do what comes next; return False when nothing can."""
        plans = [self._plan(task) for task in self.open.values()]
        firm = min((p for p in plans if not p.put_off), key=lambda p: p.day, default=None)
        timer = min(self.timers, default=None)
        timer_day = timer.astimezone(ZONE).date() if timer is not None else None
        others = [day for day in (firm.day if firm else None, timer_day) if day is not None]
        repeated = [p for p in plans if p.put_off]
        if not others:
            if not repeated:
                return False
            return self._do(min(repeated, key=lambda p: p.day), again=False)
        following = min(others)
        pressing = min(
            (p for p in repeated if p.due is not None), key=lambda p: p.due or p.day, default=None
        )
        if pressing is not None and pressing.due is not None:
            day = max(pressing.due, pressing.day)
            if day < following:
                return self._do(replace(pressing, day=day), again=True)
        if timer is not None and timer_day == following:
            return self._fire(timer)
        if firm is None:
            return False
        return self._do(firm, again=bool(self.timers) or len(plans) > 1)

    def _plan(self, task: OpenedTask) -> _Plan:
        limits = self._limits(task)
        expected = self.matter.definition.package.forecast.get(task.element, NOTHING_SUPPOSED)
        due = min(filter(None, (task.due_on, limits.due)), default=None)
        articles = tuple(dict.fromkeys(a for _, group in limits.sources for a in group))
        supposed = self.given.get(task.element)
        if supposed is not None:
            return _Plan(task, expected, supposed, due, articles, given=True)
        order = None
        if self.measure is not None and self.facts is not None:
            order = first_after_others(self.measure.book, self.facts, task.element)
        meant = self._meant(task, expected)
        days = (
            self.clock.today(),
            task.not_before,
            task.earliest_on,
            limits.earliest,
            order,
            meant,
        )
        return _Plan(task, expected, max(filter(None, days)), due, articles, given=False)

    def _meant(self, task: OpenedTask, expected: Expected) -> date | None:
        """Return the day that was planned for a task; None where none was, or nobody says so."""
        if expected.on is None:
            return None
        try:
            known = self._prepared(task).facts
            return day_of(self.matter, expected.on, known, self.world)
        except GuichengError:
            return None

    def _answers(
        self, prepared: transitions.Prepared, expected: Expected, day: date, *, again: bool
    ) -> Mapping[str, Any]:
        """Return what is supposed to be answered in a task that is done on a day."""
        if again and expected.again is not None:
            return expected.again
        if not expected.reckoned:
            return expected.answers
        known = {**prepared.facts, "occurred_on": day.isoformat()}
        functions = self.world.functions
        reckoned = {name: e.evaluate(known, functions) for name, e in expected.reckoned.items()}
        return {**expected.answers, **reckoned}

    def _prepared(self, task: OpenedTask) -> transitions.Prepared:
        return transitions.prepare(self.matter, task.uid, self.world, run=self.run)

    def _limits(self, task: OpenedTask) -> Limits:
        """Return what rules say of an open task; asked again only when they may say another."""
        found = self.limits.get(task.uid)
        if found is None:
            found = Limits()
            measure, facts = self.measure, self.facts
            if measure is not None and facts is not None and measure.book.standing_at(task.element):
                found = measure.on(self.clock.today()).limits(facts, task.element)
                self.days.provisional |= found.provisional
            self.limits[task.uid] = found
        return found

    def _do(self, plan: _Plan, *, again: bool) -> bool:
        """Complete a task; return False when the procedure cannot go on from there."""
        task, element, day = plan.task, plan.task.element, plan.day
        if not self._to(start_of_day(day)):
            return False
        self.given.pop(element, None)
        try:
            prepared = self._prepared(task)
            answers = self._answers(prepared, plan.expected, day, again=again)
            transition = transitions.complete(
                self.matter, task.uid, answers, day, self.world, prepared=prepared
            )
        except InvalidInput as refusal:
            if not plan.given:
                return False
            self.refused[element] = tuple(w for group in refusal.fields.values() for w in group)
            return True
        except GuichengError:
            return False
        self.open.pop(task.uid)
        self.steps.append(
            Foreseen(
                element=element,
                round=1 + sum(step.element == element for step in self.steps),
                day=day,
                due=plan.due,
                articles=plan.articles,
                given=plan.given,
                provisional=self.days.provisional,
                statuses=tuple((c.status, c.since) for c in transition.status_changes),
            )
        )
        self._record(element, day, answers, transition)
        self.follow(transition, day)
        return True

    def _fire(self, due: datetime) -> bool:
        if not self._to(due):
            return False
        try:
            transition = transitions.fire(self.matter, self.world, run=self.run)
        except GuichengError:
            return False
        if transition is None:
            return False
        self.follow(transition)
        return True

    def _to(self, moment: datetime) -> bool:
        """Let time pass; it never goes back. Returns False past the horizon."""
        if moment.year > self.matter.started_on.year + MOST_FORECAST_YEARS:
            return False
        self.clock.set(max(moment, self.clock.now()))
        return True

    def _record(
        self, element: str, day: date, answers: Mapping[str, Any], transition: Transition
    ) -> None:
        if self.facts is None or self.measure is None:
            return
        occurrence = Occurrence(
            element=element,
            occurred_on=day,
            recorded_on=self.clock.today(),
            data=answers,
            seq=1 + max((o.seq for o in self.facts.occurrences), default=0),
            statuses=tuple((c.status, c.since) for c in transition.status_changes),
        )
        self.facts = self.facts.plus(occurrence)
        stale = {
            step for rule in self.measure.book.by_element.get(element, ()) for step in rule.steps
        }
        for uid, task in self.open.items():
            if task.element in stale:
                self.limits.pop(uid, None)

    def follow(self, transition: Transition, day: date | None = None) -> None:
        """Take over what a transition has come to."""
        self.matter = transition.matter
        for uid in transition.closed:
            self.open.pop(uid, None)
        self.open.update((task.uid, task) for task in transition.opened)
        self.timers = [timer.due_at for timer in transition.timers]
        on = day or transition.occurred_on or self.clock.today()
        if transition.outcome is not None:
            self.outcome = (transition.outcome.code, transition.outcome.title)
            self.outcome_on = on
        if transition.completed:
            self.goes_on = False
            self.open.clear()
            self.ends_on = on
        if self.facts is not None:
            code = self.outcome[0] if self.outcome else self.facts.outcome
            self.facts = replace(self.facts, outcome=code, ended_on=self.ends_on)

    # --- what it comes to -----------------------------------------------------------------------

    def judge(self, since: int | None = None) -> list[Result]:
        """Return what the rules on time say today, where there are any."""
        if self.measure is None or self.facts is None:
            return []
        return self.measure.on(self.clock.today()).judge(self.facts, since=since)

    def late(self, judged: Iterable[Result]) -> Iterator[Lateness]:
        """Yield what is late, or will be if nothing happens, the first day first."""
        today = self.clock.today()
        found: dict[str, Lateness] = {
            task.element: Lateness(task.element, task.due_on, task.due_on < today)
            for task in self.open.values()
            if task.due_on is not None
        }
        for result in judged:
            until = result.until
            if result.seq is not None or until is None or not limits_time(result.rule):
                continue
            known = found.get(result.element)
            if known is None or until < known.until:
                late = result.outcome is Outcome.NOT_MET
                found[result.element] = Lateness(
                    result.element, until, late, result.articles, result.provisional
                )
        yield from sorted(found.values(), key=lambda one: one.until)

    def broken(self, before: Iterable[Result]) -> Iterator[Result]:
        """Yield the rules on time that the steps foreseen would break, and that hold ``before``."""
        if self.facts is None or not self.steps:
            return
        known = {r.key for r in before if r.outcome is Outcome.NOT_MET}
        first = len(self.facts.occurrences) - len(self.steps)
        for result in self.judge(since=self.facts.occurrences[first].seq):
            done = result.seq is not None or self.facts.ended_on is not None
            if result.outcome is Outcome.NOT_MET and done and result.key not in known:
                yield result
