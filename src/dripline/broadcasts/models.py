"""Tables of broadcasts: what is sent to whom, how far it is, and what waits while it is paused."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, SmallInteger, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from dripline.database import Base

DRAFT, SCHEDULED, RUNNING, PAUSED = "draft", "scheduled", "running", "paused"
DONE, CANCELLED = "done", "cancelled"
FROZEN, LIVE = "frozen", "live"


class Broadcast(Base):
    """One broadcast. Its message and targeting are pinned here when it is scheduled or started.

    `number` stands on its queue rows (as their turn). `cursor` is the last contact whose page is
    queued; it moves in the transaction that queues them. `audience_done`: the last page is queued.
    `moved`: what a pause or a cancel takes out of the queue is out. Its queue rows are due from
    `queued_from_us` to `queued_to_us`. `launches` counts starts: a broadcast that was done may be
    started again, for those who have not got it.
    """

    __tablename__ = "broadcasts"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger)
    key: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(200))
    status: Mapped[str] = mapped_column(String(12))
    audience: Mapped[str] = mapped_column(String(8))
    bot: Mapped[str] = mapped_column(String(40))
    definition: Mapped[dict[str, Any]]
    created_by: Mapped[str] = mapped_column(String(120))
    created_at: Mapped[datetime]
    starts_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    cursor: Mapped[uuid.UUID | None]
    audience_done: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    moved: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    launches: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    queued_from_us: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    queued_to_us: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    queued: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    sent: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    failed: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    skipped: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))

    __table_args__ = (UniqueConstraint("key"), UniqueConstraint("number"))


class ParkedRow(Base):
    """A queue row of a paused broadcast, out of the way of everything that is due."""

    __tablename__ = "broadcast_parked"

    broadcast_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    address_id: Mapped[uuid.UUID]
    attempt: Mapped[int] = mapped_column(SmallInteger)
    detail: Mapped[str | None] = mapped_column(Text)

    __table_args__ = ({"sqlite_with_rowid": False},)


class Missed(Base):
    """Somebody who was to get a broadcast and did not, and why."""

    __tablename__ = "broadcast_missed"

    broadcast_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    contact_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(40))
    reason: Mapped[str | None] = mapped_column(Text)
    at: Mapped[datetime]

    __table_args__ = ({"sqlite_with_rowid": False},)


class Tally(Base):
    """What a batch added to a broadcast's counters; the launch folds it in.

    A row a batch, since claims and settles of all workers would stand in line at the broadcast's.
    """

    __tablename__ = "broadcast_tallies"

    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    sent: Mapped[int] = mapped_column(BigInteger)
    failed: Mapped[int] = mapped_column(BigInteger)
    skipped: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = ({"sqlite_with_rowid": False},)
