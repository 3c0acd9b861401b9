"""Schema 0015_email."""

import sqlalchemy as sa
from alembic import op

from dripline.database import Id, UtcDateTime

revision = "0015_email"
down_revision = "0014_post_labels"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this step."""
    op.create_table(
        "soft_bounces",
        sa.Column("value", sa.String(length=320), nullable=False),
        sa.Column("days", sa.SmallInteger(), nullable=False),
        sa.Column("first_at", UtcDateTime(), nullable=False),
        sa.Column("last_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("value", name=op.f("pk_soft_bounces")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "provider_messages",
        sa.Column("provider_id", sa.String(length=200), nullable=False),
        sa.Column("delivery_id", Id(), nullable=False),
        sa.PrimaryKeyConstraint("provider_id", name=op.f("pk_provider_messages")),
        sqlite_with_rowid=False,
    )
