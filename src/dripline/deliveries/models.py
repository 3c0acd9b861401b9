"""Tables of what goes out: a narrow queue, what is in flight, and a wide log.

What waits is a small row, clustered by pace key, priority and due time, so that a tick touches only
what is due. The wide row of a message is written once, when it has ended.
"""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Float,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Text,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from dripline.database import Base, Json

# Smaller goes first. `PROMPTED` answers someone who has just pressed or written.
PROMPTED, URGENT, HIGH, NORMAL, LOW = range(5)
PRIORITIES = (PROMPTED, URGENT, HIGH, NORMAL, LOW)
MAX_ATTEMPTS = 3
_FAILED = text("status IN ('failed', 'bounced')")


class QueueRow(Base):
    """One thing that is due at a time, under a pace key. Times in microseconds since 1970."""

    __tablename__ = "queue"

    pace_key: Mapped[str] = mapped_column(String(80), primary_key=True)
    priority: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    due_at: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    origin: Mapped[str] = mapped_column(String(20))
    ref: Mapped[uuid.UUID]
    turn: Mapped[int] = mapped_column(BigInteger, default=0, server_default=text("0"))
    attempt: Mapped[int] = mapped_column(SmallInteger, default=0, server_default=text("0"))
    outages: Mapped[int] = mapped_column(SmallInteger, default=0, server_default=text("0"))
    detail: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        {
            "sqlite_with_rowid": False,
            # A queue is churned through: without this its index fills with the dead.
            "postgresql_with": {
                "autovacuum_vacuum_scale_factor": 0,
                "autovacuum_vacuum_threshold": 10000,
            },
        },
    )


class InflightRow(Base):
    """A claimed row: a worker holds it until its lease runs out. `claim` fences late results."""

    __tablename__ = "inflight"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    claim: Mapped[int] = mapped_column(BigInteger)
    worker: Mapped[str] = mapped_column(String(80))
    lease_until: Mapped[int] = mapped_column(BigInteger)
    pace_key: Mapped[str] = mapped_column(String(80))
    priority: Mapped[int] = mapped_column(SmallInteger)
    due_at: Mapped[int] = mapped_column(BigInteger)
    origin: Mapped[str] = mapped_column(String(20))
    ref: Mapped[uuid.UUID]
    turn: Mapped[int] = mapped_column(BigInteger)
    attempt: Mapped[int] = mapped_column(SmallInteger)
    outages: Mapped[int] = mapped_column(SmallInteger)
    detail: Mapped[str | None] = mapped_column(Text)

    __table_args__ = ({"sqlite_with_rowid": False},)


class Delivery(Base):
    """One message to one address, as it ended. Its id is its tracking id."""

    __tablename__ = "message_deliveries"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    contact_id: Mapped[uuid.UUID]
    origin: Mapped[str] = mapped_column(String(20))
    origin_id: Mapped[uuid.UUID]
    scenario_id: Mapped[str | None] = mapped_column(String(64))
    message_id: Mapped[str] = mapped_column(String(120))
    run: Mapped[int] = mapped_column(SmallInteger)
    resend: Mapped[int] = mapped_column(BigInteger)
    channel: Mapped[str] = mapped_column(String(20))
    bot: Mapped[str] = mapped_column(String(40))
    address_id: Mapped[uuid.UUID]
    recipient: Mapped[str] = mapped_column(String(320))
    status: Mapped[str] = mapped_column(String(12))
    content: Mapped[str | None] = mapped_column(Text)
    scheduled_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    opened_at: Mapped[datetime | None]
    clicked_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    failure_reason: Mapped[str | None] = mapped_column(Text)
    failure_code: Mapped[str | None] = mapped_column(String(40))
    provider_ids: Mapped[str | None] = mapped_column(Text)
    attempt_count: Mapped[int] = mapped_column(SmallInteger)
    max_attempts: Mapped[int] = mapped_column(SmallInteger, server_default=text("3"))
    decision: Mapped[dict[str, Any] | None] = mapped_column(Json)
    meta: Mapped[dict[str, Any] | None] = mapped_column("metadata", Json)

    __table_args__ = (
        # What went wrong is looked for among millions that went well.
        Index(
            "ix_message_deliveries_failed",
            "id",
            sqlite_where=_FAILED,
            postgresql_where=_FAILED,
        ),
    )


class DeliveryTally(Base):
    """What a batch adds to the counts of a day's messages, until analytics folds it in.

    A row a batch, since settles of all workers would stand in line at the day's own.
    """

    __tablename__ = "delivery_tallies"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    day: Mapped[str] = mapped_column(String(10))
    channel: Mapped[str] = mapped_column(String(20))
    origin: Mapped[str] = mapped_column(String(20))
    scenario_id: Mapped[str] = mapped_column(String(64))
    message_id: Mapped[str] = mapped_column(String(120))
    sent: Mapped[int] = mapped_column(Integer)
    failed: Mapped[int] = mapped_column(Integer)
    fell_back: Mapped[int] = mapped_column(Integer)
    delivered: Mapped[int] = mapped_column(Integer)
    opened: Mapped[int] = mapped_column(Integer)
    clicked: Mapped[int] = mapped_column(Integer)
    bounced: Mapped[int] = mapped_column(Integer)

    __table_args__ = ({"sqlite_with_rowid": False},)


class DeliveryKey(Base):
    """What makes a delivery the only one of its kind, and the way from a contact to deliveries.

    Beginning with the contact, one narrow clustered row serves both; the wide log needs no second
    index that every insert would scatter writes over.
    """

    __tablename__ = "delivery_keys"

    contact_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    origin_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    run: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    message_id: Mapped[str] = mapped_column(String(120), primary_key=True)
    channel: Mapped[str] = mapped_column(String(20), primary_key=True)
    resend: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    delivery_id: Mapped[uuid.UUID]

    __table_args__ = ({"sqlite_with_rowid": False},)


class CountedMessage(Base):
    """A message that counts towards its contact's cap: from its claim on, unless it fails.

    Only written where there is a cap; rows of more than a week ago are gone.
    """

    __tablename__ = "counted_messages"

    contact_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    origin_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    run: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    message_id: Mapped[str] = mapped_column(String(120), primary_key=True)
    counted_at: Mapped[datetime]

    __table_args__ = ({"sqlite_with_rowid": False},)


class ProviderMessage(Base):
    """Which delivery a provider's id of an email means: its news names nothing else for sure."""

    __tablename__ = "provider_messages"

    provider_id: Mapped[str] = mapped_column(String(200), primary_key=True)
    delivery_id: Mapped[uuid.UUID]

    __table_args__ = ({"sqlite_with_rowid": False},)


class EmailBatch(Base):
    """What left together for an email provider, until every message of it is settled.

    `body` holds pairs of a delivery's id and the fields of its email, as they left.
    """

    __tablename__ = "email_batches"

    key: Mapped[str] = mapped_column(String(80), primary_key=True)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    made_at: Mapped[datetime]


class EmailBatchMember(Base):
    """In which batch a message has left."""

    __tablename__ = "email_batch_members"

    delivery_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(80))

    __table_args__ = (
        Index("ix_email_batch_members_key", "key"),
        {"sqlite_with_rowid": False},
    )


class Decision(Base):
    """Why something was not simply sent: waited, skipped, parked, stopped, completed, resumed."""

    __tablename__ = "decisions"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    contact_id: Mapped[uuid.UUID]
    origin_id: Mapped[uuid.UUID]
    scenario_id: Mapped[str | None] = mapped_column(String(64))
    message_id: Mapped[str | None] = mapped_column(String(120))
    kind: Mapped[str] = mapped_column(String(12))
    reason: Mapped[str] = mapped_column(String(60))
    decided_at: Mapped[datetime]
    until: Mapped[datetime | None]
    detail: Mapped[dict[str, Any] | None]

    __table_args__ = (Index("ix_decisions_contact_id", "contact_id", "id"),)


class Pace(Base):
    """The pace of one key, shared by all workers. Real time, in microseconds.

    `tat_us` is when the next request may leave (GCRA's theoretical arrival time).
    """

    __tablename__ = "pace"

    key: Mapped[str] = mapped_column(String(80), primary_key=True)
    interval_us: Mapped[float] = mapped_column(Float(53))
    tat_us: Mapped[int] = mapped_column(BigInteger, default=0, server_default=text("0"))
    hold_until_us: Mapped[int] = mapped_column(BigInteger, default=0, server_default=text("0"))
    hold_reason: Mapped[str | None] = mapped_column(Text)
    outages: Mapped[int] = mapped_column(SmallInteger, default=0, server_default=text("0"))


class WorkerRow(Base):
    """A worker that is alive: it says so every few seconds, in real time."""

    __tablename__ = "workers"

    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    started_us: Mapped[int] = mapped_column(BigInteger)
    seen_us: Mapped[int] = mapped_column(BigInteger)
