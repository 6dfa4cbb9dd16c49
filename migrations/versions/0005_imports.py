"""People's numbers in the organisation's own lists, and workbooks waiting to be confirmed."""

import sqlalchemy as sa
from alembic import op

from engine.ledger.protection import RIGHTS

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("person", sa.Column("code", sa.Text(), nullable=True))
    op.create_unique_constraint(op.f("uq_person_code"), "person", ["code"])
    op.create_table(
        "directory_import",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_directory_import_person_id_person")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_directory_import")),
    )
    op.create_index(
        op.f("ix_directory_import_uploaded_at"), "directory_import", ["uploaded_at"], unique=False
    )
    for statement in RIGHTS:
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    op.drop_table("directory_import")
    op.drop_constraint(op.f("uq_person_code"), "person", type_="unique")
    op.drop_column("person", "code")
