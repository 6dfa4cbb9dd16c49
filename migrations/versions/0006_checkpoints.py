"""Signed checkpoints over all chains, and a way to erase the content of an entry."""

import sqlalchemy as sa
from alembic import op

from engine.ledger.protection import INSTALL_ERASURE, REMOVE_ERASURE

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("ledger_entry", sa.Column("snapshot_digest", sa.LargeBinary(), nullable=True))
    op.create_table(
        "checkpoint",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("form", sa.SmallInteger(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("entries", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("previous", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_checkpoint")),
    )
    op.create_table(
        "checkpoint_leaf",
        sa.Column("chain_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("length", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("chain_id", "number", name=op.f("pk_checkpoint_leaf")),
    )
    op.create_table(
        "checkpoint_key",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("public", sa.LargeBinary(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("previous", sa.Text(), nullable=False),
        sa.Column("signed_by", sa.Text(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_checkpoint_key")),
        sa.UniqueConstraint("id", name=op.f("uq_checkpoint_key_id")),
    )
    for statement in INSTALL_ERASURE:
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    for statement in REMOVE_ERASURE:
        op.get_bind().exec_driver_sql(statement)
    op.drop_table("checkpoint_key")
    op.drop_table("checkpoint_leaf")
    op.drop_table("checkpoint")
    op.drop_column("ledger_entry", "snapshot_digest")
