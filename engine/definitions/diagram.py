"""What a BPMN diagram says, read straight from its XML: elements, flows, lanes, expressions.

Nothing here knows how a process is run. ``engine.definitions.parsing`` builds the executable
specification from the same files, and the linter and the screens look things up here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from lxml import etree

from engine.definitions.elements import (
    EVENTS,
    FLOW_NODES,
    SUBPROCESSES,
    Diagram,
    ElementInfo,
    ExpressionUse,
    FlowInfo,
)
from engine.definitions.timers import FORM_OF, is_literal, looks_literal
from engine.definitions.xml import NAMESPACES, children, local_name
from engine.errors import N_, ExpressionFault, Problem
from engine.expressions import compile_expression

MAX_NODES: Final = 2_000
"""Most flow nodes in one definition."""
MAX_NESTING: Final = 20
"""Deepest nesting of subprocesses, embedded and called together."""

_UNSUPPORTED: Final = {
    "scriptTask": N_("请改用网关条件或 [[effect]]，流程不执行脚本"),
    "serviceTask": N_("请改用消息抛出事件，由外部系统办理"),
    "businessRuleTask": N_("请改用网关条件"),
    "complexGateway": N_("请改用排他、并行或包容网关"),
    "adHocSubProcess": N_("请改用普通子流程和网关"),
}
"""Elements that the engine does not run, with what to use instead."""

_EVENT_DEFINITIONS: Final = {
    f"{name}EventDefinition": name
    for name in (
        "timer",
        "message",
        "signal",
        "error",
        "escalation",
        "terminate",
        "conditional",
        "cancel",
        "link",
        "compensate",
    )
}
_ALLOWED_EVENTS: Final = {
    "startEvent": {"none", "timer", "message", "signal", "conditional"},
    "endEvent": {"none", "message", "signal", "error", "escalation", "terminate", "cancel"},
    "intermediateCatchEvent": {"timer", "message", "signal", "conditional"},
    "intermediateThrowEvent": {"none", "message", "signal", "escalation"},
    "boundaryEvent": {
        "timer",
        "message",
        "signal",
        "error",
        "escalation",
        "conditional",
        "cancel",
    },
}
_RESERVED_ID = re.compile(r"Start|End|Root|StartEventSplit|StartEventJoin|.*[.\s\[\]].*")
"""Ids that the engine gives to its own nodes; an element so named would be mistaken for one."""


def read_diagram(roots: Mapping[str, etree._Element]) -> Diagram:
    """Read files that obey the schema. Collects problems instead of raising."""
    diagram = Diagram()
    for file, root in roots.items():
        _FileReader(diagram, file, root).read()
    if len(diagram.elements) > MAX_NODES:
        diagram.problems.append(
            Problem(
                next(iter(roots)),
                None,
                None,
                "diagram-too-large",
                N_("流程图的元素过多"),
                N_("请把流程拆成几个被调用的流程"),
            )
        )
    _check_calls(diagram)
    for use in diagram.expressions:
        try:
            compile_expression(use.source)
        except ExpressionFault as fault:
            diagram.problems.append(
                Problem(
                    _file_of(diagram, use.element),
                    use.element,
                    use.line,
                    "expression-invalid",
                    str(fault),
                    N_("请按表达式的写法改正"),
                )
            )
    return diagram


class _FileReader:
    """Reads one file into the diagram."""

    def __init__(self, diagram: Diagram, file: str, root: etree._Element) -> None:
        self.diagram = diagram
        self.file = file
        self.root = root
        self.lanes = _innermost_lanes(root)
        self.names = {
            item.get("id"): item.get(attribute)
            for tag, attribute in (
                ("message", "name"),
                ("signal", "name"),
                ("error", "errorCode"),
                ("escalation", "escalationCode"),
            )
            for item in children(root, tag)
        }

    def read(self) -> None:
        for store in self.root.iterfind(".//bpmn:dataStore", NAMESPACES):
            self._problem(store, "data-store", N_("不支持数据存储"), N_("请改用流程变量"))
        for process in children(self.root, "process"):
            name = process.get("id") or ""
            if name in self.diagram.processes:
                self._problem(
                    process, "duplicate-id", N_("有两个流程使用同一个 id"), N_("请改用不同的 id")
                )
            self.diagram.processes[name] = self.file
            self._read_scope(process, name, parent=None, lane=None, depth=0)
        for key in self.root.iterfind(".//bpmn:correlationPropertyRetrievalExpression", NAMESPACES):
            for path in children(key, "messagePath", "formalExpression"):
                self._expression(key.get("messageRef") or "", path)

    def _read_scope(
        self,
        scope: etree._Element,
        process: str,
        parent: str | None,
        lane: tuple[str, str | None] | None,
        depth: int,
    ) -> None:
        if depth > MAX_NESTING:
            self._problem(
                scope, "nesting-too-deep", N_("子流程嵌套过深"), N_("请减少嵌套或拆成被调用的流程")
            )
            return
        nodes: list[etree._Element] = []
        for child in scope:
            kind = local_name(child)
            if kind in FLOW_NODES:
                nodes.append(child)
            elif kind in _UNSUPPORTED:
                self._problem(
                    child,
                    "element-unsupported",
                    f"{N_('引擎不执行这种元素')}：{kind}",
                    _UNSUPPORTED[kind],
                )
            elif kind in ("dataObjectReference", "dataObject"):
                self.diagram.data_names.add(child.get("id") or "")
        own = {node.get("id") for node in nodes}
        incoming, outgoing = self._read_flows(scope, own)
        starts = [node for node in nodes if local_name(node) == "startEvent"]
        ends = [node for node in nodes if local_name(node) == "endEvent"]
        if len(starts) != 1:
            self._problem(
                starts[1] if starts else scope,
                "start-event",
                N_("流程和子流程必须恰好有一个开始事件"),
                N_("请只保留一个开始事件，其余改用网关或边界事件"),
            )
        if not ends:
            self._problem(
                scope, "end-event", N_("没有结束事件，事项永远不会结束"), N_("请补上结束事件")
            )
        for node in nodes:
            self._read_node(node, process, parent, lane, incoming, outgoing, own)
            if local_name(node) in SUBPROCESSES:
                identity = node.get("id") or ""
                self._read_scope(node, process, identity, self.lanes.get(identity, lane), depth + 1)

    def _read_flows(
        self, scope: etree._Element, own: set[str | None]
    ) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
        incoming: dict[str, list[str]] = {}
        outgoing: dict[str, list[str]] = {}
        defaults = {node.get("default") for node in scope if node.get("default")}
        for flow in children(scope, "sequenceFlow"):
            identity = flow.get("id") or ""
            source, target = flow.get("sourceRef") or "", flow.get("targetRef") or ""
            if source not in own or target not in own:
                self._problem(
                    flow,
                    "flow-broken",
                    N_("连线的一端不在同一个流程或子流程里"),
                    N_("请重新连接；跨子流程请连到子流程本身"),
                )
                continue
            condition = next(children(flow, "conditionExpression"), None)
            if condition is not None:
                self._expression(identity, condition)
            if identity in self.diagram.flows:
                self._problem(flow, "duplicate-id", N_("id 重复"), N_("请改用不同的 id"))
            self.diagram.flows[identity] = FlowInfo(
                id=identity,
                source=source,
                target=target,
                name=flow.get("name"),
                condition=_text(condition),
                default=identity in defaults,
                file=self.file,
                line=_line(flow),
            )
            outgoing.setdefault(source, []).append(identity)
            incoming.setdefault(target, []).append(identity)
        return incoming, outgoing

    def _read_node(
        self,
        node: etree._Element,
        process: str,
        parent: str | None,
        lane: tuple[str, str | None] | None,
        incoming: dict[str, list[str]],
        outgoing: dict[str, list[str]],
        own: set[str | None],
    ) -> None:
        identity, kind = node.get("id") or "", local_name(node)
        if not identity or _RESERVED_ID.fullmatch(identity):
            self._problem(
                node,
                "reserved-id",
                N_("缺少 id，或 id 与引擎自用的名称冲突"),
                N_("请改用英文小写加下划线的 id"),
            )
        if identity in self.diagram.elements:
            self._problem(node, "duplicate-id", N_("id 重复"), N_("请改用不同的 id"))
        if node.get("triggeredByEvent") == "true":
            self._problem(
                node,
                "event-subprocess",
                N_("不支持事件子流程"),
                N_("请把有关步骤放进子流程，在子流程上加边界事件"),
            )
        event, event_name = self._read_event(node, kind)
        attached = node.get("attachedToRef")
        if kind == "boundaryEvent" and attached not in own:
            self._problem(
                node, "flow-broken", N_("边界事件没有附着在活动上"), N_("请附着到同一层的活动上")
            )
        for association in children(node, "dataInputAssociation", "dataOutputAssociation"):
            for reference in children(association, "sourceRef", "targetRef"):
                self._check_data_object(node, reference)
        for specification in children(node, "ioSpecification"):
            for item in children(specification, "dataInput", "dataOutput"):
                self.diagram.data_names.add(item.get("id") or "")
        multiple = next(children(node, "multiInstanceLoopCharacteristics"), None)
        loop = next(children(node, "standardLoopCharacteristics"), None)
        for characteristics in (multiple, loop):
            if characteristics is not None:
                self._read_loop(identity, characteristics)
        lane = self.lanes.get(identity, lane)
        self.diagram.elements[identity] = ElementInfo(
            id=identity,
            kind=kind,
            name=node.get("name") or "",
            lane=lane[0] if lane else None,
            lane_name=lane[1] if lane else None,
            parent=parent,
            process=process,
            file=self.file,
            line=_line(node),
            incoming=tuple(incoming.get(identity, ())),
            outgoing=tuple(outgoing.get(identity, ())),
            multi_instance=multiple is not None,
            looping=loop is not None,
            event=event,
            event_name=event_name,
            attached_to=attached,
            interrupting=node.get("cancelActivity", "true") == "true",
            called=node.get("calledElement"),
            documentation=_text(next(children(node, "documentation"), None)),
            collection=_collection(multiple),
        )

    def _read_event(self, node: etree._Element, kind: str) -> tuple[str | None, str | None]:
        if kind in ("sendTask", "receiveTask"):
            reference = node.get("messageRef")
            if reference not in self.names:
                self._problem(
                    node,
                    "event-reference",
                    N_("没有指明消息"),
                    N_("请设置 messageRef 指向一个消息"),
                )
            return "message", self.names.get(reference)
        if kind not in EVENTS:
            return None, None
        definitions = [child for child in node if local_name(child) in _EVENT_DEFINITIONS]
        if len(definitions) > 1 or node.get("parallelMultiple") == "true":
            self._problem(
                node, "event-multiple", N_("一个事件只能有一个定义"), N_("请拆成几个事件")
            )
        if not definitions:
            event, name = "none", None
        else:
            definition = definitions[0]
            event = _EVENT_DEFINITIONS[local_name(definition)]
            reference = definition.get(f"{event}Ref")
            name = self.names.get(reference)
            if event in ("message", "signal") and not name:
                self._problem(
                    node,
                    "event-reference",
                    N_("没有指明消息或信号"),
                    N_("请设置引用，指向一个有名称的消息或信号"),
                )
            for part in children(definition, "timeDate", "timeDuration", "timeCycle"):
                self._timer(node, part)
            for condition in children(definition, "condition"):
                self._expression(node.get("id") or "", condition)
            if event == "timer" and not list(
                children(definition, "timeDate", "timeDuration", "timeCycle")
            ):
                self._problem(
                    node, "timer-empty", N_("定时事件没有时间"), N_("请填写日期、时长或周期")
                )
        if event not in _ALLOWED_EVENTS[kind]:
            self._problem(
                node,
                "event-unsupported",
                f"{N_('引擎不支持这种事件')}：{kind} {event}",
                N_("请改用连线、网关，或消息、定时、信号事件"),
            )
        return event, name

    def _read_loop(self, element: str, characteristics: etree._Element) -> None:
        for part in characteristics:
            match local_name(part):
                case "loopCardinality" | "completionCondition" | "loopCondition":
                    self._expression(element, part)
                case "loopDataInputRef" | "loopDataOutputRef":
                    self.diagram.data_names.add((part.text or "").strip())
                case "inputDataItem" | "outputDataItem":
                    self.diagram.data_names.add(part.get("id") or "")

    def _check_data_object(self, node: etree._Element, reference: etree._Element) -> None:
        """Report a reference to an object that no enclosing scope declares."""
        name = (reference.text or "").strip()
        target = next(
            (
                item
                for item in self.root.iterfind(".//bpmn:dataObjectReference", NAMESPACES)
                if item.get("id") == name
            ),
            None,
        )
        if target is None:  # an input or output of the task itself
            return
        scope: etree._Element | None = node
        while scope is not None:
            if any(
                o.get("id") == target.get("dataObjectRef") for o in children(scope, "dataObject")
            ):
                return
            scope = scope.getparent()
        self._problem(
            node,
            "data-object",
            N_("引用的数据对象没有在本流程或外层声明"),
            N_("请在流程里声明该数据对象，或删去引用"),
        )

    def _timer(self, node: etree._Element, part: etree._Element) -> None:
        text = _text(part)
        if text is None:
            self._problem(node, "timer-empty", N_("定时事件没有时间"), N_("请填写日期、时长或周期"))
        elif looks_literal(text):
            if not is_literal(text, FORM_OF[local_name(part)]):
                self._problem(
                    part,
                    "timer-invalid",
                    f"{N_('不是合格的日期、时长或周期')}：{text[:40]}",
                    N_("日期写 2027-06-10，时长写 P1Y、P3M、P10D、PT1H，周期写 R3/P1M"),
                )
        else:
            self._expression(node.get("id") or "", part)

    def _expression(self, element: str, part: etree._Element) -> None:
        source = _text(part)
        if source is None:
            self._problem(part, "expression-invalid", N_("表达式是空的"), N_("请填写或删去"))
        else:
            self.diagram.expressions.append(ExpressionUse(element, _line(part), source))

    def _problem(self, at: etree._Element, code: str, message: str, cure: str) -> None:
        holder: etree._Element | None = at
        while holder is not None and not holder.get("id"):
            holder = holder.getparent()
        element = holder.get("id") if holder is not None else None
        self.diagram.problems.append(Problem(self.file, element, _line(at), code, message, cure))


def _innermost_lanes(root: etree._Element) -> dict[str, tuple[str, str | None]]:
    """Return the lane of each listed node. Inner lanes come later in the file and win."""
    return {
        (reference.text or "").strip(): (lane.get("id") or "", lane.get("name"))
        for lane in root.iterfind(".//bpmn:lane", NAMESPACES)
        for reference in children(lane, "flowNodeRef")
    }


def _check_calls(diagram: Diagram) -> None:
    """Report calls of unknown processes, and processes that call themselves in the end."""
    calls: dict[str, list[ElementInfo]] = {}
    for element in diagram.elements.values():
        if element.kind != "callActivity":
            continue
        calls.setdefault(element.process, []).append(element)
        if element.called not in diagram.processes:
            diagram.problems.append(
                Problem(
                    element.file,
                    element.id,
                    element.line,
                    "call-unknown",
                    f"{N_('被调用的流程不存在')}：{element.called or ''}",
                    N_("请把该流程的文件放进流程包，或改正 calledElement"),
                )
            )
    for start in calls:
        seen: set[str] = set()
        waiting = [start]
        while waiting:
            for element in calls.get(waiting.pop(), ()):
                if element.called == start:
                    diagram.problems.append(
                        Problem(
                            element.file,
                            element.id,
                            element.line,
                            "call-recursive",
                            N_("流程直接或间接调用了自己"),
                            N_("请改用循环"),
                        )
                    )
                elif element.called and element.called not in seen:
                    seen.add(element.called)
                    waiting.append(element.called)


def reachable(diagram: Diagram, process: str) -> Iterable[ElementInfo]:
    """Yield the elements of a process and of all processes that it calls."""
    wanted, waiting = {process}, [process]
    while waiting:
        current = waiting.pop()
        for element in diagram.elements.values():
            if element.process == current and element.called and element.called not in wanted:
                wanted.add(element.called)
                waiting.append(element.called)
    return [element for element in diagram.elements.values() if element.process in wanted]


def _file_of(diagram: Diagram, place: str) -> str:
    known = diagram.elements.get(place) or diagram.flows.get(place)
    return known.file if known else ""


def _collection(multiple: etree._Element | None) -> str | None:
    """Return the list of a parallel multi-instance whose items have a name."""
    if multiple is None or multiple.get("isSequential") == "true":
        return None
    if next(children(multiple, "inputDataItem"), None) is None:
        return None
    return _text(next(children(multiple, "loopDataInputRef"), None))


def _text(element: etree._Element | None) -> str | None:
    text = (element.text or "").strip() if element is not None else ""
    return text or None


def _line(element: etree._Element) -> int | None:
    line: Any = element.sourceline  # the stubs say "..." where they mean int
    return None if line is None else int(line)
