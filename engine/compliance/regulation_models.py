"""The table of deployed regulations. A set is never changed; the newest one counts."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Identity, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from engine.database import Moment, db


class RegulationSet(db.Model):  # type: ignore[name-defined,misc]
    """All regulations and national parameters as they were deployed together."""

    __tablename__ = "regulation_set"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    sha256: Mapped[str] = mapped_column(Text)
    files: Mapped[dict[str, str]] = mapped_column(JSONB)
    """Text by path below ``processes/regulations/``."""
    deployed_at: Mapped[datetime] = mapped_column(Moment)
    deployed_by: Mapped[int | None] = mapped_column(BigInteger)
    """The person who deployed it; null for the command line."""
