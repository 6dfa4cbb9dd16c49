"""Which way a matter can go through a diagram: reachability, and what is always done before.

Subprocesses are flattened. Each node has an entry and an exit; a flow leads from an exit to an
entry, a boundary event hangs on the entry of its activity, and a subprocess is left by its ends.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from engine.lint.diagram import SUBPROCESSES, Diagram, Node

Point = tuple[str, str]
"""A node id with ``in`` (reached, not yet done) or ``out`` (done)."""


def entry(node: str) -> Point:
    """Return the point at which a node has been reached."""
    return (node, "in")


def done(node: str) -> Point:
    """Return the point at which a node has been passed."""
    return (node, "out")


@dataclass(frozen=True)
class Paths:
    """The flattened graph of one process."""

    diagram: Diagram
    start: tuple[Point, ...]
    after: Mapping[Point, tuple[Point, ...]]
    before: Mapping[Point, tuple[Point, ...]]

    def reach(
        self,
        points: Iterable[Point],
        *,
        backwards: bool = False,
        without: Container[str] = frozenset(),
    ) -> frozenset[Point]:
        """Return all points that can be reached from some, those included.

        ``without`` are nodes through which no way is looked for.
        """
        near = self.before if backwards else self.after

        def following(point: Point) -> Iterable[Point]:
            return (p for p in near.get(point, ()) if p[0] not in without)

        return _spread([p for p in points if p[0] not in without], following)

    @cached_property
    def reachable(self) -> frozenset[Point]:
        """All points that a matter can come to."""
        return self.reach(self.start)

    @cached_property
    def always(self) -> Mapping[Point, frozenset[str]]:
        """For each point that can be reached, the nodes that are done whenever it is reached.

        Where ways meet, only what is common to all counts; at a parallel join, what any of them
        did. Branches that end apart are taken for alternatives, so the answer may be too small.
        """
        everything = frozenset(id for id, side in self.after if side == "out")
        state: dict[Point, frozenset[str]] = dict.fromkeys(self.reachable, everything)
        for point in self.start:
            state[point] = frozenset()
        queue = deque(sorted(self.reachable))
        waiting = set(queue)
        while queue:
            point = queue.popleft()
            waiting.discard(point)
            new = self._done_at(point, state)
            if new != state[point]:
                state[point] = new
                for following in self.after.get(point, ()):
                    if following in state and following not in waiting:
                        waiting.add(following)
                        queue.append(following)
        return state

    def _done_at(self, point: Point, state: Mapping[Point, frozenset[str]]) -> frozenset[str]:
        if point in self.start:
            return frozenset()
        arrivals = [state[p] for p in self.before.get(point, ()) if p in state]
        node = self.diagram.nodes[point[0]]
        if point[1] == "in" and node.kind == "parallelGateway":
            found = frozenset().union(*arrivals)
        else:
            found = frozenset.intersection(*arrivals) if arrivals else frozenset()
        return found | {point[0]} if point[1] == "out" else found

    def can_follow(self, earlier: str, later: str) -> bool:
        """Tell whether ``later`` can be reached once ``earlier`` is done."""
        return entry(later) in self.reach([done(earlier)])


def paths_of(diagram: Diagram, process: str) -> Paths:
    """Flatten a process and its subprocesses."""
    inside = set(_members(diagram, process))
    after: dict[Point, list[Point]] = {}
    before: dict[Point, list[Point]] = {}

    def link(a: Point, b: Point) -> None:
        after.setdefault(a, []).append(b)
        before.setdefault(b, []).append(a)

    for id in inside:
        node = diagram.nodes[id]
        after.setdefault(entry(id), [])
        after.setdefault(done(id), [])
        ends = []
        if node.kind in SUBPROCESSES:
            for inner in diagram.inside(id):
                if inner.kind == "startEvent":
                    link(entry(id), entry(inner.id))
                elif inner.kind == "endEvent":
                    ends.append(inner)
                    if _ends_normally(inner):
                        link(done(inner.id), done(id))
        if not ends:
            link(entry(id), done(id))
        if node.attached_to in inside and node.attached_to is not None:
            link(entry(node.attached_to), entry(id))
            # What happens inside a subprocess can go before its boundary event does.
            if diagram.nodes[node.attached_to].kind in SUBPROCESSES:
                for inner_id in _members(diagram, node.attached_to):
                    link(entry(inner_id), entry(id))
    for flow in diagram.flows.values():
        if flow.source in inside and flow.target in inside:
            link(done(flow.source), entry(flow.target))
    start = tuple(entry(node.id) for node in diagram.inside(process) if node.kind == "startEvent")
    return Paths(
        diagram,
        start,
        {point: tuple(points) for point, points in after.items()},
        {point: tuple(points) for point, points in before.items()},
    )


def _ends_normally(node: Node) -> bool:
    """Tell whether an end event lets its subprocess end; an error leaves by the boundary."""
    return not {"error", "cancel"} & set(node.event_kinds)


def _members(diagram: Diagram, scope: str) -> Iterable[str]:
    for node in diagram.inside(scope):
        yield node.id
        if node.kind in SUBPROCESSES:
            yield from _members(diagram, node.id)


def _spread(
    points: Iterable[Point], following: Callable[[Point], Iterable[Point]]
) -> frozenset[Point]:
    seen = set(points)
    queue = deque(seen)
    while queue:
        for point in following(queue.popleft()):
            if point not in seen:
                seen.add(point)
                queue.append(point)
    return frozenset(seen)
