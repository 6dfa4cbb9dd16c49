"""Keep holiday notices in the database, and make the table that everyone reckons with."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from engine.calendars.models import HolidayNotice
from engine.calendars.notices import holiday_data, holiday_year, shipped_years
from engine.calendars.working_days import HolidayTable, HolidayYear
from engine.clock import Clock


def load_holiday_table(session: Session) -> HolidayTable:
    """Return all notices: the shipped years, each replaced by an imported one if there is one."""
    imported = session.scalars(select(HolidayNotice.notice).order_by(HolidayNotice.year))
    return HolidayTable.of([*shipped_years(), *map(holiday_year, imported)])


def import_holiday_year(session: Session, clock: Clock, notice: HolidayYear) -> None:
    """Store a notice, in place of an earlier one for the same year.

    Read it with :func:`engine.calendars.notices.parse_holiday_year`, which checks it. Results that
    were provisional become certain the next time they are reckoned; nothing stored is rewritten.
    """
    values = {"notice": holiday_data(notice), "recorded_at": clock.now()}
    statement = insert(HolidayNotice).values(year=notice.year, **values)
    session.execute(statement.on_conflict_do_update(index_elements=["year"], set_=values))
