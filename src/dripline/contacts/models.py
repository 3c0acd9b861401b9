"""Tables of contacts and what is known of them."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from dripline.database import Base, Json

REACHABLE = "reachable"


class Contact(Base):
    """A person."""

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
