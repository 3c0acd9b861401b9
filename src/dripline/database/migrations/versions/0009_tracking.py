"""Schema 0009_tracking."""

import sqlalchemy as sa
from alembic import op

from dripline.database import Id, Json, UtcDateTime

revision = "0009_tracking"
down_revision = "0008_api"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this step."""
    op.create_table(
        "clicks",
        sa.Column("id", Id(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("clicked_at", UtcDateTime(), nullable=False),
        sa.Column("contact_id", Id(), nullable=True),
        sa.Column("delivery_id", Id(), nullable=True),
        sa.Column("post_id", sa.BigInteger(), nullable=True),
        sa.Column("promo", sa.String(length=64), nullable=True),
        sa.Column("chat", sa.String(length=64), nullable=True),
        sa.Column("channel", sa.String(length=20), nullable=True),
        sa.Column("label", sa.String(length=200), nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("person", sa.String(length=32), nullable=False),
        sa.Column("target", sa.String(length=32), nullable=False),
        sa.Column("human", sa.Boolean(), nullable=False),
        sa.Column("machine", sa.String(length=20), nullable=True),
        sa.Column("ip", sa.String(length=45), nullable=True),
        sa.Column("user_agent", sa.Text(), nullable=True),
        sa.Column("device", sa.String(length=64), nullable=True),
        sa.Column("metadata", Json(), nullable=True),
        sa.Column("converted_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clicks")),
    )
    op.create_index("ix_clicks_contact_id", "clicks", ["contact_id", "id"], unique=False)
    op.create_index("ix_clicks_delivery_id", "clicks", ["delivery_id", "clicked_at"], unique=False)
    op.create_index(
        "ix_clicks_post_id",
        "clicks",
        ["post_id", "clicked_at"],
        unique=False,
        sqlite_where=sa.text("post_id IS NOT NULL"),
        postgresql_where=sa.text("post_id IS NOT NULL"),
    )
    op.create_index(
        "ix_clicks_promo",
        "clicks",
        ["promo", "id"],
        unique=False,
        sqlite_where=sa.text("promo IS NOT NULL"),
        postgresql_where=sa.text("promo IS NOT NULL"),
    )
    op.create_table(
        "contact_touches",
        sa.Column("id", Id(), nullable=False),
        sa.Column("contact_id", Id(), nullable=False),
        sa.Column("touched_at", UtcDateTime(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("ref", sa.String(length=120), nullable=False),
        sa.Column("post_id", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_touches")),
    )
    op.create_index(
        "ix_contact_touches_contact_id",
        "contact_touches",
        ["contact_id", "touched_at"],
        unique=False,
    )
    op.create_table(
        "goals",
        sa.Column("event_id", Id(), nullable=False),
        sa.Column("contact_id", Id(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("reached_at", UtcDateTime(), nullable=False),
        sa.Column("scenario_id", sa.String(length=64), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column("first_kind", sa.String(length=12), nullable=True),
        sa.Column("first_ref", sa.String(length=120), nullable=True),
        sa.Column("first_post_id", sa.BigInteger(), nullable=True),
        sa.Column("last_kind", sa.String(length=12), nullable=True),
        sa.Column("last_ref", sa.String(length=120), nullable=True),
        sa.Column("last_post_id", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_goals")),
    )
    op.create_index("ix_goals_contact_id", "goals", ["contact_id"], unique=False)
    op.create_index("ix_goals_first_post_id", "goals", ["first_post_id"], unique=False)
    op.create_index("ix_goals_last_post_id", "goals", ["last_post_id"], unique=False)
    op.create_table(
        "links",
        sa.Column("id", Id(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_links")),
    )
    op.create_table(
        "opens",
        sa.Column("id", Id(), nullable=False),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("contact_id", Id(), nullable=True),
        sa.Column("delivery_id", Id(), nullable=False),
        sa.Column("human", sa.Boolean(), nullable=False),
        sa.Column("machine", sa.String(length=20), nullable=True),
        sa.Column("ip", sa.String(length=45), nullable=True),
        sa.Column("user_agent", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opens")),
    )
    op.create_index("ix_opens_contact_id", "opens", ["contact_id", "id"], unique=False)
    op.create_index("ix_opens_delivery_id", "opens", ["delivery_id"], unique=False)
    op.create_table(
        "posts",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("rotation", sa.String(length=64), nullable=False),
        sa.Column("slot", UtcDateTime(), nullable=False),
        sa.Column("chat", sa.String(length=64), nullable=False),
        sa.Column("promo", sa.String(length=64), nullable=False),
        sa.Column("scenario_id", sa.String(length=64), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("posted_at", UtcDateTime(), nullable=True),
        sa.Column("reach", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_posts")),
        sa.UniqueConstraint("rotation", "slot", "chat", name=op.f("uq_posts_rotation_slot_chat")),
    )
    op.create_index("ix_posts_posted_at", "posts", ["posted_at"], unique=False)
