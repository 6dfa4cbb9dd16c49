"""SpiffWorkflow's task tree, made small: tasks and workflows of a run.

A task has children only from the moment it runs (nothing is predicted), changes of state are not
logged, and waiting events are found in the tree instead of a second register.
"""

from __future__ import annotations

# mypy: disallow-subclassing-any=False
# (SpiffWorkflow ships no type information.)
from collections.abc import Callable, Mapping
from os import urandom
from typing import Any, Protocol

from SpiffWorkflow.bpmn import BpmnWorkflow
from SpiffWorkflow.bpmn.script_engine import PythonScriptEngine
from SpiffWorkflow.bpmn.specs.mixins.events.event_types import CatchingEvent
from SpiffWorkflow.bpmn.util.event import EventManager
from SpiffWorkflow.bpmn.util.subworkflow import BpmnSubWorkflow
from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskState

from engine.clock import Clock
from engine.definitions.branches import ON, Data, merge
from engine.errors import N_, ExpressionFault
from engine.expressions import compile_expression

READY: int = TaskState.READY
WAITING: int = TaskState.WAITING
STARTED: int = TaskState.STARTED
COMPLETED: int = TaskState.COMPLETED
UNREACHED: int = TaskState.FUTURE | TaskState.LIKELY | TaskState.MAYBE


def new_id() -> bytes:
    """Return a new random task id: the 16 bytes of a UUID of version 4.

    Inside a run ids are plain bytes, because these hash many times faster than UUIDs.
    """
    random = bytearray(urandom(16))
    random[6] = random[6] & 0x0F | 0x40
    random[8] = random[8] & 0x3F | 0x80
    return bytes(random)


class Step(Task):
    """A task of a run."""

    id: bytes
    data: Data
    inherited = False
    """Whether it has taken over what its parent knew. It does so once: parents are finished."""

    def _add_child(self, task_spec: Any, state: int = TaskState.MAYBE) -> Step:
        step = Step(self.workflow, task_spec, self, state=state, id=new_id())
        step.thread_id = self.thread_id
        if state == READY:
            step._ready()
        return step

    def _sync_children(self, task_specs: list[Any], state: int = TaskState.MAYBE) -> None:
        if not self._state & UNREACHED:
            super()._sync_children(task_specs, state)

    def _set_state(self, value: int) -> None:
        self._state = value

    def _ready(self) -> None:
        if self._state < COMPLETED:
            self._state = READY
            self.task_spec._on_ready_hook(self)

    def _inherit_data(self) -> None:
        if self.inherited:
            return
        self.inherited = True
        if self.data:  # an instance of a multi-instance has been given its item
            data = dict(self.data)
            merge(data, self.parent.data)
            self.data = data
        else:
            self.data = dict(self.parent.data)

    def run(self) -> None:
        self.task_spec._predict_hook(self)  # only now are there children
        done = self.task_spec._run(self)
        if self._state >= COMPLETED:
            # It threw the event that interrupted the scope it stands in; it did happen.
            self._state = COMPLETED
        elif done is None:
            self._state = STARTED
        else:
            self.complete()

    def complete(self) -> None:
        self._state = COMPLETED
        self.task_spec._on_complete(self)

    def cancel(self) -> None:
        # Stock removes unfinished children without ending the subprocesses they run.
        if self._state < COMPLETED:
            for child in self.children:
                child.cancel()
        super().cancel()

    def collect_log_extras(self, dct: dict[str, Any] | None = None) -> dict[str, Any]:
        return {}


def walk(workflow: Any) -> list[Step]:
    """Return the tasks of one workflow, depth first, in the order of their branches."""
    tasks = workflow.tasks
    found = []
    waiting = [workflow.task_tree.id]
    while waiting:
        step = tasks[waiting.pop()]
        found.append(step)
        if step._children:
            waiting += step._children[::-1]
    return found


def walk_all(top: Workflow) -> list[Step]:
    """Return the tasks of a workflow and its running subprocesses, each below its own task."""
    return _below(top, top) if top.subprocesses else walk(top)


def _below(top: Workflow, workflow: Any) -> list[Step]:
    found = []
    for step in walk(workflow):
        found.append(step)
        inner = top.subprocesses.get(step.id)
        if inner is not None and not inner.completed:
            found += _below(top, inner)
    return found


def find(top: Workflow, uid: bytes) -> Step | None:
    """Return a task of a workflow or of one of its subprocesses by its id."""
    for scope in (top, *top.subprocesses.values()):
        if uid in scope.tasks:
            found: Step = scope.tasks[uid]
            return found
    return None


class _Scope:
    """What a workflow and a subprocess have in common here."""

    tasks: dict[Any, Any]
    task_tree: Any
    completed: bool

    def plant(self) -> None:
        """Make the root task."""
        start = self.spec.start  # type: ignore[attr-defined]
        self.task_tree = Step(self, start, state=TaskState.FUTURE, id=new_id())
        self.task_tree._ready()

    def update_waiting_tasks(self) -> None:
        if not any(step._state == WAITING for step in self.tasks.values()):
            return
        waiting = [step for step in walk(self) if step._state == WAITING]
        for step in waiting:
            if step._state == WAITING:
                step.task_spec._update(step)

    def _task_completed_notify(self, task: Step) -> None:
        self.last_task = task
        if task.task_spec.name == "End":
            self._mark_complete(task)
        if self.completed:
            self.completed_event(self)  # type: ignore[attr-defined]
        else:
            self.update_waiting_tasks()

    def _mark_complete(self, task: Step) -> None:
        self.data.update(task.data)  # type: ignore[attr-defined]
        self.completed = True

    def collect_log_extras(self, dct: dict[str, Any] | None = None) -> dict[str, Any]:
        return {}


class SubProcessRun(_Scope, BpmnSubWorkflow):
    """A subprocess that is running."""

    def __init__(self, spec: Any, parent_task_id: Any, top_workflow: Workflow) -> None:
        super().__init__(spec, parent_task_id, top_workflow, deserializing=True)
        for name in spec.data_objects:
            self.data["data_objects"][name] = None


class Workflow(_Scope, BpmnWorkflow):
    """A process that is running."""

    def __init__(
        self, spec: Any, subprocess_specs: Mapping[str, Any], script_engine: ScriptEngine
    ) -> None:
        self.writes = 0
        """How many writes of variables there have been, see ``engine.definitions.branches``."""
        super().__init__(spec, subprocess_specs, script_engine=script_engine, deserializing=True)
        self.event_manager = _WaitingEvents(self)

    def create_subprocess(self, my_task: Step, spec_name: str) -> SubProcessRun:
        inner = SubProcessRun(self.subprocess_specs[spec_name], my_task.id, self)
        self.subprocesses[my_task.id] = inner
        inner.plant()
        return inner


class _WaitingEvents(EventManager):
    """Finds waiting events in the tree, so that their order does not depend on history."""

    def __init__(self, workflow: Workflow) -> None:
        self.workflow = workflow

    @property
    def tasks(self) -> dict[Any, Step]:
        return {
            step.id: step
            for step in walk_all(self.workflow)
            if step._state == WAITING and isinstance(step.task_spec, CatchingEvent)
        }

    def add_task(self, my_task: Step) -> None:
        """Nothing to register."""

    def remove_task(self, my_task: Step) -> None:
        """Nothing to register."""


class _Settings(Protocol):
    @property
    def clock(self) -> Clock: ...

    @property
    def functions(self) -> Mapping[str, Callable[..., Any]]: ...


class ExpressionEnvironment:
    """Evaluates every expression of a run in the safe language; runs no scripts."""

    def __init__(self, settings: _Settings) -> None:
        self.clock = settings.clock
        self.functions = settings.functions

    def evaluate(
        self,
        expression: str,
        context: Mapping[str, Any],
        external_context: Mapping[str, Any] | None = None,
    ) -> object:
        """Return the value of an expression; missing names are None. Raises ExpressionFault."""
        variables: Mapping[str, Any] = context
        if external_context or ON not in context:
            variables = {ON: {}, **(external_context or {}), **context}
        return compile_expression(expression).evaluate(variables, self.functions)

    def execute(self, *_: object, **__: object) -> None:
        """Refuse: there are no scripts."""
        raise ExpressionFault(N_("流程不执行脚本"))

    call_service = execute


class ScriptEngine(PythonScriptEngine):
    """What SpiffWorkflow asks when it needs a value."""

    def __init__(self, settings: _Settings) -> None:
        super().__init__(ExpressionEnvironment(settings))

    def evaluate(
        self, task: Step, expression: str, external_context: Mapping[str, Any] | None = None
    ) -> object:
        try:
            return self.environment.evaluate(expression, task.data, external_context)
        except ExpressionFault as fault:
            fault.params.setdefault("element", task.task_spec.bpmn_id)  # for the incident
            raise

    def execute(self, task: Step, script: str, external_context: Any = None) -> None:
        self.environment.execute()

    def call_service(self, task: Step, **_: object) -> None:
        self.environment.execute()
