"""Schema 0019_habits."""

import sqlalchemy as sa
from alembic import op

from dripline.database import Id

revision = "0019_habits"
down_revision = "0018_room_for_updates"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this step."""
    op.create_table(
        "learned_up_to",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("event_id", Id(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_learned_up_to")),
    )
