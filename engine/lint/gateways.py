"""Checks of gateways and of the conditions on their flows."""

from __future__ import annotations

from engine.lint.diagram import Diagram, Flow, Node
from engine.lint.findings import Findings
from engine.lint.joins import check_parallel
from engine.lint.overlap import disjoint
from engine.lint.paths import entry, paths_of

LANGUAGES = frozenset(
    {None, "", "python", "guicheng", "http://www.w3.org/1999/XPath", "http://www.python.org"}
)
"""Languages under which our own may stand; XPath is what modellers write by default at the top."""


def check_gateways(diagram: Diagram) -> Findings:
    """Check all gateways and conditions of a diagram."""
    found = Findings()
    _check_languages(diagram, found)
    for node in diagram.nodes.values():
        flows = list(diagram.out(node))
        if node.kind in {"exclusiveGateway", "inclusiveGateway"} and len(flows) > 1:
            _check_choice(diagram, node, flows, found)
        else:
            _check_no_condition(diagram, node, flows, found)
    for process in diagram.processes:
        paths = paths_of(diagram, process.id)
        for node in diagram.nodes.values():
            if entry(node.id) in paths.reachable and node.kind == "parallelGateway":
                check_parallel(diagram, paths, node, found)
    return found


def _check_languages(diagram: Diagram, found: Findings) -> None:
    language = diagram.root.get("expressionLanguage")
    if language not in LANGUAGES:
        found.error(
            "expression-language",
            diagram.file,
            f"表达式语言“{language}”不起作用",
            "请删去 expressionLanguage，用规程的表达式写条件",
            line=1,
        )
    for element in diagram.root.iter("{*}conditionExpression", "{*}formalExpression"):
        language = element.get("language")
        if language not in LANGUAGES:
            parent = element.getparent()
            found.error(
                "expression-language",
                diagram.file,
                f"条件声明的语言“{language}”会被忽略，内容按规程的表达式计算",
                "请删去 language 属性，并改用规程的写法",
                element=None if parent is None else parent.get("id"),
                line=getattr(element, "sourceline", None),
            )


def _check_choice(diagram: Diagram, node: Node, flows: list[Flow], found: Findings) -> None:
    if node.default is None:
        found.error(
            "gateway-default-missing",
            diagram.file,
            f"网关“{node.name or node.id}”没有默认流出线，条件都不成立时会出错",
            "请指定一条默认流出线（default）",
            at=node,
        )
    for flow in flows:
        if flow.id == node.default and flow.condition:
            found.error(
                "default-with-condition",
                diagram.file,
                f"默认流“{flow.id}”上的条件会被忽略",
                "请删去条件，或改为非默认流",
                at=flow,
            )
        elif flow.id != node.default and not flow.condition:
            found.error(
                "condition-missing",
                diagram.file,
                f"网关“{node.name or node.id}”的流“{flow.id}”没有条件",
                "请写上条件，或设为默认流",
                at=flow,
            )
    if node.kind == "exclusiveGateway":
        conditions = [(f, f.condition) for f in flows if f.condition and f.id != node.default]
        for index, (flow, one) in enumerate(conditions):
            for other_flow, other in conditions[index + 1 :]:
                if not disjoint(one, other):
                    found.warn(
                        "conditions-overlap",
                        diagram.file,
                        f"“{flow.id}”与“{other_flow.id}”的条件可能同时成立，走向取决于先后",
                        "请把条件写成互不相容（例如各等于不同的选项）",
                        at=node,
                    )


def _check_no_condition(diagram: Diagram, node: Node, flows: list[Flow], found: Findings) -> None:
    for flow in flows:
        if flow.condition:
            found.error(
                "condition-ignored",
                diagram.file,
                f"“{node.name or node.id}”流出线“{flow.id}”上的条件会被忽略",
                "条件只写在排他或包容网关的几条流出线上；请加网关或删去条件",
                at=flow,
            )
    if node.default is not None:
        found.error(
            "default-ignored",
            diagram.file,
            f"“{node.name or node.id}”的默认流设置不起作用",
            "默认流只用于有几条流出线的排他或包容网关，请删去 default",
            at=node,
        )
