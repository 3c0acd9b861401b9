"""Schema 0012_counted_messages."""

import sqlalchemy as sa
from alembic import op

from dripline.database import Id, UtcDateTime

revision = "0012_counted_messages"
down_revision = "0011_rotations"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this step."""
    op.create_table(
        "counted_messages",
        sa.Column("contact_id", Id(), nullable=False),
        sa.Column("origin_id", Id(), nullable=False),
        sa.Column("run", sa.SmallInteger(), nullable=False),
        sa.Column("message_id", sa.String(length=120), nullable=False),
        sa.Column("counted_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint(
            "contact_id", "origin_id", "run", "message_id", name=op.f("pk_counted_messages")
        ),
        sqlite_with_rowid=False,
    )
