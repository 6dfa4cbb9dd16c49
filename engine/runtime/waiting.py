"""Events that a run waits for: timers that are armed, messages and signals that are caught."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from SpiffWorkflow.bpmn.specs.mixins.events.event_types import CatchingEvent

from engine.definitions import behaviour
from engine.definitions.timers import Timer
from engine.runtime.tree import WAITING, Step, Workflow, walk_all


def armed_timers(workflow: Workflow) -> list[tuple[datetime, Step, str, Timer]]:
    """Return the armed timers with moment, task and element, the earliest first."""
    found = [
        (due, task, element, definition)
        for task, element, definition in _waited_for(workflow)
        if isinstance(definition, Timer) and (due := definition.due_at(task))
    ]
    found.sort(key=lambda item: item[0])  # stable: those of one moment keep their order
    return found


def catchers(workflow: Workflow) -> Iterator[tuple[Step, str, Any]]:
    """Yield what waits for a message or signal: task, element, and the definition of the event."""
    for waited in _waited_for(workflow):
        if isinstance(waited[2], (behaviour.Message, behaviour.Signal)):
            yield waited


def event_uid(task: Step, element: str) -> UUID:
    """Identify an event that is waited for; those of one gateway share its task."""
    uid = UUID(bytes=task.id)
    several = isinstance(task.task_spec, behaviour.EventBasedGateway)
    return uuid5(uid, element) if several else uid


def _waited_for(workflow: Workflow) -> Iterator[tuple[Step, str, Any]]:
    """Yield what the waiting tasks wait for, each with the element that says so."""
    for task in walk_all(workflow):
        if task._state != WAITING or not isinstance(task.task_spec, CatchingEvent):
            continue
        definition = task.task_spec.event_definition
        if isinstance(definition, behaviour.FirstEvent):
            events = definition.event_definitions
            for element, event in zip(task.task_spec._outputs, events, strict=True):
                yield task, element, event
        else:
            yield task, task.task_spec.bpmn_id, definition
