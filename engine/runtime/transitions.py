"""What happens to a matter when something is done to it: pure functions on frozen values.

The commands of ``engine.runtime`` and the scenarios of ``engine.lint`` both come here,
so that there is one answer to "what follows". Nothing here reads or writes a database, asks who the
actor is, or knows of the ledger: it is told, and it answers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID

from engine.clock import ZONE
from engine.definitions.branches import latest_day
from engine.definitions.package import Lane, Stage, Who
from engine.definitions.versions import CompiledEffect, Definition
from engine.errors import (
    N_,
    ExpressionFault,
    InvalidInput,
    NotAllowed,
    Sentence,
    TaskClosed,
)
from engine.expressions import Expression
from engine.runtime.lanes import (
    Candidates,
    LaneDirectory,
    find_candidates,
    person_of,
    person_principal,
)
from engine.runtime.matters import (
    Matter,
    OpenedTask,
    Outcome,
    StatusChange,
    Transition,
    World,
)
from engine.runtime.spiff import (
    Environment,
    OpenTask,
    Passed,
    Run,
)

# --- what is done to a matter -------------------------------------------------------------------


def begin(
    definition: Definition,
    *,
    organisation_id: int,
    subject_id: int | None,
    started_on: date,
    world: World,
) -> Transition:
    """Start a matter. Its first tasks are open afterwards; nothing else is decided."""
    matter = Matter(definition, organisation_id, subject_id, started_on)
    given = _given(matter)
    variables = {name: given[name] for name in definition.spec.variables & given.keys()}
    run = Run.start(definition.spec, variables, _environment(definition, world))
    return _after(matter, run, {}, world, started_on)


@dataclass(frozen=True, slots=True)
class Prepared:
    """An open task with its workflow restored, about to be looked at or completed once."""

    task: OpenTask
    facts: Mapping[str, Any]
    """What the task's form may ask for besides its own fields."""
    run: Run
    others: Mapping[bytes, str]
    """The elements of the other open tasks, by the bytes of their uid."""
    person_id: int | None = None
    """Whose task it is, where there is one for each of a list of people."""


def prepare(matter: Matter, uid: UUID, world: World) -> Prepared:
    """Restore a matter at one of its open tasks. Raises TaskClosed when it is not open."""
    run = _restore(matter, world)
    others = run.open_elements()
    task = run.open_task(uid.bytes)
    if task is None:
        raise TaskClosed
    del others[uid.bytes]
    person_id = _person(matter.definition.lanes[task.element], task)
    return Prepared(task, facts(matter, task.variables), run, others, person_id)


def complete(
    matter: Matter,
    uid: UUID,
    data: Mapping[str, Any],
    occurred_on: date,
    world: World,
    *,
    prepared: Prepared | None = None,
) -> Transition:
    """Complete an open task with the cleaned data of its form.

    ``prepared`` saves restoring the matter twice; it is used up. Raises TaskClosed when the task
    is not open, InvalidInput when ``occurred_on`` is not possible, EngineFault when the definition
    misbehaves. The matter given is never changed.
    """
    prepared = prepared or prepare(matter, uid, world)
    task, run, before = prepared.task, prepared.run, prepared.others
    check_day(matter, task, occurred_on, world)
    definition = matter.definition
    kept = definition.kept[definition.package.steps[task.element].form]
    # A field that was hidden this time must not keep what an earlier round put there.
    variables = {name: data.get(name) for name in kept}
    changed = _roles(definition, task.element, data)
    variables |= {r: list(ids) for r, ids in changed.items() if r in definition.spec.variables}
    if changed:
        matter = replace(matter, participants={**matter.participants, **changed})
    run.complete(uid, variables, occurred_on)
    return _after(matter, run, before, world, occurred_on, participants=changed)


def send_back(
    matter: Matter,
    uid: UUID,
    target: str,
    before_target: bytes,
    world: World,
    *,
    participants: Mapping[str, tuple[int, ...]] | None = None,
) -> Transition:
    """Send the matter back from an open task to an earlier step, which is open again then.

    ``before_target`` is the snapshot that the ledger kept from before ``target`` was last
    completed: everything since is undone in the procedure, while its record stays.
    ``participants`` are the people of the matter as they were then; None: they have not changed.
    Raises TaskClosed, or NotAllowed when the step may not send back to ``target``.
    """
    # The task itself is done with: should it be open then too, it is opened anew.
    now_open = _restore(matter, world).open_elements()
    element = now_open.pop(uid.bytes, None)
    if element is None:
        raise TaskClosed
    if target not in matter.definition.package.steps[element].send_back:
        raise NotAllowed(N_("这一环节不能退回到所选的环节。"))
    then = matter.participants if participants is None else participants
    changed = {
        role: tuple(then.get(role, ()))
        for role in {*matter.participants, *then}
        if {*then.get(role, ())} != {*matter.participants.get(role, ())}
    }
    matter = replace(matter, snapshot=before_target, participants=dict(then))
    run = _restore(matter, world)
    if target not in run.open_elements().values():
        raise NotAllowed(N_("所选的环节在此之前没有办理过，不能退回。"))
    return _after(matter, run, now_open, world, matter.started_on, participants=changed)


def deliver(
    matter: Matter,
    name: str,
    payload: Mapping[str, Any],
    occurred_on: date,
    world: World,
    *,
    uid: UUID | None = None,
) -> Transition | None:
    """Hand a message to the matter, to one subscription if ``uid`` is given.

    Returns None when the matter does not wait for it; then nothing has happened. Raises
    InvalidInput for a day in the future or before the steps that it follows.
    """
    _not_in_future(occurred_on, world)
    run = _restore(matter, world)
    before = run.open_elements()
    # It comes after what has happened on every branch; which one it is for, the diagram knows.
    follows = (task.not_before or matter.started_on for task in run.open_tasks())
    _not_earlier(occurred_on, max(matter.started_on, min(follows, default=matter.started_on)))
    if not run.deliver(name, dict(payload), uid=uid, occurred_on=occurred_on):
        return None
    return _after(matter, run, before, world, occurred_on)


def fire(matter: Matter, world: World) -> Transition | None:
    """Let the timers that are due fire. Returns None when none was."""
    run = _restore(matter, world)
    before = run.open_elements()
    now = world.clock.now()
    due = [timer.due_at for timer in run.timers() if timer.due_at <= now]
    if not run.fire_due():
        return None
    # What a late timer causes counts from the day it was due, not from the day of the delay.
    day = max(due, default=now).astimezone(ZONE).date()
    return _after(matter, run, before, world, day)


def people_of(matter: Matter, element: str, world: World) -> tuple[int, ...]:
    """Return who has or had a task in an open step with one for each of a list of people.

    Raises TaskClosed when the step is not open, or no such step.
    """
    items = _restore(matter, world).items(_of_people(matter, element))
    return tuple(person for item in items if (person := person_of(item)) is not None)


def add_person(
    matter: Matter, element: str, person_id: int, occurred_on: date, world: World
) -> Transition:
    """Give one more person a task in an open step with one for each of a list of people.

    Raises TaskClosed when the step is not open, InvalidInput for a day on which they cannot have
    joined or a person who is on the list already.
    """
    _not_in_future(occurred_on, world)
    _not_earlier(occurred_on, matter.started_on)
    if person_id in people_of(matter, element, world):
        raise InvalidInput({"person": [N_("该人员已在名单中。")]})
    run = _restore(matter, world)
    before = run.open_elements()
    rows = any(isinstance(item, Mapping) for item in run.items(element))
    run.add_item(element, {"person": person_id} if rows else person_id)
    roles = _renamed(matter, element, {person_id}, frozenset())
    matter = replace(matter, participants={**matter.participants, **roles})
    return _after(matter, run, before, world, occurred_on, participants=roles)


def remove_person(
    matter: Matter, element: str, person_id: int, occurred_on: date, world: World
) -> Transition:
    """Take away the open task of a person in a step with one for each of a list of people.

    What a person has done stays: whose task is completed cannot be taken off the list. Raises
    TaskClosed when the step is not open, InvalidInput as :func:`add_person`.
    """
    _not_in_future(occurred_on, world)
    _not_earlier(occurred_on, matter.started_on)
    if person_id not in people_of(matter, element, world):
        raise InvalidInput({"person": [N_("该人员不在名单中。")]})
    run = _restore(matter, world)
    before = run.open_elements()
    steps = matter.definition.rolls[element].steps
    own = (task.value for task in run.open_tasks() if task.element in steps)
    item = next((value for value in own if person_of(value) == person_id), None)
    if item is None:
        raise InvalidInput({"person": [N_("该人员的任务已经办结，记录保留，不能移出。")]})
    run.remove_item(element, item)
    roles = _renamed(matter, element, frozenset(), {person_id})
    matter = replace(matter, participants={**matter.participants, **roles})
    return _after(matter, run, before, world, occurred_on, participants=roles)


def cancel(matter: Matter, world: World) -> Transition:
    """End the matter where it stands: its tasks and timers are taken back, nothing follows."""
    run = _restore(matter, world)
    before = run.open_elements()
    run.cancel()
    return Transition(
        matter=replace(matter, snapshot=b""),
        opened=(),
        still_open=frozenset(),
        closed=tuple(UUID(bytes=uid) for uid in before),
        timers=(),
        subscriptions=(),
        messages=(),
        passed=(),
        effects=(),
        participants={},
        stage=None,
        completed=False,
    )


def look(matter: Matter, world: World) -> Transition:
    """Return the matter as it stands, with all its tasks as opened; nothing happens to it."""
    return _after(matter, _restore(matter, world), {}, world, matter.started_on)


# --- questions ----------------------------------------------------------------------------------


def check_start(definition: Definition, status: str) -> None:
    """Refuse a person as the subject whose membership status does not suit the procedure.

    Raises InvalidInput on the field ``subject``.
    """
    allowed = definition.package.start.subject_status
    if allowed and status not in allowed:
        raise InvalidInput({"subject": [N_("该人员目前的身份不适用于本流程。")]})


def check_day(matter: Matter, task: OpenTask, occurred_on: date, world: World) -> None:
    """Refuse a day on which the step cannot have happened, or may not lawfully happen.

    Raises InvalidInput on the field ``occurred_on``: in the future, before the steps it follows,
    or before the earliest lawful day.
    """
    _not_in_future(occurred_on, world)
    _not_earlier(occurred_on, max(filter(None, (task.not_before, matter.started_on))))
    earliest = _day(matter, matter.definition.earliest.get(task.element), task.variables, world)
    if earliest is not None and occurred_on < earliest:
        text = N_("尚未到可以办理的日期，最早为 %(day)s。")
        raise InvalidInput({"occurred_on": [Sentence(text, day=earliest.isoformat())]})


def facts(matter: Matter, variables: Mapping[str, Any]) -> dict[str, Any]:
    """Return the variables that expressions see: a branch's data, the roles, and what is given."""
    roles = {role: list(people) for role, people in matter.participants.items()}
    return {"on": {}, **variables, **roles, **_given(matter)}


def stage_of(definition: Definition, elements: Iterable[str]) -> Stage | None:
    """Return the most advanced stage in which one of the elements stands."""
    order = {stage.id: index for index, stage in enumerate(definition.package.stages)}
    stages = [definition.stages[e] for e in elements if e in definition.stages]
    return max(stages, key=lambda stage: order[stage.id], default=None)


# --- inside -------------------------------------------------------------------------------------


def _given(matter: Matter) -> dict[str, Any]:
    return {
        **matter.definition.package.constants,
        "subject": matter.subject_id,
        "organisation": matter.organisation_id,
        "started_on": matter.started_on.isoformat(),
    }


def _environment(definition: Definition, world: World) -> Environment:
    return Environment(
        clock=world.clock,
        functions=world.functions,
        step_budget=world.step_budget,
        dates=definition.dates,
        variables=definition.variables,
    )


def _restore(matter: Matter, world: World) -> Run:
    environment = _environment(matter.definition, world)
    return Run.restore(matter.definition.spec, matter.snapshot, environment)


def _not_in_future(occurred_on: date, world: World) -> None:
    if occurred_on > world.clock.today():
        raise InvalidInput({"occurred_on": [N_("发生日期不能晚于今天。")]})


def _not_earlier(occurred_on: date, not_before: date) -> None:
    if occurred_on < not_before:
        text = N_("发生日期不能早于前一环节的日期 %(day)s。")
        raise InvalidInput({"occurred_on": [Sentence(text, day=not_before.isoformat())]})


def _roles(
    definition: Definition, element: str, data: Mapping[str, Any]
) -> dict[str, tuple[int, ...]]:
    """Return the roles that a step fills anew."""
    found: dict[str, tuple[int, ...]] = {}
    for role in definition.package.participants.values():
        if role.element == element:
            value = data.get(role.field)
            people = value if isinstance(value, list) else [] if value is None else [value]
            found[role.role] = tuple(people)
    return found


def _of_people(matter: Matter, element: str) -> str:
    """Return the element if it has a task for each of a list of people. Raises TaskClosed."""
    if element not in matter.definition.rolls:
        raise TaskClosed
    return element


def _renamed(
    matter: Matter, element: str, joined: Collection[int], left: Collection[int]
) -> dict[str, tuple[int, ...]]:
    """Return the roles that were chosen with the list of a step, with who holds them now."""
    collection = matter.definition.rolls[element].collection
    found: dict[str, tuple[int, ...]] = {}
    for role in matter.definition.package.participants.values():
        if collection in (role.role, role.field):
            people = matter.participants.get(role.role, ())
            stay = (person for person in people if person not in left)
            found[role.role] = tuple(dict.fromkeys((*stay, *joined)))
    return found


def _after(
    matter: Matter,
    run: Run,
    before: Mapping[bytes, str],
    world: World,
    day: date,
    *,
    participants: Mapping[str, tuple[int, ...]] | None = None,
) -> Transition:
    """Describe what a run has come to, compared with the tasks that were open ``before``."""
    now_open = run.open_elements()
    passed = tuple(run.passed)
    timers = tuple(run.timers())
    matter = replace(matter, snapshot=run.snapshot())
    places: Collection[str] = set(now_open.values()) or [t.element for t in timers]
    new = [task for uid in now_open if uid not in before and (task := run.open_task(uid))]
    stage = stage_of(matter.definition, places)
    return Transition(
        matter=matter,
        opened=tuple(_opened(matter, task, world) for task in new),
        still_open=frozenset(before.keys() & now_open.keys()),
        closed=tuple(UUID(bytes=uid) for uid in before if uid not in now_open),
        timers=timers,
        subscriptions=tuple(run.subscriptions()),
        messages=tuple(run.take_messages()),
        passed=passed,
        effects=tuple(_effects(matter, passed, day, world)),
        participants=dict(participants or {}),
        stage=stage.id if stage else None,
        completed=run.completed,
        occurred_on=max(filter(None, (latest_day(p.variables) for p in passed)), default=day),
    )


def _opened(matter: Matter, task: OpenTask, world: World) -> OpenedTask:
    definition = matter.definition
    lane = definition.lanes[task.element]
    person_id = _person(lane, task)
    item = None if task.item is None else str(task.item)
    return OpenedTask(
        uid=task.uid,
        element=task.element,
        step=definition.package.steps[task.element],
        lane=lane,
        candidates=find_candidates(
            lane,
            definition.package.lanes,
            organisation_id=matter.organisation_id,
            subject_id=matter.subject_id,
            participants=matter.participants,
            directory=world.directory,
            person_id=person_id,
        ),
        not_before=max(filter(None, (task.not_before, matter.started_on))),
        earliest_on=_day(matter, definition.earliest.get(task.element), task.variables, world),
        due_on=_day(matter, definition.due.get(task.element), task.variables, world),
        item=item if person_id is None else person_principal(person_id),
        person_id=person_id,
    )


def _person(lane: Lane, task: OpenTask) -> int | None:
    """Return the person whose task it is, if there is one for each of a list of people."""
    return person_of(task.value) if lane.who is Who.ITEM else None


def _effects(
    matter: Matter, passed: Iterable[Passed], day: date, world: World
) -> Iterable[StatusChange | Outcome]:
    for element in passed:
        if element.instance:
            continue  # one item of several: the effect belongs to the whole
        for effect in matter.definition.effects.get(element.element, ()):
            yield from _effect(matter, effect, element, day, world)


def _effect(
    matter: Matter, compiled: CompiledEffect, passed: Passed, day: date, world: World
) -> Iterable[StatusChange | Outcome]:
    effect = compiled.effect
    if compiled.when is not None and not compiled.when.evaluate(
        facts(matter, passed.variables), world.functions
    ):
        return
    if effect.set_status and matter.subject_id is not None:
        # Where branches meet it is the later one that counts, in whatever order they are recorded.
        happened = latest_day(passed.variables) or day
        since = _day(matter, compiled.since, passed.variables, world) or happened
        yield StatusChange(matter.subject_id, effect.set_status, since, passed.element)
    if effect.outcome:
        yield Outcome(effect.outcome, effect.outcome_title, passed.element)


def _day(
    matter: Matter, expression: Expression | None, variables: Mapping[str, Any], world: World
) -> date | None:
    """Return the day that an expression gives; None when there is no expression or no limit."""
    if expression is None:
        return None
    value = expression.evaluate(facts(matter, variables), world.functions)
    if value is None:
        return None
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise ExpressionFault(
            N_("表达式应得出日期，得到的是“%(value)s”。表达式：%(source)s"),
            value=str(value)[:80],
            source=expression.source,
        ) from None


__all__ = [
    "Candidates",
    "LaneDirectory",
    "Matter",
    "OpenedTask",
    "Outcome",
    "Prepared",
    "StatusChange",
    "Transition",
    "World",
    "begin",
    "cancel",
    "check_day",
    "check_start",
    "complete",
    "deliver",
    "facts",
    "fire",
    "look",
    "prepare",
    "send_back",
    "stage_of",
]
