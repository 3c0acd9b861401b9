"""Schema 0016_scores."""

import sqlalchemy as sa
from alembic import op

from dripline.database import Id, Json, UtcDateTime

revision = "0016_scores"
down_revision = "0015_email"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this step."""
    op.create_table(
        "engagement_scores",
        sa.Column("contact_id", Id(), nullable=False),
        sa.Column("type", sa.String(length=12), nullable=False),
        sa.Column("score", sa.SmallInteger(), nullable=False),
        sa.Column("fades_at", sa.BigInteger(), nullable=False),
        sa.Column("half_life", sa.Integer(), nullable=False),
        sa.Column("factors", Json(), nullable=False),
        sa.Column("computed_at", UtcDateTime(), nullable=False),
        sa.Column("valid_until", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("contact_id", "type", name=op.f("pk_engagement_scores")),
        sqlite_with_rowid=False,
    )
