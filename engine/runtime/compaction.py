"""Drops finished tasks from the tree of a run, so that a step costs the same on any day.

Every fact that a later step needs stands in a task that is not finished (see
``engine.definitions.behaviour``). Kept besides these: the root, and the helper above an activity
with boundary events, because these find one another as its children.

Children take the place of the task that is dropped, so the order of branches never changes.
"""

from __future__ import annotations

from typing import Any

from SpiffWorkflow.bpmn.specs.control import BoundaryEventSplit

from engine.definitions.branches import RESERVED, Data
from engine.runtime.tree import COMPLETED, Workflow

_MISSING = object()


def compact(top: Workflow) -> None:
    """Drop what is finished from a workflow and its subprocesses."""
    for identity in list(top.subprocesses):
        _drop_if_over(top, identity)
    _compact(top)
    for inner in top.subprocesses.values():
        _compact(inner)


def _drop_if_over(top: Workflow, identity: Any) -> None:
    inner = top.subprocesses.get(identity)
    if inner is None:
        return
    holder = top.tasks.get(identity) or next(
        (w.tasks[identity] for w in top.subprocesses.values() if identity in w.tasks), None
    )
    # A holder that is READY has its result; it only has to be run.
    if holder is None or holder._state >= COMPLETED or inner.completed:
        del top.subprocesses[identity]
        for nested in [n for n in top.subprocesses if n in inner.tasks]:
            _drop_if_over(top, nested)
            top.subprocesses.pop(nested, None)


def _compact(workflow: Any) -> None:
    tasks, root = workflow.tasks, workflow.task_tree
    keep = {root.id}
    for step in tasks.values():
        if step._state >= COMPLETED:
            continue
        keep.add(step.id)
        parent = tasks.get(step._parent)
        if (
            parent is not None
            and isinstance(parent.task_spec, BoundaryEventSplit)
            and step.task_spec.name in parent.task_spec._outputs
        ):
            keep.add(parent.id)
    if len(keep) < len(tasks):
        _splice(tasks, root, keep)
    if root._state >= COMPLETED:
        root.data = _common([s.data for s in tasks.values() if s is not root], root.data)
    workflow.last_task = None


def _splice(tasks: dict[Any, Any], root: Any, keep: set[Any]) -> None:
    """Remove all tasks not kept; their kept descendants take their place."""
    children: dict[Any, list[Any]] = {identity: [] for identity in keep}
    waiting = [(child, root.id) for child in reversed(root._children)]
    while waiting:
        identity, holder = waiting.pop()
        step = tasks[identity]
        if identity in keep:
            children[holder].append(identity)
            step._parent = holder
            holder = identity
        waiting.extend((child, holder) for child in reversed(step._children))
    for identity in [i for i in tasks if i not in keep]:
        del tasks[identity]
    for identity, found in children.items():
        tasks[identity]._children = found


def _common(branches: list[Data], fallback: Data) -> Data:
    """Return what all branches agree on: what the snapshot then writes once."""
    if not branches:
        return fallback
    first, *others = branches
    if not others:
        return dict(first)
    agreed = {
        name: value
        for name, value in first.items()
        if all((other := data.get(name, _MISSING)) is value or other == value for data in others)
    }
    for name in RESERVED & first.keys() - agreed.keys():
        tables = [data.get(name, {}) for data in others]
        agreed[name] = {
            key: value
            for key, value in first[name].items()
            if all(table.get(key) == value for table in tables)
        }
    return agreed
