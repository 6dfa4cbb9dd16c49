"""Looking ahead in meetings, organisational life, the review: the end is in sight from every step.

A meeting is foreseen on the day for which it was planned, not on the first that is lawful.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Any

import pytest

from engine.calendars.notices import shipped_table
from engine.clock import start_of_day
from engine.compliance.parameters import ParameterView
from engine.compliance.reading import rule_book
from engine.compliance.rules import RuleBook
from engine.definitions.versions import Definition, build_definition
from engine.lint.play import Player
from engine.lint.scenarios import play, read_cast_values, read_scenarios
from engine.runtime.forecasting import Forecast, foresee
from engine.runtime.measuring import Measure
from tests.shipped import package, regulations

FORESEEN = (
    "members_meeting",
    "committee_meeting",
    "group_meeting",
    "party_lesson",
    "theme_day",
    "organisational_life",
    "democratic_review",
    "democratic_life_meeting",
    "public_notice",
    "party_openness",
    "assessment",
)


@dataclass
class Looking(Player):
    """A player that looks ahead from the day of each step."""

    rules: RuleBook | None = None
    told: list[tuple[str, Forecast]] = field(default_factory=list)

    def complete(self, element: str, data: Any, on: Any, *more: Any, **others: Any) -> None:
        super().complete(element, data, on, *more, **others)
        if self.matter is None or self.status != "active" or self.measured is None:
            return
        assert self.rules is not None
        measure = Measure(self.rules, on, shipped_table(), ParameterView(self.rules.parameters))
        told = foresee(
            self.matter,
            now=start_of_day(on),
            holidays=shipped_table(),
            measure=measure,
            facts=self.measured.facts,
        )
        assert told.ends_on is not None, (element, on, told.stopped_at)
        assert all(step.day >= on for step in told.steps), (element, on)
        self.told.append((element, told))


def look(key: str) -> dict[str, list[tuple[str, Forecast]]]:
    """Play every scenario of a package that comes through; return what was foreseen after each."""
    definition: Definition = build_definition(package(key))
    rules = rule_book(package(key), regulations())
    scenarios, _ = read_scenarios(definition.package)
    cast, _ = read_cast_values(definition.package)
    seen: dict[str, list[tuple[str, Forecast]]] = {}
    for name, scenario in scenarios.items():
        players: list[Looking] = []

        def make(**given: Any) -> Looking:
            players.append(Looking(rules=rules, **given))  # noqa: B023
            return players[-1]  # noqa: B023

        assert not play(definition, scenario, scenarios, cast, partial(make, book=rules))
        seen[name] = [told for player in players for told in player.told]
    return seen


@pytest.mark.parametrize("key", FORESEEN)
def test_from_every_step_of_every_scenario_the_end_is_in_sight(key: str) -> None:
    seen = look(key)
    assert seen["happy_path"] and all(told.outcome for _, told in seen["happy_path"])


def test_a_meeting_is_foreseen_on_the_day_it_was_planned_for() -> None:
    after = dict(look("members_meeting")["happy_path"])
    days = {step.element: step.day for step in after["set_agenda"].steps}
    assert days["send_notice"] < days["roll_call"] == date(2026, 6, 10) == days["discuss"]
    life = dict(look("organisational_life")["happy_path"])
    held = {step.element: step.day for step in life["make_plan"].steps}["hold_meeting"]
    assert held == date(2026, 11, 18)


def test_a_notice_is_foreseen_to_end_as_drafted_and_not_before_its_posting() -> None:
    after = dict(look("public_notice")["happy_path"])
    days = {step.element: step.day for step in after["draft_notice"].steps}
    assert days["collect_opinions"] == date(2026, 6, 10)


@pytest.mark.parametrize("key", ["members_meeting", "organisational_life", "public_notice"])
def test_a_matter_keeps_what_its_forecast_asks_for(key: str) -> None:
    """The facts kept beside a matter hold only what rules read."""
    definition = build_definition(package(key))
    asked = {
        name
        for expected in definition.package.forecast.values()
        for expression in expected.expressions
        for name in expression.names
    }
    kept = frozenset().union(*definition.kept.values())
    assert asked - {"occurred_on"} and asked - {"occurred_on"} <= kept
