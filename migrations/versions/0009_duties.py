"""What organisations owe in every period; a finding may be about such a duty, without a matter."""

import sqlalchemy as sa
from alembic import op

from engine.ledger.protection import RIGHTS

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "duty",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("process_key", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("draft_on", sa.Date(), nullable=False),
        sa.Column("remind_on", sa.Date(), nullable=False),
        sa.Column("times", sa.SmallInteger(), nullable=False),
        sa.Column("done", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("done_on", sa.Date(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("instance_id", sa.BigInteger(), nullable=True),
        sa.Column("drafted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reminded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("late_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state IN ('planned', 'due', 'done', 'late', 'made_up', 'lapsed')",
            name=op.f("ck_duty_state_known"),
        ),
        sa.CheckConstraint("since <= until AND until <= due_on", name=op.f("ck_duty_span")),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_duty_organisation_id_organisation"),
        ),
        sa.ForeignKeyConstraint(
            ["instance_id"], ["instance.id"], name=op.f("fk_duty_instance_id_instance")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty")),
        sa.UniqueConstraint(
            "organisation_id", "key", "since", name=op.f("uq_duty_organisation_id_key_since")
        ),
    )
    op.create_index(
        "ix_duty_path", "duty", ["path", "since"], postgresql_ops={"path": "text_pattern_ops"}
    )
    op.create_index("ix_duty_key", "duty", ["key", "since"])
    op.create_index(
        "ix_duty_open", "duty", ["due_on"], postgresql_where="state IN ('planned', 'due')"
    )
    op.create_index(
        "ix_duty_instance_id",
        "duty",
        ["instance_id"],
        postgresql_where="instance_id IS NOT NULL",
    )
    op.create_table(
        "duty_event",
        sa.Column("instance_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("element", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("also", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("duty_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["instance_id"], ["instance.id"], name=op.f("fk_duty_event_instance_id_instance")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_duty_event_organisation_id_organisation"),
        ),
        sa.ForeignKeyConstraint(["duty_id"], ["duty.id"], name=op.f("fk_duty_event_duty_id_duty")),
        sa.PrimaryKeyConstraint("instance_id", "seq", "key", name=op.f("pk_duty_event")),
    )
    op.create_index("ix_duty_event_place", "duty_event", ["organisation_id", "key", "day"])
    op.create_index(
        "ix_duty_event_duty_id",
        "duty_event",
        ["duty_id"],
        postgresql_where="duty_id IS NOT NULL",
    )
    op.create_table(
        "duty_matter",
        sa.Column("instance_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("length", sa.Integer(), nullable=False),
        sa.Column("catalogue", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["instance_id"], ["instance.id"], name=op.f("fk_duty_matter_instance_id_instance")
        ),
        sa.PrimaryKeyConstraint("instance_id", name=op.f("pk_duty_matter")),
    )
    op.alter_column("finding", "instance_id", nullable=True)
    op.add_column("finding", sa.Column("duty_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(op.f("fk_finding_duty_id_duty"), "finding", "duty", ["duty_id"], ["id"])
    op.create_check_constraint(
        op.f("ck_finding_about_one"), "finding", "num_nonnulls(instance_id, duty_id) = 1"
    )
    op.create_index(
        "uq_finding_duty_id",
        "finding",
        ["duty_id"],
        unique=True,
        postgresql_where="duty_id IS NOT NULL",
    )
    for statement in RIGHTS:
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    op.execute("DELETE FROM finding_note WHERE finding_id IN"
               " (SELECT id FROM finding WHERE duty_id IS NOT NULL)")  # fmt: skip
    op.execute("DELETE FROM finding WHERE duty_id IS NOT NULL")
    op.drop_index("uq_finding_duty_id", table_name="finding")
    op.drop_constraint(op.f("ck_finding_about_one"), "finding", type_="check")
    op.drop_constraint(op.f("fk_finding_duty_id_duty"), "finding", type_="foreignkey")
    op.drop_column("finding", "duty_id")
    op.alter_column("finding", "instance_id", nullable=False)
    op.drop_table("duty_matter")
    op.drop_table("duty_event")
    op.drop_table("duty")
