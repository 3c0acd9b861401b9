"""Schema 0018_room_for_updates."""

from alembic import op

revision = "0018_room_for_updates"
down_revision = "0017_webhooks"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this step."""
    if op.get_bind().dialect.name == "postgresql":
        # Pages that are filled from now on leave room for a next version of every row.
        op.execute("ALTER TABLE enrollments SET (fillfactor = 50)")
        op.execute("ALTER TABLE addresses SET (fillfactor = 50)")
