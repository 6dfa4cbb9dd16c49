"""Rules: what measuring a step costs on top of the step, in the procedure with the most rules.

Whole steps differ too much from one another to be subtracted, so the parts that exist because of
rules are timed where they happen: what the directory says with a step, the evaluation, and the
writing of findings and facts with the trips to the server.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from sqlalchemy.orm import Session

from engine.clock import SystemClock
from engine.database import unit_of_work
from engine.lint.cast import CastPerson
from engine.lint.scenarios import play, read_cast_values, read_scenarios
from engine.runtime import applying, completing
from tests.bench.installation import installation
from tests.bench.report import Report, Spread, say
from tests.database_player import DatabasePlayer
from tests.shipped import deploy_shipped

SCENARIO = "happy_path"
ROUNDS = 9


def send_waiting(session: Session) -> None:
    """Carry out what waits for the next statement."""
    session.connection().connection.driver_connection.send_waiting()  # type: ignore[union-attr]


PARTS = ((completing, "witness"), (applying, "judge_step"), (applying, "write_judged"))


class TimedPlayer(DatabasePlayer):
    """Plays through the commands and notes what the rules take of each step."""

    now: ClassVar[float] = 0.0
    seconds: ClassVar[list[float]] = []

    def complete(
        self,
        element: str,
        data: Any,
        on: Any,
        by: CastPerson | None,
        item: str | None = None,
        without: Any = (),
    ) -> None:
        """Complete a step, and note the seconds that went into rules."""
        TimedPlayer.now = 0.0
        super().complete(element, data, on, by, item, without)
        TimedPlayer.seconds.append(TimedPlayer.now)


@contextmanager
def timed() -> Iterator[None]:
    """Let the parts that rules add to a step be timed."""
    kept = {(module, name): getattr(module, name) for module, name in PARTS}

    def watch(function: Callable[..., Any]) -> Callable[..., Any]:
        def run(session: Session, *given: Any, **more: Any) -> Any:
            send_waiting(session)  # what the step itself has to say is not ours
            began = time.perf_counter()
            done = function(session, *given, **more)
            send_waiting(session)
            TimedPlayer.now += time.perf_counter() - began
            return done

        return run

    for (module, name), function in kept.items():
        setattr(module, name, watch(function))
    try:
        yield
    finally:
        for (module, name), function in kept.items():
            setattr(module, name, function)


def measure(report: Report) -> None:
    """Play the whole matter again and again, and take the middle step of each."""
    with installation("bench_rules", []), timed():
        with unit_of_work() as session:
            definition = deploy_shipped(session, SystemClock())
        cast, _ = read_cast_values(definition.package)
        scenarios, _ = read_scenarios(definition.package)
        middles: list[float] = []
        for number in range(ROUNDS + 1):
            TimedPlayer.seconds = []
            wrong = play(definition, scenarios[SCENARIO], scenarios, cast, TimedPlayer)
            assert not wrong, wrong
            if number:  # the first one warms up
                middles.append(1000 * statistics.median(TimedPlayer.seconds))
                say(f"rules round {number}/{ROUNDS}: {middles[-1]:.2f} ms a step")
    report.add("rules, p50 ms on top of a step", Spread.of(middles), key="rules_ms_per_step")
