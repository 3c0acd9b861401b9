"""Schema 0005_preferences."""

import sqlalchemy as sa
from alembic import op

from dripline.database import Id, UtcDateTime

revision = "0005_preferences"
down_revision = "0004_operators"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this step."""
    op.add_column("contacts", sa.Column("timezone_source", sa.String(length=8), nullable=True))
    op.create_table(
        "user_email_preferences",
        sa.Column("contact_id", Id(), nullable=False),
        sa.Column("sequences", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("announcements", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("preferred_channel", sa.String(length=20), nullable=True),
        sa.Column("preferred_time", sa.String(length=12), nullable=True),
        sa.Column("quiet_from", sa.SmallInteger(), nullable=True),
        sa.Column("quiet_to", sa.SmallInteger(), nullable=True),
        sa.Column("weekdays", sa.String(length=13), nullable=True),
        sa.Column("engaged_channel", sa.String(length=20), nullable=True),
        sa.Column("best_hour", sa.SmallInteger(), nullable=True),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["contact_id"],
            ["contacts.id"],
            name=op.f("fk_user_email_preferences_contact_id_contacts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("contact_id", name=op.f("pk_user_email_preferences")),
        sqlite_with_rowid=False,
    )
