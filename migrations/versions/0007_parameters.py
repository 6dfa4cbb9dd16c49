"""Deployed regulations, and the values that organisations set for parameters."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from engine.ledger.protection import RIGHTS

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "regulation_set",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("files", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("deployed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deployed_by", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_regulation_set")),
    )
    op.create_table(
        "parameter_value",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("value", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("set_by", sa.BigInteger(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_by", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("end_reason", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint(
            "until IS NULL OR until >= since - 1", name=op.f("ck_parameter_value_span")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_parameter_value_organisation_id_organisation"),
        ),
        sa.ForeignKeyConstraint(
            ["set_by"], ["person.id"], name=op.f("fk_parameter_value_set_by_person")
        ),
        sa.ForeignKeyConstraint(
            ["ended_by"], ["person.id"], name=op.f("fk_parameter_value_ended_by_person")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parameter_value")),
    )
    op.create_index("ix_parameter_value_key", "parameter_value", ["key", "organisation_id", "id"])
    op.create_index("ix_parameter_value_organisation_id", "parameter_value", ["organisation_id"])
    for statement in RIGHTS:
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    op.drop_table("parameter_value")
    op.drop_table("regulation_set")
