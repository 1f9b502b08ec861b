"""What a bank knows of its relation to a company."""

import sqlalchemy as sa
from alembic import op

from api.store.tables import Instant

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables to this version."""
    op.create_table(
        "relations",
        sa.Column("organisation_id", sa.String(length=64), nullable=False),
        sa.Column("company_id", sa.String(length=64), nullable=False),
        sa.Column("stated", sa.Text(), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id", "company_id"],
            ["companies.organisation_id", "companies.id"],
            name=op.f("fk_relations_organisation_id_company_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_relations_organisation_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_relations_user_id")),
        sa.PrimaryKeyConstraint("organisation_id", "company_id", name=op.f("pk_relations")),
    )


def downgrade() -> None:
    """Take it back."""
    op.drop_table("relations")
