"""Secret ballots: boxes, and the rolls of who may vote."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from engine.ledger.protection import RIGHTS

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ballot_box",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("uid", sa.Uuid(), nullable=False),
        sa.Column("instance_id", sa.BigInteger(), nullable=False),
        sa.Column("task_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("paper", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("min_size", sa.Integer(), nullable=False),
        sa.Column("published", sa.Boolean(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("tellers", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("totals", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("paper_by", sa.BigInteger(), nullable=True),
        sa.Column("paper_confirmed_by", sa.BigInteger(), nullable=True),
        sa.Column("opened_on", sa.Date(), nullable=False),
        sa.Column("closed_on", sa.Date(), nullable=True),
        sa.Column("result", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("receipts", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.CheckConstraint(
            "paper_by <> paper_confirmed_by", name=op.f("ck_ballot_box_two_tellers")
        ),
        sa.CheckConstraint(
            "state = 'open' OR length(sealed) = 0", name=op.f("ck_ballot_box_emptied")
        ),
        sa.ForeignKeyConstraint(
            ["instance_id"], ["instance.id"], name=op.f("fk_ballot_box_instance_id_instance")
        ),
        sa.ForeignKeyConstraint(["task_id"], ["task.id"], name=op.f("fk_ballot_box_task_id_task")),
        sa.ForeignKeyConstraint(
            ["paper_by"], ["person.id"], name=op.f("fk_ballot_box_paper_by_person")
        ),
        sa.ForeignKeyConstraint(
            ["paper_confirmed_by"],
            ["person.id"],
            name=op.f("fk_ballot_box_paper_confirmed_by_person"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ballot_box")),
    )
    op.create_index("ix_ballot_box_instance_id", "ballot_box", ["instance_id"])
    op.create_index(
        "uq_ballot_box_standing",
        "ballot_box",
        ["task_id", "key"],
        unique=True,
        postgresql_where="state <> 'void'",
    )
    op.create_table(
        "ballot_voter",
        sa.Column("box_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("person_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("way", sa.Text(), nullable=True),
        sa.Column("voted_on", sa.Date(), nullable=True),
        sa.Column("struck", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["box_id"], ["ballot_box.id"], name=op.f("fk_ballot_voter_box_id_ballot_box")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_ballot_voter_person_id_person")
        ),
        sa.PrimaryKeyConstraint("box_id", "person_id", name=op.f("pk_ballot_voter")),
    )
    op.create_index("ix_ballot_voter_person_id", "ballot_voter", ["person_id"])
    for statement in RIGHTS:
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    op.drop_table("ballot_voter")
    op.drop_table("ballot_box")
