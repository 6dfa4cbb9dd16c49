"""Notices, what people want to be told, webhooks, and what went outside."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from engine.ledger.protection import RIGHTS

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "notice_cursor",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        sa.Column("horizon", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_notice_cursor")),
    )
    op.create_table(
        "notice",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("own", sa.Boolean(), nullable=False),
        sa.Column("instance_id", sa.BigInteger(), nullable=True),
        sa.Column("task_id", sa.BigInteger(), nullable=True),
        sa.Column("finding_id", sa.BigInteger(), nullable=True),
        sa.Column("organisation_id", sa.BigInteger(), nullable=True),
        sa.Column("stage", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("news", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("shown", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("mail", sa.Text(), nullable=True),
        sa.Column("delivery_id", sa.BigInteger(), nullable=True),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_notice_person_id_person")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
    )
    op.create_index(
        "ix_notice_delivery_id",
        "notice",
        ["delivery_id"],
        unique=False,
        postgresql_where="delivery_id IS NOT NULL",
    )
    op.create_index("ix_notice_person_id_at", "notice", ["person_id", "at", "id"], unique=False)
    op.create_index(
        "ix_notice_unmailed",
        "notice",
        ["person_id"],
        unique=False,
        postgresql_where="mail IS NOT NULL",
    )
    op.create_index(
        "ix_notice_unread",
        "notice",
        ["person_id"],
        unique=False,
        postgresql_where="shown AND read_at IS NULL AND settled_at IS NULL",
    )
    op.create_index(
        "ix_notice_unsettled",
        "notice",
        ["task_id"],
        unique=False,
        postgresql_where="settled_at IS NULL",
    )
    op.create_index("uq_notice_person_id_about", "notice", ["person_id", "about"], unique=True)
    op.create_table(
        "notice_preference",
        sa.Column("person_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("asked_email", sa.Text(), nullable=True),
        sa.Column("code_digest", sa.LargeBinary(), nullable=True),
        sa.Column("code_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("code_tries", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("codes_on", sa.Date(), nullable=True),
        sa.Column("codes_sent", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("mode", sa.Text(), server_default="digest", nullable=False),
        sa.Column("quiet_from", sa.Time(), nullable=True),
        sa.Column("quiet_until", sa.Time(), nullable=True),
        sa.Column(
            "page_off", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column(
            "mail_off", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("digested_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_notice_preference_person_id_person")
        ),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_notice_preference")),
    )
    op.create_table(
        "webhook",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("below", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("kinds", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["created_by"], ["person.id"], name=op.f("fk_webhook_created_by_person")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_webhook_organisation_id_organisation"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook")),
    )
    op.create_index(
        op.f("ix_webhook_organisation_id"), "webhook", ["organisation_id"], unique=False
    )
    op.create_table(
        "notice_delivery",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("key", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("webhook_id", sa.BigInteger(), nullable=True),
        sa.Column("mode", sa.Text(), nullable=True),
        sa.Column(
            "lines",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'"),
            nullable=False,
        ),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_notice_delivery_person_id_person")
        ),
        sa.ForeignKeyConstraint(
            ["webhook_id"], ["webhook.id"], name=op.f("fk_notice_delivery_webhook_id_webhook")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice_delivery")),
        sa.UniqueConstraint("key", name=op.f("uq_notice_delivery_key")),
    )
    op.create_index(
        "ix_notice_delivery_dead",
        "notice_delivery",
        ["id"],
        unique=False,
        postgresql_where="state = 'dead'",
    )
    op.create_index(
        "ix_notice_delivery_open",
        "notice_delivery",
        ["next_at"],
        unique=False,
        postgresql_where="state IN ('waiting', 'sending')",
    )
    op.create_index(
        "ix_notice_delivery_person_id", "notice_delivery", ["person_id", "sent_at"], unique=False
    )
    op.create_index(
        op.f("ix_notice_delivery_webhook_id"), "notice_delivery", ["webhook_id"], unique=False
    )
    op.create_index(
        "uq_notice_delivery_waiting",
        "notice_delivery",
        ["person_id", "channel"],
        unique=True,
        postgresql_where="state = 'waiting' AND person_id IS NOT NULL",
    )
    op.create_index(
        "ix_finding_found_at",
        "finding",
        ["found_at"],
        unique=False,
        postgresql_where="outcome = 'not_met'",
    )
    op.create_index(
        "ix_instance_ended_at",
        "instance",
        ["ended_at"],
        unique=False,
        postgresql_where="ended_at IS NOT NULL",
    )
    op.create_index(
        "ix_ledger_entry_told",
        "ledger_entry",
        ["recorded_at"],
        unique=False,
        postgresql_where="kind IN ('delegated', 'reminded')",
    )
    for statement in RIGHTS:
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    op.drop_index("ix_ledger_entry_told", table_name="ledger_entry")
    op.drop_index("ix_instance_ended_at", table_name="instance")
    op.drop_index("ix_finding_found_at", table_name="finding")
    for table in (
        "notice_delivery",
        "webhook",
        "notice_preference",
        "notice",
        "notice_cursor",
    ):
        op.drop_table(table)
