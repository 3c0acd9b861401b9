"""Schema 0006_consent."""

import sqlalchemy as sa
from alembic import op

from dripline.database import Id, UtcDateTime

revision = "0006_consent"
down_revision = "0005_preferences"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this step."""
    op.create_table(
        "email_suppressions",
        sa.Column("value", sa.String(length=320), nullable=False),
        sa.Column("reason", sa.String(length=20), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("value", name=op.f("pk_email_suppressions")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "email_verifications",
        sa.Column("id", Id(), nullable=False),
        sa.Column("contact_id", Id(), nullable=False),
        sa.Column("value", sa.String(length=320), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["contact_id"],
            ["contacts.id"],
            name=op.f("fk_email_verifications_contact_id_contacts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_email_verifications")),
    )
    op.create_index(
        "ix_email_verifications_contact", "email_verifications", ["contact_id", "asked_at"]
    )
    op.create_index("ix_email_verifications_value", "email_verifications", ["value", "asked_at"])
    op.create_table(
        "consent_log",
        sa.Column("id", Id(), nullable=False),
        sa.Column("contact_id", Id(), nullable=True),
        sa.Column("subject", sa.String(length=80), nullable=True),
        sa.Column("what", sa.String(length=40), nullable=False),
        sa.Column("old", sa.String(length=320), nullable=True),
        sa.Column("new", sa.String(length=320), nullable=True),
        sa.Column("source", sa.String(length=20), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("ip", sa.String(length=64), nullable=True),
        sa.Column("user_agent", sa.Text(), nullable=True),
        sa.Column("wording", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent_log")),
    )
    op.create_index("ix_consent_log_contact", "consent_log", ["contact_id", "id"])
    op.create_table(
        "bot_questions",
        sa.Column("address_id", Id(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["address_id"],
            ["addresses.id"],
            name=op.f("fk_bot_questions_address_id_addresses"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("address_id", name=op.f("pk_bot_questions")),
        sqlite_with_rowid=False,
    )
