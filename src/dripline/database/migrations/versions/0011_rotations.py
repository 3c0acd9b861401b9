"""Schema 0011_rotations."""

import sqlalchemy as sa
from alembic import op

from dripline.database import Id, UtcDateTime

revision = "0011_rotations"
down_revision = "0010_enrollment_versions"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this step."""
    op.create_table(
        "rotation_chats",
        sa.Column("id", Id(), nullable=False),
        sa.Column("bot", sa.String(length=40), nullable=False),
        sa.Column("value", sa.String(length=64), nullable=False),
        sa.Column("topic", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("moved_to", sa.String(length=64), nullable=True),
        sa.Column("title", sa.String(length=200), nullable=True),
        sa.Column("trouble", sa.Text(), nullable=True),
        sa.Column("trouble_since", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rotation_chats")),
        sa.UniqueConstraint(
            "bot", "value", "topic", name=op.f("uq_rotation_chats_bot_value_topic")
        ),
    )
    op.create_table(
        "rotation_posts",
        sa.Column("id", Id(), nullable=False),
        sa.Column("post_id", sa.BigInteger(), nullable=False),
        sa.Column("rotation_id", sa.String(length=64), nullable=False),
        sa.Column("slot_at", UtcDateTime(), nullable=False),
        sa.Column("chat_id", Id(), nullable=False),
        sa.Column("message_id", sa.String(length=120), nullable=False),
        sa.Column("language", sa.String(length=35), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("telegram_ids", sa.Text(), nullable=True),
        sa.Column("member_count", sa.BigInteger(), nullable=True),
        sa.Column("counted_at", UtcDateTime(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("attempts", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rotation_posts")),
        sa.UniqueConstraint(
            "rotation_id",
            "slot_at",
            "chat_id",
            name=op.f("uq_rotation_posts_rotation_id_slot_at_chat_id"),
        ),
    )
    op.create_index(
        "ix_rotation_posts_chat_id", "rotation_posts", ["chat_id", "ended_at"], unique=False
    )
    op.create_index(
        "ix_rotation_posts_uncounted",
        "rotation_posts",
        ["ended_at"],
        unique=False,
        sqlite_where=sa.text("status = 'sent' AND counted_at IS NULL"),
        postgresql_where=sa.text("status = 'sent' AND counted_at IS NULL"),
    )
    op.create_table(
        "rotation_slots",
        sa.Column("rotation_id", sa.String(length=64), nullable=False),
        sa.Column("slot_at", UtcDateTime(), nullable=False),
        sa.Column("message_id", sa.String(length=120), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("made_by", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("rotation_id", "slot_at", name=op.f("pk_rotation_slots")),
    )
    op.create_table(
        "rotations",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("running", sa.Boolean(), nullable=False),
        sa.Column("anchor_at", UtcDateTime(), nullable=False),
        sa.Column("next_at", UtcDateTime(), nullable=True),
        sa.Column("last_message_id", sa.String(length=120), nullable=True),
        sa.Column("plan", sa.String(length=200), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rotations")),
    )
    op.create_index(
        "ix_rotations_next_at",
        "rotations",
        ["next_at"],
        unique=False,
        sqlite_where=sa.text("next_at IS NOT NULL"),
        postgresql_where=sa.text("next_at IS NOT NULL"),
    )
