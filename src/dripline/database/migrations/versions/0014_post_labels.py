"""Schema 0014_post_labels."""

import sqlalchemy as sa
from alembic import op

from dripline.database import Json

revision = "0014_post_labels"
down_revision = "0013_numbers"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this step."""
    op.create_index("ix_contact_touches_post_id", "contact_touches", ["post_id"], unique=False)
    op.add_column("posts", sa.Column("labels", Json(), nullable=True))
