"""What each person is credited with by a step that counts for a tally (hours of study)."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("duty_event", sa.Column("shares", postgresql.JSONB(), nullable=True))


def downgrade() -> None:
    op.drop_column("duty_event", "shares")
