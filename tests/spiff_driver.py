"""What the tests of the run share: a shorthand for starting, completing and restoring."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from engine.calendars.functions import date_functions
from engine.calendars.notices import shipped_table
from engine.clock import ZONE, FixedClock
from engine.definitions.parsing import FrozenSpec, parse_bpmn
from engine.runtime.spiff import Run
from engine.runtime.values import Environment, OpenTask
from tests.bpmn_builder import Body, definitions

DAY = date(2026, 6, 10)
NOON = datetime(2026, 11, 22, 12, tzinfo=ZONE)


def environment(at: datetime = NOON, **settings: Any) -> Environment:
    clock = FixedClock(at)
    return Environment(clock, date_functions(shipped_table(), clock.today()), **settings)


def parse(body: Body, **others: Body) -> FrozenSpec:
    return parse_bpmn({"test.bpmn": definitions({"main": body, **others})}, "main")


class Instance:
    """An instance that is restored from its snapshot before every command."""

    def __init__(
        self,
        spec: FrozenSpec,
        env: Environment | None = None,
        *,
        restoring: bool = True,
        **variables: Any,
    ) -> None:
        self.spec = spec
        self.env = env or environment()
        self.restoring = restoring
        self.run = Run.start(spec, variables, self.env)

    @property
    def clock(self) -> FixedClock:
        assert isinstance(self.env.clock, FixedClock)
        return self.env.clock

    def fresh(self) -> Run:
        if self.restoring:
            self.run = Run.restore(self.spec, self.run.snapshot(), self.env)
        return self.run

    def open(self) -> list[str]:
        return [task.element for task in self.run.open_tasks()]

    def task(self, element: str, item: object = None) -> OpenTask:
        return next(
            task
            for task in self.run.open_tasks()
            if task.element == element and (item is None or task.item == item)
        )

    def complete(
        self, element: str, on: date = DAY, item: object = None, **variables: Any
    ) -> list[str]:
        run = self.fresh()
        run.complete(self.task(element, item).uid, variables, on)
        return self.open()

    def deliver(self, name: str, payload: dict[str, Any] | None = None, **how: Any) -> int:
        return self.fresh().deliver(name, payload or {}, **how)

    def advance(self, at: datetime | date) -> int:
        self.clock.set(at)
        return self.fresh().fire_due()

    def passed(self) -> list[str]:
        return [p.element for p in self.run.passed]
