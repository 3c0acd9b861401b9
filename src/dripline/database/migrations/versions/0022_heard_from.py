"""Schema 0022_heard_from."""

import sqlalchemy as sa
from alembic import op

from dripline.database import Id

revision = "0022_heard_from"
down_revision = "0021_click_targets"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this step."""
    op.add_column("webhook_endpoints", sa.Column("heard_from", Id(), nullable=True))
