"""A process instance while it takes a step: the token engine behind a small interface.

With ``tree``, ``instances``, ``waiting``, ``compaction`` and ``snapshot`` beside it the only place
that touches SpiffWorkflow's run time. A :class:`Run` lives for one step: restored from a snapshot,
moved, snapshotted, dropped. When anything fails, it is thrown away and the instance stays as it
was. A run belongs to one thread; the specification behind it is shared by all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from typing import Any, Final, Literal
from uuid import UUID

import msgpack
from SpiffWorkflow.bpmn.specs.control import BoundaryEventSplit
from SpiffWorkflow.bpmn.specs.mixins.events.event_types import CatchingEvent
from SpiffWorkflow.bpmn.specs.mixins.multiinstance_task import LoopTask
from SpiffWorkflow.bpmn.util.event import BpmnEvent

from engine.clock import ZONE
from engine.definitions import behaviour
from engine.definitions.branches import (
    ON,
    Data,
    latest_day,
    record_day,
    visible,
    write,
)
from engine.definitions.parsing import FrozenSpec
from engine.definitions.timers import repeats
from engine.errors import (
    N_,
    EngineFault,
    ExpressionFault,
    GuichengError,
    StepBudgetExceeded,
    StuckInstance,
    TaskClosed,
)
from engine.runtime import snapshot as snapshots
from engine.runtime.compaction import compact
from engine.runtime.instances import activity_of, add_item, item_of, items_of, remove_item
from engine.runtime.tree import (
    COMPLETED,
    READY,
    STARTED,
    WAITING,
    ScriptEngine,
    Step,
    Workflow,
    find,
    walk,
    walk_all,
)
from engine.runtime.values import (
    Environment,
    Message,
    OpenTask,
    Passed,
    PendingTimer,
    Subscription,
)
from engine.runtime.waiting import armed_timers, catchers, event_uid

COMPACT_EVERY: Final = 64
"""After how many automatic activities the tree is compacted inside a step."""


class Run:
    """A live, throw-away workflow."""

    def __init__(self, spec: FrozenSpec, workflow: Workflow, environment: Environment) -> None:
        self.spec = spec
        self.environment = environment
        self.passed: list[Passed] = []
        """What was completed in this step, in order."""
        self._workflow = workflow
        self._messages: list[Message] = []
        self._dates = spec.dates | environment.dates
        self._variables = spec.variables | environment.variables
        self._budget = 0
        self._spent = False

    # --- beginning and end

    @classmethod
    def start(cls, spec: FrozenSpec, variables: Mapping[str, Any], environment: Environment) -> Run:
        """Begin a new instance and run it to its first wait."""
        workflow = Workflow(spec.spec, spec.subprocess_specs, ScriptEngine(environment))
        run = cls(spec, workflow, environment)
        with run._step():
            workflow.plant()
            write(workflow.task_tree, run._kept(variables))
        return run

    @classmethod
    def restore(cls, spec: FrozenSpec, snapshot: bytes, environment: Environment) -> Run:
        """Take up an instance where its snapshot left it."""
        return cls(spec, snapshots.load(spec, snapshot, ScriptEngine(environment)), environment)

    def snapshot(self) -> bytes:
        """Return the state, to be restored around the same specification."""
        self._check_usable()
        return snapshots.dump(self._workflow)

    @property
    def completed(self) -> bool:
        """Whether the instance has ended, by itself or by :meth:`cancel`."""
        return bool(self._workflow.completed)

    @property
    def cancelled(self) -> bool:
        """Whether the instance was cancelled."""
        return self.completed and not self._workflow.success

    @property
    def variables(self) -> Data:
        """What a completed instance knew at its end."""
        return visible(self._workflow.data)

    # --- moving

    def complete(self, uid: UUID, variables: Mapping[str, Any], occurred_on: date) -> None:
        """Complete an open task that happened on ``occurred_on``, and run on to the next wait.

        Only the variables that the diagram reads (or the environment names) are kept.

        Raises TaskClosed when the task is not open, EngineFault when the definition misbehaves;
        the run is then of no more use.
        """
        with self._step():
            task = find(self._workflow, uid.bytes)
            if task is None or task._state != READY or not task.task_spec.manual:
                raise TaskClosed
            write(task, self._kept(variables))
            self._happened(task, task.task_spec.bpmn_id, occurred_on)
            self._perform(task)

    def fire_due(self) -> int:
        """Fire the timers that are due, in the order of their moments; return how many."""
        with self._step() as fired:
            pass
        return fired[0]

    def deliver(
        self,
        name: str,
        payload: Mapping[str, Any],
        *,
        uid: UUID | None = None,
        occurred_on: date | None = None,
    ) -> int:
        """Deliver a message or signal; return how many events caught it.

        With ``uid`` exactly that catcher is addressed, as listed in :meth:`subscriptions`.
        """
        caught = 0
        with self._step():
            for task, element, definition in list(catchers(self._workflow)):
                if definition.name != name or task._state != WAITING:
                    continue
                if uid is not None and event_uid(task, element) != uid:
                    continue
                if occurred_on is not None:
                    self._happened(task, element, occurred_on)
                event = BpmnEvent(definition, payload=self._kept(payload))
                task.task_spec.catch(task, event)
                task.task_spec._update(task)
                caught += 1
        return caught

    def items(self, element: str) -> list[Any]:
        """Return the items of an open activity that runs once for each. Raises TaskClosed."""
        return items_of(self._workflow, element)

    def activity(self, element: str) -> bytes:
        """Return the id of an open activity that runs once for each item. Raises TaskClosed."""
        return activity_of(self._workflow, element)

    def add_item(self, element: str, item: Any) -> None:
        """Start an activity, open for each of a list, for one item more. Raises TaskClosed."""
        with self._step():
            add_item(self._workflow, element, item)

    def remove_item(self, element: str, item: Any) -> None:
        """Take an item away from an activity that is open for it. Raises TaskClosed."""
        with self._step():
            remove_item(self._workflow, element, item)

    def cancel(self) -> None:
        """End the instance without result."""
        self._check_usable()
        self._workflow.cancel()
        compact(self._workflow)

    # --- looking

    def open_elements(self) -> dict[bytes, str]:
        """Return the elements of the tasks that wait for a person, by the bytes of their uid.

        Cheap, however many there are.
        """
        return {
            task.id: task.task_spec.bpmn_id
            for task in walk_all(self._workflow)
            if task._state == READY and task.task_spec.manual
        }

    def open_task(self, uid: bytes) -> OpenTask | None:
        """Return the task that waits for a person, by the bytes of its uid."""
        task = find(self._workflow, uid)
        if task is None or task._state != READY or not task.task_spec.manual:
            return None
        element = task.task_spec.bpmn_id
        info = self.spec.elements[element]
        item, value = item_of(self._workflow, task)
        return OpenTask(
            uid=UUID(bytes=task.id),
            element=element,
            lane=info.lane,
            lane_name=info.lane_name,
            variables=_known(task.data),
            item=item,
            value=value,
            not_before=latest_day(task.data),
        )

    def open_tasks(self) -> list[OpenTask]:
        """Return the tasks that wait for a person, in the order of their branches."""
        return [task for uid in self.open_elements() if (task := self.open_task(uid))]

    def timers(self) -> list[PendingTimer]:
        """Return the armed timers, the earliest first."""
        return [
            PendingTimer(event_uid(task, element), element, due)
            for due, task, element, _ in armed_timers(self._workflow)
        ]

    def subscriptions(self) -> list[Subscription]:
        """Return the messages and signals that are waited for."""
        return [
            Subscription(event_uid(task, element), element, definition.name, _kind(definition))
            for task, element, definition in catchers(self._workflow)
        ]

    def take_passed(self) -> tuple[Passed, ...]:
        """Return, once, the elements that were passed, in order."""
        passed, self.passed = tuple(self.passed), []
        return passed

    def take_messages(self) -> list[Message]:
        """Return, once, the messages and signals thrown that nobody in the instance caught."""
        messages, self._messages = self._messages, []
        return messages

    # --- the machinery

    @contextmanager
    def _step(self) -> Iterator[list[int]]:
        """Run one command, then all that follows from it; yields a place for the count of timers.

        Whatever fails, the run is of no more use.
        """
        self._check_usable()
        self._spent = True
        self._budget = self.environment.step_budget
        fired = [0]
        try:
            yield fired
            self._run_automatic()
            while self._fire_next():
                fired[0] += 1
                self._run_automatic()
            self._collect_thrown()
            compact(self._workflow)
            self._check_alive()
        except GuichengError:
            raise
        except Exception as error:
            raise ExpressionFault(
                N_("流程运行出错（%(kind)s）：%(detail)s"),
                kind=type(error).__name__,
                detail=" ".join(str(error).split())[:200],
            ) from error
        self._spent = False

    def _check_usable(self) -> None:
        if self._spent:
            raise EngineFault(N_("这次运行已经失败，不能继续使用。"))

    def _run_automatic(self) -> None:
        """Run everything that waits for nobody, the innermost subprocesses first."""
        top = self._workflow
        progress = True
        while progress and not top.completed:
            progress = False
            inner = [run for run in top.subprocesses.values() if not run.completed]
            for run in sorted(inner, key=lambda run: run.depth, reverse=True):
                while self._run_ready(run):
                    progress = True
            if self._run_ready(top):
                progress = True

    def _run_ready(self, workflow: Any) -> bool:
        if workflow.completed or not any(map(_runs_by_itself, workflow.tasks.values())):
            return False  # Asked of every scope after every move; the order costs more.
        ready = [step for step in walk(workflow) if _runs_by_itself(step)]
        for step in ready:
            # One of them may have ended another: a terminate event, an interrupting boundary.
            if step._state == READY and step.id in workflow.tasks:
                self._perform(step)
        return bool(ready)

    def _perform(self, task: Step) -> None:
        self._spend()
        workflow = task.workflow
        task.run()
        if task._state == COMPLETED:
            self._record(task)
        holder = workflow.parent_task_id if workflow.completed else None
        if holder is not None and (outer := find(self._workflow, holder)) is not None:
            outer.task_spec._update(outer)

    def _spend(self) -> None:
        """Count an automatic activity; keep the tree small while there are many."""
        self._budget -= 1
        if self._budget < 0:
            raise StepBudgetExceeded(budget=self.environment.step_budget)
        if self._budget % COMPACT_EVERY == 0:
            compact(self._workflow)

    def _record(self, task: Step) -> None:
        element = getattr(task.task_spec, "bpmn_id", None)
        info = self.spec.elements.get(element) if element else None
        if info is None or repeats(task.task_spec):
            return
        taken: list[str] = []
        for child in task.children:
            if not child.triggered:
                target = _element_of(child.task_spec)
                taken += self.spec.steps_to.get((info.id, target), ())[:1]
        parent = task.parent
        self.passed.append(
            Passed(
                element=info.id,
                kind=info.kind,
                variables=_known(task.data),
                flows=tuple(dict.fromkeys(taken)),
                instance=parent is not None
                and isinstance(parent.task_spec, LoopTask)
                and parent.task_spec.bpmn_id == info.id,
            )
        )

    def _record_round(self, task: Step) -> None:
        info = self.spec.elements[task.task_spec.bpmn_id]
        self.passed.append(Passed(info.id, info.kind, _known(task.data), info.outgoing))

    def _happened(self, task: Step, element: str, day: date) -> None:
        data = dict(task.data)
        record_day(data, element, day, self._dates)
        task.data = data

    def _kept(self, variables: Mapping[str, Any]) -> Data:
        """Return a deep copy of the variables that are kept; they must be plain JSON values."""
        kept = {name: value for name, value in variables.items() if name in self._variables}
        copied: Data = msgpack.unpackb(msgpack.packb(kept)) if kept else {}
        return copied

    def _fire_next(self) -> bool:
        """Fire the timer that is due first, if it is due by now."""
        if self._workflow.completed:
            return False
        armed = armed_timers(self._workflow)
        if not armed or armed[0][0] > self.environment.clock.now():
            return False
        self._spend()
        due, task, element, timer = armed[0]
        self._happened(task, element, due.astimezone(ZONE).date())
        if isinstance(task.task_spec, behaviour.EventBasedGateway):
            task.task_spec.fire(task, timer)
        else:
            timer.fire(task)
            if repeats(task.task_spec):
                self._record_round(task)
        return True

    def _collect_thrown(self) -> None:
        """Take over what nobody inside caught; an error that nobody caught ends the step."""
        for event in self._workflow.get_events():
            definition = event.event_definition
            if isinstance(definition, behaviour.Error):
                raise EngineFault(
                    N_("错误事件 %(name)s 没有被捕获。"), name=definition.code or definition.name
                )
            if isinstance(definition, (behaviour.Message, behaviour.Signal)):
                self._messages.append(
                    Message(definition.name, visible(event.payload), _kind(definition))
                )

    def _check_alive(self) -> None:
        """Assert that the instance has ended or something can still move it."""
        top = self._workflow
        if top.completed:
            return
        for scope in (top, *top.subprocesses.values()):
            if scope.completed:
                continue
            if not any(
                step._state == STARTED
                or (step._state == READY and step.task_spec.manual)
                or (step._state == WAITING and isinstance(step.task_spec, CatchingEvent))
                for step in scope.tasks.values()
            ):
                raise StuckInstance


def _runs_by_itself(step: Step) -> bool:
    return step._state == READY and not step.task_spec.manual


def _known(data: Data) -> Data:
    return {**visible(data), ON: dict(data.get(ON, {}))}


def _kind(definition: Any) -> Literal["message", "signal"]:
    return "message" if isinstance(definition, behaviour.Message) else "signal"


def _element_of(spec: Any) -> str:
    if isinstance(spec, BoundaryEventSplit):
        spec = spec.outputs[0]
    return getattr(spec, "bpmn_id", None) or ""
