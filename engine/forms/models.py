"""Drafts: what someone has typed into a task's form and not handed in yet."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from engine.database import Moment, db


class Draft(db.Model):  # type: ignore[name-defined,misc]
    """One draft of one person for one task. Raw data: nothing of it has been checked."""

    __tablename__ = "draft"
    __table_args__ = (Index(None, "person_id", "saved_at"),)

    task_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    person_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    data: Mapped[dict[str, Any]] = mapped_column(JSONB)
    saved_at: Mapped[datetime] = mapped_column(Moment)
