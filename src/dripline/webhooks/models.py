"""Tables of outbound webhooks: where they go, and what is to go there or has gone."""

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, Index, SmallInteger, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from dripline.database import Base, Json

PENDING, DELIVERED, FAILED = "pending", "delivered", "failed"
_OPEN = text("status = 'pending'")


class Endpoint(Base):
    """Somewhere that wants to hear of events.

    Its secret is derived from the installation's key, its id and `secret_version`: none is kept.
    `failing_since` is the first of the failures that no success has interrupted. `heard_from` is
    set while other processes may not know yet what it wants: from where on to look what they have
    passed over (see `catch_up.py`).
    """

    __tablename__ = "webhook_endpoints"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    url: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(String(200), default="", server_default="")
    names: Mapped[list[str]] = mapped_column(Json)
    is_on: Mapped[bool]
    secret_version: Mapped[int] = mapped_column(SmallInteger, default=1, server_default=text("1"))
    created_at: Mapped[datetime]
    failing_since: Mapped[datetime | None]
    disabled_reason: Mapped[str | None] = mapped_column(Text)
    heard_from: Mapped[uuid.UUID | None]


class WebhookDelivery(Base):
    """One event on its way to one endpoint, once: what is pending, and the log of what was."""

    __tablename__ = "webhook_deliveries"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    endpoint_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("webhook_endpoints.id", ondelete="CASCADE")
    )
    event_id: Mapped[uuid.UUID]
    event_name: Mapped[str] = mapped_column(String(80))
    status: Mapped[str] = mapped_column(String(12))
    attempts: Mapped[int] = mapped_column(SmallInteger)
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    answer: Mapped[int | None] = mapped_column(SmallInteger)
    error: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        UniqueConstraint("endpoint_id", "event_id"),
        Index("ix_webhook_deliveries_due", "due_at", sqlite_where=_OPEN, postgresql_where=_OPEN),
        Index("ix_webhook_deliveries_log", "endpoint_id", "id"),
    )
