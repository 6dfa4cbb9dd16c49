"""Scopes and gateways: where branches part, meet and end."""

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
from SpiffWorkflow.specs.base import TaskSpec
from SpiffWorkflow.specs.WorkflowSpec import WorkflowSpec
from SpiffWorkflow.util.task import TaskState

from engine.definitions.branches import merge
from engine.definitions.timers import SOURCE
from engine.errors import N_, ExpressionFault

FROM: Final = "from"
"""A waiting join's note of the branches that have reached it."""
ARRIVAL: Final = "arrival"
"""A waiting token's note of its place in the order of arrival."""

Task = Any
"""A SpiffWorkflow task; the library ships no types."""


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


def _waiting_here(spec: TaskSpec, my_task: Task) -> Iterator[Task]:
    for task in my_task.workflow.tasks.values():
        if task.task_spec is spec and task is not my_task and task._state == TaskState.WAITING:
            yield task


def _source(my_task: Task) -> str:
    """Return the node from which a token has come to a gateway."""
    return str(my_task.internal_data.pop(SOURCE, None) or my_task.parent.task_spec.name)
