"""The table of enrollments."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    Index,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from dripline.database import Base

ACTIVE, COMPLETED, STOPPED, NOT_STARTED = "active", "completed", "stopped", "not_started"

_ACTIVE_ONLY = text("status = 'active'")
_HELD_ONLY = text("status = 'active' AND hold IS NOT NULL")


class Enrollment(Base):
    """One contact in one run of one scenario.

    `base_at` is the moment from which the next message's delay counts: the start, the last message
    or an action. `hold` says why nothing is queued: `action` (only its time-out is), `unreachable`,
    `paused`. `turn` rises whenever the plan changes, so that a queue row or a late result of an
    earlier plan is known as such. `recheck` asks the next decision to look up what was sent; so
    does a `revision`, the one it was entered in, that is not the scenario's any more. `version`
    rises with every change, so that a settle need not read again what its claim has read.
    """

    __tablename__ = "enrollments"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    contact_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("contacts.id", ondelete="CASCADE"))
    address_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("addresses.id", ondelete="CASCADE"))
    scenario_id: Mapped[str] = mapped_column(String(64))
    lane: Mapped[str] = mapped_column(String(64))
    run: Mapped[int] = mapped_column(SmallInteger)
    status: Mapped[str] = mapped_column(String(12))
    reason: Mapped[str | None] = mapped_column(String(200))
    hold: Mapped[str | None] = mapped_column(String(12))
    position: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    last_message_id: Mapped[str | None] = mapped_column(String(120))
    revision: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    started_at: Mapped[datetime]
    base_at: Mapped[datetime]
    last_sent_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    stopped_at: Mapped[datetime | None]
    waiting_for: Mapped[str | None] = mapped_column(String(120))
    wait_until: Mapped[datetime | None]
    early_action: Mapped[str | None] = mapped_column(String(120))
    turn: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    recheck: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    resends: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    pace_key: Mapped[str] = mapped_column(String(80))
    queue_priority: Mapped[int | None] = mapped_column(SmallInteger)
    queue_due_us: Mapped[int | None] = mapped_column(BigInteger)
    context: Mapped[dict[str, Any] | None]
    version: Mapped[int] = mapped_column(BigInteger, default=0, server_default=text("0"))

    __table_args__ = (
        UniqueConstraint("contact_id", "scenario_id", "run"),
        # With the status, which is always the same, so that SQLite counts from the index alone.
        Index(
            "uq_enrollments_active_lane",
            "contact_id",
            "lane",
            "status",
            unique=True,
            sqlite_where=_ACTIVE_ONLY,
            postgresql_where=_ACTIVE_ONLY,
        ),
        Index(
            "ix_enrollments_held",
            "scenario_id",
            "hold",
            "id",
            sqlite_where=_HELD_ONLY,
            postgresql_where=_HELD_ONLY,
        ),
        # In the order of contacts, which segments merge by.
        Index("ix_enrollments_scenario", "scenario_id", "status", "contact_id", "id"),
        # Room for a row's next version in its page: then no index has to be written again.
        {"sqlite_with_rowid": False, "postgresql_with": {"fillfactor": 50}},
    )


class ScenarioAccess(Base):
    """What a contact has of a scenario's product, whichever run: paid, links, the group."""

    __tablename__ = "scenario_access"

    contact_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("contacts.id", ondelete="CASCADE"), primary_key=True
    )
    scenario_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    paid_at: Mapped[datetime | None]
    payment_link: Mapped[str | None] = mapped_column(Text)
    invite_link: Mapped[str | None] = mapped_column(Text)
    joined_at: Mapped[datetime | None]

    __table_args__ = ({"sqlite_with_rowid": False},)
