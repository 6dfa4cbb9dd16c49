"""Writes BPMN for tests from nested Python values, so that a test shows the shape it is about.

A body is a list of blocks; each block is one of the small classes below. ``definitions`` turns
bodies into a file. Ids are given by the test, or made up in order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from xml.sax.saxutils import escape, quoteattr


@dataclass
class Task:
    """A user task; ``boundary`` events hang on it; ``loop`` is raw loop characteristics."""

    id: str
    boundary: Sequence[Boundary] = ()
    loop: str = ""
    kind: str = "userTask"
    attributes: str = ""


@dataclass
class Xor:
    """A choice: (condition, body) pairs in order; the last one, with None, is the default."""

    branches: Sequence[tuple[str | None, Body]]
    id: str | None = None


@dataclass
class Or:
    """An inclusive split and join: (condition, body) pairs, the last with None the default."""

    branches: Sequence[tuple[str | None, Body]]
    id: str | None = None


@dataclass
class Fork:
    """Parallel branches, joined again."""

    branches: Sequence[Body]
    id: str | None = None


@dataclass
class Loop:
    """Repeats its body while the condition holds after it."""

    body: Body
    again: str
    id: str | None = None


@dataclass
class Sub:
    """An embedded subprocess."""

    id: str
    body: Body
    boundary: Sequence[Boundary] = ()
    loop: str = ""


@dataclass
class Call:
    """A call activity."""

    id: str
    process: str
    boundary: Sequence[Boundary] = ()
    loop: str = ""


@dataclass
class Catch:
    """An intermediate catching event; ``definition`` is made with the helpers below."""

    id: str
    definition: str


@dataclass
class Throw:
    """An intermediate throwing event."""

    id: str
    definition: str = ""


@dataclass
class First:
    """An event-based gateway: (event id, definition, body)."""

    id: str
    branches: Sequence[tuple[str, str, Body]]


@dataclass
class End:
    """An end event here and now; what follows in the body is left out."""

    id: str
    definition: str = ""


@dataclass
class Boundary:
    """A boundary event and what follows it, up to an end event of its own."""

    id: str
    definition: str
    body: Body = field(default_factory=list)
    interrupting: bool = True


Block = Task | Xor | Or | Fork | Loop | Sub | Call | Catch | Throw | First | End
Body = Sequence[Block]


def date_timer(text: str) -> str:
    return f"<timerEventDefinition><timeDate>{escape(text)}</timeDate></timerEventDefinition>"


def duration(text: str) -> str:
    return (
        f"<timerEventDefinition><timeDuration>{escape(text)}</timeDuration></timerEventDefinition>"
    )


def cycle(text: str) -> str:
    return f"<timerEventDefinition><timeCycle>{escape(text)}</timeCycle></timerEventDefinition>"


def message(name: str) -> str:
    return f'<messageEventDefinition messageRef="message_{name}"/>'


def signal(name: str) -> str:
    return f'<signalEventDefinition signalRef="signal_{name}"/>'


def error(code: str) -> str:
    return f'<errorEventDefinition errorRef="error_{code}"/>'


TERMINATE = "<terminateEventDefinition/>"


def instances(
    over: str | None = None,
    *,
    cardinality: str | None = None,
    item: str | None = None,
    output: tuple[str, str] | None = None,
    sequential: bool = False,
    until: str | None = None,
) -> str:
    """Multi-instance characteristics. ``output`` is (collection, item)."""
    parts = []
    if cardinality is not None:
        parts.append(f"<loopCardinality>{escape(cardinality)}</loopCardinality>")
    if over is not None:
        parts.append(f"<loopDataInputRef>{over}</loopDataInputRef>")
    if output is not None:
        parts.append(f"<loopDataOutputRef>{output[0]}</loopDataOutputRef>")
    if item is not None:
        parts.append(f'<inputDataItem id="{item}"/>')
    if output is not None:
        parts.append(f'<outputDataItem id="{output[1]}"/>')
    if until is not None:
        parts.append(f"<completionCondition>{escape(until)}</completionCondition>")
    return (
        f'<multiInstanceLoopCharacteristics isSequential="{str(sequential).lower()}">'
        f"{''.join(parts)}</multiInstanceLoopCharacteristics>"
    )


class _Scope:
    """Collects the nodes and flows of one process or subprocess."""

    def __init__(self, prefix: str, numbers: count[int]) -> None:
        self.prefix = prefix
        self.numbers = numbers
        self.nodes: list[str] = []
        self.flows: list[str] = []

    def new_id(self, kind: str) -> str:
        return f"{kind}_{next(self.numbers)}"

    def node(self, tag: str, identity: str, content: str = "", attributes: str = "") -> str:
        self.nodes.append(f'<{tag} id="{identity}" {attributes}>{content}</{tag}>')
        return identity

    def flow(self, source: str, target: str, condition: str | None = None) -> str:
        identity = self.new_id("flow")
        content = (
            f"<conditionExpression>{escape(condition)}</conditionExpression>" if condition else ""
        )
        self.flows.append(
            f'<sequenceFlow id="{identity}" sourceRef="{source}" targetRef="{target}">'
            f"{content}</sequenceFlow>"
        )
        return identity

    def whole(self, body: Body) -> str:
        start = self.node("startEvent", self.new_id(f"{self.prefix}_start"))
        self.ended(start, body)
        return "".join(self.nodes + self.flows)

    def ended(self, start: str, body: Body) -> None:
        """Write a body from ``start`` to an end event."""
        last = self.body(start, body)
        if last is not None:
            self.flow(last, self.node("endEvent", self.new_id(f"{self.prefix}_end")))

    def body(self, source: str, body: Body, condition: str | None = None) -> str | None:
        """Write blocks after ``source``; return the last node, None if all ways have ended."""
        current: str | None = source
        for block in body:
            if current is None:
                return None
            current = self.block(current, block, condition)
            condition = None
        return current

    def block(self, source: str, block: Block, condition: str | None) -> str | None:
        match block:
            case Task():
                self.node(block.kind, block.id, block.loop, block.attributes)
                self.boundaries(block.id, block.boundary)
            case Sub():
                inner = _Scope(block.id, self.numbers).whole(block.body)
                self.node("subProcess", block.id, block.loop + inner)
                self.boundaries(block.id, block.boundary)
            case Call():
                called = f"calledElement={quoteattr(block.process)}"
                self.node("callActivity", block.id, block.loop, called)
                self.boundaries(block.id, block.boundary)
            case Catch():
                self.node("intermediateCatchEvent", block.id, block.definition)
            case Throw():
                self.node("intermediateThrowEvent", block.id, block.definition)
            case End():
                self.node("endEvent", block.id, block.definition)
                self.flow(source, block.id, condition)
                return None
            case Xor():
                return self.choice("exclusiveGateway", source, block, condition)
            case Or():
                return self.choice("inclusiveGateway", source, block, condition)
            case Fork():
                split = self.node("parallelGateway", block.id or self.new_id("fork"))
                join = self.new_id("join")
                self.flow(source, split, condition)
                self.node("parallelGateway", join)
                for branch in block.branches:
                    last = self.body(split, branch)
                    if last is not None:
                        self.flow(last, join)
                return join
            case Loop():
                entry = self.node("exclusiveGateway", self.new_id("again"))
                decide = block.id or self.new_id("decide")
                self.flow(source, entry, condition)
                last = self.body(entry, block.body)
                assert last is not None
                exit_ = self.node("exclusiveGateway", self.new_id("leave"))
                self.flow(last, decide)
                self.flow(decide, entry, block.again)
                default = self.flow(decide, exit_)
                self.node("exclusiveGateway", decide, "", f'default="{default}"')
                return exit_
            case First():
                self.node("eventBasedGateway", block.id)
                self.flow(source, block.id, condition)
                join = self.node("exclusiveGateway", self.new_id("merge"))
                for identity, definition, branch in block.branches:
                    self.node("intermediateCatchEvent", identity, definition)
                    self.flow(block.id, identity)
                    last = self.body(identity, branch)
                    if last is not None:
                        self.flow(last, join)
                return join
        self.flow(source, block.id, condition)
        return block.id

    def choice(self, tag: str, source: str, block: Xor | Or, condition: str | None) -> str | None:
        split = block.id or self.new_id("choice")
        self.flow(source, split, condition)
        join = self.new_id("merge")
        default = None
        joined = False
        for when, branch in block.branches:
            before = len(self.flows)
            last = self.body(split, branch, when)
            if last == split:  # an empty branch
                self.flow(split, join, when)
                joined = True
            elif last is not None:
                self.flow(last, join)
                joined = True
            if when is None:
                default = self.flows[self.first_from(split, before)].split('"')[1]
        self.node(tag, split, "", f'default="{default}"' if default else "")
        if joined:
            self.node(tag, join)
        return join if joined else None

    def first_from(self, source: str, start: int) -> int:
        wanted = f'sourceRef="{source}"'
        return next(i for i in range(start, len(self.flows)) if wanted in self.flows[i])

    def boundaries(self, activity: str, events: Sequence[Boundary]) -> None:
        for event in events:
            attributes = (
                f'attachedToRef="{activity}" cancelActivity="{str(event.interrupting).lower()}"'
            )
            self.node("boundaryEvent", event.id, event.definition, attributes)
            self.ended(event.id, event.body)


def definitions(processes: dict[str, Body], *, extra: str = "") -> bytes:
    """Write a BPMN file with these processes; messages, signals and errors are declared as used."""
    numbers = count(1)
    inner = "".join(
        f'<process id="{name}" isExecutable="true">{_Scope(name, numbers).whole(body)}</process>'
        for name, body in processes.items()
    )
    return wrap(inner, extra=extra)


def wrap(inner: str, *, extra: str = "") -> bytes:
    """Put raw processes into a file and declare the messages, signals and errors they use."""
    declared = "".join(
        f'<{tag} id="{tag}_{name}" name="{name}" {attribute}/>'
        for tag in ("message", "signal", "error")
        for name in sorted({part.split('"')[0] for part in inner.split(f'{tag}Ref="{tag}_')[1:]})
        for attribute in [f'errorCode="{name}"' if tag == "error" else ""]
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        f'targetNamespace="urn:test">{declared}{extra}{inner}</definitions>'
    ).encode()
