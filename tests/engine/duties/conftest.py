"""A branch that owes a meeting every month, one every quarter and a review every year."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from engine.database import db, unit_of_work
from engine.directory.models import Organisation
from engine.duties.catalogue import forget_catalogue
from engine.duties.models import DutyRow
from engine.duties.operations import Ran, run_duties
from tests.factories import Desk, Matter, UserTask, procedure

BASIS = """
[[duty.basis]]
regulation = "支部工作条例"
edition = "2018"
article = "第十一条"
text = "支部党员大会一般每季度召开一次。"
"""


def duty(id: str, each: str, counts: str = '["hold"]', **more: str) -> str:
    """Return a table; ``more`` are lines of it."""
    lines = {
        "id": f'"{id}"',
        "rule": '"R-TM-01"',
        "title": f'"{id}会"',
        "title_en": f'"{id} meeting"',
        "period": f'"{each}"',
        "kinds": '["branch"]',
        "counts": counts,
    }
    lines |= more
    return "[[duty]]\n" + "".join(f"{key} = {value}\n" for key, value in lines.items()) + BASIS


def meeting(key: str, *duties: str, version: str = "1", prefix: str | None = None) -> Any:
    """Return ``prepare``, ``hold`` and ``close``, with what is owed of them."""
    return procedure(
        key,
        [UserTask("prepare"), UserTask("hold"), UserTask("close")],
        more="".join(duties),
        version=version,
        prefix=prefix,
        steps={"close": 'send_back = ["hold"]'},
    )


@dataclass
class Year:
    """The plan of the invented town."""

    desk: Desk

    def deploy(self, *packages: Any) -> None:
        for package in packages:
            self.desk.deploy(package)
        forget_catalogue()

    def run(self, day: date | None = None) -> Ran:
        """Run the plan, on a day."""
        if day is not None:
            self.desk.clock.set(day)
        return run_duties(self.desk.clock)

    def rows(self, key: str | None = None, at: str = "branch") -> list[DutyRow]:
        """Return the rows of the branch in order."""
        wanted = (
            select(DutyRow)
            .where(DutyRow.organisation_id == self.desk.town.organisations[at])
            .order_by(DutyRow.since, DutyRow.key)
            .execution_options(populate_existing=True)
        )
        if key is not None:
            wanted = wanted.where(DutyRow.key == key)
        return list(db.session().scalars(wanted))

    def states(self, key: str | None = None, at: str = "branch") -> dict[str, str]:
        """Return the state of each period by its first day."""
        return {row.since.isoformat(): row.state for row in self.rows(key, at)}

    def hold(self, key: str, on: date, at: str = "branch", by: str = "secretary") -> Matter:
        """Start a matter of its own and hold the meeting on a day."""
        matter = self.desk.start(key, on=on, at=at, by=by, data={})
        matter.complete("hold", on=on, by=by)
        return matter

    def change(self, name: str = "branch", **values: Any) -> None:
        """Change an organisation."""
        with unit_of_work() as session:
            place = session.get_one(Organisation, self.desk.town.organisations[name])
            for key, value in values.items():
                setattr(place, key, value)


@pytest.fixture
def year(desk: Desk) -> Year:
    """The town on New Year's Day, before anything is deployed."""
    desk.clock.set(date(2027, 1, 1))
    forget_catalogue()
    return Year(desk)


@pytest.fixture
def monthly(year: Year) -> Year:
    """The town with a meeting owed every month, planned on New Year's Day."""
    year.deploy(meeting("monthly", duty("meet", "month")))
    year.run()
    return year
