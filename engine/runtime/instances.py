"""An activity that runs once for each of a list: its items, one more of them, one less."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgpack
from SpiffWorkflow.bpmn.specs.mixins.multiinstance_task import LoopTask

from engine.definitions import behaviour
from engine.definitions.branches import WRITTEN, write
from engine.errors import TaskClosed
from engine.runtime.tree import COMPLETED, STARTED, Step, Workflow, find, walk_all


def items_of(workflow: Workflow, element: str) -> list[Any]:
    """Return the items of an open activity. Raises TaskClosed."""
    holder = _holder(workflow, element)
    found: list[Any] = holder.task_spec.items(holder)
    return found


def activity_of(workflow: Workflow, element: str) -> bytes:
    """Return the id of an open activity, the same as long as it is open. Raises TaskClosed."""
    return _holder(workflow, element).id


def add_item(workflow: Workflow, element: str, item: Any) -> None:
    """Start an open activity for one item more. Raises TaskClosed."""
    holder = _holder(workflow, element)
    spec = holder.task_spec
    _replace_items(workflow, holder, [*spec.items(holder), item])
    spec.add_instance(holder, item)


def remove_item(workflow: Workflow, element: str, item: Any) -> None:
    """Take an item away from an activity that is open for it. Raises TaskClosed."""
    holder = _holder(workflow, element)
    spec, name = holder.task_spec, holder.task_spec.input_item.bpmn_id
    child = next(
        (
            child
            for child in holder.children
            if child._state < COMPLETED and child.data.get(name) == item
        ),
        None,
    )
    if child is None:
        raise TaskClosed
    _replace_items(workflow, holder, [other for other in spec.items(holder) if other != item])
    spec.drop_instance(holder, child)


def item_of(workflow: Workflow, task: Step) -> tuple[int | str | None, Any]:
    """Return index and value of the innermost item that a task belongs to."""
    step: Step | None = task
    while step is not None:
        notes, parent = step.internal_data, step.parent
        if parent is not None and isinstance(parent.task_spec, LoopTask):
            item = notes.get("key_or_index", notes.get("item", notes.get("iteration")))
            name = getattr(parent.task_spec, "input_item", None)
            return item, step.data.get(name.bpmn_id) if name is not None else None
        holder = step.workflow.parent_task_id
        step = find(workflow, holder) if holder is not None else None
    return None, None


def _holder(workflow: Workflow, element: str) -> Step:
    """Return the running activity that has an instance for each item of a list of its own."""
    found = [
        step
        for step in walk_all(workflow)
        if step._state == STARTED
        and isinstance(step.task_spec, behaviour.ParallelInstances)
        and step.task_spec.bpmn_id == element
        and step.task_spec.data_input is not None
        and step.task_spec.input_item is not None
    ]
    if len(found) != 1:
        raise TaskClosed
    return found[0]


def _replace_items(workflow: Workflow, holder: Step, items: list[Any]) -> None:
    """Give the activity, and all that runs in it, the list as it is now."""
    name = holder.task_spec.data_input.bpmn_id
    old = holder.data.get(name)
    write(holder, {name: msgpack.unpackb(msgpack.packb(items))})
    new, mark = holder.data[name], holder.data[WRITTEN][name]
    for child in holder.children:
        for step in _all_below(workflow, child):
            if name in step.data and step.data[name] == old:
                written = {**step.data.get(WRITTEN, {}), name: mark}
                step.data = {**step.data, name: new, WRITTEN: written}


def _all_below(workflow: Workflow, step: Step) -> Iterator[Step]:
    waiting = [step]
    while waiting:
        one = waiting.pop()
        yield one
        waiting += one.children
        inner = workflow.subprocesses.get(one.id)
        if inner is not None:
            waiting.append(inner.task_tree)
