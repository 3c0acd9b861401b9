"""Schema 0023_sorted_sets."""

import sqlalchemy as sa
from alembic import op

revision = "0023_sorted_sets"
down_revision = "0022_heard_from"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this step."""
    op.create_index("ix_contacts_narrow", "contacts", ["id", "state", "language"])
    op.drop_index("ix_contact_tags_tag", "contact_tags")
    op.create_index("ix_contact_tags_tag", "contact_tags", ["tag", "contact_id"])
    op.drop_index("ix_enrollments_scenario", "enrollments")
    op.create_index(
        "ix_enrollments_scenario", "enrollments", ["scenario_id", "status", "contact_id", "id"]
    )
    op.drop_index("uq_enrollments_active_lane", "enrollments")
    op.create_index(
        "uq_enrollments_active_lane",
        "enrollments",
        ["contact_id", "lane", "status"],
        unique=True,
        sqlite_where=sa.text("status = 'active'"),
        postgresql_where=sa.text("status = 'active'"),
    )
