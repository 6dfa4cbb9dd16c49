"""In process: list, claim and complete, beside the same three acts in hand-written SQL."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from engine.database import db
from engine.directory.actors import Actor
from engine.runtime.assignment import claim_task
from engine.runtime.completing import complete_task
from engine.runtime.queries.inbox import list_mine
from tests.bench import floors
from tests.bench.installation import Branch, Installation, installation
from tests.bench.packages import DATA, TEN, ten_tasks
from tests.bench.report import Report, Spread, say

ROUNDS = 9
TURNS = 12
TASKS = 10
"""The contenders take turns within a round, so that both meet the same noise of the machine."""
WARM_UP = 60


@dataclass
class Engine:
    """The engine's side: so many open matters, worked off from the top of the inbox."""

    installed: Installation
    branch: Branch
    matters: int = 1
    starts: list[float] = field(default_factory=list)
    open: int = 0

    def fill(self) -> None:
        """Start matters until there are enough."""
        actor = self.installed.actor(self.branch)
        while self.open < self.matters:
            began = time.perf_counter()
            self.installed.start(self.branch, TEN, actor)
            self.starts.append(time.perf_counter() - began)
            self.open += 1

    def work(self, count: int) -> float:
        """List, claim and complete ``count`` tasks; return the seconds taken.

        The actor is read from the directory anew for every ten tasks, as for a short visit.
        """
        self.fill()
        actor: Actor | None = None
        began = time.perf_counter()
        spent_filling = 0.0
        for number in range(count):
            if actor is None or number % 10 == 0:
                actor = self.installed.actor(self.branch)
            rows, _ = list_mine(db.session(), actor, self.installed.clock, limit=floors.PAGE)
            task_id = rows[0].id
            claim_task(task_id, actor=actor, clock=self.installed.clock)
            done = complete_task(task_id, DATA, actor=actor, clock=self.installed.clock)
            if done.ended:
                self.open -= 1
                pause = time.perf_counter()
                self.fill()
                spent_filling += time.perf_counter() - pause
        return time.perf_counter() - began - spent_filling


@dataclass
class Floor:
    """The floor's side, over one connection."""

    connection: floors.Connection
    owner: str

    def work(self, count: int) -> float:
        """List, claim and complete ``count`` tasks; return the seconds taken."""
        payload = floors.payload()
        began = time.perf_counter()
        for _ in range(count):
            task_id, matter_id, step, *_ = floors.list_tasks(self.connection, self.owner)[0]
            floors.claim(self.connection, self.owner, task_id)
            floors.complete(self.connection, self.owner, task_id, matter_id, step, payload)
        return time.perf_counter() - began

    def complete_only(self, count: int) -> float:
        """Complete ``count`` tasks without listing or claiming them; return the seconds taken."""
        payload = floors.payload()
        rows = floors.list_tasks(self.connection, self.owner)
        began = time.perf_counter()
        for number in range(count):
            task_id, matter_id, step, *_ = rows[number % len(rows)]
            floors.complete(self.connection, self.owner, task_id, matter_id, step, payload)
        return time.perf_counter() - began


def measure(report: Report) -> None:
    """Interleave the engine and the floors, and report tasks a second and their ratios.

    As with the peers one matter is worked off after the other, so an inbox holds one task. Beside
    it stands the same with a full page of open tasks in the inbox.
    """
    with installation("bench_engine", [ten_tasks()], branches=2) as installed:
        owner = floors.connect(installed.where.owner)
        floors.prepare_tables(owner, {"one": 1, "page": floors.PAGE})
        owner.close()
        connection = floors.connect(installed.where.app)
        engine = Engine(installed, installed.branches[0])
        full = Engine(installed, installed.branches[1], floors.PAGE)
        floor, full_floor = Floor(connection, "one"), Floor(connection, "page")
        contenders: dict[str, Callable[[int], float]] = {
            "floor": floor.work,
            "engine": engine.work,
            "strict": full_floor.complete_only,
            "full floor": full_floor.work,
            "full engine": full.work,
        }
        for work in contenders.values():
            work(WARM_UP)
        speeds: dict[str, list[float]] = {name: [] for name in contenders}
        for number in range(ROUNDS):
            spent = dict.fromkeys(contenders, 0.0)
            for turn in range(TURNS):
                order = list(contenders.items())
                for name, work in order if turn % 2 == 0 else reversed(order):
                    spent[name] += work(TASKS)
            for name, seconds in spent.items():
                speeds[name].append(TURNS * TASKS / seconds)
            say(
                f"engine round {number + 1}/{ROUNDS}: "
                + ", ".join(f"{name} {values[-1]:.0f}/s" for name, values in speeds.items())
            )
        connection.close()

    def ratio(one: str, other: str) -> Spread:
        return Spread.of([a / b for a, b in zip(speeds[one], speeds[other], strict=True)])

    report.add("SQL floor: list, claim, complete, tasks/s", Spread.of(speeds["floor"]), digits=0)
    report.add("SQL floor: the transaction alone, tasks/s", Spread.of(speeds["strict"]), digits=0)
    report.add("engine in process, tasks/s", Spread.of(speeds["engine"]), digits=0)
    report.add("engine ÷ SQL floor", ratio("engine", "floor"), key="engine_vs_sql_floor")
    report.add(
        "engine ÷ SQL floor, 20 tasks in the inbox",
        ratio("full engine", "full floor"),
        key="engine_vs_sql_floor_full_page",
    )
    report.add(
        "engine's three acts ÷ the transaction alone",
        ratio("engine", "strict"),
        key="engine_vs_sql_floor_strict",
    )
    report.add("starting a matter, ms", Spread.of([1000 * seconds for seconds in engine.starts]))
