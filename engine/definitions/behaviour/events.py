"""Events: what is caught, thrown and watched for."""

from __future__ import annotations

# mypy: disallow-subclassing-any=False
# (SpiffWorkflow ships no type information.)
from collections.abc import Iterator
from typing import Any

from SpiffWorkflow.bpmn.specs import defaults as stock
from SpiffWorkflow.bpmn.specs.event_definitions.base import EventDefinition
from SpiffWorkflow.bpmn.specs.event_definitions.item_aware_event import (
    ErrorEventDefinition,
    EscalationEventDefinition,
    SignalEventDefinition,
)
from SpiffWorkflow.bpmn.specs.event_definitions.message import MessageEventDefinition
from SpiffWorkflow.bpmn.specs.event_definitions.multiple import MultipleEventDefinition
from SpiffWorkflow.bpmn.specs.mixins.events.event_types import CatchingEvent
from SpiffWorkflow.bpmn.util.event import BpmnEvent
from SpiffWorkflow.util.task import TaskState

from engine.definitions.branches import ON, WRITTEN, add_days_known, merge, write
from engine.definitions.timers import Timer, repeats

Task = Any
"""A SpiffWorkflow task; the library ships no types."""


class _CarriesData(EventDefinition):
    """An event that brings data: written by the event if from outside, else joined by age."""

    def update_task_data(self, my_task: Task) -> None:
        payload = my_task.internal_data.get(self.name)
        if not payload:
            return
        if WRITTEN in payload or ON in payload:
            data = dict(my_task.data)
            merge(data, payload)
            my_task.data = data
        else:
            write(my_task, payload)

    def reset(self, my_task: Task) -> None:
        my_task.internal_data.pop(self.name, None)
        my_task.internal_data.pop("event_fired", None)


class Message(_CarriesData, MessageEventDefinition):
    """A message; correlation keys of the diagram hold inside one instance."""

    def throw(self, my_task: Task) -> None:
        payload = dict(my_task.data)
        correlations = self.get_correlations(my_task, payload)
        my_task.workflow.correlations.update(correlations)
        event = BpmnEvent(self, payload=payload, correlations=correlations)
        my_task.workflow.top_workflow.catch(event)


class Signal(_CarriesData, SignalEventDefinition):
    """A signal."""

    def throw(self, my_task: Task) -> None:
        my_task.workflow.top_workflow.catch(BpmnEvent(self, payload=dict(my_task.data)))


class _Code(_CarriesData):
    def throw(self, my_task: Task) -> None:
        event = BpmnEvent(self, payload=dict(my_task.data), target=my_task.workflow)
        my_task.workflow.top_workflow.catch(event)


class Error(_Code, ErrorEventDefinition):
    """An error, caught on the boundary of the nearest subprocess by its code."""


class Escalation(_Code, EscalationEventDefinition):
    """An escalation, caught on the boundary of the nearest subprocess by its code."""


class _Catching(CatchingEvent):
    """What all catching events share."""

    def _predict_hook(self, my_task: Task) -> None:
        if not repeats(self):
            my_task._sync_children(self.outputs, TaskState.FUTURE)

    def _run_hook(self, my_task: Task) -> bool:
        self.event_definition.update_task_data(my_task)
        self.event_definition.reset(my_task)
        return True

    def _on_cancel(self, my_task: Task) -> None:
        """Nothing to undo: waiting events are found in the tree itself."""


class StartEvent(_Catching, stock.StartEvent):
    """A start event."""


class IntermediateCatchEvent(_Catching, stock.IntermediateCatchEvent):
    """An intermediate catching event."""


class ReceiveTask(_Catching, stock.ReceiveTask):
    """A task that waits for a message."""


class BoundaryEvent(_Catching, stock.BoundaryEvent):
    """A boundary event. An interrupting one ends its activity at the moment it catches."""

    activity = ""
    """The name of the activity it watches."""

    def _on_ready_hook(self, my_task: Task) -> None:
        if not self.cancel_activity:
            return
        data = dict(my_task.data)
        for sibling in my_task.parent.children:
            spec = sibling.task_spec
            if spec.name == self.activity:
                # What happened inside did happen; what follows may not be dated before it.
                for task in _tasks_below(sibling):
                    add_days_known(data, task.data.get(ON, {}))
                sibling.cancel()
            elif (
                sibling is not my_task
                and _watches(spec, self.activity)
                # One that has caught already, and does not interrupt, still goes on.
                and (spec.cancel_activity or sibling._state == TaskState.WAITING)
            ):
                sibling.cancel()
        my_task.data = data


def _watches(spec: Any, activity: str) -> bool:
    return isinstance(spec, BoundaryEvent) and spec.activity == activity


def stop_watching(workflow: Any, task: Task) -> None:
    """Let go the boundary events of an activity that is done."""
    for sibling in task.parent.children:
        watching = _watches(sibling.task_spec, task.task_spec.name)
        if watching and sibling._state == TaskState.WAITING:
            sibling.cancel()


class FirstEvent(MultipleEventDefinition):
    """What an event-based gateway waits for: exactly one of several events."""

    def has_fired(self, my_task: Task) -> bool:
        for definition in self.event_definitions:
            if isinstance(definition, Timer):
                definition.has_fired(my_task)
        return "chosen" in my_task.internal_data

    def catch(self, my_task: Task, event: BpmnEvent) -> None:
        if "chosen" in my_task.internal_data:
            return
        for index, definition in enumerate(self.event_definitions):
            if definition.catches(my_task, event):
                definition.catch(my_task, event)
                my_task.internal_data["chosen"] = index
                return


class EventBasedGateway(stock.EventBasedGateway):
    """Waits for the first of several events."""

    def connect(self, child: Any) -> None:
        super().connect(child)
        definition = self.event_definition.event_definitions[-1]
        if isinstance(definition, Timer):
            definition.note = f"{definition.note}:{child.name}"

    def fire(self, my_task: Task, definition: Timer) -> None:
        """Choose the branch of a timer that is due."""
        my_task.internal_data["chosen"] = self.event_definition.event_definitions.index(definition)
        self._update(my_task)

    def _run_hook(self, my_task: Task) -> bool:
        chosen = my_task.internal_data["chosen"]
        self.event_definition.event_definitions[chosen].update_task_data(my_task)
        my_task.internal_data.clear()
        my_task._sync_children([self.outputs[chosen]], TaskState.FUTURE)
        return True

    def _on_cancel(self, my_task: Task) -> None:
        """Nothing to undo: waiting events are found in the tree itself."""


def _tasks_below(task: Task) -> Iterator[Task]:
    yield task
    for child in task.children:
        yield from _tasks_below(child)
    inner = task.workflow.top_workflow.subprocesses.get(task.id)
    if inner is not None:
        for step in list(inner.tasks.values()):
            if step.id in inner.tasks and step._state < TaskState.COMPLETED:
                yield step
                if step.id in task.workflow.top_workflow.subprocesses:
                    yield from _tasks_below(step)
