"""Draw a BPMN diagram as SVG from its own layout, with the way of a matter marked on it.

Text in, text out: no browser, no script, no font file. What is drawn is what the diagram
interchange part of the file says; an element without a shape there is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final, NamedTuple

from lxml import etree

from engine.definitions.xml import local_name, read_xml
from engine.documents.lettering import FONT_SIZE, lines_of

_DI: Final = "http://www.omg.org/spec/BPMN/20100524/DI"
_DC: Final = "http://www.omg.org/spec/DD/20100524/DC"
_LINE: Final = "http://www.omg.org/spec/DD/20100524/DI"
_MARGIN: Final = 24
CLOSED: Final = "closedSubProcess"
"""A subprocess whose inside is a diagram of its own."""

_STYLE: Final = """
.bpmn .shape{fill:#fff;stroke:#57606a;stroke-width:1.5}
.bpmn .stage{fill:none;stroke:#57606a;stroke-width:1.5}
.bpmn .lane{fill:none;stroke:#aeb6bf}
.bpmn .band{fill:#f1f3f5;stroke:#aeb6bf}
.bpmn .flow{fill:none;stroke:#57606a;stroke-width:1.3}
.bpmn .head{fill:#57606a}
.bpmn text{font:12px "Noto Sans SC","PingFang SC","Microsoft YaHei",SimSun,sans-serif;fill:#1f2328}
.bpmn .title{font-size:15px;font-weight:bold}
.bpmn .done .shape{fill:#e8f5ec;stroke:#1b6e3c}
.bpmn .now .shape{fill:#fff4d6;stroke:#a6192e;stroke-width:3}
.bpmn .skipped .shape{fill:#fafafa;stroke:#b9bfc6;stroke-dasharray:5 3}
.bpmn .skipped text{fill:#57606a}
.bpmn .done.flow{stroke:#1b6e3c;stroke-width:2.4}
.bpmn .done.head{fill:#1b6e3c}
.bpmn .sign{stroke:#57606a;stroke-width:2;fill:none}
.bpmn .thin{stroke-width:1.2}
.bpmn .flag{fill:#a6192e}
.bpmn .flagged{fill:#fff;font-weight:bold}
.bpmn .tick{stroke:#1b6e3c;stroke-width:2.4;fill:none}
"""


class Box(NamedTuple):
    """A rectangle of the layout."""

    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> tuple[float, float]:
        """The point in its middle."""
        return self.x + self.width / 2, self.y + self.height / 2


@dataclass(frozen=True)
class Shape:
    """A node, lane or stage with its place."""

    id: str
    kind: str
    name: str
    box: Box
    label: Box | None
    event: str


@dataclass(frozen=True)
class Edge:
    """A sequence flow with its way."""

    id: str
    name: str
    source: str
    target: str
    points: tuple[tuple[float, float], ...]
    label: Box | None


@dataclass(frozen=True)
class Layout:
    """A diagram as it is drawn, in drawing order: what encloses comes first."""

    shapes: tuple[Shape, ...]
    edges: tuple[Edge, ...]

    @property
    def frame(self) -> Box:
        """The smallest rectangle around everything."""
        boxes = [s.box for s in self.shapes] + [s.label for s in self.shapes if s.label]
        boxes += [e.label for e in self.edges if e.label]
        xs = [x for e in self.edges for x, _ in e.points] + [b.x for b in boxes]
        ys = [y for e in self.edges for _, y in e.points] + [b.y for b in boxes]
        xs += [b.x + b.width for b in boxes]
        ys += [b.y + b.height for b in boxes]
        if not xs:
            return Box(0, 0, 0, 0)
        left, top = min(xs) - _MARGIN, min(ys) - _MARGIN
        return Box(left, top, max(xs) + _MARGIN - left, max(ys) + _MARGIN - top)

    def within(self, element: str) -> Layout | None:
        """Return the part of the diagram that an expanded subprocess encloses, border included."""
        outer = next((s.box for s in self.shapes if s.id == element), None)
        if outer is None:
            return None
        shapes = [s for s in self.shapes if _encloses(outer, *s.box.middle)]
        ids = {s.id for s in shapes}
        edges = [e for e in self.edges if e.source in ids and e.target in ids]
        return Layout(tuple(shapes), tuple(edges))


def read_layout(source: bytes, file: str = "diagram.bpmn") -> Layout:
    """Read the first diagram of a BPMN file. Raises PackageProblem for a file that is not XML."""
    return next(iter(read_layouts(source, file).values()), Layout((), ()))


def read_layouts(source: bytes, file: str = "diagram.bpmn") -> dict[str, Layout]:
    """Read all diagrams of a BPMN file, by what they show: the process, or a closed subprocess.

    The first is the whole; each closed subprocess (such as a component) has one of its own.
    Raises PackageProblem for a file that is not XML.
    """
    root = read_xml(source, file)
    known = {e.get("id"): e for e in root.iter() if local_name(e) and e.get("id")}
    found: dict[str, Layout] = {}
    for plane in root.iter(f"{{{_DI}}}BPMNPlane"):
        found.setdefault(plane.get("bpmnElement") or "", _layout(plane, known))
    return found


def _layout(plane: etree._Element, known: Mapping[str | None, etree._Element]) -> Layout:
    shapes, edges = [], []
    for item in plane.iter(f"{{{_DI}}}BPMNShape", f"{{{_DI}}}BPMNEdge"):
        element = known.get(item.get("bpmnElement"))
        if element is None:
            continue
        label = _box(item.find(f"{{{_DI}}}BPMNLabel/{{{_DC}}}Bounds"))
        name = element.get("name") or ""
        identity = element.get("id") or ""
        if item.tag == f"{{{_DI}}}BPMNEdge":
            points = tuple(
                (float(p.get("x", 0)), float(p.get("y", 0)))
                for p in item.iter(f"{{{_LINE}}}waypoint")
            )
            ends = element.get("sourceRef") or "", element.get("targetRef") or ""
            edges.append(Edge(identity, name, *ends, points, label))
        elif (box := _box(item.find(f"{{{_DC}}}Bounds"))) is not None:
            kind = local_name(element)
            if kind == "subProcess" and item.get("isExpanded") == "false":
                kind = CLOSED
            shapes.append(Shape(identity, kind, name, box, label, _event(element)))
    # Large things first, or they would cover what they enclose.
    order = {"participant": 0, "subProcess": 1, "lane": 2}
    shapes.sort(key=lambda s: (order.get(s.kind, 3), s.kind == "boundaryEvent"))
    return Layout(tuple(shapes), tuple(edges))


def draw(layout: Layout, states: Mapping[str, str], *, title: str, here: str) -> str:
    """Return the SVG of a diagram; ``states`` as of the matter's page: done, now, skipped.

    A word or a tick goes with every colour. ``here`` is the word at the present step.
    """
    frame = layout.frame
    view = " ".join(map(_n, frame))
    label = f'role="img" aria-label="{escape(title)}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="bpmn" viewBox="{view}" {label}>',
        f"<title>{escape(title)}</title><style>{_STYLE}</style>",
    ]
    stages = {"subProcess", "lane", "participant"}
    parts += [_region(s) for s in layout.shapes if s.kind in stages]
    parts += [_flow(edge, states) for edge in layout.edges]
    parts += [_node(s, states.get(s.id, ""), here) for s in layout.shapes if s.kind not in stages]
    parts.append("</svg>\n")
    return "\n".join(parts)


def _box(bounds: etree._Element | None) -> Box | None:
    if bounds is None:
        return None
    return Box(*(float(bounds.get(side, 0)) for side in ("x", "y", "width", "height")))


def _encloses(outer: Box, x: float, y: float) -> bool:
    return outer.x <= x <= outer.x + outer.width and outer.y <= y <= outer.y + outer.height


def _event(element: etree._Element) -> str:
    names = (local_name(child) for child in element)
    found = next((n for n in names if n.endswith("EventDefinition")), "")
    return found.removesuffix("EventDefinition")


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _region(shape: Shape) -> str:
    box = shape.box
    rect = f'x="{_n(box.x)}" y="{_n(box.y)}" width="{_n(box.width)}" height="{_n(box.height)}"'
    if shape.kind == "lane":
        middle = box.y + box.height / 2
        band = (
            f'<rect class="band" x="{_n(box.x)}" y="{_n(box.y)}" width="30"'
            f' height="{_n(box.height)}"/>'
        )
        word = (
            f'<text text-anchor="middle" transform="translate({_n(box.x + 19)} {_n(middle)})'
            f' rotate(-90)">{escape(shape.name)}</text>'
        )
        return f'<rect class="lane" {rect}/>{band}{word}'
    title = f'<text class="title" x="{_n(box.x + 10)}" y="{_n(box.y + 22)}">{escape(shape.name)}'
    return f'<rect class="stage" rx="8" {rect}/>{title}</text>'


def _flow(edge: Edge, states: Mapping[str, str]) -> str:
    if len(edge.points) < 2:
        return ""
    walked = states.get(edge.source) == "done" and states.get(edge.target) in ("done", "now")
    mark = "done " if walked else ""
    way = " ".join(f"{_n(x)},{_n(y)}" for x, y in edge.points)
    drawn = f'<polyline class="{mark}flow" points="{way}"/>' + _arrow(edge.points, mark)
    if edge.name and edge.label:
        drawn += _text(edge.name, edge.label)
    return drawn


def _arrow(points: Sequence[tuple[float, float]], mark: str) -> str:
    (x0, y0), (x1, y1) = points[-2:]
    length = ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5 or 1.0
    dx, dy = (x1 - x0) / length, (y1 - y0) / length
    corners = (
        (x1, y1),
        (x1 - 9 * dx - 4 * dy, y1 - 9 * dy + 4 * dx),
        (x1 - 9 * dx + 4 * dy, y1 - 9 * dy - 4 * dx),
    )
    way = " ".join(f"{_n(x)},{_n(y)}" for x, y in corners)
    return f'<polygon class="{mark}head" points="{way}"/>'


def _node(shape: Shape, state: str, here: str) -> str:
    box = shape.box
    cx, cy = box.x + box.width / 2, box.y + box.height / 2
    if shape.kind.endswith("Gateway"):
        drawn = _gateway(shape, cx, cy)
    elif shape.kind.endswith("Event"):
        drawn = _event_circles(shape, cx, cy)
    else:
        drawn = (
            f'<rect class="shape" rx="8" x="{_n(box.x)}" y="{_n(box.y)}"'
            f' width="{_n(box.width)}" height="{_n(box.height)}"/>'
        ) + _text(shape.name, Box(box.x + 5, box.y, box.width - 10, box.height), middle=True)
        if shape.kind == CLOSED:
            x, y = cx - 7, box.y + box.height - 16
            drawn += f'<path class="sign thin" d="M{_n(x)} {_n(y)}h14v14h-14zm7 3v8m-4 -4h8"/>'
        if state == "done":
            x, y = box.x + box.width - 17, box.y + 10
            drawn += f'<path class="tick" d="M{_n(x)} {_n(y)}l4 4 7 -8"/>'
        elif state == "now":
            drawn += (
                f'<rect class="flag" rx="3" x="{_n(box.x + 6)}" y="{_n(box.y - 12)}"'
                f' width="{12 * len(here) + 12}" height="20"/>'
                f'<text class="flagged" x="{_n(box.x + 12)}" y="{_n(box.y + 3)}">{escape(here)}'
                "</text>"
            )
    if shape.label is not None and shape.name and "rx" not in drawn:
        drawn += _text(shape.name, shape.label)
    words = f"<title>{escape(shape.name)}</title>" if shape.name else ""
    return f'<g class="{state}" data-element="{escape(shape.id)}">{words}{drawn}</g>'


def _gateway(shape: Shape, cx: float, cy: float) -> str:
    half = shape.box.width / 2
    corners = ((cx, cy - half), (cx + half, cy), (cx, cy + half), (cx - half, cy))
    way = " ".join(f"{_n(x)},{_n(y)}" for x, y in corners)
    drawn = f'<polygon class="shape" points="{way}"/>'
    x, y = _n(cx), _n(cy)
    match shape.kind:
        case "exclusiveGateway":
            return drawn + f'<path class="sign" d="M{x} {y}m-7 -7l14 14m0 -14l-14 14"/>'
        case "parallelGateway":
            return drawn + f'<path class="sign" d="M{x} {y}m-10 0h20m-10 -10v20"/>'
    return drawn + f'<circle class="sign" cx="{x}" cy="{y}" r="10"/>'


def _event_circles(shape: Shape, cx: float, cy: float) -> str:
    radius = shape.box.width / 2
    x, y = _n(cx), _n(cy)
    thick = ' style="stroke-width:3.5"' if shape.kind == "endEvent" else ""
    drawn = f'<circle class="shape" cx="{x}" cy="{y}" r="{_n(radius)}"{thick}/>'
    if shape.kind not in ("startEvent", "endEvent"):
        drawn += f'<circle class="sign thin" cx="{x}" cy="{y}" r="{_n(radius - 4)}"/>'
    match shape.event:
        case "timer":
            drawn += f'<path class="sign" d="M{x} {y}v-8m0 8l6 4"/>'
        case "message":
            drawn += f'<path class="sign thin" d="M{x} {y}m-8 -5h16v11h-16zl8 6 8 -6"/>'
        case "error":
            drawn += f'<path class="sign thin" d="M{x} {y}m-7 6l4 -11 5 8 5 -11"/>'
    return drawn


def _text(words: str, box: Box, *, middle: bool = False) -> str:
    lines = lines_of(words, max(box.width, 6 * FONT_SIZE))
    height = FONT_SIZE * 1.3
    first = box.y + FONT_SIZE
    if middle:
        first = box.y + (box.height - height * len(lines)) / 2 + FONT_SIZE
    return "".join(_line(line, box, first + n * height) for n, line in enumerate(lines))


def _line(line: str, box: Box, y: float) -> str:
    return (
        f'<text text-anchor="middle" x="{_n(box.x + box.width / 2)}" y="{_n(y)}">'
        f"{escape(line)}</text>"
    )
