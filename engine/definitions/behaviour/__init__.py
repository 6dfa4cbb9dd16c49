"""How each BPMN element behaves, where that differs from SpiffWorkflow's own classes.

Stock classes read the past out of the tree of finished tasks: which branches have reached a join,
what they knew, what is predicted to come. Here every such fact stands in the waiting task itself.
So finished tasks can be dropped at any time, loops are as right on their thousandth round as on
their first, and a task has no children before it runs.

The objects are shared by all instances of a definition and never change once it is parsed.
"""

from __future__ import annotations

from SpiffWorkflow.bpmn.specs.mixins.multiinstance_task import LoopTask

from engine.definitions.behaviour.activities import (
    CallActivity,
    ParallelInstances,
    SequentialInstances,
    StandardLoop,
    SubProcess,
    Transaction,
)
from engine.definitions.behaviour.events import (
    BoundaryEvent,
    Error,
    Escalation,
    EventBasedGateway,
    FirstEvent,
    IntermediateCatchEvent,
    Message,
    ReceiveTask,
    Signal,
    StartEvent,
    stop_watching,
)
from engine.definitions.behaviour.gateways import (
    EndJoin,
    ExclusiveGateway,
    InclusiveGateway,
    ParallelGateway,
    Scope,
)

__all__ = [
    "BoundaryEvent",
    "CallActivity",
    "EndJoin",
    "Error",
    "Escalation",
    "EventBasedGateway",
    "ExclusiveGateway",
    "FirstEvent",
    "InclusiveGateway",
    "IntermediateCatchEvent",
    "Message",
    "ParallelGateway",
    "ParallelInstances",
    "ReceiveTask",
    "Scope",
    "SequentialInstances",
    "Signal",
    "StandardLoop",
    "StartEvent",
    "SubProcess",
    "Transaction",
    "freeze",
    "stop_watching",
]


def freeze(scope: Scope) -> None:
    """Wire what stock SpiffWorkflow would wire at run time, so that running changes nothing."""
    for spec in scope.task_specs.values():
        if isinstance(spec, LoopTask):
            inner = scope.task_specs[spec.task_spec]
            if not inner.completed_event.is_connected(spec.merge_child):
                inner.completed_event.connect(spec.merge_child)
        if isinstance(spec, InclusiveGateway):
            spec.find_upstream()
