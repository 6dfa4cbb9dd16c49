"""The table of values that organisations have set. A value is ended, never changed or removed."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Date, ForeignKey, Identity, Index, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from engine.database import Moment, db


class ParameterSetting(db.Model):  # type: ignore[name-defined,misc]
    """A value that an organisation set for itself and all below it.

    ``since`` and ``until`` both count. A value that was replaced before it held ends on the day
    before it began.
    """

    __tablename__ = "parameter_value"
    __table_args__ = (
        CheckConstraint("until IS NULL OR until >= since - 1", name="span"),
        Index("ix_parameter_value_key", "key", "organisation_id", "id"),
        Index("ix_parameter_value_organisation_id", "organisation_id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    key: Mapped[str] = mapped_column(Text)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    value: Mapped[Any] = mapped_column(JSONB)
    since: Mapped[date] = mapped_column(Date)
    until: Mapped[date | None] = mapped_column(Date)
    reason: Mapped[str] = mapped_column(Text)
    set_by: Mapped[int] = mapped_column(ForeignKey("person.id"))
    set_at: Mapped[datetime] = mapped_column(Moment)
    ended_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    """Who ended it by a decision of its own; null when another value took its place."""
    ended_at: Mapped[datetime | None] = mapped_column(Moment)
    end_reason: Mapped[str] = mapped_column(Text, default="", server_default="")
