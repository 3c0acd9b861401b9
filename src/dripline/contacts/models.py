"""Tables of contacts and what is known of them."""

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
    true,
)
from sqlalchemy.orm import Mapped, mapped_column

from dripline.database import Base, Json

REACHABLE = "reachable"


class Contact(Base):
    """A person.

    `timezone_source` says how the timezone is known: `asked` of the person, `guessed` from their
    language. While there is none, they live in UTC.
    """

    __tablename__ = "contacts"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    created_at: Mapped[datetime]
    username: Mapped[str | None] = mapped_column(String(200))
    first_name: Mapped[str | None] = mapped_column(Text)
    last_name: Mapped[str | None] = mapped_column(Text)
    language: Mapped[str | None] = mapped_column(String(35))
    timezone: Mapped[str | None] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(40), default="VISITOR", server_default="VISITOR")
    registered_at: Mapped[datetime | None]
    last_seen_at: Mapped[datetime | None]
    timezone_source: Mapped[str | None] = mapped_column(String(8))

    __table_args__ = ({"sqlite_with_rowid": False},)


class Address(Base):
    """Where a contact is reached: a chat with one bot, an email address.

    `next_send_at` is real time in microseconds: a chat takes one message a second.
    """

    __tablename__ = "addresses"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    contact_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("contacts.id", ondelete="CASCADE"))
    channel: Mapped[str] = mapped_column(String(20))
    bot: Mapped[str] = mapped_column(String(40), default="", server_default="")
    value: Mapped[str] = mapped_column(String(320))
    reachability: Mapped[str] = mapped_column(
        String(20), default=REACHABLE, server_default=REACHABLE
    )
    reachability_since: Mapped[datetime]
    reachability_reason: Mapped[str | None] = mapped_column(Text)
    next_send_at: Mapped[int] = mapped_column(BigInteger, default=0, server_default=text("0"))
    created_at: Mapped[datetime]

    __table_args__ = (
        UniqueConstraint("channel", "bot", "value"),
        # Covers "can be reached", and the pages of a broadcast's audience.
        Index("ix_addresses_contact", "contact_id", "channel", "bot", "reachability"),
        # Room for a row's next version in its page: then no index has to be written again.
        {"sqlite_with_rowid": False, "postgresql_with": {"fillfactor": 85}},
    )


class Attribute(Base):
    """A custom fact about a contact, for templates and segments."""

    __tablename__ = "contact_attributes"

    contact_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("contacts.id", ondelete="CASCADE"), primary_key=True
    )
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[Any] = mapped_column(Json)
    changed_at: Mapped[datetime]


class Tag(Base):
    """A label on a contact."""

    __tablename__ = "contact_tags"

    contact_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("contacts.id", ondelete="CASCADE"), primary_key=True
    )
    tag: Mapped[str] = mapped_column(String(64), primary_key=True)
    added_at: Mapped[datetime]

    __table_args__ = (Index("ix_contact_tags_tag", "tag"),)


class Preferences(Base):
    """What a contact wants to get, where and when; no row: they never said, nor did we learn.

    `preferred_channel` is telegram or email, `preferred_time` morning, afternoon or evening. Quiet
    hours are minutes of the local day, `quiet_to` excluded, and may run past midnight. `weekdays`
    are ISO numbers such as `1,2,3,4,5`; none: every day. `engaged_channel` and `best_hour` (of the
    local day) are not said by the person but learned from what they open and press.
    """

    __tablename__ = "user_email_preferences"

    contact_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("contacts.id", ondelete="CASCADE"), primary_key=True
    )
    sequences: Mapped[bool] = mapped_column(default=True, server_default=true())
    announcements: Mapped[bool] = mapped_column(default=True, server_default=true())
    preferred_channel: Mapped[str | None] = mapped_column(String(20))
    preferred_time: Mapped[str | None] = mapped_column(String(12))
    quiet_from: Mapped[int | None] = mapped_column(SmallInteger)
    quiet_to: Mapped[int | None] = mapped_column(SmallInteger)
    weekdays: Mapped[str | None] = mapped_column(String(13))
    engaged_channel: Mapped[str | None] = mapped_column(String(20))
    best_hour: Mapped[int | None] = mapped_column(SmallInteger)
    updated_at: Mapped[datetime]

    __table_args__ = ({"sqlite_with_rowid": False},)
