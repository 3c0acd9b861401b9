"""Tables of rotations: where each stands, the chats it posts into, slots, and every post."""

import uuid
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Index,
    Integer,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from dripline.database import Base

PENDING, SENT, FAILED = "pending", "sent", "failed"

_OPEN = text("next_at IS NOT NULL")
_UNCOUNTED = text("status = 'sent' AND counted_at IS NULL")


class RotationState(Base):
    """Where a rotation stands.

    `anchor_at` is the moment from which every so many hours count; `last_message_id` is what was
    posted last. `next_at` is None while the rotation is stopped. `plan` is what the schedule was
    made of, so that an edit of it is noticed.
    """

    __tablename__ = "rotations"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    running: Mapped[bool]
    anchor_at: Mapped[datetime]
    next_at: Mapped[datetime | None]
    last_message_id: Mapped[str | None] = mapped_column(String(120))
    plan: Mapped[str] = mapped_column(String(200))
    changed_at: Mapped[datetime]

    __table_args__ = (
        Index("ix_rotations_next_at", "next_at", sqlite_where=_OPEN, postgresql_where=_OPEN),
    )


class RotationChat(Base):
    """A channel, a group, or a topic of one, as one bot sees it.

    `moved_to` is the id a group goes by since it has become a supergroup. `trouble` is why nothing
    can be posted there now (kicked, no rights), None while all is well.
    """

    __tablename__ = "rotation_chats"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    bot: Mapped[str] = mapped_column(String(40))
    value: Mapped[str] = mapped_column(String(64))
    topic: Mapped[int] = mapped_column(Integer, default=0, server_default=text("0"))
    moved_to: Mapped[str | None] = mapped_column(String(64))
    title: Mapped[str | None] = mapped_column(String(200))
    trouble: Mapped[str | None] = mapped_column(Text)
    trouble_since: Mapped[datetime | None]

    __table_args__ = (UniqueConstraint("bot", "value", "topic"),)


class RotationSlot(Base):
    """A moment of the schedule that was taken: whoever writes this row posts it, nobody else."""

    __tablename__ = "rotation_slots"

    rotation_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    slot_at: Mapped[datetime] = mapped_column(primary_key=True)
    message_id: Mapped[str] = mapped_column(String(120))
    made_at: Mapped[datetime]
    made_by: Mapped[str] = mapped_column(String(80))


class RotationPost(Base):
    """One message of one slot in one chat, and what became of it.

    `post_id` is its number in links and deep links. `member_count` is the chat's when it was
    posted; `counted_at` says that it was asked for.
    """

    __tablename__ = "rotation_posts"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    post_id: Mapped[int] = mapped_column(BigInteger)
    rotation_id: Mapped[str] = mapped_column(String(64))
    slot_at: Mapped[datetime]
    chat_id: Mapped[uuid.UUID]
    message_id: Mapped[str] = mapped_column(String(120))
    language: Mapped[str] = mapped_column(String(35))
    status: Mapped[str] = mapped_column(String(12))
    telegram_ids: Mapped[str | None] = mapped_column(Text)
    member_count: Mapped[int | None] = mapped_column(BigInteger)
    counted_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(SmallInteger, default=0, server_default=text("0"))
    failure: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        UniqueConstraint("rotation_id", "slot_at", "chat_id"),
        Index("ix_rotation_posts_chat_id", "chat_id", "ended_at"),
        Index(
            "ix_rotation_posts_uncounted",
            "ended_at",
            sqlite_where=_UNCOUNTED,
            postgresql_where=_UNCOUNTED,
        ),
    )
