"""Holiday notices that an administrator has brought in."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import SmallInteger
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from engine.database import Moment, db


class HolidayNotice(db.Model):  # type: ignore[name-defined,misc]
    """The State Council's notice for one year; it takes the place of a shipped one."""

    __tablename__ = "holiday_year"

    year: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    notice: Mapped[dict[str, Any]] = mapped_column(JSONB)
    recorded_at: Mapped[datetime] = mapped_column(Moment)
