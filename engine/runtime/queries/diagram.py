"""What to draw on the diagram: which elements were passed, which wait, which were skipped."""

from __future__ import annotations

from engine.ledger.kinds import EntryKind
from engine.runtime.queries.access import Opened
from engine.runtime.queries.records import Trail


def element_states(opened: Opened, trail: Trail) -> dict[str, str]:
    """Return ``done``, ``now`` or ``skipped`` by BPMN element; what is still ahead is left out."""
    elements = opened.matter.definition.spec.elements
    undone = trail.undone
    done: set[str] = set()
    for entry in trail.entries:
        if entry.seq in undone:
            continue
        payload = trail.payloads[entry.seq]
        done.update(payload.get("passed", ()))
        if entry.kind == EntryKind.COMPLETED and entry.element:
            done.add(entry.element)
    now = {task.element for task in opened.tasks}
    for element in set(now):
        parent = elements[element].parent if element in elements else None
        while parent is not None:
            now.add(parent)
            parent = elements[parent].parent
    states = {element: "done" for element in done if element in elements}
    states |= dict.fromkeys(now, "now")
    over = opened.row.status in ("completed", "cancelled")
    for element, info in elements.items():
        if element in states or not _is_activity(info.kind):
            continue
        if over or (info.parent in states and states[info.parent] == "done"):
            states[element] = "skipped"
    return states


def _is_activity(kind: str) -> bool:
    return kind in ("userTask", "manualTask", "task", "subProcess", "callActivity")
