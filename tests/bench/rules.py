"""Rules: what measuring a step costs on top of the step, in the procedure with the most rules.

The same matter is worked off with its rules and without them, side by side. Each step is held
against itself; the figure is that of the middle step. Each step is recorded on the day on which it
was done; beside it stands the same matter entered years later, where every step makes a finding.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial, wraps
from threading import Barrier
from typing import Any

from flask import Flask

from engine.clock import SystemClock
from engine.database import unit_of_work
from engine.definitions.operations import deploy_package
from engine.definitions.package import load_package
from engine.definitions.versions import Definition, load_definition
from engine.lint.scenarios import Scenario, play, read_cast_values, read_scenarios
from engine.lint.stories import Do
from engine.runtime import operations
from tests.bench.installation import installation
from tests.bench.report import Report, Spread, say
from tests.database_player import DatabasePlayer
from tests.shipped import deploy_shipped, package

SCENARIO = "happy_path"
PROCEDURE = "member_admission"
BARE = "admission_without_rules"
ROUNDS = 15
LIVE, LATE = "live", "late"


def without_rules() -> Mapping[str, bytes]:
    """Return the procedure under another key, without its rules and their parameters."""
    stored = package(PROCEDURE).stored
    files = {name: data for name, data in stored.items() if name != "rules.toml"}
    for name in ("process.toml", f"{PROCEDURE}.bpmn"):
        files[name] = files[name].replace(f'"{PROCEDURE}"'.encode(), f'"{BARE}"'.encode())
    return files


def plain(scenario: Scenario) -> Scenario:
    """Return a scenario that only acts: what it expects of limits and findings comes from rules."""
    return replace(
        scenario,
        actions=tuple(replace(do, expected={}) for do in scenario.actions),
        then={"status": "completed"},
    )


def day_by_day(scenario: Scenario) -> Scenario:
    """Return a scenario in which the clock goes along with what is done."""
    today: date | None = None
    actions: list[Do] = []
    for do in scenario.actions:
        if do.on is not None and (today is None or do.on > today):
            today = do.on
            actions.append(replace(do, action="clock", clock=today))
        actions.append(do)
    return replace(scenario, clock=actions[0].clock, actions=tuple(actions))


class Turns:
    """Two matters that are worked off side by side: each step of one next to that of the other.

    A machine that others use too is not the same from one second to the next. Side by side both
    steps meet the same one; who goes first changes with every step.
    """

    def __init__(self, round: int) -> None:
        self.round = round
        self._meet = Barrier(2, timeout=60)

    def timed(self, number: int, step: int, work: Callable[[], Any]) -> tuple[float, Any]:
        """Carry out step ``step`` of matter 0 or 1 while the other waits; return its seconds."""
        waits = (number + step + self.round) % 2
        self._meet.wait()
        if waits:
            self._meet.wait()
        began = time.perf_counter()
        done = work()
        seconds = time.perf_counter() - began
        if not waits:
            self._meet.wait()
        self._meet.wait()
        return seconds, done

    def give_up(self) -> None:
        """Let the other one go."""
        self._meet.abort()


@dataclass
class Lane:
    """One of the two, with the seconds that its steps took so far."""

    turns: Turns
    number: int
    seconds: list[float] = field(default_factory=list)


_lane: ContextVar[Lane] = ContextVar("lane")


@contextmanager
def taking_turns() -> Iterator[None]:
    """Let every completion of a task wait for its turn, and be timed."""
    command = operations.complete_task

    @wraps(command)
    def run(*given: Any, **more: Any) -> Any:
        lane = _lane.get()
        work = partial(command, *given, **more)
        seconds, done = lane.turns.timed(lane.number, len(lane.seconds), work)
        lane.seconds.append(seconds)
        return done

    operations.complete_task = run
    try:
        yield
    finally:
        operations.complete_task = command


TOLD: Mapping[str, Callable[[Scenario], Scenario]] = {LIVE: day_by_day, LATE: lambda told: told}


@dataclass(frozen=True)
class _Taken:
    """Milliseconds of each step, in the middle of all rounds."""

    without: list[float]
    extra: list[float]
    """What rules cost on top."""


def work_off(
    app: Flask, definition: Definition, lane: Lane, told: Callable[[Scenario], Scenario]
) -> list[float]:
    """Play the whole matter, ``told`` day by day or afterwards; return the seconds of its steps."""
    _lane.set(lane)
    cast, _ = read_cast_values(definition.package)
    scenarios, _ = read_scenarios(definition.package)
    story = told(plain(scenarios[SCENARIO]))
    try:
        with app.app_context():
            wrong = play(definition, story, scenarios, cast, DatabasePlayer)
        assert not wrong, wrong
    except BaseException:
        lane.turns.give_up()
        raise
    return lane.seconds


def measure(report: Report) -> None:
    """Work the matter off again and again, and compare each step with itself."""
    with installation("bench_rules", []) as installed, taking_turns():
        with unit_of_work() as session:
            ruled = deploy_shipped(session, SystemClock())
            stored = deploy_package(session, load_package(without_rules()), SystemClock())
            bare = load_definition(session, stored.version_id)
        pair = ruled, bare
        taken = {name: _rounds(installed.app, pair, told) for name, told in TOLD.items()}
    report.add("a step of member admission without rules, p50 ms", Spread.of(taken[LIVE].without))
    extra = Spread.of(taken[LIVE].extra)
    report.add("rules, p50 ms on top of a step", extra, key="rules_ms_per_step")
    late = Spread.of(taken[LATE].extra)
    report.add("the same, each step entered late and found so, ms", late)


def _rounds(
    app: Flask, pair: tuple[Definition, Definition], told: Callable[[Scenario], Scenario]
) -> _Taken:
    without: list[list[float]] = []
    extra: list[list[float]] = []
    with ThreadPoolExecutor(2) as pool:
        for number in range(ROUNDS + 1):
            turns = Turns(number)
            running = [
                pool.submit(work_off, app, definition, Lane(turns, lane), told)
                for lane, definition in enumerate(pair)
            ]
            ruled, bare = (one.result() for one in running)
            if number:  # the first one warms up
                without.append(bare)
                extra.append([a - b for a, b in zip(ruled, bare, strict=True)])
                more = f"{_middle(extra[-1]):.2f} ms more with rules"
                say(f"rules round {number}/{ROUNDS}, a step: {_middle(bare):.2f} ms, {more}")
    return _Taken(_each_step(without), _each_step(extra))


def _each_step(rounds: Sequence[Sequence[float]]) -> list[float]:
    return [_middle(step) for step in zip(*rounds, strict=True)]


def _middle(seconds: Sequence[float]) -> float:
    return 1000 * statistics.median(seconds)
