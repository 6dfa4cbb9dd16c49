"""The tables of deployed process packages. A version is never changed once it is stored."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from engine.database import Moment, db


class ProcessVersion(db.Model):  # type: ignore[name-defined,misc]
    """A version (版本) of a process definition: the content of one package."""

    __tablename__ = "process_version"
    __table_args__ = (
        UniqueConstraint("key", "sha256"),
        # New matters start on the active version, so there is at most one for a key.
        Index("uq_process_version_active", "key", unique=True, postgresql_where="active"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    key: Mapped[str] = mapped_column(Text)
    version: Mapped[str] = mapped_column(Text)
    """What its author calls it, such as ``2026.1``; not unique."""
    title: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(Text)
    deployed_at: Mapped[datetime] = mapped_column(Moment)
    deployed_by: Mapped[int | None] = mapped_column(BigInteger)
    """The person who deployed it; null for the command line."""
    active: Mapped[bool] = mapped_column(Boolean, default=False)


class ProcessFile(db.Model):  # type: ignore[name-defined,misc]
    """A file of a version, byte for byte as deployed."""

    __tablename__ = "process_file"

    version_id: Mapped[int] = mapped_column(ForeignKey("process_version.id"), primary_key=True)
    path: Mapped[str] = mapped_column(Text, primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)
