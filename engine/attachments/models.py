"""Tables of uploaded files: what the bytes are, and where each of them is used."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from engine.database import Moment, db


class Blob(db.Model):  # type: ignore[name-defined,misc]
    """The bytes of a file, once per content. They lie in the store below ``DATA_DIR``."""

    __tablename__ = "blob"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    size: Mapped[int] = mapped_column(BigInteger)
    media_type: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Moment)
    destroyed_at: Mapped[datetime | None] = mapped_column(Moment)
    """When the bytes were destroyed, because no file is left that is made of them."""


class Attachment(db.Model):  # type: ignore[name-defined,misc]
    """A file that somebody handed in for one document of one matter.

    ``instance_id`` is empty while the matter is still being started.
    """

    __tablename__ = "attachment"
    __table_args__ = (
        Index(None, "instance_id"),
        Index(None, "sha256"),
        Index(None, "uploaded_at"),
        Index("ix_attachment_erased", "sha256", postgresql_where="erased_at IS NOT NULL"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    instance_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("instance.id"))
    task_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("task.id"))
    document: Mapped[str] = mapped_column(Text)
    """The document's name in the procedure (入党申请书), or empty."""
    name: Mapped[str] = mapped_column(Text)
    """The file name as it was handed in, without a path."""
    sha256: Mapped[str] = mapped_column(ForeignKey("blob.sha256"))
    uploaded_by: Mapped[int] = mapped_column(BigInteger, ForeignKey("person.id"))
    uploaded_at: Mapped[datetime] = mapped_column(Moment)
    erased_at: Mapped[datetime | None] = mapped_column(Moment)
    """When the content went by the rule of retention. The digest stays, the name does not."""
