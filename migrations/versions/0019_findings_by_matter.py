"""A finding's organisation is a copy of its matter's or its duty's, which refers to it already.

Looking it up once more for every finding costs a step more than writing the finding's row.
"""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

NAME = "fk_finding_organisation_id_organisation"


def upgrade() -> None:
    op.drop_constraint(op.f(NAME), "finding", type_="foreignkey")


def downgrade() -> None:
    op.create_foreign_key(op.f(NAME), "finding", "organisation", ["organisation_id"], ["id"])
