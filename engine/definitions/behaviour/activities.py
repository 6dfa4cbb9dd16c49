"""Activities: subprocesses, called processes, loops and multi-instances."""

from __future__ import annotations

# mypy: disallow-subclassing-any=False
# (SpiffWorkflow ships no type information.)
from collections.abc import Mapping
from typing import Any, Final

from SpiffWorkflow.bpmn.specs import defaults as stock
from SpiffWorkflow.bpmn.specs.mixins.multiinstance_task import LoopTask, MultiInstanceTask
from SpiffWorkflow.bpmn.specs.mixins.subworkflow_task import SubWorkflowTask
from SpiffWorkflow.util.task import TaskState

from engine.definitions.branches import ON, RESERVED, add_days_known, merge, write
from engine.errors import N_, ExpressionFault

MAX_INSTANCES: Final = 2_000
"""Most instances of one multi-instance activity at the same time."""

Task = Any
"""A SpiffWorkflow task; the library ships no types."""


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
    """All instances at once. While they run, one may be added or taken away."""

    def items(self, my_task: Task) -> list[Any]:
        """Return the list whose items have an instance each."""
        found = my_task.data.get(self.data_input.bpmn_id) if self.data_input else None
        return list(found) if isinstance(found, list) else []

    def add_instance(self, my_task: Task, item: Any) -> None:
        """Start one more instance; it knows what the others knew when they began."""
        running = [child for child in my_task.children if child._state < TaskState.COMPLETED]
        if len(my_task._children) >= MAX_INSTANCES:
            raise ExpressionFault(
                N_("多实例活动 %(element)s 的实例超过 %(limit)s 个"),
                element=self.name,
                limit=MAX_INSTANCES,
            )
        known = dict(running[0].data)
        if self.input_item is not None:
            known[self.input_item.bpmn_id] = item
        child = my_task._add_child(running[0].task_spec, TaskState.WAITING)
        child.triggered = True
        child.data, child.inherited = known, True
        child.internal_data["key_or_index"] = str(item)
        child.task_spec._update(child)

    def drop_instance(self, my_task: Task, child: Task) -> None:
        """Take away an instance that has not ended; the whole ends with the last one."""
        child.cancel()
        if all(other._state >= TaskState.COMPLETED for other in my_task.children):
            my_task._set_state(TaskState.READY)


class SequentialInstances(stock.SequentialMultiInstanceTask, _Instances):
    """One instance after the other."""
