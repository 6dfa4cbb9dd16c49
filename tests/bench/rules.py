"""Rules: what measuring a step costs on top of the step, in the procedure with the most rules.

The same matter is worked off with its rules and without them, in turns. Each step is held against
itself; the figure is that of the middle step. Each step is recorded on the day on which it was
done; beside it stands the same matter entered years later, where every step makes a finding.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from functools import wraps
from typing import Any

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


@contextmanager
def timed() -> Iterator[list[float]]:
    """Note the seconds that each completion of a task takes."""
    seconds: list[float] = []
    command = operations.complete_task

    @wraps(command)
    def run(*given: Any, **more: Any) -> Any:
        began = time.perf_counter()
        done = command(*given, **more)
        seconds.append(time.perf_counter() - began)
        return done

    operations.complete_task = run
    try:
        yield seconds
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
    definition: Definition, seconds: list[float], told: Callable[[Scenario], Scenario] = day_by_day
) -> list[float]:
    """Play the whole matter, ``told`` day by day or afterwards; return the seconds of its steps."""
    cast, _ = read_cast_values(definition.package)
    scenarios, _ = read_scenarios(definition.package)
    seconds.clear()
    story = told(plain(scenarios[SCENARIO]))
    wrong = play(definition, story, scenarios, cast, DatabasePlayer)
    assert not wrong, wrong
    return list(seconds)


def measure(report: Report) -> None:
    """Work the matter off again and again, and compare each step with itself."""
    with installation("bench_rules", []), timed() as seconds:
        with unit_of_work() as session:
            ruled = deploy_shipped(session, SystemClock())
            stored = deploy_package(session, load_package(without_rules()), SystemClock())
            bare = load_definition(session, stored.version_id)
        contenders = {"with rules": ruled, "without": bare}
        taken = {name: _rounds(contenders, seconds, told) for name, told in TOLD.items()}
    report.add("a step of member admission without rules, p50 ms", Spread.of(taken[LIVE].without))
    extra = Spread.of(taken[LIVE].extra)
    report.add("rules, p50 ms on top of a step", extra, key="rules_ms_per_step")
    late = Spread.of(taken[LATE].extra)
    report.add("the same, each step entered late and found so, ms", late)


def _rounds(
    contenders: Mapping[str, Definition],
    seconds: list[float],
    told: Callable[[Scenario], Scenario],
) -> _Taken:
    taken: dict[str, list[list[float]]] = {name: [] for name in contenders}
    for number in range(ROUNDS + 1):
        order = list(contenders.items())
        for name, definition in order if number % 2 else reversed(order):
            steps = work_off(definition, seconds, told)
            if number:  # the first ones warm up
                taken[name].append(steps)
        if number:
            said = (f"{_middle(rounds[-1]):.2f} ms {name}" for name, rounds in taken.items())
            say(f"rules round {number}/{ROUNDS}, a step: {', '.join(said)}")
    with_rules, without = taken.values()
    # Held against each other within the round: both met the same machine then.
    extra = [
        [a - b for a, b in zip(ruled, bare, strict=True)]
        for ruled, bare in zip(with_rules, without, strict=True)
    ]
    return _Taken(_each_step(without), _each_step(extra))


def _each_step(rounds: Sequence[Sequence[float]]) -> list[float]:
    return [_middle(step) for step in zip(*rounds, strict=True)]


def _middle(seconds: Sequence[float]) -> float:
    return 1000 * statistics.median(seconds)
