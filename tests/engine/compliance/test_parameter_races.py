"""Two people change one parameter at once: one of them is told, and the chain does not fork."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from threading import Barrier
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from engine.compliance.parameter_models import ParameterSetting
from engine.compliance.parameter_operations import StaleParameter, set_parameter, version_of
from engine.compliance.parameter_store import parameter_view
from engine.compliance.regulation_store import current_regulations, deploy_regulations
from engine.database import db, unit_of_work
from tests.engine.conftest import Live
from tests.shipped import regulations

TODAY = date(2026, 11, 22)
GAP = "backfill_gap_days"


@pytest.fixture
def ruled(live: Live) -> Live:
    """The town, with the national parameters deployed."""
    with unit_of_work() as session:
        deploy_regulations(session, regulations(), live.clock)
    return live


def change(live: Live, value: int, **more: object) -> str:
    with live.app.app_context():
        try:
            set_parameter(
                live.clock,
                live.desk.actor("administrator"),
                organisation_id=live.desk.town.organisations["committee"],
                key=GAP,
                value=value,
                since=TODAY,
                reason="文件",
                **more,  # type: ignore[arg-type]
            )
        except StaleParameter:
            return "stale"
        return "done"


def settings(live: Live) -> int:
    place = live.desk.town.organisations["committee"]
    wanted = select(func.count(ParameterSetting.id)).where(
        ParameterSetting.organisation_id == place
    )
    db.session().rollback()
    return int(db.session().scalar(wanted) or 0)


def at_once(live: Live, **more: object) -> list[str]:
    """Let four people change it in the same moment."""
    start = Barrier(4)

    def work(value: int) -> str:
        start.wait()
        return change(live, value, **more)

    with ThreadPoolExecutor(4) as pool:
        return sorted(pool.map(work, range(1, 5)))


def test_of_those_who_saw_the_same_state_one_succeeds(ruled: Live) -> None:
    place = ruled.desk.town.organisations["committee"]
    seen = version_of(db.session(), GAP, place)
    db.session().rollback()
    assert at_once(ruled, version=seen) == ["done", "stale", "stale", "stale"]
    assert settings(ruled) == 1
    assert ruled.faults() == []


def test_one_command_sent_four_times_at_once_counts_once(ruled: Live) -> None:
    assert at_once(ruled, command_id=uuid4()) == ["done"] * 4
    assert settings(ruled) == 1
    assert ruled.faults() == []


def test_every_thread_sees_the_change_at_once(ruled: Live) -> None:
    path = ruled.desk.actor("secretary").posts[0].path

    def value(_: int) -> int:
        with ruled.app.app_context():
            session = db.session()
            view = parameter_view(session, path, current_regulations(session).parameters)
            return view.value(GAP, TODAY).number

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(value, range(8))) == {7}
        assert change(ruled, 2) == "done"
        assert set(pool.map(value, range(8))) == {2}
