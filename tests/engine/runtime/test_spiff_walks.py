"""Random walks through random diagrams: however a run is stored, it goes the same way.

Three ways of running are compared after every step: everything in memory and nothing ever dropped;
compacted; compacted and restored from its snapshot before each command. Where stock SpiffWorkflow
is right (no loops, no inclusive gateways, no timers) it has to agree as well.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
from lxml import etree
from SpiffWorkflow.bpmn import BpmnEvent, BpmnWorkflow
from SpiffWorkflow.bpmn.parser import BpmnParser
from SpiffWorkflow.bpmn.specs.event_definitions.message import MessageEventDefinition
from SpiffWorkflow.util.task import TaskState

from engine.definitions.parsing import FrozenSpec, parse_bpmn
from engine.errors import StepBudgetExceeded, StuckInstance
from engine.runtime import spiff
from engine.runtime.spiff import Run
from engine.runtime.values import Environment
from tests.bpmn_builder import (
    TERMINATE,
    Block,
    Body,
    Boundary,
    Call,
    Catch,
    End,
    First,
    Fork,
    Loop,
    Or,
    Sub,
    Task,
    Throw,
    Xor,
    cycle,
    date_timer,
    definitions,
    duration,
    error,
    instances,
    message,
    signal,
)
from tests.spiff_driver import environment

VARIABLES = [f"v{i}" for i in range(5)]
START = date(2026, 1, 31)


@dataclass
class Kinds:
    """What a generated diagram may contain."""

    loops: bool = True
    inclusive: bool = True
    timers: bool = True
    special: bool = True
    for_stock: bool = False
    """Each message has one catcher, and no multi-instance follows a boundary event, where stock
    SpiffWorkflow stops with an exception."""


class Generator:
    """Makes a random structured body."""

    def __init__(self, seed: int, kinds: Kinds) -> None:
        self.random = random.Random(seed)
        self.kinds = kinds
        self.number = 0
        self.forked = False
        """Inside parallel branches an interruption would leave the join waiting for ever."""
        self.guarding = False

    def name(self, kind: str) -> str:
        self.number += 1
        return f"{kind}{self.number}"

    def condition(self) -> str:
        return f"{self.random.choice(VARIABLES)} > {self.random.randrange(4)}"

    def timer(self) -> str:
        return self.random.choice(
            [
                duration(f"P{self.random.randrange(1, 5)}M"),
                duration(f"P{self.random.randrange(1, 90)}D"),
                duration("PT36H"),
                date_timer("add_days('2026-02-28', 20)"),
            ]
        )

    def event(self) -> str:
        if self.kinds.timers and self.random.random() < 0.5:
            return self.timer()
        return message(self.name("m") if self.kinds.for_stock else self.random.choice("pqr"))

    def boundary(self, depth: int) -> list[Boundary]:
        found = []
        while self.random.random() < 0.3:
            interrupting = self.random.random() < (0.03 if self.forked else 0.6)
            definition = self.event()
            if self.kinds.timers and not interrupting and self.random.random() < 0.3:
                definition = cycle(f"R{self.random.randrange(1, 4)}/P1M")
            name = self.name("boundary")
            before, self.guarding = self.guarding, True
            body = self.body(depth + 2, 1)
            self.guarding = before
            found.append(Boundary(name, definition, body, interrupting=interrupting))
        return found

    def task(self, depth: int) -> Task:
        loop = ""
        if self.random.random() < 0.15 and not (self.guarding and self.kinds.for_stock):
            loop = instances(
                cardinality=str(self.random.randrange(1, 4)),
                sequential=self.random.random() < 0.5,
            )
        return Task(self.name("t"), boundary=self.boundary(depth), loop=loop)

    def body(self, depth: int, most: int = 3) -> Body:
        return [self.block(depth) for _ in range(self.random.randrange(1, most + 1))]

    def block(self, depth: int) -> Block:
        pick = self.random.random()
        if depth >= 4 or pick < 0.34:
            return self.task(depth)
        if pick < 0.50:
            return self.fork(depth)
        if pick < 0.62:
            branches = [
                (self.condition(), self.body(depth + 1, 2))
                for _ in range(self.random.randrange(1, 3))
            ]
            return Xor([*branches, (None, self.body(depth + 1, 2))])
        if pick < 0.72:
            name, boundary = self.name("s"), self.boundary(depth)
            return Sub(name, self.scope(depth), boundary=boundary)
        if pick < 0.80 and self.kinds.loops:
            return Loop(self.body(depth + 1, 2), self.condition())
        if pick < 0.86 and self.kinds.inclusive:
            return self.inclusive(depth)
        if pick < 0.90 and self.kinds.timers:
            return First(
                self.name("g"),
                [
                    (self.name("e"), self.timer(), self.body(depth + 2, 1)),
                    (self.name("e"), self.timer(), []),
                    (self.name("e"), message("p"), self.body(depth + 2, 1)),
                ],
            )
        if pick < 0.94:
            return Catch(self.name("c"), self.event())
        if self.kinds.special:
            return self.special(depth)
        return self.task(depth)

    def fork(self, depth: int) -> Fork:
        before, self.forked = self.forked, True
        found = Fork([self.body(depth + 1, 2) for _ in range(self.random.randrange(2, 4))])
        self.forked = before
        return found

    def scope(self, depth: int) -> Body:
        before, self.forked = self.forked, False
        found = self.body(depth + 1, 2)
        self.forked = before
        return found

    def inclusive(self, depth: int) -> Or:
        return Or(
            [
                (self.condition(), self.body(depth + 1, 2)),
                (self.condition(), self.body(depth + 1, 2)),
                (None, self.body(depth + 1, 1)),
            ]
        )

    def special(self, depth: int) -> Block:
        match self.random.randrange(4):
            case 0:
                return Throw(self.name("w"), self.random.choice([message("p"), signal("x"), ""]))
            case 1:
                failed = Boundary(self.name("f"), error("bad"), self.body(depth + 2, 1))
                way_out = Xor([(self.condition(), [End(self.name("x"), error("bad"))]), (None, [])])
                body = [Fork([[self.task(depth), way_out], self.body(depth + 1, 1)])]
                return Sub(self.name("s"), body, boundary=[failed])
            case 2:
                stop = Xor([(self.condition(), [End(self.name("x"), TERMINATE)]), (None, [])])
                return Sub(self.name("s"), [Fork([[self.task(depth), stop], self.body(depth + 1)])])
            case _:
                return Call(self.name("k"), "other", boundary=self.boundary(depth))


def generate(seed: int, kinds: Kinds) -> tuple[bytes, FrozenSpec]:
    generator = Generator(seed, kinds)
    source = definitions(
        {"main": generator.body(0, 4), "other": [Task("o1"), Fork([[Task("o2")], [Task("o3")]])]}
    )
    return source, parse_bpmn({"walk.bpmn": source}, "main")


Command = Callable[..., Any]


def choose(run: Run, rng: random.Random, env: Environment, day: date) -> tuple[str, Command] | None:
    """Choose what happens next; the same in each way of running, because nothing but the ids of
    tasks may differ between them."""
    tasks, subscriptions, timers = run.open_tasks(), run.subscriptions(), run.timers()
    options = (
        [("task", i) for i in range(len(tasks))]
        + [("event", i) for i in range(len(subscriptions))]
        + [("timer", 0)] * bool(timers)
    )
    if not options:
        return None
    kind, index = rng.choice(options)
    if kind == "task":
        values = {name: rng.randrange(4) for name in VARIABLES if rng.random() < 0.6}
        return f"complete {tasks[index].element}", lambda r, e: r.complete(
            r.open_tasks()[index].uid, values, day
        )
    if kind == "event":
        payload = {rng.choice(VARIABLES): rng.randrange(4)}
        return f"deliver {subscriptions[index].element}", lambda r, e: r.deliver(
            subscriptions[index].name, payload, uid=r.subscriptions()[index].uid, occurred_on=day
        )
    later = timers[0].due_at + timedelta(days=rng.choice([0, 0, 40]))

    def fire(r: Run, e: Environment) -> int:
        e.clock.set(max(later, e.clock.now()))
        return r.fire_due()

    return f"fire {timers[0].element}", fire


def look(run: Run) -> dict[str, Any]:
    """All that can be seen of a run, without ids."""
    return {
        "tasks": [(t.element, t.item, t.value, t.variables) for t in run.open_tasks()],
        "timers": [(t.element, t.due_at) for t in run.timers()],
        "events": [(s.element, s.name, s.kind) for s in run.subscriptions()],
        "passed": [(p.element, p.variables, p.flows, p.instance) for p in run.passed],
        "sent": [(m.name, m.payload, m.kind) for m in run.take_messages()],
        "completed": (run.completed, run.variables if run.completed else None),
    }


def step(run: Run, command: Command, env: Environment) -> object:
    try:
        return command(run, env)
    except (StuckInstance, StepBudgetExceeded) as fault:
        return fault.code


@pytest.mark.parametrize("seed", range(80))
def test_storing_a_run_never_changes_its_way(seed, monkeypatch):
    _, spec = generate(seed, Kinds())
    real = spiff.compact

    def never(_: object) -> None:
        return None

    rng = random.Random(seed * 7 + 1)
    start = {name: rng.randrange(4) for name in VARIABLES}
    envs = [environment(step_budget=300) for _ in range(3)]
    runs = []
    for env, compact in zip(envs, (never, real, real), strict=True):
        env.clock.set(START)
        monkeypatch.setattr(spiff, "compact", compact)
        runs.append(Run.start(spec, start, env))
    day = START
    for _ in range(40):
        seen = [look(run) for run in runs]
        assert seen[1] == seen[0]
        assert seen[2] == seen[0]
        for run in runs:
            run.passed.clear()
        day += timedelta(days=rng.randrange(3))
        # The choice must not read the clock of one run while another moves.
        chosen = choose(runs[2], rng, envs[2], day)
        if chosen is None:
            assert all(run.completed for run in runs)
            break
        uids = [t.uid for t in runs[2].open_tasks()]
        runs[2] = Run.restore(spec, runs[2].snapshot(), envs[2])
        assert [t.uid for t in runs[2].open_tasks()] == uids
        results = []
        for run, env, compact in zip(runs, envs, (never, real, real), strict=True):
            monkeypatch.setattr(spiff, "compact", compact)
            results.append(step(run, chosen[1], env))
        assert results[1] == results[0]
        assert results[2] == results[0]
        if isinstance(results[0], str):
            break
        assert len(runs[2].snapshot()) < 9_000


class Stock:
    """The same diagram on SpiffWorkflow as it comes."""

    def __init__(self, source: bytes, start: dict[str, int]) -> None:
        parser = BpmnParser()
        root = etree.fromstring(source)
        parser.add_bpmn_xml(root)
        self.workflow = BpmnWorkflow(parser.get_spec("main"), parser.get_subprocess_specs("main"))
        self.workflow.task_tree.data.update(start)
        self.workflow.do_engine_steps()

    def open(self) -> list[Any]:
        return self.workflow.get_tasks(state=TaskState.READY, manual=True)

    def complete(self, element: str) -> None:
        next(t for t in self.open() if t.task_spec.bpmn_id == element).run()
        self.workflow.do_engine_steps()

    def deliver(self, name: str) -> None:
        self.workflow.catch(BpmnEvent(MessageEventDefinition(name), payload={}))
        self.workflow.get_events()
        self.workflow.do_engine_steps()


@pytest.mark.parametrize("seed", range(80))
def test_stock_agrees_where_it_is_right(seed):
    kinds = Kinds(loops=False, inclusive=False, timers=False, special=False, for_stock=True)
    source, spec = generate(seed, kinds)
    rng = random.Random(seed)
    start = {name: rng.randrange(4) for name in VARIABLES}
    env = environment()
    run = Run.start(spec, start, env)
    stock = Stock(source, start)
    for _ in range(60):
        tasks = run.open_tasks()
        ours = Counter(t.element for t in tasks)
        assert ours == Counter(t.task_spec.bpmn_id for t in stock.open())
        names = sorted({s.name for s in run.subscriptions()})
        options: list[Any] = [*tasks, *names]
        if not options:
            break
        chosen = rng.choice(options)
        run = Run.restore(spec, run.snapshot(), env)
        # Stock lets a late branch undo what an early one wrote: so nobody writes here.
        if isinstance(chosen, str):
            stock.deliver(chosen)
            command: Command = partial(Run.deliver, name=chosen, payload={})
        else:
            stock.complete(chosen.element)
            command = partial(Run.complete, uid=chosen.uid, variables={}, occurred_on=START)
        try:
            command(run)
        except StuckInstance:
            assert not stock.open()
            assert not stock.workflow.completed
            return
    assert run.completed == stock.workflow.completed
