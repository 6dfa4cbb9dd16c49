"""The stages of a matter with their steps: what is done, what waits for whom, what is to come."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row

from engine.directory.actors import Actor, person_key
from engine.runtime.models import NO_LIMIT
from engine.runtime.queries.access import Opened, is_mine
from engine.runtime.queries.diagram import element_states
from engine.runtime.queries.records import Trail
from engine.runtime.views import Progress, StageState, StepRecord, StepState


def stages_of(
    opened: Opened, trail: Trail, records: Sequence[StepRecord], actor: Actor
) -> tuple[StageState, ...]:
    """Return the stages in which there is a step to show."""
    package = opened.matter.definition.package
    over = opened.row.status in ("completed", "cancelled")
    passed = element_states(opened, trail)
    steps = _steps(opened, trail, records, actor, passed, over)
    stages = [(s.id, s.number, s.title, s.element) for s in package.stages]
    if "" in steps:
        stages.append(("", "", package.title if not stages else "", ""))
    return tuple(
        StageState(
            key,
            number,
            title,
            _stage_progress(steps[key], over or passed.get(element) == "done"),
            tuple(steps[key]),
        )
        for key, number, title, element in stages
        if key in steps
    )


def _steps(
    opened: Opened,
    trail: Trail,
    records: Sequence[StepRecord],
    actor: Actor,
    passed: Mapping[str, str],
    over: bool,
) -> dict[str, list[StepState]]:
    """Return the steps by stage; those of none by the empty text."""
    definition = opened.matter.definition
    by_element: dict[str, list[StepRecord]] = {}
    for record in records:
        by_element.setdefault(record.element, []).append(record)
    # Of several tasks of one step, one's own counts.
    own = person_key(actor.person_id)
    waiting = sorted(opened.tasks, key=lambda task: (is_mine(task, actor), task.item == own))
    tasks = {task.element: task for task in waiting}
    numbers = Counter(task.element for task in waiting)
    found: dict[str, list[StepState]] = {}
    shown: set[str | None] = {None}
    for element, step in definition.package.steps.items():
        rounds = tuple(by_element.get(element, ()))
        task = tasks.get(element)
        if step.number in shown and not rounds and task is None:
            continue  # an auxiliary step, or one drawn again, shows once it has happened
        shown.add(step.number)
        stage = definition.stages.get(element)
        state = StepState(
            element=element,
            number=step.number,
            title=step.title,
            description=step.description,
            basis=step.basis,
            state=_progress(task, rounds, over or passed.get(element) == "skipped"),
            records=rounds,
            task_id=task.id if task is not None and is_mine(task, actor) else None,
            waiting_for=None
            if task is None
            else _waiting_for(opened, trail, task, numbers[element]),
            due_on=task.due_on if task is not None and task.due_on != NO_LIMIT else None,
            earliest_on=task.earliest_on if task is not None else None,
        )
        found.setdefault(stage.id if stage else "", []).append(state)
    return found


def _progress(task: Row[Any] | None, rounds: Sequence[StepRecord], missed: bool) -> Progress:
    """Return where a step stands; ``missed``: the matter has gone on without it, or is over."""
    if task is not None:
        return Progress.NOW
    if any(not record.undone for record in rounds):
        return Progress.DONE
    return Progress.SKIPPED if missed else Progress.AHEAD


def _waiting_for(opened: Opened, trail: Trail, task: Row[Any], number: int) -> str:
    """Say whom a step waits for that has so many open tasks, one of them ``task``."""
    lane = opened.matter.definition.lanes.get(task.element)
    if number > 1 and lane is not None:
        return f"{lane.title}（{number}）"
    if task.assignee_id is not None:
        return trail.names.person(task.assignee_id)
    return trail.names.who(task.candidates)


def _stage_progress(steps: Sequence[StepState], over: bool) -> Progress:
    """Return where a stage stands; ``over``: the matter has left it."""
    states = {step.state for step in steps}
    if Progress.NOW in states:
        return Progress.NOW
    if states <= {Progress.AHEAD}:
        return Progress.AHEAD
    if states <= {Progress.SKIPPED}:
        return Progress.SKIPPED
    if Progress.AHEAD in states and not over:
        return Progress.NOW
    return Progress.DONE
