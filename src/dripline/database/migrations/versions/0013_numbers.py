"""Schema 0013_numbers."""

import sqlalchemy as sa
from alembic import op

from dripline.database import Id, UtcDateTime

revision = "0013_numbers"
down_revision = "0012_counted_messages"
branch_labels = None
depends_on = None

_COUNTED = ("sent", "failed", "fell_back", "delivered", "opened", "clicked", "bounced")


def upgrade() -> None:
    """Apply this step."""
    op.create_table(
        "delivery_tallies",
        sa.Column("id", Id(), nullable=False),
        *_kind(),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in _COUNTED),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_tallies")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "delivery_days",
        *_kind(),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in _COUNTED),
        sa.PrimaryKeyConstraint(
            "day",
            "channel",
            "origin",
            "scenario_id",
            "message_id",
            name=op.f("pk_delivery_days"),
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "counts",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("key", sa.String(length=160), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.Column("counted_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", "key", name=op.f("pk_counts")),
        sqlite_with_rowid=False,
    )
    op.execute(_of_before())


def _of_before() -> str:
    """Return what counts the deliveries that are on record already."""
    moment = "coalesce(sent_at, failed_at, scheduled_at)"
    day = f"substr({moment}, 1, 10)"
    if op.get_bind().dialect.name == "postgresql":
        day = f"to_char({moment} AT TIME ZONE 'UTC', 'YYYY-MM-DD')"
    known = "sum(CASE WHEN {0} IS NOT NULL THEN 1 ELSE 0 END)"
    status = "sum(CASE WHEN status = '{0}' THEN 1 ELSE 0 END)"
    return f"""
        INSERT INTO delivery_days
        SELECT {day}, channel, origin, coalesce(scenario_id, ''), message_id,
               {known.format("sent_at")}, {status.format("failed")}, 0,
               {known.format("delivered_at")}, {known.format("opened_at")},
               {known.format("clicked_at")}, {status.format("bounced")}
        FROM message_deliveries GROUP BY 1, 2, 3, 4, 5
    """  # noqa: S608 - put together from constants


def _kind() -> list[sa.Column[str]]:
    sizes = {"day": 10, "channel": 20, "origin": 20, "scenario_id": 64, "message_id": 120}
    return [sa.Column(name, sa.String(length=size), nullable=False) for name, size in sizes.items()]
