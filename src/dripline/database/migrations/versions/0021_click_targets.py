"""Schema 0021_click_targets."""

import sqlalchemy as sa
from alembic import op

revision = "0021_click_targets"
down_revision = "0020_batches"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this step."""
    op.create_index(
        "ix_clicks_target",
        "clicks",
        ["target", "person"],
        unique=False,
        sqlite_where=sa.text("post_id IS NOT NULL"),
        postgresql_where=sa.text("post_id IS NOT NULL"),
    )
