"""The rectification ledger: items that matters raised, and what was recorded of each."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from engine.ledger.protection import RIGHTS

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "rectification_item",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("instance_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("process_key", sa.Text(), nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("element", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("owner_closes", sa.Boolean(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("measure", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("raised_on", sa.Date(), nullable=False),
        sa.Column("first_due_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("missed_on", sa.Date(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("closed_on", sa.Date(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["instance_id"],
            ["instance.id"],
            name=op.f("fk_rectification_item_instance_id_instance"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_rectification_item_organisation_id_organisation"),
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["person.id"], name=op.f("fk_rectification_item_owner_id_person")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rectification_item")),
        sa.UniqueConstraint(
            "instance_id", "number", name=op.f("uq_rectification_item_instance_id_number")
        ),
    )
    op.create_index(
        "ix_rectification_item_due_on",
        "rectification_item",
        ["due_on", "id"],
        postgresql_where="state NOT IN ('closed', 'withdrawn')",
    )
    op.create_index(
        "ix_rectification_item_kind",
        "rectification_item",
        ["organisation_id", "process_key", "id"],
        postgresql_where="state NOT IN ('closed', 'withdrawn')",
    )
    op.create_index(
        "ix_rectification_item_owner_id",
        "rectification_item",
        ["owner_id", "due_on"],
        postgresql_where="state NOT IN ('closed', 'withdrawn')",
    )
    op.create_index(
        "ix_rectification_item_path",
        "rectification_item",
        ["path", "due_on", "id"],
        postgresql_ops={"path": "text_pattern_ops"},
    )
    op.create_table(
        "rectification_note",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("item_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("done", sa.Boolean(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("files", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("post", sa.Text(), nullable=True),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("told_by", sa.BigInteger(), nullable=True),
        sa.Column("told_seq", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["item_id"],
            ["rectification_item.id"],
            name=op.f("fk_rectification_note_item_id_rectification_item"),
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_rectification_note_person_id_person")
        ),
        sa.ForeignKeyConstraint(
            ["told_by"], ["instance.id"], name=op.f("fk_rectification_note_told_by_instance")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rectification_note")),
    )
    op.create_index("ix_rectification_note_item_id", "rectification_note", ["item_id", "id"])
    op.create_index(
        "ix_rectification_note_told_by",
        "rectification_note",
        ["told_by", "told_seq"],
        postgresql_where="told_by IS NOT NULL",
    )
    for statement in RIGHTS:
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    op.drop_table("rectification_note")
    op.drop_table("rectification_item")
