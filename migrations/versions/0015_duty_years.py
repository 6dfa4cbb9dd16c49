"""Years of duties in short, and the running matters by path: what boards count."""

import sqlalchemy as sa
from alembic import op

from engine.ledger.protection import RIGHTS

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "duty_year",
        sa.Column("organisation_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("year", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("states", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_duty_year_organisation_id_organisation"),
        ),
        sa.PrimaryKeyConstraint(
            "organisation_id", "key", "year", "path", name=op.f("pk_duty_year")
        ),
    )
    op.create_index(
        "ix_duty_year_path",
        "duty_year",
        ["year", "path"],
        postgresql_ops={"path": "text_pattern_ops"},
    )
    op.create_index(
        "ix_instance_running",
        "instance",
        ["path"],
        postgresql_ops={"path": "text_pattern_ops"},
        postgresql_where="status IN ('active', 'suspended')",
    )
    for statement in RIGHTS:
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    op.drop_index("ix_instance_running", table_name="instance")
    op.drop_table("duty_year")
