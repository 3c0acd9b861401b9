"""Schema 0003_lifecycle."""

import sqlalchemy as sa
from alembic import op

from dripline.database import Id, Json, UtcDateTime

revision = "0003_lifecycle"
down_revision = "0002_broadcasts_and_payments"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this step."""
    op.create_table(
        "lifecycle_bots",
        sa.Column("bot", sa.String(length=40), nullable=False),
        sa.Column("username", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("bot", name=op.f("pk_lifecycle_bots")),
    )
    op.create_table(
        "lifecycle_sweep",
        sa.Column("id", sa.SmallInteger(), nullable=False),
        sa.Column("rules", sa.String(length=64), nullable=False),
        sa.Column("after", Id(), nullable=True),
        sa.Column("done_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lifecycle_sweep")),
    )
    op.create_table(
        "lifecycle_standings",
        sa.Column("contact_id", Id(), nullable=False),
        sa.Column("referral_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("given_state", sa.String(length=40), nullable=True),
        sa.Column("decay_warned_at", UtcDateTime(), nullable=True),
        sa.Column("decay_hidden_at", UtcDateTime(), nullable=True),
        sa.Column("check_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["contact_id"],
            ["contacts.id"],
            name=op.f("fk_lifecycle_standings_contact_id_contacts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("contact_id", name=op.f("pk_lifecycle_standings")),
    )
    op.create_index(
        "ix_lifecycle_standings_check",
        "lifecycle_standings",
        ["check_at"],
        unique=False,
        sqlite_where=sa.text("check_at IS NOT NULL"),
        postgresql_where=sa.text("check_at IS NOT NULL"),
    )
    op.create_index(
        "ix_lifecycle_standings_top",
        "lifecycle_standings",
        ["referral_count", "contact_id"],
        unique=False,
        sqlite_where=sa.text("referral_count > 0 AND decay_hidden_at IS NULL"),
        postgresql_where=sa.text("referral_count > 0 AND decay_hidden_at IS NULL"),
    )
    op.create_table(
        "referral_codes",
        sa.Column("contact_id", Id(), nullable=False),
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["contact_id"],
            ["contacts.id"],
            name=op.f("fk_referral_codes_contact_id_contacts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("contact_id", name=op.f("pk_referral_codes")),
        sa.UniqueConstraint("code", name=op.f("uq_referral_codes_code")),
    )
    op.create_table(
        "referral_traces",
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("value", sa.String(length=128), nullable=False),
        sa.Column("contact_id", Id(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["contact_id"],
            ["contacts.id"],
            name=op.f("fk_referral_traces_contact_id_contacts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("kind", "value", "contact_id", name=op.f("pk_referral_traces")),
    )
    op.create_index(
        "ix_referral_traces_contact_id", "referral_traces", ["contact_id"], unique=False
    )
    op.create_table(
        "referrals",
        sa.Column("id", Id(), nullable=False),
        sa.Column("referrer_id", Id(), nullable=False),
        sa.Column("referred_id", Id(), nullable=False),
        sa.Column("referral_code", sa.String(length=32), nullable=False),
        sa.Column("status", sa.String(length=12), server_default="PENDING", nullable=False),
        sa.Column("review", sa.String(length=16), nullable=True),
        sa.Column("velocity_score", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("ip_address", sa.String(length=64), nullable=True),
        sa.Column("user_agent", sa.Text(), nullable=True),
        sa.Column("device_fingerprint", sa.String(length=128), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("registered_at", UtcDateTime(), nullable=True),
        sa.Column("check_at", UtcDateTime(), nullable=True),
        sa.Column("counted_at", UtcDateTime(), nullable=True),
        sa.Column("rewarded_at", UtcDateTime(), nullable=True),
        sa.Column("reviewed_by", sa.String(length=120), nullable=True),
        sa.Column("reviewed_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["referred_id"],
            ["contacts.id"],
            name=op.f("fk_referrals_referred_id_contacts"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["referrer_id"],
            ["contacts.id"],
            name=op.f("fk_referrals_referrer_id_contacts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_referrals")),
        sa.UniqueConstraint("referred_id", name=op.f("uq_referrals_referred_id")),
    )
    op.create_index(
        "ix_referrals_check",
        "referrals",
        ["check_at"],
        unique=False,
        sqlite_where=sa.text("check_at IS NOT NULL"),
        postgresql_where=sa.text("check_at IS NOT NULL"),
    )
    op.create_index(
        "ix_referrals_referrer", "referrals", ["referrer_id", "created_at"], unique=False
    )
    op.create_index(
        "ix_referrals_review",
        "referrals",
        ["id"],
        unique=False,
        sqlite_where=sa.text("review = 'PENDING_REVIEW'"),
        postgresql_where=sa.text("review = 'PENDING_REVIEW'"),
    )
    op.create_table(
        "referral_flags",
        sa.Column("referral_id", Id(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("evidence", Json(), nullable=False),
        sa.Column("found_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["referral_id"],
            ["referrals.id"],
            name=op.f("fk_referral_flags_referral_id_referrals"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("referral_id", "kind", name=op.f("pk_referral_flags")),
    )
