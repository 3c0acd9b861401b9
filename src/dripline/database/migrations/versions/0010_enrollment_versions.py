"""Schema 0010_enrollment_versions."""

import sqlalchemy as sa
from alembic import op

revision = "0010_enrollment_versions"
down_revision = "0009_tracking"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this step."""
    op.add_column(
        "enrollments",
        sa.Column("version", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
    )
