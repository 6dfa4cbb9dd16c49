"""Between a matter and its run: taking it up, and telling what a move has led to."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import date
from uuid import UUID

from engine.definitions.branches import latest_day
from engine.definitions.package import Lane, Stage, Who
from engine.definitions.versions import CompiledEffect, Definition
from engine.runtime.conditions import day_of, facts
from engine.runtime.lanes import find_candidates, person_of, person_principal
from engine.runtime.matters import Matter, OpenedTask, Outcome, StatusChange, Transition, World
from engine.runtime.spiff import Run
from engine.runtime.values import Environment, OpenTask, Passed


def environment_of(definition: Definition, world: World) -> Environment:
    """Return what the runs of a procedure need to know of the world."""
    return Environment(
        clock=world.clock,
        functions=world.functions,
        step_budget=world.step_budget,
        dates=definition.dates,
        variables=definition.variables,
    )


def restore(matter: Matter, world: World) -> Run:
    """Take up a matter where it stands."""
    environment = environment_of(matter.definition, world)
    return Run.restore(matter.definition.spec, matter.snapshot, environment)


def after(
    matter: Matter,
    run: Run,
    before: Mapping[bytes, str],
    world: World,
    day: date,
    *,
    participants: Mapping[str, tuple[int, ...]] | None = None,
    lasting: bool = False,
) -> Transition:
    """Describe what a run has come to, compared with the tasks that were open ``before``.

    ``lasting``: the run itself goes on, so that nothing is written down of it; the matter keeps
    the snapshot it had, and nobody sends it messages.
    """
    now_open = run.open_elements()
    passed = run.take_passed()
    timers = tuple(run.timers())
    if not lasting:
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
        subscriptions=() if lasting else tuple(run.subscriptions()),
        messages=tuple(run.take_messages()),
        passed=passed,
        effects=tuple(_effects(matter, passed, day, world)),
        participants=dict(participants or {}),
        stage=stage.id if stage else None,
        completed=run.completed,
        occurred_on=max(filter(None, (latest_day(p.variables) for p in passed)), default=day),
    )


def stage_of(definition: Definition, elements: Iterable[str]) -> Stage | None:
    """Return the most advanced stage in which one of the elements stands."""
    order = {stage.id: index for index, stage in enumerate(definition.package.stages)}
    stages = [definition.stages[e] for e in elements if e in definition.stages]
    return max(stages, key=lambda stage: order[stage.id], default=None)


def owner_of(lane: Lane, task: OpenTask) -> int | None:
    """Return the person whose task it is, if there is one for each of a list of people."""
    return person_of(task.value) if lane.who is Who.ITEM else None


def _opened(matter: Matter, task: OpenTask, world: World) -> OpenedTask:
    definition = matter.definition
    lane = definition.lanes[task.element]
    person_id = owner_of(lane, task)
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
        earliest_on=day_of(matter, definition.earliest.get(task.element), task.variables, world),
        due_on=day_of(matter, definition.due.get(task.element), task.variables, world),
        item=item if person_id is None else person_principal(person_id),
        person_id=person_id,
    )


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
        since = day_of(matter, compiled.since, passed.variables, world) or happened
        yield StatusChange(matter.subject_id, effect.set_status, since, passed.element)
    if effect.outcome:
        yield Outcome(effect.outcome, effect.outcome_title, passed.element)
