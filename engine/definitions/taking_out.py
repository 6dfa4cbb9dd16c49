"""Takes a step out of a diagram: the flow goes on behind it, and so do the lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from lxml import etree

from engine.definitions.xml import BPMN, children, local_name
from engine.errors import N_

Refuse = Callable[[str, str, str], None]
"""Takes a problem: code, message, cure."""


def take_out(root: etree._Element, task: etree._Element, refuse: Refuse) -> None:
    """Take a step with one way on out of a diagram: what led to it leads on behind it."""
    id = task.get("id") or ""
    flows = {f.get("id"): f for f in root.iter(f"{{{BPMN}}}sequenceFlow")}
    before = [f for f in flows.values() if f.get("targetRef") == id]
    after = [f for f in flows.values() if f.get("sourceRef") == id]
    guarded = any(e.get("attachedToRef") == id for e in model(root))
    if len(after) != 1 or not before or guarded:
        refuse(
            "adapts-step",
            f"“{id}”{N_('不能省去')}",
            N_("能省去的环节只有一条流出，没有边界事件"),
        )
        return
    (behind,) = after
    target = behind.get("targetRef") or ""
    for flow in before:
        flow.set("targetRef", target)
    shapes = {e.get("bpmnElement"): e for e in root.iter() if e.get("bpmnElement")}
    _draw_through(shapes, id, [str(f.get("id")) for f in before], str(behind.get("id")))
    for node in model(root):
        if node.get("id") == target:
            for incoming in list(children(node, "incoming")):
                if (incoming.text or "").strip() == behind.get("id"):
                    for flow in before:
                        new = etree.Element(incoming.tag)
                        new.text = flow.get("id")
                        incoming.addprevious(new)
                    node.remove(incoming)
    for reference in list(root.iter(f"{{{BPMN}}}flowNodeRef")):
        if (reference.text or "").strip() == id:
            _remove(reference)
    for gone in (task, behind, shapes.get(id), shapes.get(behind.get("id"))):
        if gone is not None:
            _remove(gone)


def _draw_through(
    shapes: Mapping[str | None, etree._Element],
    id: str,
    before: Sequence[str],
    behind: str,
) -> None:
    """Let the lines that came to a step run on through its place."""
    shape, tail = shapes.get(id), shapes.get(behind)
    if shape is None or tail is None:
        return
    bounds = next((e for e in shape if _tag(e) == "Bounds"), None)
    onward = [e for e in tail if _tag(e) == "waypoint"]
    if bounds is None or not onward:
        return
    x, y, width, height = (float(bounds.get(k) or 0) for k in ("x", "y", "width", "height"))
    for flow in before:
        if (edge := shapes.get(flow)) is None:
            continue
        points = [e for e in edge if _tag(e) == "waypoint"]
        if not points:
            continue
        last = points[-1]
        last.set("x", f"{x + width / 2:g}")
        last.set("y", f"{y + height / 2:g}")
        for point in reversed(onward[1:]):
            new = etree.Element(point.tag)
            new.attrib.update(dict(point.attrib))
            last.addnext(new)


def timing_of(event: etree._Element) -> etree._Element | None:
    """Return the expression of a timer event, if it is one."""
    for definition in children(event, "timerEventDefinition"):
        return next(children(definition, "timeDate", "timeDuration", "timeCycle"), None)
    return None


def model(root: etree._Element) -> Iterator[etree._Element]:
    """Yield the elements of the model, not of its drawing, that have an id."""
    return (e for e in root.iter() if local_name(e) and e.get("id"))


def _tag(element: etree._Element) -> str:
    return str(etree.QName(element).localname)


def _remove(element: etree._Element) -> None:
    if (parent := element.getparent()) is not None:
        parent.remove(element)
