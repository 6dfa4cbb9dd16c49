"""补录 is what the organisation's parameter says it is."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from engine.compliance.parameter_operations import set_parameter
from engine.compliance.regulation_reading import load_regulation_folder
from engine.compliance.regulation_store import deploy_regulations
from engine.database import unit_of_work
from engine.settings import ROOT
from tests.factories import Desk, two_steps

TODAY = date(2026, 11, 22)


@pytest.fixture
def ruled(desk: Desk) -> Desk:
    """The town, with the national parameters deployed."""
    regulations = load_regulation_folder(ROOT / "processes" / "regulations")
    with unit_of_work() as session:
        deploy_regulations(session, regulations, desk.clock)
    return desk


def set_gap(desk: Desk, days: int) -> None:
    set_parameter(
        desk.clock,
        desk.actor("administrator"),
        organisation_id=desk.town.organisations["committee"],
        key="backfill_gap_days",
        value=days,
        since=TODAY,
        reason="镇委文件",
    )


@pytest.mark.parametrize(("late", "marked"), [(7, False), (8, True)])
def test_the_national_default_is_a_week(ruled: Desk, late: int, marked: bool) -> None:
    assert start(ruled, late) is marked


@pytest.mark.parametrize(("late", "marked"), [(2, False), (3, True)])
def test_the_committee_decides_for_its_branches(ruled: Desk, late: int, marked: bool) -> None:
    set_gap(ruled, 2)
    assert start(ruled, late) is marked


def test_with_nothing_deployed_a_week_counts_too(desk: Desk) -> None:
    assert start(desk, 8)
    assert not start(desk, 7)


def test_each_command_asks_again_after_a_change(ruled: Desk) -> None:
    assert not start(ruled, 5)
    set_gap(ruled, 4)
    assert start(ruled, 5)


def start(desk: Desk, late: int) -> bool:
    """Start a matter with its first step, so many days after it happened; is it marked?"""
    matter = desk.start(two_steps(), on=TODAY - timedelta(days=late), data={})
    marks = {bool(matter.payload(seq).get("backfilled")) for seq in (0, 1)}
    assert marks == {matter.row.backfilled}
    return bool(matter.row.backfilled)
