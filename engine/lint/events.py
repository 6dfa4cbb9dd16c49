"""Checks of events: what would be dropped in silence, and what would never be caught."""

from __future__ import annotations

from engine.definitions.xml import children, local_name
from engine.lint.diagram import Diagram, Node, first, text_of
from engine.lint.findings import Findings

_DROPPED = {
    "link": ("链接事件", "请直接画出流线"),
    "compensate": ("补偿事件", "请画出明确的后续环节"),
    "cancel": ("取消事件", "请改用错误事件"),
}


def check_events(diagram: Diagram) -> Findings:
    """Check all events of a diagram."""
    found = Findings()
    for node in diagram.nodes.values():
        _check_definitions(diagram, node, found)
        if node.kind == "startEvent":
            _check_start(diagram, node, found)
        if node.kind == "boundaryEvent":
            _check_boundary(diagram, node, found)
        if node.kind == "eventBasedGateway":
            _check_event_gateway(diagram, node, found)
        _check_caught(diagram, node, found)
        _check_message(diagram, node, found)
    return found


def _check_definitions(diagram: Diagram, node: Node, found: Findings) -> None:
    for kind in node.event_kinds:
        if kind in _DROPPED:
            word, cure = _DROPPED[kind]
            found.error(
                f"{'compensation' if kind == 'compensate' else kind}-event",
                diagram.file,
                f"{word}“{node.name or node.id}”不起作用",
                cure,
                at=node,
            )
    if len(node.events) > 1 or any(local_name(c) == "eventDefinitionRef" for c in node.xml):
        found.error(
            "multiple-event",
            diagram.file,
            f"“{node.name or node.id}”合用了几种触发方式，运行时只会照顾到其中一种",
            "请拆成几个事件，每个只有一种触发方式",
            at=node,
        )
    if node.kind == "endEvent" and "signal" in node.event_kinds:
        found.error(
            "signal-end-event",
            diagram.file,
            f"信号结束事件“{node.name or node.id}”不会发出信号",
            "请改为中间抛出信号事件，再接普通结束事件",
            at=node,
        )
    if node.kind == "intermediateCatchEvent" and not node.events:
        found.error(
            "event-without-trigger",
            diagram.file,
            f"中间捕获事件“{node.name or node.id}”没有写明等待什么",
            "请指定消息或定时；只作标记的请用中间抛出事件",
            at=node,
        )


def _check_start(diagram: Diagram, node: Node, found: Findings) -> None:
    if node.events:
        found.error(
            "start-event-definition",
            diagram.file,
            f"开始事件“{node.name or node.id}”带有触发方式（{'、'.join(node.event_kinds)}），"
            "会被忽略或使事项停在开头",
            "请用普通开始事件；事项由人发起，等待用中间事件表达",
            at=node,
        )
    if node.xml.get("isInterrupting") == "false":
        found.error(
            "start-not-interrupting",
            diagram.file,
            f"开始事件“{node.name or node.id}”的 isInterrupting 只用于事件子流程，不起作用",
            "请删去该属性；不打断的触发用边界事件表达",
            at=node,
        )


def _check_boundary(diagram: Diagram, node: Node, found: Findings) -> None:
    if node.attached_to not in diagram.nodes:
        found.error(
            "boundary-unattached",
            diagram.file,
            f"边界事件“{node.name or node.id}”没有附在活动上",
            "请附在用户任务或子流程的边上",
            at=node,
        )
    if not node.events:
        found.error(
            "event-without-trigger",
            diagram.file,
            f"边界事件“{node.name or node.id}”没有写明等待什么",
            "请指定消息、定时或错误",
            at=node,
        )
    if not node.interrupting and "error" in node.event_kinds:
        found.error(
            "error-not-interrupting",
            diagram.file,
            f"错误边界事件“{node.name or node.id}”总会打断活动，不能设为不打断",
            "请删去 cancelActivity=false，或改用消息、升级事件",
            at=node,
        )


def _check_event_gateway(diagram: Diagram, node: Node, found: Findings) -> None:
    targets = [diagram.nodes[flow.target] for flow in diagram.out(node)]
    if sum("timer" in target.event_kinds for target in targets) > 1:
        found.error(
            "event-gateway-timers",
            diagram.file,
            f"事件网关“{node.name or node.id}”后面有不止一个定时，它们会共用一个期限",
            "请只留一个定时",
            at=node,
        )
    for target in targets:
        if target.kind not in {"intermediateCatchEvent", "receiveTask"}:
            found.error(
                "event-gateway-target",
                diagram.file,
                f"事件网关后面的“{target.name or target.id}”不是等待的事件",
                "事件网关之后只能直接是中间捕获事件",
                at=target,
            )
    if len(targets) < 2:
        found.error(
            "event-gateway-target",
            diagram.file,
            f"事件网关“{node.name or node.id}”只有 {len(targets)} 个去向",
            "请连上至少两个等待的事件，或删去网关",
            at=node,
        )


def _check_caught(diagram: Diagram, node: Node, found: Findings) -> None:
    """An error or escalation that nothing around catches would end its branch unnoticed."""
    if node.kind not in {"endEvent", "intermediateThrowEvent"}:
        return
    for kind, word in (("error", "错误"), ("escalation", "升级")):
        code = _code(diagram, node, kind)
        if code is None:
            continue
        catchers = [
            boundary
            for scope in diagram.scopes_of(node)
            for boundary in diagram.boundaries.get(scope.id, ())
            if kind in boundary.event_kinds
        ]
        if not any(_code(diagram, catcher, kind) in {code, ""} for catcher in catchers):
            found.error(
                f"{kind}-uncaught",
                diagram.file,
                f"“{node.name or node.id}”抛出的{word}没有捕获它的边界事件",
                "请在外层子流程上画出相同代码的边界事件",
                at=node,
            )


def _code(diagram: Diagram, node: Node, kind: str) -> str | None:
    for event in node.events:
        if local_name(event) == f"{kind}EventDefinition":
            return diagram.errors.get((event.get(f"{kind}Ref") or "").rpartition(":")[2], "")
    return None


def message_of(diagram: Diagram, node: Node) -> str | None:
    """Return the name of the message that a node waits for or throws; None without one."""
    for event in node.events:
        if local_name(event) == "messageEventDefinition":
            return diagram.messages.get((event.get("messageRef") or "").rpartition(":")[2], "")
    if node.kind in {"receiveTask", "sendTask"}:
        return diagram.messages.get((node.xml.get("messageRef") or "").rpartition(":")[2], "")
    return None


def _check_message(diagram: Diagram, node: Node, found: Findings) -> None:
    if message_of(diagram, node) == "":
        found.error(
            "message-unnamed",
            diagram.file,
            f"“{node.name or node.id}”没有写明是哪个消息",
            "请用 messageRef 指向一个有 name 的 <message>",
            at=node,
        )


def timers_of(node: Node) -> list[tuple[str, str]]:
    """Return kind (``timeDate``, ``timeDuration``, ``timeCycle``) and text of a node's timers."""
    found = []
    for event in node.events:
        if local_name(event) == "timerEventDefinition":
            for child in children(event, "timeDate", "timeDuration", "timeCycle"):
                found.append((local_name(child), text_of(child) or ""))
            if first(event, "timeDate", "timeDuration", "timeCycle") is None:
                found.append(("", ""))
    return found
