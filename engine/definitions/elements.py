"""What a diagram consists of, as values: elements, flows, expressions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from engine.errors import Problem

TASKS: Final = frozenset({"userTask", "manualTask", "task", "sendTask", "receiveTask"})
HUMAN_TASKS: Final = frozenset({"userTask", "manualTask", "task"})
"""The tasks that wait for a person."""
GATEWAYS: Final = frozenset(
    {"exclusiveGateway", "inclusiveGateway", "parallelGateway", "eventBasedGateway"}
)
EVENTS: Final = frozenset(
    {
        "startEvent",
        "endEvent",
        "intermediateCatchEvent",
        "intermediateThrowEvent",
        "boundaryEvent",
    }
)
SUBPROCESSES: Final = frozenset({"subProcess", "transaction"})
FLOW_NODES: Final = TASKS | GATEWAYS | EVENTS | SUBPROCESSES | {"callActivity"}


@dataclass(frozen=True, slots=True)
class FlowInfo:
    """A sequence flow. ``condition`` is its expression, ``default`` whether it is the default."""

    id: str
    source: str
    target: str
    name: str | None
    condition: str | None
    default: bool
    file: str
    line: int | None


@dataclass(frozen=True, slots=True)
class ElementInfo:
    """A flow node of the diagram.

    ``kind`` is the BPMN tag (``userTask``, ``exclusiveGateway`` …), ``lane`` and ``lane_name`` the
    id and name of the innermost lane that lists it or, failing that, an enclosing subprocess;
    ``parent`` the enclosing subprocess, ``process`` the ``<process>``; ``incoming`` and
    ``outgoing`` are ids of flows in document order.
    """

    id: str
    kind: str
    name: str
    lane: str | None
    lane_name: str | None
    parent: str | None
    process: str
    file: str
    line: int | None
    incoming: tuple[str, ...]
    outgoing: tuple[str, ...]
    multi_instance: bool
    """Runs once for each item of a collection."""
    looping: bool
    """Repeats itself (standard loop)."""
    event: str | None
    """For events: ``none``, ``timer``, ``message`` …"""
    event_name: str | None
    """The name of the message, signal, error code or escalation code."""
    attached_to: str | None
    """For boundary events: the activity."""
    interrupting: bool
    called: str | None
    """For call activities: the process."""
    documentation: str | None
    collection: str | None = None
    """The list for each of whose items it runs, all at once: where items can come and go."""


class ExpressionUse(NamedTuple):
    """Where an expression stands in a diagram."""

    element: str
    line: int | None
    source: str


@dataclass
class Diagram:
    """What the files say together, and what is wrong with them."""

    elements: dict[str, ElementInfo] = field(default_factory=dict)
    flows: dict[str, FlowInfo] = field(default_factory=dict)
    processes: dict[str, str] = field(default_factory=dict)
    """The file of each process."""
    expressions: list[ExpressionUse] = field(default_factory=list)
    data_names: set[str] = field(default_factory=set)
    """Variables that loops, data objects and data mappings name outside expressions."""
    problems: list[Problem] = field(default_factory=list)
