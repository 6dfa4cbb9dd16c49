"""Every scenario of the procedure, looked ahead from again and again while it is played."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

import pytest

from engine.calendars.notices import shipped_table
from engine.clock import start_of_day
from engine.compliance.parameters import ParameterView
from engine.definitions.package import load_folder
from engine.definitions.versions import Definition, build_definition
from engine.lint.play import Player
from engine.lint.scenarios import play, read_cast_values, read_scenarios
from engine.lint.stories import Scenario
from engine.runtime.forecasting import Forecast, foresee
from engine.runtime.measuring import Measure
from tests.compliance_builder import PROCESSES, book


@cache
def definition() -> Definition:
    return build_definition(load_folder(PROCESSES / "member_admission"))


@cache
def scenarios() -> Mapping[str, Scenario]:
    return read_scenarios(definition().package)[0]


@dataclass
class Looking(Player):
    """A player that looks ahead from the day of each step."""

    told: list[Forecast] = field(default_factory=list)

    def complete(self, element: str, data: Any, on: Any, *more: Any, **others: Any) -> None:
        super().complete(element, data, on, *more, **others)
        if self.matter is None or self.status != "active" or self.measured is None:
            return
        before = self.matter.snapshot
        now = start_of_day(on)
        measure = Measure(book(), on, shipped_table(), ParameterView(book().parameters))
        told = foresee(
            self.matter,
            now=now,
            holidays=shipped_table(),
            measure=measure,
            facts=self.measured.facts,
        )
        assert self.matter.snapshot == before
        assert told.ends_on is not None, (element, on, told.stopped_at)
        assert all(step.day >= on for step in told.steps), (element, on)
        assert told.steps[-1].day <= told.ends_on
        assert told.outcome or self.outcome
        self.told.append(told)


@pytest.mark.parametrize("name", scenarios())
def test_from_every_step_the_end_is_in_sight(name: str) -> None:
    cast, _ = read_cast_values(definition().package)
    players: list[Looking] = []

    def make(**given: Any) -> Looking:
        players.append(Looking(**given))
        return players[-1]

    assert not play(definition(), scenarios()[name], scenarios(), cast, partial(make, book=book()))
