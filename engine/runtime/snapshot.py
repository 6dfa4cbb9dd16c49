"""The state of a run as a few hundred bytes: no specification, no history.

Format 1, after the format byte, in msgpack::

    [scope, [[holder, process, scope] …], writes]
    scope = [tasks, data, correlations, completed, success]
    task  = [id, index of the parent or -1, state, element, notes, changed, removed]

``changed`` and ``removed`` say how a task's data differ from its parent's, or (the first task of a
subprocess) from those of the task that holds it. Tasks stand in the order of their branches,
parents first. Of ``on`` and ``_w`` only the items that differ are written; None means gone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgpack

from engine.definitions.branches import RESERVED
from engine.definitions.parsing import FrozenSpec
from engine.errors import N_, EngineFault
from engine.runtime.tree import STARTED, ScriptEngine, Step, SubProcessRun, Workflow, walk

FORMAT: Final = b"\x01"
_TRIGGERED: Final = 512
"""Added to the state of a task that was started by its parent, not by a flow."""
_MISSING = object()


class SnapshotUnreadable(EngineFault):
    """A snapshot has an unknown format or does not fit the definition."""

    code = "snapshot_unreadable"
    default = N_("事项的状态无法读取：%(reason)s")


def dump(workflow: Workflow) -> bytes:
    """Return the state of a compacted workflow."""
    inner = [
        (run.parent_task_id, run.spec.name, _dump_scope(run, holder.data))
        for holder, run in _held(workflow)
    ]
    state = (
        _dump_scope(workflow, {}),
        inner,
        workflow.writes,
    )
    packed: bytes = msgpack.packb(state)
    return FORMAT + packed


def load(spec: FrozenSpec, snapshot: bytes, engine: ScriptEngine) -> Workflow:
    """Rebuild a workflow around its shared specification. Raises SnapshotUnreadable."""
    if snapshot[:1] != FORMAT:
        raise SnapshotUnreadable(reason=f"格式 {snapshot[:1]!r}")
    try:
        scope, inner, writes = msgpack.unpackb(memoryview(snapshot)[1:], strict_map_key=False)
        top = Workflow(spec.spec, spec.subprocess_specs, engine)
        top.writes = writes
        holders = _load_scope(top, scope, {})
        for identity, name, nested in inner:
            holder = holders[identity]
            run = SubProcessRun(spec.subprocess_specs[name], identity, top)
            top.subprocesses[identity] = run
            holders |= _load_scope(run, nested, holder.data)
            run.completed_event.connect(holder.task_spec._on_subworkflow_completed, holder)
    except (KeyError, ValueError, TypeError, IndexError, msgpack.UnpackException) as error:
        raise SnapshotUnreadable(reason=f"{type(error).__name__}: {error}") from error
    return top


def carries(old: FrozenSpec, new: FrozenSpec) -> bool:
    """Tell whether every place in which a state of ``old`` can stand is the same in ``new``."""
    if not old.subprocess_specs.keys() <= new.subprocess_specs.keys():
        return False
    inner = ((scope, new.subprocess_specs[name]) for name, scope in old.subprocess_specs.items())
    for scope, same in ((old.spec, new.spec), *inner):
        there = same.task_specs
        for place, spec in scope.task_specs.items():
            if place not in there or _shape(spec) != _shape(there[place]):
                return False
    return True


def _shape(spec: Any) -> tuple[type, type]:
    return type(spec), type(getattr(spec, "event_definition", None))


def _held(workflow: Workflow) -> Iterator[tuple[Step, SubProcessRun]]:
    """Yield the running subprocesses with the tasks that hold them, outer ones first."""
    waiting: list[Any] = [workflow]
    while waiting:
        for step in walk(waiting.pop()):
            run = workflow.subprocesses.get(step.id)
            if run is not None:
                yield step, run
                waiting.append(run)


def _dump_scope(workflow: Any, base: Mapping[str, Any]) -> tuple[Any, ...]:
    rows: list[tuple[Any, ...]] = []
    places: dict[bytes, int] = {}
    for step in walk(workflow):
        parent = step.parent
        places[step.id] = len(rows)
        changed, removed = _delta(base if parent is None else parent.data, step.data)
        rows.append(
            (
                step.id,
                -1 if parent is None else places[parent.id],
                step._state + (_TRIGGERED if step.triggered else 0),
                step.task_spec.name,
                _notes(step.internal_data),
                changed or None,
                removed or None,
            )
        )
    return (
        rows,
        workflow.data or None,
        workflow.correlations or None,
        workflow.completed,
        workflow.success,
    )


def _load_scope(workflow: Any, state: Any, base: Mapping[str, Any]) -> dict[bytes, Step]:
    """Fill a workflow; return its tasks that may hold a subprocess."""
    rows, data, correlations, workflow.completed, workflow.success = state
    specs, tasks = workflow.spec.task_specs, workflow.tasks
    loaded: list[Step] = []
    for identity, place, number, element, notes, changed, removed in rows:
        step = Step.__new__(Step)
        step.id = identity
        step.workflow = workflow
        step.task_spec = specs[element]
        step._state = number & ~_TRIGGERED
        step.triggered = number >= _TRIGGERED
        step._children = []
        step.inherited = True
        step.thread_id = 0
        step.last_state_change = 0.0
        step.internal_data = _restored_notes(notes) if notes else {}
        if place < 0:
            step._parent = None
            step.data = _apply(base, changed, removed)
        else:
            parent = loaded[place]
            step._parent = parent.id
            parent._children.append(step.id)
            step.data = _apply(parent.data, changed, removed)
        tasks[step.id] = step
        loaded.append(step)
    workflow.task_tree = loaded[0]
    if data:
        workflow.data = data
    if correlations:
        workflow.correlations = correlations
    return {step.id: step for step in loaded if step._state == STARTED}


def _delta(base: Mapping[str, Any], data: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return what changed and what is gone; of our own entries, which are tables, item by item."""
    changed: dict[str, Any] = {}
    for name, value in data.items():
        old = base.get(name, _MISSING)
        if old is value or old == value:
            continue
        if name in RESERVED and old is not _MISSING:
            items, gone = _delta(old, value)
            changed[name] = {**items, **dict.fromkeys(gone)}
        else:
            changed[name] = value
    return changed, [name for name in base if name not in data]


def _apply(base: Mapping[str, Any], changed: Mapping[str, Any] | None, gone: Any) -> dict[str, Any]:
    """Undo :func:`_delta`."""
    data = dict(base)
    for name, value in (changed or {}).items():
        if name in RESERVED and name in base:
            items = {**base[name], **value}
            data[name] = {k: v for k, v in items.items() if v is not None}
        else:
            data[name] = value
    for name in gone or ():
        data.pop(name, None)
    return data


def _notes(notes: dict[str, Any]) -> dict[str, Any] | None:
    """Leave out notes that say nothing; of finished instances only the number matters."""
    kept = {name: value for name, value in notes.items() if value is not False}
    if "merged" in kept:
        kept["merged"] = len(kept["merged"])
    return kept or None


def _restored_notes(notes: dict[str, Any]) -> dict[str, Any]:
    if "merged" in notes:
        notes["merged"] = [""] * notes["merged"]
    return notes
