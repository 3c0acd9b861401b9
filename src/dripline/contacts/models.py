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
NEEDS_START = "needs_start"


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

    __table_args__ = (
        # A third of the table, in its order: what counts of everybody go through.
        Index("ix_contacts_narrow", "id", "state", "language"),
        {"sqlite_with_rowid": False},
    )


class Address(Base):
    """Where a contact is reached: a chat with one bot, an email address.

    `next_send_at` is real time in microseconds: a chat takes one message a second. Where one
    process sends, it knows that by itself, and only longer rests stand here.
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
        {"sqlite_with_rowid": False, "postgresql_with": {"fillfactor": 50}},
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

    __table_args__ = (Index("ix_contact_tags_tag", "tag", "contact_id"),)


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


class Suppression(Base):
    """An email address that nothing is sent to, whoever it belongs to: see `suppression.py`.

    `value` is the normalised address, or its digest once its owner was erased.
    """

    __tablename__ = "email_suppressions"

    value: Mapped[str] = mapped_column(String(320), primary_key=True)
    reason: Mapped[str] = mapped_column(String(20))
    since: Mapped[datetime]
    detail: Mapped[str | None] = mapped_column(Text)

    __table_args__ = ({"sqlite_with_rowid": False},)


class SoftBounces(Base):
    """On how many days emails to an address came back for a reason that may pass."""

    __tablename__ = "soft_bounces"

    value: Mapped[str] = mapped_column(String(320), primary_key=True)
    days: Mapped[int] = mapped_column(SmallInteger)
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]

    __table_args__ = ({"sqlite_with_rowid": False},)


class Verification(Base):
    """A letter that asks whether an address is the contact's; the id is what its link proves."""

    __tablename__ = "email_verifications"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    contact_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("contacts.id", ondelete="CASCADE"))
    value: Mapped[str] = mapped_column(String(320))
    asked_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]

    __table_args__ = (
        Index("ix_email_verifications_contact", "contact_id", "asked_at"),
        Index("ix_email_verifications_value", "value", "asked_at"),
    )


class ConsentEntry(Base):
    """One thing somebody agreed to, refused or wished for, and how: written once, never changed.

    `wording` is what the person read. An erasure leaves entries on consent without a name: whose it
    was is then a digest of the address, in `subject`.
    """

    __tablename__ = "consent_log"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    contact_id: Mapped[uuid.UUID | None]
    subject: Mapped[str | None] = mapped_column(String(80))
    what: Mapped[str] = mapped_column(String(40))
    old: Mapped[str | None] = mapped_column(String(320))
    new: Mapped[str | None] = mapped_column(String(320))
    source: Mapped[str] = mapped_column(String(20))
    at: Mapped[datetime]
    ip: Mapped[str | None] = mapped_column(String(64))
    user_agent: Mapped[str | None] = mapped_column(Text)
    wording: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (Index("ix_consent_log_contact", "contact_id", "id"),)


class Question(Base):
    """What the bot has asked a person and waits to read, such as their email address."""

    __tablename__ = "bot_questions"

    address_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("addresses.id", ondelete="CASCADE"), primary_key=True
    )
    kind: Mapped[str] = mapped_column(String(20))
    asked_at: Mapped[datetime]

    __table_args__ = ({"sqlite_with_rowid": False},)
