"""Checks of parallel gateways: whether every token that a join awaits can come to it."""

from __future__ import annotations

from engine.lint.diagram import Diagram, Node
from engine.lint.findings import Findings
from engine.lint.paths import Paths, Point, done, entry


def check_parallel(diagram: Diagram, paths: Paths, node: Node, found: Findings) -> None:
    """Check one parallel gateway."""
    if len(node.outgoing) > 1 and not _join_after(diagram, paths, node):
        found.warn(
            "fork-without-join",
            diagram.file,
            f"并行网关“{node.name or node.id}”分出的各路没有汇合",
            "请用并行网关汇合；如确需各自结束可以忽略",
            at=node,
        )
    if len(node.incoming) > 1 and not _fork_before(diagram, paths, node):
        found.warn(
            "join-without-fork",
            diagram.file,
            f"并行网关“{node.name or node.id}”等待的几路并不会同时到来，事项会停住",
            "请把它改为排他网关，或在前面用并行网关分开",
            at=node,
        )
    if len(node.incoming) > 1:
        _check_loop_back(diagram, paths, node, found)
        _check_starved(diagram, paths, node, found)


def _join_after(diagram: Diagram, paths: Paths, fork: Node) -> bool:
    """Tell whether two branches of a fork come together at a parallel or inclusive join."""
    branches = [paths.reach([entry(flow.target)]) for flow in diagram.out(fork)]
    return any(
        len(node.incoming) > 1
        and node.kind in {"parallelGateway", "inclusiveGateway"}
        and sum(entry(node.id) in branch for branch in branches) > 1
        for node in diagram.nodes.values()
    )


def _fork_before(diagram: Diagram, paths: Paths, join: Node) -> bool:
    """Tell whether something before a join sends tokens down two of the ways that it awaits."""
    arrivals = list(diagram.into(join))
    for node in diagram.nodes.values():
        ways = [(flow.id, paths.reach([entry(flow.target)])) for flow in diagram.out(node)]
        if node.kind not in {"parallelGateway", "inclusiveGateway"}:
            # An event that does not interrupt makes a second token.
            extra = [b for b in diagram.boundaries.get(node.id, ()) if not b.interrupting]
            if not extra:
                continue
            ways += [("", paths.reach([entry(boundary.id)])) for boundary in extra]
        served = [
            {f.id for f in arrivals if f.id == way or done(f.source) in points}
            for way, points in ways
        ]
        if len(set().union(*served)) > 1 and sum(bool(flows) for flows in served) > 1:
            return True
    return False


def _check_loop_back(diagram: Diagram, paths: Paths, join: Node, found: Findings) -> None:
    """Warn of a way from a join back to itself that brings one token where several are awaited.

    A way that goes through a fork again is fine: then all branches are done once more.
    """
    first = paths.reach(paths.start, without={join.id})
    alone = frozenset[Point]()
    if len(join.outgoing) == 1:
        forks = {node.id for node in diagram.nodes.values() if _makes_tokens(diagram, node)}
        targets = [entry(flow.target) for flow in diagram.out(join)]
        alone = paths.reach(targets, without={join.id, *forks})
    for flow in diagram.into(join):
        source = done(flow.source)
        if source in alone or (source in paths.reachable and source not in first):
            found.warn(
                "join-loop-back",
                diagram.file,
                f"流程经过并行网关“{join.name or join.id}”之后又绕回它前面的一路（{flow.id}），"
                "网关等待的其余各路不会同时到来，事项会停住",
                "请绕回到分开各路的并行网关之前，或先用排他网关合流再进入并行网关",
                at=join,
            )
            return


def _makes_tokens(diagram: Diagram, node: Node) -> bool:
    if node.kind in {"parallelGateway", "inclusiveGateway"}:
        return len(node.outgoing) > 1
    return any(not boundary.interrupting for boundary in diagram.boundaries.get(node.id, ()))


def _check_starved(diagram: Diagram, paths: Paths, join: Node, found: Findings) -> None:
    """Warn of an event that takes a branch away for which a join goes on waiting."""
    flows = list(diagram.into(join))

    def fed(points: frozenset[Point]) -> set[str]:
        return {flow.id for flow in flows if done(flow.source) in points}

    for boundary in diagram.nodes.values():
        activity = boundary.attached_to or ""
        if activity not in diagram.nodes or not boundary.interrupting:
            continue
        if "compensate" in boundary.event_kinds:
            continue  # it takes nothing away; that it does nothing at all is said elsewhere
        awaited = fed(paths.reach([done(activity)], without={join.id}))
        escape = paths.reach([entry(boundary.id)], without={join.id})
        if (
            awaited
            and not awaited & fed(escape)
            and _others_wait(diagram, paths, join, activity)
            and not _ends_all(diagram, escape, join)
        ):
            found.warn(
                "join-starved",
                diagram.file,
                f"“{boundary.name or boundary.id}”打断“{diagram.nodes[activity].name or activity}”"
                f"之后，这一路不再到达并行网关“{join.name or join.id}”，其余各路会一直等待",
                "请让打断后的流程先用排他网关并回这一路，或以终止结束事件结束整个流程",
                at=boundary,
            )


def _others_wait(diagram: Diagram, paths: Paths, join: Node, activity: str) -> bool:
    """Tell whether a fork sends one token to the activity and another one past it to the join."""
    for fork in diagram.nodes.values():
        if fork.kind not in {"parallelGateway", "inclusiveGateway"}:
            continue
        ways = [
            (
                flow.target == join.id,
                paths.reach([entry(flow.target)], without={join.id, fork.id}),
            )
            for flow in diagram.out(fork)
        ]
        inside = [entry(activity) in points for _, points in ways]
        past = [
            direct or any(done(flow.source) in points for flow in diagram.into(join))
            for direct, points in ways
        ]
        if any(inside) and any(p and not i for p, i in zip(past, inside, strict=True)):
            return True
    return False


def _ends_all(diagram: Diagram, escape: frozenset[Point], join: Node) -> bool:
    """Tell whether all ends of a way end everything around the join, and not just themselves."""
    ends = [
        node
        for node in diagram.inside(join.scope)
        if node.kind == "endEvent" and entry(node.id) in escape
    ]
    return bool(ends) and all({"terminate", "error"} & set(node.event_kinds) for node in ends)
