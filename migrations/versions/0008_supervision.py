"""Indexes for those who supervise: findings by day, explanations asked for, what the trail lists."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_finding_outcome_day", "finding", ["outcome", "day", "id"])
    op.create_index(
        "ix_finding_asked",
        "finding",
        ["organisation_id", "id"],
        postgresql_where="state = 'asked'",
    )
    op.create_index(
        "ix_ledger_entry_steered",
        "ledger_entry",
        ["recorded_at", "chain_id", "seq"],
        postgresql_where="kind IN ('overridden', 'waived', 'corrected')",
    )
    op.create_index(
        "ix_ledger_entry_late",
        "ledger_entry",
        ["recorded_at", "chain_id", "seq"],
        postgresql_where="kind = 'completed' AND occurred_on"
        " < ((recorded_at AT TIME ZONE 'Asia/Shanghai')::date)",
    )


def downgrade() -> None:
    for name, table in (
        ("ix_ledger_entry_late", "ledger_entry"),
        ("ix_ledger_entry_steered", "ledger_entry"),
        ("ix_finding_asked", "finding"),
        ("ix_finding_outcome_day", "finding"),
    ):
        op.drop_index(name, table_name=table)
