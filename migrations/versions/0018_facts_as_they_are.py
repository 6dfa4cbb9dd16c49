"""What is kept beside a matter stays as it is: every step reads and writes it.

Compressing some kilobytes of text costs the server more than storing them.
"""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE matter_facts ALTER facts SET STORAGE EXTERNAL")
    op.execute("ALTER TABLE matter_facts SET (toast_tuple_target = 8160)")


def downgrade() -> None:
    op.execute("ALTER TABLE matter_facts RESET (toast_tuple_target)")
    op.execute("ALTER TABLE matter_facts ALTER facts SET STORAGE EXTENDED")
