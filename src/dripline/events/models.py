"""Tables of events, the outbox and the inbox."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import Index, LargeBinary, SmallInteger, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from dripline.database import Base

_NOT_DELIVERY = text("source <> 'delivery'")


class Event(Base):
    """Something that happened, once: `(source, source_id)` is what makes it the same thing."""

    __tablename__ = "events"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    contact_id: Mapped[uuid.UUID | None]
    source: Mapped[str] = mapped_column(String(80))
    source_id: Mapped[str] = mapped_column(String(160))
    occurred_at: Mapped[datetime]
    data: Mapped[dict[str, Any]]

    __table_args__ = (
        UniqueConstraint("source", "source_id"),
        # Deliveries' own events, by the million, are found by their delivery.
        Index(
            "ix_events_contact",
            "contact_id",
            "id",
            sqlite_where=_NOT_DELIVERY,
            postgresql_where=_NOT_DELIVERY,
        ),
        # Whom something happened to, and when: what segments ask.
        Index(
            "ix_events_name",
            "name",
            "contact_id",
            "occurred_at",
            sqlite_where=_NOT_DELIVERY,
            postgresql_where=_NOT_DELIVERY,
        ),
    )


class OutboxRow(Base):
    """An event that a consumer has still to react to."""

    __tablename__ = "outbox"

    event_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    consumer: Mapped[str] = mapped_column(String(40), primary_key=True)
    attempts: Mapped[int] = mapped_column(SmallInteger, default=0, server_default=text("0"))
    error: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        Index(
            "ix_outbox_open",
            "consumer",
            "event_id",
            sqlite_where=text("attempts < 5"),
            postgresql_where=text("attempts < 5"),
        ),
    )


class InboxRow(Base):
    """Something a provider told us, as it came: stored before it is answered."""

    __tablename__ = "inbox"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(String(80))
    source_id: Mapped[str] = mapped_column(String(160))
    received_at: Mapped[datetime]
    body: Mapped[bytes] = mapped_column(LargeBinary)
    done_at: Mapped[datetime | None]
    error: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        UniqueConstraint("source", "source_id"),
        Index(
            "ix_inbox_open",
            "source",
            "id",
            sqlite_where=text("done_at IS NULL"),
            postgresql_where=text("done_at IS NULL"),
        ),
    )
