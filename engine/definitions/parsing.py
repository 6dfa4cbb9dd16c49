"""From BPMN files to a frozen specification that all instances of a version share.

The only module that touches SpiffWorkflow's parser. Its parser is kept (it knows the shapes of
BPMN), but nodes are created first and connected afterwards instead of recursively, so that length
does not matter; flows keep the order of the file instead of the height of their shapes; and every
element gets the classes of ``engine.definitions.behaviour`` and ``engine.definitions.timers``.

What is refused and why is listed in ``engine.definitions.diagram``.
"""

from __future__ import annotations

# mypy: disallow-subclassing-any=False
# (SpiffWorkflow ships no type information.)
import logging
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

from lxml import etree
from SpiffWorkflow.bpmn.parser import BpmnParser
from SpiffWorkflow.bpmn.parser.event_parsers import (
    CANCEL_EVENT_XPATH,
    ERROR_EVENT_XPATH,
    ESCALATION_EVENT_XPATH,
    MESSAGE_EVENT_XPATH,
    SIGNAL_EVENT_XPATH,
    TERMINATION_EVENT_XPATH,
    EndEventParser,
    EventBasedGatewayParser,
)
from SpiffWorkflow.bpmn.parser.ProcessParser import ProcessParser
from SpiffWorkflow.bpmn.parser.util import full_tag
from SpiffWorkflow.bpmn.parser.ValidationException import ValidationException
from SpiffWorkflow.bpmn.specs.control import BoundaryEventSplit

from engine.definitions import behaviour
from engine.definitions.diagram import reachable, read_diagram
from engine.definitions.elements import HUMAN_TASKS, Diagram, ElementInfo, ExpressionUse, FlowInfo
from engine.definitions.timers import CycleTimer, DateTimer, DurationTimer
from engine.definitions.xml import check_schema, local_name, read_xml
from engine.errors import N_, PackageProblem, Problem
from engine.expressions import compile_expression

__all__ = [
    "HUMAN_TASKS",
    "ElementInfo",
    "ExpressionUse",
    "FlowInfo",
    "FrozenSpec",
    "check_schema",
    "parse_bpmn",
    "read_xml",
]

# Below this level SpiffWorkflow gathers the ids of all tasks for each change of a state.
for _name in ("spiff.task", "spiff.workflow", "spiff.data"):
    logging.getLogger(_name).setLevel(logging.WARNING)


@dataclass(frozen=True, eq=False)
class FrozenSpec:
    """A parsed process definition. Immutable; shared by all instances and threads.

    ``spec`` and ``subprocess_specs`` are SpiffWorkflow's; only ``engine.runtime`` looks inside.
    """

    process: str
    """The id of the process."""
    spec: Any
    subprocess_specs: Mapping[str, Any]
    variables: frozenset[str]
    """Names that the diagram reads; the workflow keeps no others."""
    dates: frozenset[str]
    """Elements whose day some expression asks for as ``on["element"]``."""
    elements: Mapping[str, ElementInfo]
    """The flow nodes of the process and of the processes it calls, in document order."""
    flows: Mapping[str, FlowInfo]
    messages: frozenset[str]
    """Names of the messages that are caught."""
    thrown: frozenset[str]
    """Names of the messages that are thrown."""
    signals: frozenset[str]
    """Names of the signals that are caught."""
    expressions: tuple[ExpressionUse, ...]
    """Every expression of the diagram: element (or flow), line, source."""
    steps_to: Mapping[tuple[str, str], tuple[str, ...]]
    """The flows from one element to another, for drawing the way that was taken."""


def parse_bpmn(files: Mapping[str, bytes], process_id: str) -> FrozenSpec:
    """Parse the diagrams of a package and freeze the process ``process_id``.

    ``files`` maps paths to contents; all of them are read, because processes call one another.
    Raises PackageProblem with everything that was found wrong, and nothing else, whatever the
    files contain.
    """
    roots, problems = _read_files(files)
    if problems:
        raise PackageProblem(problems)
    diagram = read_diagram(roots)
    if process_id not in diagram.processes:
        problems = [
            Problem(
                next(iter(files), ""),
                process_id,
                None,
                "process-missing",
                f"{N_('没有这个流程')}：{process_id}",
                N_("流程的 id 必须与流程包的 key 相同"),
            ),
            *diagram.problems,
        ]
        raise PackageProblem(problems)
    if diagram.problems:
        raise PackageProblem(diagram.problems)
    spec, subprocess_specs = _build(roots, process_id, diagram)
    return _freeze(process_id, spec, subprocess_specs, diagram)


def _read_files(files: Mapping[str, bytes]) -> tuple[dict[str, etree._Element], list[Problem]]:
    roots: dict[str, etree._Element] = {}
    problems: list[Problem] = []
    for file, data in files.items():
        try:
            root = read_xml(data, file)
        except PackageProblem as refused:
            problems += refused.problems
            continue
        problems += check_schema(root, file)
        roots[file] = root
    return roots, problems


def _build(
    roots: Mapping[str, etree._Element], process_id: str, diagram: Diagram
) -> tuple[Any, dict[str, Any]]:
    parser = _Parser()
    file = diagram.processes[process_id]
    try:
        for file, root in roots.items():
            parser.add_bpmn_xml(root, filename=file)
        file = diagram.processes[process_id]
        spec = parser.get_spec(process_id)
        subprocess_specs = parser.get_subprocess_specs(process_id)
        for scope in (spec, *subprocess_specs.values()):
            behaviour.freeze(scope)
    except ValidationException as error:
        where = diagram.elements.get(error.id) or diagram.flows.get(error.id)
        raise _refusal(
            error.file_name or file,
            error.id or None,
            where.line if where else None,
            " ".join(str(error).split()).rstrip(". "),
        ) from error
    except Exception as error:
        # The files come from outside; whatever the library trips over is a fault of the files.
        raise _refusal(file, None, None, f"{type(error).__name__}: {error}"[:200]) from error
    return spec, subprocess_specs


def _refusal(file: str, element: str | None, line: int | None, detail: str) -> PackageProblem:
    return PackageProblem(
        [
            Problem(
                file,
                element,
                line,
                "bpmn-not-executable",
                f"{N_('流程图不能执行')}：{detail}",
                N_("请用 BPMN 建模工具检查该元素的连接和设置"),
            )
        ]
    )


def _freeze(
    process_id: str, spec: Any, subprocess_specs: dict[str, Any], diagram: Diagram
) -> FrozenSpec:
    elements = {element.id: element for element in reachable(diagram, process_id)}
    names, dates = set(diagram.data_names), set[str]()
    for use in diagram.expressions:
        expression = compile_expression(use.source)
        names |= expression.names
        dates |= expression.dates
    steps_to: dict[tuple[str, str], tuple[str, ...]] = {}
    for flow in diagram.flows.values():
        pair = (flow.source, flow.target)
        steps_to[pair] = (*steps_to.get(pair, ()), flow.id)
    throwing = {"endEvent", "intermediateThrowEvent", "sendTask"}

    def named(event: str, thrown: bool) -> frozenset[str]:
        return frozenset(
            element.event_name
            for element in elements.values()
            if element.event == event and element.event_name
            if (element.kind in throwing) == thrown
        )

    return FrozenSpec(
        process=process_id,
        spec=spec,
        subprocess_specs=MappingProxyType(subprocess_specs),
        variables=frozenset(names - {"on", ""}),
        dates=frozenset(dates),
        elements=MappingProxyType(elements),
        flows=MappingProxyType(diagram.flows),
        messages=named("message", thrown=False),
        thrown=named("message", thrown=True),
        signals=named("signal", thrown=False),
        expressions=tuple(diagram.expressions),
        steps_to=MappingProxyType(steps_to),
    )


# --- SpiffWorkflow's parser, mended -------------------------------------------------------------


class _Node:
    """Mixed into every node parser: creates the node first, connects it when all are there."""

    STANDARD_LOOP_CLASS = behaviour.StandardLoop
    PARALLEL_MI_CLASS = behaviour.ParallelInstances
    SEQUENTIAL_MI_CLASS = behaviour.SequentialInstances

    # These are the node parser's own; it ships no types.
    node: etree._Element
    task: Any
    spec: Any
    process_parser: Any
    bpmn_id: str
    xpath: Any
    create_task: Any

    def parse_node(self) -> Any:
        """Create the specification; return the one that incoming flows lead to."""
        self.task = self.create_task()
        if self.xpath("./bpmn:ioSpecification"):
            self.task.io_specification = self.parse_io_spec()  # type: ignore[attr-defined]
        for loop in self.xpath("./bpmn:standardLoopCharacteristics"):
            self._add_loop_task(loop)  # type: ignore[attr-defined]
        for loop in self.xpath("./bpmn:multiInstanceLoopCharacteristics"):
            self._add_multiinstance_task(loop)  # type: ignore[attr-defined]
        self.process_parser.unconnected.append(self)
        boundary_events = self.process_parser.get_boundary_events(self.bpmn_id)
        return self.add_boundary_events(boundary_events) if boundary_events else self.task

    def add_boundary_events(self, nodes: list[etree._Element]) -> Any:
        """Put a helper before the activity that starts its boundary events together with it."""
        helper = BoundaryEventSplit(self.spec, f"{self.bpmn_id}.BoundaryEventSplit")
        helper.connect(self.task)
        for node in nodes:
            event = self.process_parser.parse_node(node)
            event.activity = self.task.name
            helper.connect(event)
        self.task.completed_event.connect(behaviour.stop_watching)
        return helper

    def connect_node(self) -> None:
        """Connect the outgoing flows, creating the nodes they lead to."""
        flows = self.process_parser.get_outgoing_sequence_flows(self.bpmn_id)
        default = self.node.get("default")
        choosing = isinstance(self.task, (behaviour.ExclusiveGateway, behaviour.InclusiveGateway))
        if len(flows) > 1 and not self.handles_multiple_outgoing():  # type: ignore[attr-defined]
            raise ValidationException(
                N_("任务后面有多条连线，请加上并行网关或排他网关"),
                self.node,
                self.process_parser.filename,
            )
        if choosing and len(flows) == 1 and self.parse_condition(flows[0]) is None:
            default = flows[0].get("id")
        for flow in flows:
            target = self.process_parser.entry(flow.get("targetRef"))
            self.connect_outgoing(target, flow, flow.get("id") == default)  # type: ignore[attr-defined]

    def parse_condition(self, flow: etree._Element) -> str | None:
        text = next((e.text for e in flow if local_name(e) == "conditionExpression"), None)
        return text.strip() if text else None

    def parse_message_event(self, event: etree._Element) -> Any:
        found = super().parse_message_event(event)  # type: ignore[misc]
        return behaviour.Message(found.name, found.correlation_properties)

    def parse_signal_event(self, event: etree._Element) -> Any:
        return behaviour.Signal(super().parse_signal_event(event).name)  # type: ignore[misc]

    def parse_error_event(self, event: etree._Element) -> Any:
        found = super().parse_error_event(event)  # type: ignore[misc]
        return behaviour.Error(found.name, found.code)

    def parse_escalation_event(self, event: etree._Element) -> Any:
        found = super().parse_escalation_event(event)  # type: ignore[misc]
        return behaviour.Escalation(found.name, found.code)

    def parse_timer_event(self, event: etree._Element) -> Any:
        classes = {"timeDate": DateTimer, "timeDuration": DurationTimer, "timeCycle": CycleTimer}
        for part in event:
            if timer := classes.get(local_name(part)):
                return timer(self.bpmn_id, (part.text or "").strip())
        raise ValidationException("timer without time", self.node, self.process_parser.filename)

    def _resolve_data_object_ref(self, reference: etree._Element | None) -> Any:
        # The stock method searches the same parent for ever.
        scope = self.process_parser if reference is not None else None
        while scope is not None and reference is not None:
            found = scope.spec.data_objects.get(reference.get("dataObjectRef"))
            if found is not None:
                return found
            scope = scope.parent
        return None


class _EndEvent(EndEventParser):
    """Stock drops the signal of a signal end event."""

    def create_task(self) -> Any:
        definition = self.get_event_definition(
            [
                MESSAGE_EVENT_XPATH,
                SIGNAL_EVENT_XPATH,
                CANCEL_EVENT_XPATH,
                ERROR_EVENT_XPATH,
                ESCALATION_EVENT_XPATH,
                TERMINATION_EVENT_XPATH,
            ]
        )
        task = self._create_task(definition)
        task.connect(self.spec.end)
        return task


class _EventBasedGateway(EventBasedGatewayParser):
    def create_task(self) -> Any:
        return self._create_task(behaviour.FirstEvent())


class _ScopeParser(ProcessParser):
    """Parses a process or an embedded subprocess without recursion along its flows."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.unconnected: deque[Any] = deque()

    def create_spec(self) -> behaviour.Scope:
        return behaviour.Scope(self.bpmn_id, self.get_name(), self.filename)

    def add_tasks(self) -> None:
        for node in self.xpath("./bpmn:startEvent"):
            self.parse_node(node)
        while self.unconnected:
            self.unconnected.popleft().connect_node()

    def entry(self, node_id: str) -> Any:
        """Return the specification that flows to a node lead to."""
        specs = self.spec.task_specs
        found = specs.get(f"{node_id}.BoundaryEventSplit") or specs.get(node_id)
        return found or self.parse_node(self.get_node_by_id(node_id))


_CLASSES: dict[str, tuple[Any, Any]] = {
    **{
        full_tag(tag): (BpmnParser.PARSER_CLASSES[full_tag(tag)][0], spec)
        for tag, spec in {
            "startEvent": behaviour.StartEvent,
            "intermediateCatchEvent": behaviour.IntermediateCatchEvent,
            "boundaryEvent": behaviour.BoundaryEvent,
            "receiveTask": behaviour.ReceiveTask,
            "exclusiveGateway": behaviour.ExclusiveGateway,
            "parallelGateway": behaviour.ParallelGateway,
            "inclusiveGateway": behaviour.InclusiveGateway,
            "subProcess": behaviour.SubProcess,
            "transaction": behaviour.Transaction,
            "callActivity": behaviour.CallActivity,
        }.items()
    },
    **{
        full_tag(tag): BpmnParser.PARSER_CLASSES[full_tag(tag)]
        for tag in ("userTask", "manualTask", "task", "sendTask", "intermediateThrowEvent")
    },
    full_tag("endEvent"): (_EndEvent, BpmnParser.PARSER_CLASSES[full_tag("endEvent")][1]),
    full_tag("eventBasedGateway"): (_EventBasedGateway, behaviour.EventBasedGateway),
}


class _Parser(BpmnParser):
    """One parser a definition version: it is one namespace for all ids."""

    PARSER_CLASSES: ClassVar = {
        tag: (type(parser.__name__, (_Node, parser), {}), spec)
        for tag, (parser, spec) in _CLASSES.items()
    }
    PROCESS_PARSER_CLASS = _ScopeParser
