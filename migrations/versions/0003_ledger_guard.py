"""The application's role, what it may do, and the guard over the ledger."""

from alembic import op

from engine.ledger.protection import INSTALL, REMOVE

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in INSTALL:
        op.get_bind().exec_driver_sql(statement.replace("%", "%%"))


def downgrade() -> None:
    for statement in REMOVE:
        op.get_bind().exec_driver_sql(statement.replace("%", "%%"))
