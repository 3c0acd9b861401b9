"""Schema 0002_broadcasts_and_payments."""

import sqlalchemy as sa
from alembic import op

from dripline.database import Id, Json, UtcDateTime

revision = "0002_broadcasts_and_payments"
down_revision = "0001_initial"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this step."""
    op.create_table(
        "broadcast_missed",
        sa.Column("broadcast_id", Id(), nullable=False),
        sa.Column("contact_id", Id(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("broadcast_id", "contact_id", name=op.f("pk_broadcast_missed")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "broadcast_parked",
        sa.Column("broadcast_id", Id(), nullable=False),
        sa.Column("id", Id(), nullable=False),
        sa.Column("address_id", Id(), nullable=False),
        sa.Column("attempt", sa.SmallInteger(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("broadcast_id", "id", name=op.f("pk_broadcast_parked")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "broadcast_tallies",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", Id(), nullable=False),
        sa.Column("sent", sa.BigInteger(), nullable=False),
        sa.Column("failed", sa.BigInteger(), nullable=False),
        sa.Column("skipped", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number", "id", name=op.f("pk_broadcast_tallies")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "broadcasts",
        sa.Column("id", Id(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("audience", sa.String(length=8), nullable=False),
        sa.Column("bot", sa.String(length=40), nullable=False),
        sa.Column("definition", Json(), nullable=False),
        sa.Column("created_by", sa.String(length=120), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("starts_at", UtcDateTime(), nullable=True),
        sa.Column("started_at", UtcDateTime(), nullable=True),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.Column("cursor", Id(), nullable=True),
        sa.Column("audience_done", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("moved", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("launches", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("queued_from_us", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("queued_to_us", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("queued", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("sent", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("failed", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("skipped", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_broadcasts")),
        sa.UniqueConstraint("key", name=op.f("uq_broadcasts_key")),
        sa.UniqueConstraint("number", name=op.f("uq_broadcasts_number")),
    )
    op.create_table(
        "payments",
        sa.Column("id", Id(), nullable=False),
        sa.Column("provider", sa.String(length=40), nullable=False),
        sa.Column("provider_event_id", sa.String(length=200), nullable=False),
        sa.Column("contact_id", Id(), nullable=True),
        sa.Column("scenario_id", sa.String(length=64), nullable=True),
        sa.Column("product", sa.String(length=120), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("paid_at", UtcDateTime(), nullable=False),
        sa.Column("recorded_at", UtcDateTime(), nullable=False),
        sa.Column("outcome", sa.String(length=12), nullable=True),
        sa.Column("data", Json(), nullable=True),
        sa.ForeignKeyConstraint(
            ["contact_id"],
            ["contacts.id"],
            name=op.f("fk_payments_contact_id_contacts"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payments")),
        sa.UniqueConstraint(
            "provider", "provider_event_id", name=op.f("uq_payments_provider_provider_event_id")
        ),
    )
    op.create_index(
        "ix_payments_contact", "payments", ["contact_id", "product", "paid_at"], unique=False
    )
    op.create_table(
        "scenario_access",
        sa.Column("contact_id", Id(), nullable=False),
        sa.Column("scenario_id", sa.String(length=64), nullable=False),
        sa.Column("paid_at", UtcDateTime(), nullable=True),
        sa.Column("payment_link", sa.Text(), nullable=True),
        sa.Column("invite_link", sa.Text(), nullable=True),
        sa.Column("joined_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["contact_id"],
            ["contacts.id"],
            name=op.f("fk_scenario_access_contact_id_contacts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("contact_id", "scenario_id", name=op.f("pk_scenario_access")),
        sqlite_with_rowid=False,
    )
    op.drop_index(op.f("ix_addresses_contact_id"), table_name="addresses")
    op.create_index(
        "ix_addresses_contact",
        "addresses",
        ["contact_id", "channel", "bot", "reachability"],
        unique=False,
    )
    op.create_index(
        "ix_events_name",
        "events",
        ["name", "contact_id", "occurred_at"],
        unique=False,
        sqlite_where=sa.text("source <> 'delivery'"),
        postgresql_where=sa.text("source <> 'delivery'"),
    )
