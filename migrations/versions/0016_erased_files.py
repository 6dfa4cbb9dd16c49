"""Files whose content went by the rule of retention, and when their bytes were destroyed."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("blob", sa.Column("destroyed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("attachment", sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_attachment_erased",
        "attachment",
        ["sha256"],
        unique=False,
        postgresql_where="erased_at IS NOT NULL",
    )


def downgrade() -> None:
    op.drop_index("ix_attachment_erased", table_name="attachment")
    op.drop_column("attachment", "erased_at")
    op.drop_column("blob", "destroyed_at")
