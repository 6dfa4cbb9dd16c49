"""A BPMN diagram as plain values, read from its XML for checking only.

The checks look at the file itself and not at what the parser made of it, because much of what they
look for is exactly what a parser drops without a word.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from lxml import etree

from engine.definitions.xml import BPMN, children, local_name

BPMNDI = "http://www.omg.org/spec/BPMN/20100524/DI"

TASKS = frozenset(
    {
        "task",
        "userTask",
        "manualTask",
        "serviceTask",
        "sendTask",
        "receiveTask",
        "scriptTask",
        "businessRuleTask",
        "callActivity",
    }
)
SUBPROCESSES = frozenset({"subProcess", "adHocSubProcess", "transaction"})
GATEWAYS = frozenset(
    {
        "exclusiveGateway",
        "inclusiveGateway",
        "parallelGateway",
        "complexGateway",
        "eventBasedGateway",
    }
)
EVENTS = frozenset(
    {
        "startEvent",
        "endEvent",
        "intermediateCatchEvent",
        "intermediateThrowEvent",
        "boundaryEvent",
    }
)
FLOW_NODES = TASKS | SUBPROCESSES | GATEWAYS | EVENTS


@dataclass(frozen=True)
class Node:
    """A flow node: a task, a gateway, an event or an embedded subprocess."""

    id: str
    kind: str
    name: str
    line: int
    scope: str
    """The id of the process or subprocess that it stands in."""
    incoming: tuple[str, ...]
    """Ids of flows, by the flows themselves and not by what the node lists."""
    outgoing: tuple[str, ...]
    default: str | None
    attached_to: str | None
    interrupting: bool
    events: tuple[etree._Element, ...]
    """Its event definitions."""
    xml: etree._Element

    @property
    def event_kinds(self) -> tuple[str, ...]:
        """The kinds of its event definitions, such as ``timer``."""
        return tuple(local_name(e).removesuffix("EventDefinition") for e in self.events)

    @property
    def is_task(self) -> bool:
        """Tell whether it is an activity that is not a subprocess."""
        return self.kind in TASKS


@dataclass(frozen=True)
class Flow:
    """A sequence flow."""

    id: str
    source: str
    target: str
    scope: str
    line: int
    condition: str | None
    language: str | None


@dataclass(frozen=True)
class LaneElement:
    """A lane as drawn."""

    id: str
    name: str
    line: int
    nodes: tuple[str, ...]


@dataclass(frozen=True)
class Scope:
    """A process or subprocess: what holds nodes and flows."""

    id: str
    kind: str
    name: str
    line: int
    parent: str | None
    xml: etree._Element


@dataclass(frozen=True)
class Diagram:
    """All processes of one BPMN file."""

    file: str
    root: etree._Element
    scopes: Mapping[str, Scope]
    nodes: Mapping[str, Node]
    flows: Mapping[str, Flow]
    lanes: Mapping[str, LaneElement]
    messages: Mapping[str, str]
    """Names of the messages, by id."""
    errors: Mapping[str, str]
    """Codes of the errors, by id; the same for escalations."""
    shapes: frozenset[str]
    edges: frozenset[str]
    lane_of: Mapping[str, LaneElement] = field(default_factory=dict)
    """The lane of a node, by the id of the node."""

    @property
    def processes(self) -> tuple[Scope, ...]:
        """The processes, without subprocesses."""
        return tuple(scope for scope in self.scopes.values() if scope.parent is None)

    def inside(self, scope: str) -> Iterator[Node]:
        """Yield the nodes that stand directly in a scope."""
        return (node for node in self.nodes.values() if node.scope == scope)

    def out(self, node: Node) -> Iterator[Flow]:
        """Yield the flows that leave a node."""
        return (self.flows[flow] for flow in node.outgoing)

    def into(self, node: Node) -> Iterator[Flow]:
        """Yield the flows that enter a node."""
        return (self.flows[flow] for flow in node.incoming)

    @cached_property
    def boundaries(self) -> Mapping[str, tuple[Node, ...]]:
        """The boundary events of each activity."""
        found: dict[str, tuple[Node, ...]] = {}
        for node in self.nodes.values():
            if node.attached_to:
                found[node.attached_to] = (*found.get(node.attached_to, ()), node)
        return found

    def scopes_of(self, node: Node) -> Iterator[Scope]:
        """Yield the scopes around a node, the nearest first."""
        scope: Scope | None = self.scopes[node.scope]
        while scope is not None:
            yield scope
            scope = self.scopes[scope.parent] if scope.parent else None

    def lane(self, node: Node) -> LaneElement | None:
        """Return the lane in which a node or the nearest subprocess around it stands."""
        for id in (node.id, *(scope.id for scope in self.scopes_of(node))):
            if id in self.lane_of:
                return self.lane_of[id]
        return None


def text_of(element: etree._Element | None) -> str | None:
    """Return the text of an element, stripped; None when there is none."""
    if element is None:
        return None
    text = "".join(str(part) for part in element.itertext()).strip()
    return text or None


def first(element: etree._Element, *names: str) -> etree._Element | None:
    """Return the first direct BPMN child with one of the names."""
    return next(children(element, *names), None)


def line_of(element: etree._Element) -> int:
    """Return the line on which an element begins."""
    line: int | None = getattr(element, "sourceline", None)
    return line or 0


def read_diagram(root: etree._Element, file: str) -> Diagram:
    """Read all processes below the root of a BPMN file."""
    scopes: dict[str, Scope] = {}
    nodes: list[tuple[etree._Element, str]] = []
    flows: dict[str, Flow] = {}
    lanes: dict[str, LaneElement] = {}

    def walk(element: etree._Element, parent: str | None) -> None:
        id = element.get("id", "")
        scopes[id] = Scope(
            id, local_name(element), _name(element), line_of(element), parent, element
        )
        for child in element:
            kind = local_name(child)
            if kind in FLOW_NODES:
                nodes.append((child, id))
            if kind in SUBPROCESSES:
                walk(child, id)
            elif kind == "sequenceFlow":
                flows[child.get("id", "")] = _flow(child, id)
            elif kind == "laneSet":
                for lane in child.iter(f"{{{BPMN}}}lane"):
                    refs = [text_of(ref) or "" for ref in children(lane, "flowNodeRef")]
                    lanes[lane.get("id", "")] = LaneElement(
                        lane.get("id", ""), _name(lane), line_of(lane), tuple(refs)
                    )

    for process in children(root, "process"):
        walk(process, None)
    incoming: dict[str, list[str]] = {}
    outgoing: dict[str, list[str]] = {}
    for flow in flows.values():
        incoming.setdefault(flow.target, []).append(flow.id)
        outgoing.setdefault(flow.source, []).append(flow.id)
    found = {}
    for element, scope in nodes:
        id = element.get("id", "")
        found[id] = _node(element, scope, incoming.get(id, ()), outgoing.get(id, ()))
    # Nested lanes are read after the lane around them, so that the innermost one counts.
    lane_of = {id: lane for lane in lanes.values() for id in lane.nodes}
    return Diagram(
        file=file,
        root=root,
        scopes=scopes,
        nodes=found,
        flows=flows,
        lanes=lanes,
        messages={m.get("id", ""): m.get("name", "") for m in children(root, "message")},
        errors={
            e.get("id", ""): e.get("errorCode") or e.get("escalationCode") or ""
            for e in children(root, "error", "escalation")
        },
        shapes=_drawn(root, "BPMNShape"),
        edges=_drawn(root, "BPMNEdge"),
        lane_of=lane_of,
    )


def _name(element: etree._Element) -> str:
    return " ".join(element.get("name", "").split())


def _node(
    element: etree._Element, scope: str, incoming: Iterable[str], outgoing: Iterable[str]
) -> Node:
    return Node(
        id=element.get("id", ""),
        kind=local_name(element),
        name=_name(element),
        line=line_of(element),
        scope=scope,
        incoming=tuple(incoming),
        outgoing=tuple(outgoing),
        default=element.get("default"),
        attached_to=element.get("attachedToRef"),
        interrupting=element.get("cancelActivity", "true") != "false",
        events=tuple(child for child in element if local_name(child).endswith("EventDefinition")),
        xml=element,
    )


def _flow(element: etree._Element, scope: str) -> Flow:
    condition = first(element, "conditionExpression")
    return Flow(
        id=element.get("id", ""),
        source=element.get("sourceRef", ""),
        target=element.get("targetRef", ""),
        scope=scope,
        line=line_of(element),
        condition=text_of(condition),
        language=None if condition is None else condition.get("language"),
    )


def _drawn(root: etree._Element, kind: str) -> frozenset[str]:
    return frozenset(
        shape.get("bpmnElement", "").rpartition(":")[2]
        for shape in root.iter(f"{{{BPMNDI}}}{kind}")
    )
