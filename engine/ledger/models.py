"""The tables of the ledger. Nobody updates or deletes an entry; the database role cannot."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Date,
    Index,
    Integer,
    LargeBinary,
    Sequence,
    SmallInteger,
    Text,
    Uuid,
)
from sqlalchemy.orm import Mapped, mapped_column

from engine.database import Base, Moment, db

chain_id_sequence = Sequence("chain_id_seq", metadata=Base.metadata, data_type=BigInteger)
"""Numbers chains. A matter's id is the id of its chain; the other chains have a name."""


class LedgerEntry(db.Model):  # type: ignore[name-defined,misc]
    """One thing that happened, chained to the one before it by its digest."""

    __tablename__ = "ledger_entry"
    __table_args__ = (
        Index(
            "uq_ledger_entry_command_id",
            "command_id",
            unique=True,
            postgresql_where="command_id IS NOT NULL",
        ),
        # What those who supervise look for across all chains.
        Index(
            "ix_ledger_entry_steered",
            "recorded_at",
            "chain_id",
            "seq",
            postgresql_where="kind IN ('overridden', 'waived', 'corrected')",
        ),
        Index(
            "ix_ledger_entry_late",
            "recorded_at",
            "chain_id",
            "seq",
            postgresql_where="kind = 'completed' AND occurred_on"
            " < ((recorded_at AT TIME ZONE 'Asia/Shanghai')::date)",
        ),
        # What people are told of that opens no task.
        Index(
            "ix_ledger_entry_told",
            "recorded_at",
            postgresql_where="kind IN ('delegated', 'reminded')",
        ),
    )

    chain_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    form: Mapped[int] = mapped_column(SmallInteger)
    """How the digest was made: see ``engine.digests.FORMS``."""
    kind: Mapped[str] = mapped_column(Text)
    recorded_at: Mapped[datetime] = mapped_column(Moment)
    occurred_on: Mapped[date | None] = mapped_column(Date)
    actor_id: Mapped[int | None] = mapped_column(BigInteger)
    on_behalf_of: Mapped[int | None] = mapped_column(BigInteger)
    """The person for whom a substitute (代办) acted."""
    element: Mapped[str | None] = mapped_column(Text)
    task_id: Mapped[int | None] = mapped_column(BigInteger)
    command_id: Mapped[UUID | None] = mapped_column(Uuid)
    payload: Mapped[str | None] = mapped_column(Text)
    """Canonical JSON exactly as hashed; null once erased by the retention rule."""
    salt: Mapped[bytes | None] = mapped_column(LargeBinary)
    payload_digest: Mapped[bytes] = mapped_column(LargeBinary)
    snapshot: Mapped[bytes | None] = mapped_column(LargeBinary)
    """The workflow's state before the step: what a send-back restores; erased with the payload."""
    snapshot_digest: Mapped[bytes | None] = mapped_column(LargeBinary)
    """What an erased snapshot leaves behind; null as long as nothing was erased."""
    previous: Mapped[bytes] = mapped_column(LargeBinary)
    digest: Mapped[bytes] = mapped_column(LargeBinary)


class LedgerChain(db.Model):  # type: ignore[name-defined,misc]
    """The head of a chain that belongs to no matter, such as ``definitions`` or ``directory``."""

    __tablename__ = "ledger_chain"

    id: Mapped[int] = mapped_column(
        BigInteger,
        chain_id_sequence,
        server_default=chain_id_sequence.next_value(),
        primary_key=True,
    )
    name: Mapped[str] = mapped_column(Text, unique=True)
    length: Mapped[int] = mapped_column(Integer, default=0)
    head: Mapped[bytes] = mapped_column(LargeBinary, default=b"")


class Checkpoint(db.Model):  # type: ignore[name-defined,misc]
    """The heads of all chains at one moment, under one signed Merkle root."""

    __tablename__ = "checkpoint"

    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(Moment)
    form: Mapped[int] = mapped_column(SmallInteger)
    size: Mapped[int] = mapped_column(Integer)
    """How many chains: the leaves of the tree."""
    entries: Mapped[int] = mapped_column(BigInteger)
    """How many entries these chains have together."""
    root: Mapped[bytes] = mapped_column(LargeBinary)
    previous: Mapped[bytes] = mapped_column(LargeBinary)
    """The digest of the checkpoint before; empty for the first."""
    key_id: Mapped[str] = mapped_column(Text)
    signature: Mapped[bytes] = mapped_column(LargeBinary)


class CheckpointLeaf(db.Model):  # type: ignore[name-defined,misc]
    """The head of a chain that has grown since the checkpoint before.

    The leaves of checkpoint *n* are, for each chain, the newest row up to *n*.
    """

    __tablename__ = "checkpoint_leaf"

    chain_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    length: Mapped[int] = mapped_column(Integer)
    digest: Mapped[bytes] = mapped_column(LargeBinary)


class CheckpointKey(db.Model):  # type: ignore[name-defined,misc]
    """A public key for checkpoints, vouched for by the key before it. Valid until the next one."""

    __tablename__ = "checkpoint_key"

    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    id: Mapped[str] = mapped_column(Text, unique=True)
    """The first 32 hex digits of the SHA-256 of the public key."""
    public: Mapped[bytes] = mapped_column(LargeBinary)
    since: Mapped[datetime] = mapped_column(Moment)
    previous: Mapped[str] = mapped_column(Text)
    """The id of the key before; empty for the first."""
    signed_by: Mapped[str] = mapped_column(Text)
    """The key before; the key itself if it is the first, or the one before was lost."""
    signature: Mapped[bytes] = mapped_column(LargeBinary)
