"""The scenarios of every package come to the same on the real database as they do on paper."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.clock import FixedClock
from engine.compliance.findings import KEPT
from engine.compliance.from_ledger import read_facts
from engine.compliance.models import Finding
from engine.database import unit_of_work
from engine.definitions.versions import Definition
from engine.lint.scenarios import play, read_cast_values, read_scenarios
from engine.runtime.measuring import measure_of
from engine.runtime.models import Instance, Task
from engine.runtime.rejudging import rejudge_matter
from tests.database_player import DatabasePlayer
from tests.shipped import PROCESSES, deploy_shipped


def scenario_names() -> list[tuple[str, str]]:
    return [
        (path.parent.parent.name, path.stem)
        for path in sorted(PROCESSES.glob("*/scenarios/*.toml"))
        if path.stem != "cast"
    ]


def assert_findings_are_those_of_the_ledger(
    session: Session, instance: Instance, definition: Definition, clock: FixedClock
) -> None:
    """What the steps found, each in its transaction, is what all rules find in the whole record."""

    def stored() -> set[tuple[str, str, int, int | None, str]]:
        rows = session.execute(
            select(Finding.rule, Finding.element, Finding.round, Finding.seq, Finding.outcome)
            .where(Finding.instance_id == instance.id, Finding.outcome.in_(("not_met", "pending")))
            .execution_options(populate_existing=True)
        )
        return {tuple(row) for row in rows}

    measure = measure_of(session, definition, instance.path, clock)
    facts = read_facts(session, instance.id)
    if measure is None or facts is None:
        return
    fresh = {
        (*result.key, result.seq, str(result.outcome))
        for result in measure.judge(facts)
        if result.outcome in KEPT
    }
    assert {row for row in stored() if row[3]} == {row for row in fresh if row[3]}
    rejudge_matter(instance.id, clock)
    assert stored() == fresh


@pytest.mark.parametrize(("key", "name"), scenario_names())
def test_a_scenario_holds_on_the_database(
    session: Session, clock: FixedClock, key: str, name: str
) -> None:
    with unit_of_work() as unit:
        definition = deploy_shipped(unit, clock, key)
    package = definition.package
    cast, wrong = read_cast_values(package)
    scenarios, problems = read_scenarios(package)
    assert not wrong + problems
    clocks: list[FixedClock] = []

    def player(**given: Any) -> DatabasePlayer:
        clocks.append(given["clock"])
        return DatabasePlayer(**given)

    found = play(definition, scenarios[name], scenarios, cast, player)
    assert not found, "\n".join(map(str, found))
    assert session.scalars(select(Task.id)).first() is not None
    for instance in session.scalars(select(Instance)):
        assert_findings_are_those_of_the_ledger(session, instance, definition, clocks[-1])
