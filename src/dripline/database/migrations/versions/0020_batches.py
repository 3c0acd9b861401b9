"""Schema 0020_batches."""

import sqlalchemy as sa
from alembic import op

from dripline.database import Id, UtcDateTime

revision = "0020_batches"
down_revision = "0019_habits"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this step."""
    op.create_table(
        "email_batches",
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_email_batches")),
    )
    op.create_table(
        "email_batch_members",
        sa.Column("delivery_id", Id(), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("delivery_id", name=op.f("pk_email_batch_members")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_email_batch_members_key", "email_batch_members", ["key"])
