"""Play a matter in memory: the same transitions as the commands use, with a cast and a clock.

A :class:`Player` changes only when an action succeeds, so that an attempt which is refused leaves
it as it was.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from engine.calendars.functions import date_functions
from engine.calendars.notices import shipped_table
from engine.clock import FixedClock
from engine.compliance.parameters import ParameterView
from engine.compliance.rules import RuleBook
from engine.definitions.package import Lane
from engine.definitions.versions import Definition
from engine.directory.codes import PARTY_MEMBERS, MembershipStatus
from engine.directory.rights import LEADING
from engine.errors import (
    N_,
    Conflict,
    GuichengError,
    InvalidInput,
    NotAllowed,
    NotFound,
    NotRunning,
    TaskClosed,
)
from engine.forms import FormSchema
from engine.forms.ballot_fields import count_from
from engine.forms.fields import INDICATORS, walk
from engine.lint.cast import Cast, CastContext, CastPerson, deep_merge, resolve
from engine.lint.measuring import Measured, begin
from engine.runtime import conditions, joining, transitions
from engine.runtime.following import restore
from engine.runtime.indicators.counting import Span, rows_of
from engine.runtime.indicators.freezing import amounts, year_of
from engine.runtime.lanes import find_candidates, person_principal
from engine.runtime.matters import Matter, OpenedTask, StatusChange, Transition, World

MOST_TIMERS = 1_000
"""Most rounds of timers that one action may set off."""


@dataclass(frozen=True)
class Kept:
    """What is kept of a completed step, to be able to send back to it."""

    element: str
    matter: Matter
    """The matter before the step, with the people it had then."""
    outcome: str | None
    changes: int
    """How many membership changes there had been before."""
    steps: int
    measured: Measured | None


@dataclass(frozen=True)
class Came:
    """Somebody who came onto the list of a step with a task for each, or left it."""

    element: str
    person: CastPerson
    on: date
    left: bool
    after: int
    """How many steps had been completed before."""


@dataclass
class Player:
    """A matter that is being played."""

    definition: Definition
    cast: Cast
    clock: FixedClock
    organisation_id: int
    subject_id: int | None
    defaults: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Form data by step or message, laid under what an action says itself."""
    matter: Matter | None = None
    open: dict[UUID, OpenedTask] = field(default_factory=dict)
    history: list[Kept] = field(default_factory=list)
    came: list[Came] = field(default_factory=list)
    changes: list[StatusChange] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    """Numbers of the key steps completed, in order."""
    outcome: str | None = None
    stage: str | None = None
    status: str = "active"
    book: RuleBook | None = None
    measured: Measured | None = None
    """What the rules of the procedure know of the matter, if it has rules."""

    # --- the world ------------------------------------------------------------------------------

    @property
    def world(self) -> World:
        """The world as of the clock."""
        functions = date_functions(shipped_table(), self.clock.today())
        return World(self.clock, functions, self.cast)

    def status_on(self, person_id: int, day: date) -> MembershipStatus:
        """Return a person's membership status on a day, the matter's changes included."""
        person = self.cast.by_id[person_id]
        status = MembershipStatus.NONE
        if person.since is None or person.since <= day:
            status = person.status
        latest = date.min
        for change in self.changes:
            if change.person_id == person_id and latest <= change.since <= day:
                status, latest = MembershipStatus(change.status), change.since
        return status

    def timeline(self) -> list[tuple[str, date]]:
        """Return the membership changes that the matter brought to its subject, by day."""
        found: list[tuple[str, date]] = []
        last: str | None = None
        if self.subject_id is not None:
            last = self.cast.by_id[self.subject_id].status
        for change in sorted(self.changes, key=lambda change: change.since):
            if change.person_id == self.subject_id and change.status != last:
                found.append((change.status, change.since))
                last = change.status
        return found

    @property
    def findings(self) -> list[str]:
        """The ids of the rules that are not met."""
        return self.measured.broken(self.clock.today()) if self.measured else []

    # --- actions --------------------------------------------------------------------------------

    def complete(
        self,
        element: str,
        data: Mapping[str, Any],
        on: date,
        by: CastPerson | None,
        item: str | None = None,
        without: Collection[str] = (),
    ) -> None:
        """Complete an open task; the first one starts the matter.

        ``without`` names default values that are left out this time.
        """
        if self.matter is None:
            self._start(element, data, on, by, without)
            return
        task = self._task(element, item, by)
        if by is not None:
            self._may(by, task)
        prepared = transitions.prepare(self.matter, task.uid, self.world)
        form = self.definition.form_of(element)
        context = self._context(on, prepared.facts)
        cleaned = self._clean(form, element, data, context, without, by)
        transition = transitions.complete(
            self.matter, task.uid, cleaned, on, self.world, prepared=prepared
        )
        measured = self.measured
        if measured is not None:
            fields, today = list(walk(form.fields)), self.clock.today()
            measured = measured.step(task, cleaned, on, by, context, fields, transition, today)
        self._apply(transition, task, measured)

    def _start(
        self,
        element: str,
        data: Mapping[str, Any],
        on: date,
        by: CastPerson | None,
        without: Collection[str],
    ) -> None:
        start = self.definition.package.start
        if self.subject_id is not None:
            conditions.check_start(self.definition, self.status_on(self.subject_id, on))
        transition = transitions.begin(
            self.definition,
            organisation_id=self.organisation_id,
            subject_id=self.subject_id,
            started_on=on,
            world=self.world,
        )
        lanes = [self.definition.package.lanes[lane] for lane in start.lanes]
        if by is not None:
            self._in_lanes(by, lanes, transition.matter)
        # Tried on a copy: if the first task is refused, nothing has been started.
        trial = replace(
            self, history=[], came=[], changes=[], steps=[], open={}, matter=transition.matter
        )
        if self.book is not None:
            trial.measured = begin(
                self.book,
                self.definition.package.key,
                self.cast,
                self.organisation_id,
                self.subject_id,
                on,
            )
        trial._follow(transition)
        trial.complete(element, data, on, None, without=without)
        self.__dict__.update(trial.__dict__)

    def send_back(self, element: str, to: str, by: CastPerson | None) -> None:
        """Send the matter back from an open task to a step completed before."""
        matter = self._running()
        task = self._task(element, None, by)
        if by is not None:
            self._may(by, task)
        done = [index for index, kept in enumerate(self.history) if kept.element == to]
        if not done:
            raise NotAllowed(N_("所选的环节在此之前没有办理过，不能退回。"))
        again = self._step_before(done, to)
        kept = self.history[again]
        transition = transitions.send_back(
            matter,
            task.uid,
            to,
            kept.matter.snapshot,
            self.world,
            participants=kept.matter.participants,
        )
        self.open.pop(task.uid, None)
        self.measured = kept.measured
        self._follow(transition)
        self.outcome = kept.outcome
        # What was undone cannot be gone back to again.
        del self.history[again:]
        del self.changes[kept.changes :]
        del self.steps[kept.steps :]
        self._list_as_it_was(again)

    def _step_before(self, done: Sequence[int], to: str) -> int:
        """Return the step from before which to begin again.

        Of a step with a task for each that is the first of the same round, so that all have theirs.
        """
        rolls = self.definition.rolls.values()
        roll = next((roll for roll in rolls if to in roll.steps), None)
        if roll is None:
            return done[-1]
        activity = restore(self.history[done[-1]].matter, self.world).activity(roll.element)
        return next(i for i in done if activity in self.history[i].matter.snapshot)

    def _list_as_it_was(self, again: int) -> None:
        """Let those come and leave again who have done so since; the last word counts."""
        last = {(c.element, c.person.id): c for c in self.came if c.after > again}
        self.came = [came for came in self.came if came.after <= again]
        for came in last.values():
            here = joining.people_of(self._running(), came.element, self.world)
            if came.left == (came.person.id in here):
                self.come(came.element, came.person, came.on, None, left=came.left)

    def come(
        self, element: str, person: CastPerson, on: date, by: CastPerson | None, *, left: bool
    ) -> None:
        """Add a person to a step with a task for each, or take them off its list."""
        matter = self._running()
        if by is not None and not any(
            post.code in LEADING
            and post.holds(self.clock.today())
            and self.cast.organisations[post.at].id == self.organisation_id
            for post in by.posts
        ):
            raise NotAllowed
        move = joining.remove_person if left else joining.add_person
        transition = move(matter, element, person.id, on, self.world)
        if self.measured is not None:
            self.measured = self.measured.came(element, person.id, on, left=left)
        self.came.append(Came(element, person, on, left, len(self.history)))
        self._follow(transition)
        self._fire()

    def message(
        self,
        id: str,
        data: Mapping[str, Any],
        on: date,
        by: CastPerson | None,
        without: Collection[str] = (),
    ) -> None:
        """Send one of the package's messages to the matter."""
        matter = self._running()
        action = self.definition.package.messages.get(id)
        if action is None:
            raise NotFound(N_("此流程没有这项操作。"))
        if by is not None:
            lanes = [self.definition.package.lanes[lane] for lane in action.lanes]
            self._in_lanes(by, lanes, matter)
        cleaned: dict[str, Any] = {}
        if action.form:
            form = self.definition.forms[action.form]
            context = self._context(on, conditions.facts(matter, {}))
            cleaned = self._clean(form, id, data, context, without)
        transition = transitions.deliver(matter, action.name, cleaned, on, self.world)
        if transition is None:
            raise Conflict(N_("事项目前的环节不能进行这项操作。"))
        self._follow(transition)
        self._fire()

    def set_clock(self, day: date) -> None:
        """Move the clock; timers that are due then fire."""
        self.clock.set(day)
        self._fire()

    # --- inside ---------------------------------------------------------------------------------

    def _running(self) -> Matter:
        if self.matter is None or self.status != "active":
            raise NotRunning
        return self.matter

    def _task(
        self, element: str, item: str | None = None, by: CastPerson | None = None
    ) -> OpenedTask:
        """Return the open task of a step: that of the item, or the person's own before others'."""
        self._running()
        if item is not None:
            item = item_key(item, {key: one.id for key, one in self.cast.people.items()})
        found = [
            task
            for task in self.open.values()
            if task.element == element and item in {None, task.item}
        ]
        if not found:
            raise TaskClosed
        return next((task for task in found if by and task.person_id == by.id), found[0])

    def _may(self, person: CastPerson, task: OpenedTask) -> None:
        own = task.step.decision and person.id == self.subject_id
        acting = self.cast.principals(person, self.clock.today())
        if own or not task.candidates.include(person.id, acting):
            raise NotAllowed

    def _in_lanes(self, person: CastPerson, lanes: Sequence[Lane], matter: Matter) -> None:
        acting = self.cast.principals(person, self.clock.today())
        for lane in lanes:
            candidates = find_candidates(
                lane,
                self.definition.package.lanes,
                organisation_id=matter.organisation_id,
                subject_id=matter.subject_id,
                participants=matter.participants,
                directory=self.cast,
            )
            if candidates.include(person.id, acting):
                return
        raise NotAllowed

    def _clean(
        self,
        form: FormSchema,
        place: str,
        data: Mapping[str, Any],
        context: CastContext,
        without: Collection[str],
        by: CastPerson | None = None,
    ) -> dict[str, Any]:
        own = self._resolve(data)
        defaults = self._resolve(self.defaults.get(place, {}))
        known = form.keys - set(without)
        defaults = {key: value for key, value in defaults.items() if key in known}
        raw = deep_merge(defaults, own)
        if form.ballots:
            given = {f.key: count_from(raw.pop(f.key)) for f in form.ballots if f.key in raw}
            context = replace(context, ballots=given)
        if form.freezing:
            frozen = self._frozen(form, context, by)
            context = replace(context, variables={**context.variables, INDICATORS: frozen})
        # Defaults serve all ways through a form, so those which this way hides are left out; what
        # is left may hide more.
        while any([drop_default(raw, path, own) for path in form.hidden(raw, context)]):  # noqa: C419
            pass
        return form.load(raw, context)

    def _frozen(
        self, form: FormSchema, context: CastContext, by: CastPerson | None
    ) -> dict[str, Any]:
        """Return the figures that a form freezes: there are no matters besides the one played."""
        day = context.occurred_on
        span = Span.of(year_of(form, context.variables, day), day - timedelta(days=1))
        view = ParameterView({} if self.book is None else self.book.parameters)
        package = self.definition.package
        rows = rows_of(package.indicators, (), span, amounts(view, span.as_of))
        return {"rows": rows, "author": by.id if by else None}

    def _context(self, on: date, facts: Mapping[str, Any]) -> CastContext:
        return CastContext(
            cast=self.cast,
            statuses=self.status_on,
            organisation_id=self.organisation_id,
            subject_id=self.subject_id,
            occurred_on=on,
            variables={
                **facts,
                "person": self._person(),
                "branch_members": self._members(on),
                "branch_committee": self.cast.committee(self.organisation_id, on),
                "occurred_on": on.isoformat(),
            },
            functions=self.world.functions,
        )

    def _members(self, on: date) -> list[int]:
        """Return the Party members of the organisation on a day, probationary ones among them."""
        below = self.cast.below(self.organisation_id)
        return [
            one.id
            for one in self.cast.by_id.values()
            if one.organisation in below and self.status_on(one.id, on) in PARTY_MEMBERS
        ]

    def _person(self) -> dict[str, Any] | None:
        """Return what a form may fill in of the person concerned."""
        person = self.cast.by_id.get(self.subject_id) if self.subject_id is not None else None
        if person is None:
            return None
        born = person.birth.isoformat() if person.birth else None
        return {"name": person.name, "birth_date": born, "education": None, "workplace": None}

    def _resolve(self, data: Mapping[str, Any]) -> dict[str, Any]:
        try:
            resolved: dict[str, Any] = resolve(data, self.cast)
        except KeyError as missing:
            raise GuichengError(N_("角色表里没有“%(name)s”"), name=missing.args[0]) from None
        return resolved

    def _apply(self, transition: Transition, task: OpenedTask, measured: Measured | None) -> None:
        assert self.matter is not None
        before = Kept(
            task.element,
            self.matter,
            self.outcome,
            len(self.changes),
            len(self.steps),
            self.measured,
        )
        self.open.pop(task.uid, None)
        self.measured = measured
        self._follow(transition)
        self.history.append(before)
        if task.step.number:
            self.steps.append(task.step.number)
        self._fire()

    def _follow(self, transition: Transition) -> None:
        self.matter = transition.matter
        for uid in transition.closed:
            self.open.pop(uid, None)
        measured, today = self.measured, self.clock.today()
        for task in transition.opened:
            self.open[task.uid] = task if measured is None else measured.limit(task, today)
        self.changes += transition.status_changes
        if transition.outcome:
            self.outcome = transition.outcome.code
        self.stage = transition.stage or self.stage
        if transition.completed:
            self.status = "completed"
            self.open.clear()
            if measured is not None and measured.facts.ended_on is None:
                self.measured = measured.ended(self.outcome, transition.occurred_on or today)

    def _fire(self) -> None:
        for _ in range(MOST_TIMERS):
            if self.matter is None or self.status != "active":
                return
            transition = transitions.fire(self.matter, self.world)
            if transition is None:
                return
            self._follow(transition)
        raise InvalidInput(None, N_("定时反复触发，没有停下来。"))


def item_key(item: str, ids: Mapping[str, int]) -> str:
    """Return an item as tasks carry it: ``@name`` is the task of that person."""
    if item.startswith("@") and item[1:] in ids:
        return person_principal(ids[item[1:]])
    return item


def drop_default(raw: dict[str, Any], path: str, own: Mapping[str, Any]) -> bool:
    """Take a value away unless the action gave it itself; tell whether there was one."""
    *outer, last = path.split(".")
    inner: Any = raw
    given: Any = own
    for key in outer:
        if not isinstance(inner, dict) or key not in inner:
            return False
        inner[key] = dict(inner[key]) if isinstance(inner[key], Mapping) else inner[key]
        inner = inner[key]
        given = given.get(key, {}) if isinstance(given, Mapping) else {}
    if not isinstance(inner, dict) or last not in inner:
        return False
    if isinstance(given, Mapping) and last in given:
        return False
    del inner[last]
    return True
