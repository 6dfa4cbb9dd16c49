"""Checks of the diagram alone: elements, names, drawing, and whether every way comes to an end."""

from __future__ import annotations

import re

from lxml import etree

from engine.definitions.xml import children, local_name
from engine.lint.diagram import (
    GATEWAYS,
    SUBPROCESSES,
    TASKS,
    Diagram,
    Node,
    first,
    line_of,
    text_of,
)
from engine.lint.findings import Findings, Place
from engine.lint.paths import Paths, done, entry, paths_of

SNAKE_CASE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_HAN = re.compile(r"[\u3400-\u9fff]")
_DRAWING = (
    "http://www.omg.org/spec/BPMN/20100524/DI",
    "http://www.omg.org/spec/DD/20100524/DC",
    "http://www.omg.org/spec/DD/20100524/DI",
    "http://www.w3.org/2001/XMLSchema-instance",
    "http://www.w3.org/XML/1998/namespace",
)
_UNSUPPORTED = {
    "complexGateway": ("复杂网关", "请改用排他、包容或并行网关"),
    "businessRuleTask": ("业务规则任务", "请用网关条件表达，或由人在用户任务中决定"),
    "scriptTask": ("脚本任务", "流程中不运行脚本；请用网关条件和表单字段表达"),
    "serviceTask": ("服务任务", "请改用用户任务，或用消息与外部往来"),
    "adHocSubProcess": ("即席子流程", "请画出确定的先后次序"),
    "transaction": ("事务子流程", "请改用普通子流程，用错误边界事件处理失败"),
    "dataStoreReference": ("数据存储", "请删去；数据由表单和留痕保存"),
}


_IGNORED = {
    "triggeredByEvent": (
        "event-subprocess",
        "不支持事件子流程“%s”：打断的语义会被忽略，数据会丢失",
        "请改用子流程上的边界事件",
    ),
    "isForCompensation": ("compensation", "补偿活动“%s”不会被执行", "请画出明确的后续环节"),
    "instantiate": (
        "instantiating",
        "“%s”不能由消息启动流程",
        "请去掉 instantiate；事项由人发起",
    ),
    "parallelMultiple": (
        "parallel-multiple",
        "“%s”要求几个触发同时满足（parallelMultiple），不起作用",
        "请用并行网关连接几个事件",
    ),
}
"""Attributes that would not do what they say, when true: code, what is wrong, cure."""


def check_structure(diagram: Diagram, key: str | None) -> Findings:
    """Check all processes of a diagram; one must have the id ``key``, if that is given."""
    found = Findings()
    _check_process(diagram, key, found)
    for node in diagram.nodes.values():
        _check_supported(diagram, node, found)
        _check_activity(diagram, node, found)
        _check_name(diagram, node, found)
        _check_drawn(diagram, node, found)
    _check_data_objects(diagram, found)
    _check_ids(diagram, found)
    _check_vendor(diagram, found)
    for scope in diagram.scopes.values():
        _check_scope(diagram, scope.id, found)
    for process in diagram.processes:
        _check_paths(diagram, paths_of(diagram, process.id), process.id, found)
    return found


def _check_process(diagram: Diagram, key: str | None, found: Findings) -> None:
    if key is not None and key not in {process.id for process in diagram.processes}:
        ids = "、".join(process.id for process in diagram.processes) or "没有流程"
        found.error(
            "process-id",
            diagram.file,
            f"没有 id 为“{key}”的流程（现有：{ids}）",
            f"请把 <process> 的 id 改为 {key}，与 process.toml 的 key 一致",
            line=line_of(diagram.root),
        )
    for element in diagram.root.iter("{*}dataStore", "{*}dataStoreReference"):
        _unsupported(diagram, element, found)
    for element in children(diagram.root, "collaboration"):
        if len(list(children(element, "participant"))) > 1 or first(element, "messageFlow"):
            found.warn(
                "collaboration-ignored",
                diagram.file,
                "多个池及其间的消息流不起作用，只运行一个流程",
                "请只保留一个流程，用泳道表示各方",
                element=element.get("id"),
                line=line_of(element),
            )


def _check_supported(diagram: Diagram, node: Node, found: Findings) -> None:
    if node.kind in _UNSUPPORTED:
        _unsupported(diagram, node.xml, found)
    for attribute, (code, message, cure) in _IGNORED.items():
        if node.xml.get(attribute) == "true":
            name = node.name or node.id
            found.error(code, diagram.file, message % name, cure, at=node)


def _unsupported(diagram: Diagram, element: etree._Element, found: Findings) -> None:
    kind = local_name(element).replace("dataStore", "dataStoreReference", 1)
    kind = "dataStoreReference" if kind.startswith("dataStore") else kind
    word, cure = _UNSUPPORTED[kind]
    found.error(
        "unsupported-element",
        diagram.file,
        f"不支持{word}“{element.get('name') or element.get('id')}”",
        cure,
        element=element.get("id"),
        line=line_of(element),
    )


def _check_activity(diagram: Diagram, node: Node, found: Findings) -> None:
    if node.kind not in TASKS | SUBPROCESSES:
        return
    if len(node.outgoing) > 1:
        found.error(
            "implicit-fork",
            diagram.file,
            f"“{node.name}”有 {len(node.outgoing)} 条流出线",
            "请在它后面画一个网关，写明是并行还是选择其一",
            at=node,
        )
    many = first(node.xml, "multiInstanceLoopCharacteristics")
    if many is not None:
        cardinality = text_of(first(many, "loopCardinality"))
        collection = text_of(first(many, "loopDataInputRef"))
        if cardinality and first(many, "loopDataOutputRef", "outputDataItem") is not None:
            found.error(
                "mi-cardinality-output",
                diagram.file,
                f"多实例“{node.name}”同时写了次数和输出变量，运行时会出错",
                "请改用 loopDataInputRef 指定列表，或删去输出变量",
                at=node,
            )
        if not cardinality and not collection:
            found.error(
                "mi-without-number",
                diagram.file,
                f"多实例“{node.name}”没有写明次数或列表",
                "请写 loopDataInputRef（列表）或 loopCardinality（次数）",
                at=node,
            )
    loop = first(node.xml, "standardLoopCharacteristics")
    if loop is not None and not loop.get("loopMaximum") and first(loop, "loopCondition") is None:
        found.error(
            "loop-without-end",
            diagram.file,
            f"循环“{node.name}”没有写明何时结束",
            "请写 loopCondition 或 loopMaximum",
            at=node,
        )


def _check_name(diagram: Diagram, node: Node, found: Findings) -> None:
    silent = node.kind in GATEWAYS and (
        len(node.outgoing) < 2 or node.kind in {"parallelGateway", "eventBasedGateway"}
    )
    if not silent and not _HAN.search(node.name):
        found.warn(
            "name-missing",
            diagram.file,
            f"{node.kind}“{node.id}”没有中文名称",
            "请写上办理人看得懂的中文名称",
            at=node,
        )


def _check_drawn(diagram: Diagram, node: Node, found: Findings) -> None:
    if node.id not in diagram.shapes:
        found.error(
            "shape-missing",
            diagram.file,
            f"“{node.name or node.id}”没有画在图上",
            "请在 BPMNDI 部分补上它的 BPMNShape（用建模工具打开后重新保存）",
            at=node,
        )
    for flow in diagram.out(node):
        if flow.id not in diagram.edges:
            found.warn(
                "edge-missing",
                diagram.file,
                f"流“{flow.id}”没有画在图上",
                "请在 BPMNDI 部分补上它的 BPMNEdge",
                at=flow,
            )


def _check_ids(diagram: Diagram, found: Findings) -> None:
    named: list[Place] = [*diagram.nodes.values(), *diagram.lanes.values()]
    named += diagram.flows.values()
    for thing in named:
        if not SNAKE_CASE.fullmatch(thing.id):
            found.warn(
                "id-not-snake-case",
                diagram.file,
                f"“{thing.id}”不是小写英文加下划线的写法",
                "请改为例如 first_talk 的写法；它会出现在留痕和接口中",
                at=thing,
            )


def _check_vendor(diagram: Diagram, found: Findings) -> None:
    """Warn of what other engines would read: here it does nothing."""
    seen: set[str] = set()
    for element in diagram.root.iter("*"):
        if not local_name(element):
            continue
        foreign = [str(k) for k in element.attrib if str(k).startswith("{")]
        foreign += [
            str(inner.tag)
            for extension in children(element, "extensionElements")
            for inner in extension.iter("*")
            if inner is not extension
        ]
        for name in foreign:
            namespace = name[1:].partition("}")[0]
            if namespace in _DRAWING or namespace in seen:
                continue
            seen.add(namespace)  # one line a vendor is enough to make the point
            found.warn(
                "vendor-attribute",
                diagram.file,
                f"厂商扩展（{namespace}）不起作用",
                "请删去，改在 process.toml 和表单中写明",
                element=element.get("id"),
                line=line_of(element),
            )


def _check_data_objects(diagram: Diagram, found: Findings) -> None:
    declared = {
        child.get("id"): scope.id
        for scope in diagram.scopes.values()
        for child in children(scope.xml, "dataObject")
    }
    for scope in diagram.scopes.values():
        for ref in children(scope.xml, "dataObjectReference"):
            if declared.get(ref.get("dataObjectRef")) not in {scope.id, scope.parent}:
                found.error(
                    "data-object-scope",
                    diagram.file,
                    f"数据对象“{ref.get('dataObjectRef')}”不在本层或上一层流程中",
                    "请在同一层声明数据对象；办理数据用表单字段表达",
                    element=ref.get("id"),
                    line=line_of(ref),
                )


def _check_scope(diagram: Diagram, scope: str, found: Findings) -> None:
    place = diagram.scopes[scope]
    nodes = list(diagram.inside(scope))
    starts = [node for node in nodes if node.kind == "startEvent"]
    if len(starts) != 1:
        found.error(
            "start-event-count",
            diagram.file,
            f"“{place.name or scope}”有 {len(starts)} 个开始事件",
            "每个流程和子流程请画一个开始事件",
            at=place,
        )
    if not any(node.kind == "endEvent" for node in nodes):
        found.error(
            "end-event-missing",
            diagram.file,
            f"“{place.name or scope}”没有结束事件，永远不会办结",
            "请画出结束事件",
            at=place,
        )


def _check_paths(diagram: Diagram, paths: Paths, process: str, found: Findings) -> None:
    apart = {n.id for n in diagram.nodes.values() if n.xml.get("triggeredByEvent") == "true"}
    mine = [
        node
        for node in diagram.nodes.values()
        if entry(node.id) in paths.after
        # What is wrong with an event subprocess is that it is one.
        and apart.isdisjoint({node.id, *(scope.id for scope in diagram.scopes_of(node))})
    ]
    # Where a way just stops, or a scope has no end at all, that is said for itself.
    stops = [done(n.id) for n in mine if n.kind == "endEvent" or not n.outgoing]
    ending = paths.reach(stops, backwards=True)
    closed = {n.scope for n in mine if n.kind == "endEvent"}
    for node in mine:
        if entry(node.id) not in paths.reachable:
            loose = node.attached_to is not None and node.attached_to not in diagram.nodes
            if paths.start and not loose:
                found.error(
                    "unreachable",
                    diagram.file,
                    f"从开始事件到不了“{node.name or node.id}”",
                    "请连上流入线，或删去它",
                    at=node,
                )
        elif not node.outgoing and node.kind != "endEvent":
            found.error(
                "dead-end",
                diagram.file,
                f"“{node.name or node.id}”之后没有流出线",
                "请连到下一环节或结束事件",
                at=node,
            )
        elif node.scope in closed and entry(node.id) not in ending:
            found.error(
                "no-path-to-end",
                diagram.file,
                f"从“{node.name or node.id}”到不了任何结束事件",
                "请画出能够结束的去向",
                at=node,
            )
    _check_automatic_loops(diagram, mine, found)


def _check_automatic_loops(diagram: Diagram, nodes: list[Node], found: Findings) -> None:
    """Find circles in which nobody and nothing is waited for: they would never stop."""
    waits = {"userTask", "manualTask", "task", "receiveTask", "intermediateCatchEvent"}
    automatic = {n.id for n in nodes if n.kind not in waits | SUBPROCESSES}
    following = {
        id: [f.target for f in diagram.out(diagram.nodes[id]) if f.target in automatic]
        for id in automatic
    }
    # Take away what leads nowhere or comes from nowhere, again and again: circles are left.
    while outside := [
        id
        for id, targets in following.items()
        if not targets or not any(id in others for others in following.values())
    ]:
        for id in outside:
            del following[id]
        for id, targets in following.items():
            following[id] = [target for target in targets if target in following]
    if following:
        node = diagram.nodes[min(following)]
        found.error(
            "endless-loop",
            diagram.file,
            f"“{node.name or node.id}”所在的循环里没有任何需要人办理或等待的环节",
            "请在循环里加入用户任务或等待事件",
            at=node,
        )
