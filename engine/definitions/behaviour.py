"""How each BPMN element behaves, where that differs from SpiffWorkflow's own classes.

Stock classes read the past out of the tree of finished tasks: which branches have reached a join,
what they knew, what is predicted to come. Here every such fact stands in the waiting task itself.
So finished tasks can be dropped at any time, loops are as right on their thousandth round as on
their first, and a task has no children before it runs.

The objects are shared by all instances of a definition and never change once it is parsed.
"""

from __future__ import annotations

# mypy: disallow-subclassing-any=False
# (SpiffWorkflow ships no type information.)
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from SpiffWorkflow.bpmn.specs import defaults as stock
from SpiffWorkflow.bpmn.specs.bpmn_process_spec import BpmnProcessSpec
from SpiffWorkflow.bpmn.specs.bpmn_task_spec import BpmnTaskSpec
from SpiffWorkflow.bpmn.specs.control import BpmnStartTask, SimpleBpmnTask
from SpiffWorkflow.bpmn.specs.event_definitions.base import EventDefinition
from SpiffWorkflow.bpmn.specs.event_definitions.item_aware_event import (
    ErrorEventDefinition,
    EscalationEventDefinition,
    SignalEventDefinition,
)
from SpiffWorkflow.bpmn.specs.event_definitions.message import MessageEventDefinition
from SpiffWorkflow.bpmn.specs.event_definitions.multiple import MultipleEventDefinition
from SpiffWorkflow.bpmn.specs.mixins.events.event_types import CatchingEvent
from SpiffWorkflow.bpmn.specs.mixins.multiinstance_task import LoopTask, MultiInstanceTask
from SpiffWorkflow.bpmn.specs.mixins.subworkflow_task import SubWorkflowTask
from SpiffWorkflow.bpmn.util.event import BpmnEvent
from SpiffWorkflow.specs.base import TaskSpec
from SpiffWorkflow.specs.WorkflowSpec import WorkflowSpec
from SpiffWorkflow.util.task import TaskState

from engine.definitions.branches import (
    ON,
    RESERVED,
    WRITTEN,
    add_days_known,
    merge,
    write,
)
from engine.definitions.timers import SOURCE, Timer, repeats
from engine.errors import N_, ExpressionFault

FROM: Final = "from"
"""A waiting join's note of the branches that have reached it."""
ARRIVAL: Final = "arrival"
"""A waiting token's note of its place in the order of arrival."""

MAX_INSTANCES: Final = 2_000
"""Most instances of one multi-instance activity at the same time."""

Task = Any
"""A SpiffWorkflow task; the library ships no types."""


def _waiting_here(spec: TaskSpec, my_task: Task) -> Iterator[Task]:
    for task in my_task.workflow.tasks.values():
        if task.task_spec is spec and task is not my_task and task._state == TaskState.WAITING:
            yield task


def _source(my_task: Task) -> str:
    """Return the node from which a token has come to a gateway."""
    return str(my_task.internal_data.pop(SOURCE, None) or my_task.parent.task_spec.name)


# --- scopes and gateways ------------------------------------------------------------------------


class Scope(BpmnProcessSpec):
    """A process or an embedded subprocess."""

    def __init__(self, name: str, description: str | None, filename: str | None) -> None:
        # Not BpmnProcessSpec.__init__: it would make the stock end join.
        WorkflowSpec.__init__(self, name=name, filename=filename)
        self.start = BpmnStartTask(self, "Start")
        self.end = EndJoin(self, f"{name}.EndJoin")
        self.end.connect(SimpleBpmnTask(self, "End"))
        self.svg = None
        self.description = description
        self.io_specification = None
        self.data_objects: dict[str, Any] = {}
        self.data_stores: dict[str, Any] = {}
        self.correlation_keys: dict[str, Any] = {}
        self.bpmn_start_events: list[Any] = []


class EndJoin(BpmnTaskSpec):
    """Where all branches of a scope end; the scope is complete when nothing else is left."""

    def _update_hook(self, my_task: Task) -> bool:
        if FROM not in my_task.internal_data:
            my_task._inherit_data()
            for earlier in list(_waiting_here(self, my_task)):
                data = dict(earlier.data)
                merge(data, my_task.data)
                my_task.data = data
                earlier.cancel()
            my_task.internal_data[FROM] = True
        for task in my_task.workflow.tasks.values():
            if task._state < TaskState.COMPLETED and task.task_spec is not self:
                my_task._set_state(TaskState.WAITING)
                return False
        return True

    def _run_hook(self, my_task: Task) -> bool:
        my_task.workflow.data.update(my_task.data)
        return True


class ParallelGateway(stock.ParallelGateway):
    """Goes on when a token has come along each incoming flow, and takes one from each.

    A second token on the same flow waits for the next round, as the standard says.
    """

    def _update_hook(self, my_task: Task) -> bool:
        notes = my_task.internal_data
        if len(self._inputs) < 2:
            my_task._inherit_data()
            return True
        if ARRIVAL in notes:
            return False  # the token that completes a set takes the others along
        my_task._inherit_data()
        notes[FROM] = _source(my_task)
        waiting = sorted(_waiting_here(self, my_task), key=lambda t: t.internal_data[ARRIVAL])
        notes[ARRIVAL] = waiting[-1].internal_data[ARRIVAL] + 1 if waiting else 1
        wanted: Counter[str] = Counter(self._inputs)
        taken = []
        for token in (*waiting, my_task):
            source = token.internal_data[FROM]
            if wanted[source]:
                wanted[source] -= 1
                taken.append(token)
        if any(wanted.values()):
            my_task._set_state(TaskState.WAITING)
            return False
        data: dict[str, Any] = {}
        for token in taken:
            merge(data, token.data)
            if token is not my_task:
                token.cancel()
        my_task.data = data
        return True

    def _run_hook(self, my_task: Task) -> bool:
        return True


class ExclusiveGateway(stock.ExclusiveGateway):
    """Takes the first flow, in the order of the file, whose condition holds; else the default."""

    def _predict_hook(self, my_task: Task) -> None:
        """Nothing is predicted: the choice is made when the gateway runs."""


class InclusiveGateway(stock.InclusiveGateway):
    """Takes every flow whose condition holds; joins what can still come.

    A join waits while a token elsewhere could reach it along a flow that has none yet, and could
    not reach it along one that has (BPMN 2.0, table 13.3).
    """

    upstream: Mapping[str, frozenset[str]]
    """For each input, the nodes from which it can be reached without passing this gateway."""

    def find_upstream(self) -> None:
        """Work out :attr:`upstream`, once the whole scope is connected."""
        self.upstream = {name: self._reaching(name) for name in self._inputs}

    def _reaching(self, name: str) -> frozenset[str]:
        found, waiting = {name}, [name]
        while waiting:
            for before in self._wf_spec.task_specs[waiting.pop()]._inputs:
                if before not in found and before != self.name:
                    found.add(before)
                    waiting.append(before)
        return frozenset(found - {self.name})

    def _predict_hook(self, my_task: Task) -> None:
        """Nothing is predicted: the choice is made when the gateway runs."""

    def _update_hook(self, my_task: Task) -> bool:
        if len(self._inputs) < 2:
            my_task._inherit_data()
            return True
        notes = my_task.internal_data
        if FROM not in notes:
            arrived = {_source(my_task)}
            data: dict[str, Any] = {}
            for earlier in list(_waiting_here(self, my_task)):
                merge(data, earlier.data)
                arrived.update(earlier.internal_data[FROM])
                earlier.cancel()
            my_task._inherit_data()
            merge(data, my_task.data)
            my_task.data = data
            notes[FROM] = sorted(arrived)
        if self._may_still_come(my_task, notes[FROM]):
            my_task._set_state(TaskState.WAITING)
            return False
        return True

    def _may_still_come(self, my_task: Task, arrived: list[str]) -> bool:
        empty = [name for name in set(self._inputs) if name not in arrived]
        for task in my_task.workflow.tasks.values():
            if task._state < TaskState.COMPLETED and task.task_spec is not self:
                name = task.task_spec.name
                if any(name in self.upstream[flow] for flow in empty) and not any(
                    name in self.upstream[flow] for flow in arrived
                ):
                    return True
        return False

    def _run_hook(self, my_task: Task) -> bool:
        matches, defaults = self._get_matching_outputs(my_task)
        chosen = matches or defaults
        if not chosen:
            raise ExpressionFault(N_("网关 %(element)s 没有一个条件成立"), element=self.name)
        my_task._sync_children(chosen, TaskState.FUTURE)
        return True


# --- events -------------------------------------------------------------------------------------


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


# --- activities ---------------------------------------------------------------------------------


class _Nested(SubWorkflowTask):
    """A subprocess starts with what its branch knows, and gives back what it knows at its end."""

    def copy_data(self, my_task: Task, subworkflow: Any) -> None:
        subworkflow.task_tree.data = dict(my_task.data)

    def update_data(self, my_task: Task, subworkflow: Any) -> None:
        my_task.data = dict(subworkflow.last_task.data)

    def _on_subworkflow_completed(self, subworkflow: Any, my_task: Task) -> None:
        if my_task._state < TaskState.COMPLETED:  # else an event of its own has interrupted it
            super()._on_subworkflow_completed(subworkflow, my_task)

    def start_workflow(self, my_task: Task) -> None:
        inner = my_task.workflow.top_workflow.create_subprocess(my_task, self.spec)
        inner.completed_event.connect(self._on_subworkflow_completed, my_task)
        self.copy_data(my_task, inner)
        inner.task_tree.run()


class SubProcess(_Nested, stock.SubWorkflowTask):
    """An embedded subprocess."""


class Transaction(_Nested, stock.TransactionSubprocess):
    """A transaction."""


class CallActivity(_Nested, stock.CallActivity):
    """Runs another process; its ioSpecification, if any, says which variables pass."""

    def copy_data(self, my_task: Task, subworkflow: Any) -> None:
        mapping = subworkflow.spec.io_specification
        data = dict(my_task.data)
        if mapping is not None and mapping.data_inputs:
            wanted = {item.bpmn_id for item in mapping.data_inputs} | RESERVED
            data = {name: value for name, value in data.items() if name in wanted}
        subworkflow.task_tree.data = data

    def update_data(self, my_task: Task, subworkflow: Any) -> None:
        mapping = subworkflow.spec.io_specification
        result = subworkflow.last_task.data
        if mapping is None or not mapping.data_outputs:
            my_task.data = dict(result)
            return
        write(my_task, {v.bpmn_id: result.get(v.bpmn_id) for v in mapping.data_outputs})
        my_task.data = dict(my_task.data)
        add_days_known(my_task.data, result.get(ON, {}))


class _Looping(LoopTask):
    def _take(self, my_task: Task, child: Task) -> None:
        """Take over what one round or instance knows at its end."""
        data = dict(my_task.data)
        merge(data, child.data)
        my_task.data = data


class StandardLoop(stock.StandardLoopTask, _Looping):
    """A task that repeats itself."""

    def merge_child(self, workflow: Any, child: Task) -> None:
        my_task = child.parent
        self._take(my_task, child)
        my_task.internal_data["merged"].append(str(child.id))
        if self.loop_complete(my_task):
            my_task._set_state(TaskState.READY)
        else:
            self.create_child(my_task)


class _Instances(MultiInstanceTask, _Looping):
    """What both kinds of multi-instance share.

    The input and output items belong to an instance: they are hidden from what comes after, so
    the same activity may run again in a loop. The output collection is made anew each time.
    """

    def merge_child(self, workflow: Any, child: Task) -> None:
        my_task = child.parent
        if self.data_output is not None and self.output_item is not None:
            self._collect(my_task, child)
        else:
            self._take(my_task, child)
            self._hide_items(my_task)
        my_task.internal_data["merged"].append(str(child.id))

    def _collect(self, my_task: Task, child: Task) -> None:
        item = child.data.get(self.output_item.bpmn_id)
        key = child.internal_data.get("key_or_index")
        name = self.data_output.bpmn_id
        collected = my_task.data.get(name)
        in_place = self.data_input is not None and self.data_input.bpmn_id == name
        if key is not None and (in_place or isinstance(collected, Mapping)):
            collected = dict(collected) if isinstance(collected, Mapping) else list(collected or ())
            collected[key] = item
        else:
            collected = [*(collected or ()), item]
        write(my_task, {name: collected})
        add_days_known(my_task.data, child.data.get(ON, {}))

    def _hide_items(self, my_task: Task) -> None:
        for item in (self.input_item, self.output_item):
            if item is not None:
                my_task.data.pop(item.bpmn_id, None)

    def create_child(self, my_task: Task, item: Any, key_or_index: Any = None) -> None:
        if len(my_task._children) >= MAX_INSTANCES:
            raise ExpressionFault(
                N_("多实例活动 %(element)s 的实例超过 %(limit)s 个"),
                element=self.name,
                limit=MAX_INSTANCES,
            )
        self._hide_items(my_task)
        super().create_child(my_task, item, key_or_index)

    def init_data_output_with_input_data(self, my_task: Task, input_data: Any) -> None:
        if self.data_output.bpmn_id != self.data_input.bpmn_id:
            empty: Any = {} if isinstance(input_data, Mapping) else []
            write(my_task, {self.data_output.bpmn_id: empty})

    def init_data_output_with_cardinality(self, my_task: Task) -> None:
        write(my_task, {self.data_output.bpmn_id: []})

    def check_completion_condition(self, my_task: Task) -> bool:
        """Evaluate the condition on what the instance just ended knows, and the collection."""
        if self.condition is None:
            return False
        last = next(c for c in my_task.children if str(c.id) == my_task.internal_data["merged"][-1])
        known = dict(last.data)
        if self.data_output is not None:
            known[self.data_output.bpmn_id] = my_task.data.get(self.data_output.bpmn_id)
        environment = my_task.workflow.script_engine.environment
        return bool(environment.evaluate(self.condition, known))


class ParallelInstances(stock.ParallelMultiInstanceTask, _Instances):
    """All instances at once."""


class SequentialInstances(stock.SequentialMultiInstanceTask, _Instances):
    """One instance after the other."""


def freeze(scope: Scope) -> None:
    """Wire what stock SpiffWorkflow would wire at run time, so that running changes nothing."""
    for spec in scope.task_specs.values():
        if isinstance(spec, LoopTask):
            inner = scope.task_specs[spec.task_spec]
            if not inner.completed_event.is_connected(spec.merge_child):
                inner.completed_event.connect(spec.merge_child)
        if isinstance(spec, InclusiveGateway):
            spec.find_upstream()
