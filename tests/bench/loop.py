"""A loop: a step in round 1 000 beside the same step in round 1."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass

from engine.directory.actors import Actor
from engine.runtime.completing import complete_task
from tests.bench.installation import Branch, Installation, installation
from tests.bench.packages import LOOP, LOOP_DATA, one_loop
from tests.bench.report import Report, Spread, say

LONG = 1_000
ROUNDS = 9
STEPS = 40
FRESH_STEPS = 4
"""A fresh matter is measured in its rounds 2 to 5, then comes another."""


@dataclass
class Matter:
    """A matter that goes round and round."""

    installed: Installation
    actor: Actor
    task_id: int
    rounds: int = 0

    def step(self) -> float:
        """Complete the open task so that the loop goes round; return the seconds taken."""
        began = time.perf_counter()
        done = complete_task(self.task_id, LOOP_DATA, actor=self.actor, clock=self.installed.clock)
        taken = time.perf_counter() - began
        (self.task_id,) = done.opened
        self.rounds += 1
        return taken


def measure(report: Report) -> None:
    """Take turns between one old matter and fresh ones, step by step."""
    with installation("bench_loop", [one_loop()]) as installed:
        branch = installed.branches[0]
        actor = installed.actor(branch)
        old = _begin(installed, branch, actor)
        while old.rounds < LONG:
            old.step()
        fresh = _begin(installed, branch, actor)
        late: list[float] = []
        early: list[float] = []
        ratios: list[float] = []
        for number in range(ROUNDS):
            slow, quick = [], []
            for _ in range(STEPS):
                if fresh.rounds in (0, FRESH_STEPS + 1):
                    fresh = _begin(installed, branch, actor)
                    fresh.step()
                slow.append(old.step())
                quick.append(fresh.step())
            late.append(statistics.median(slow))
            early.append(statistics.median(quick))
            ratios.append(late[-1] / early[-1])
            say(
                f"loop round {number + 1}/{ROUNDS}: {1000 * late[-1]:.2f} ms after {old.rounds}"
                f" rounds, {1000 * early[-1]:.2f} ms after 1"
            )
    report.add("a step after 1 round, p50 ms", Spread.of([1000 * s for s in early]))
    report.add("a step after 1 000 rounds, p50 ms", Spread.of([1000 * s for s in late]))
    report.add("after 1 000 rounds ÷ after 1", Spread.of(ratios), key="loop_1000_vs_1")


def _begin(installed: Installation, branch: Branch, actor: Actor) -> Matter:
    return Matter(installed, actor, installed.start(branch, LOOP, actor))
