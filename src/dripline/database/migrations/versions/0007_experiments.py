"""Schema 0007_experiments."""

import sqlalchemy as sa
from alembic import op

from dripline.database import Id, UtcDateTime

revision = "0007_experiments"
down_revision = "0006_consent"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this step."""
    op.create_table(
        "experiment_verdicts",
        sa.Column("experiment_id", sa.String(length=64), nullable=False),
        sa.Column("variant", sa.String(length=64), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=False),
        sa.Column("decided_by", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("experiment_id", name=op.f("pk_experiment_verdicts")),
    )
    op.create_table(
        "experiment_assignments",
        sa.Column("experiment_id", sa.String(length=64), nullable=False),
        sa.Column("contact_id", Id(), nullable=False),
        sa.Column("variant", sa.String(length=64), nullable=False),
        sa.Column("assigned_at", UtcDateTime(), nullable=False),
        sa.Column("converted_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["contact_id"],
            ["contacts.id"],
            name=op.f("fk_experiment_assignments_contact_id_contacts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "experiment_id", "contact_id", name=op.f("pk_experiment_assignments")
        ),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_experiment_assignments_open",
        "experiment_assignments",
        ["contact_id"],
        unique=False,
        sqlite_where=sa.text("converted_at IS NULL"),
        postgresql_where=sa.text("converted_at IS NULL"),
    )
