"""Tables of what came back: long links, posts, clicks, opens, touches, and goals reached.

None refers to another by a foreign key: a click may come before its delivery is settled, and after
its contact was erased.
"""

import uuid
from datetime import datetime
from typing import Any

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

from dripline.database import Base, Json

LINK, CALLBACK, START = "link", "callback", "start"


class LongLink(Base):
    """A url that is too long to travel in a token; its id is a hash of it."""

    __tablename__ = "links"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    url: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]


class Post(Base):
    """One post into one chat, under a number that is short enough for a deep link.

    `reach` is the chat's member count when it was posted; both are None until it was. `labels` are
    what stands on its buttons, for the clicks that know a button only by its place.
    """

    __tablename__ = "posts"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    rotation: Mapped[str] = mapped_column(String(64))
    slot: Mapped[datetime]
    chat: Mapped[str] = mapped_column(String(64))
    promo: Mapped[str] = mapped_column(String(64))
    scenario_id: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime]
    posted_at: Mapped[datetime | None]
    reach: Mapped[int | None] = mapped_column(BigInteger)
    labels: Mapped[list[Any] | None]

    __table_args__ = (
        UniqueConstraint("rotation", "slot", "chat"),
        Index("ix_posts_posted_at", "posted_at"),
    )


class Click(Base):
    """Somebody, or something, followed a link, pressed a post's button, or came by a deep link.

    All are kept; `human` says which of them count, `machine` why one does not. `person` is whoever
    clicked: the contact, or a hash of where an unknown visitor came from. `target` is what was
    clicked: one person counts once on one target.
    """

    __tablename__ = "clicks"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(12))
    clicked_at: Mapped[datetime]
    contact_id: Mapped[uuid.UUID | None]
    delivery_id: Mapped[uuid.UUID | None]
    post_id: Mapped[int | None] = mapped_column(BigInteger)
    promo: Mapped[str | None] = mapped_column(String(64))
    chat: Mapped[str | None] = mapped_column(String(64))
    channel: Mapped[str | None] = mapped_column(String(20))
    label: Mapped[str] = mapped_column(String(200))
    url: Mapped[str | None] = mapped_column(Text)
    person: Mapped[str] = mapped_column(String(32))
    target: Mapped[str] = mapped_column(String(32))
    human: Mapped[bool]
    machine: Mapped[str | None] = mapped_column(String(20))
    ip: Mapped[str | None] = mapped_column(String(45))
    user_agent: Mapped[str | None] = mapped_column(Text)
    device: Mapped[str | None] = mapped_column(String(64))
    meta: Mapped[dict[str, Any] | None] = mapped_column("metadata", Json)
    converted_at: Mapped[datetime | None]

    __table_args__ = (
        Index("ix_clicks_contact_id", "contact_id", "id"),
        Index("ix_clicks_delivery_id", "delivery_id", "clicked_at"),
        Index(
            "ix_clicks_promo",
            "promo",
            "id",
            sqlite_where=text("promo IS NOT NULL"),
            postgresql_where=text("promo IS NOT NULL"),
        ),
        Index(
            "ix_clicks_target",
            "target",
            "person",
            sqlite_where=text("post_id IS NOT NULL"),
            postgresql_where=text("post_id IS NOT NULL"),
        ),
        Index(
            "ix_clicks_post_id",
            "post_id",
            "clicked_at",
            sqlite_where=text("post_id IS NOT NULL"),
            postgresql_where=text("post_id IS NOT NULL"),
        ),
    )


class Open(Base):
    """An email's pixel was loaded, by a person's mail program or by a machine."""

    __tablename__ = "opens"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    opened_at: Mapped[datetime]
    contact_id: Mapped[uuid.UUID | None]
    delivery_id: Mapped[uuid.UUID]
    human: Mapped[bool]
    machine: Mapped[str | None] = mapped_column(String(20))
    ip: Mapped[str | None] = mapped_column(String(45))
    user_agent: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        Index("ix_opens_contact_id", "contact_id", "id"),
        Index("ix_opens_delivery_id", "delivery_id"),
    )


class Touch(Base):
    """What brought a contact: a post, a referral link, a deep link of any other kind."""

    __tablename__ = "contact_touches"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    contact_id: Mapped[uuid.UUID]
    touched_at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(12))
    ref: Mapped[str] = mapped_column(String(120))
    post_id: Mapped[int | None] = mapped_column(BigInteger)

    __table_args__ = (
        Index("ix_contact_touches_contact_id", "contact_id", "touched_at"),
        Index("ix_contact_touches_post_id", "post_id"),
    )


class Goal(Base):
    """A contact reached a goal, credited to the first and the last touch within the window.

    One row an event; `amount` counts the smallest unit of the currency, for payments.
    """

    __tablename__ = "goals"

    event_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    contact_id: Mapped[uuid.UUID]
    kind: Mapped[str] = mapped_column(String(12))
    reached_at: Mapped[datetime]
    scenario_id: Mapped[str | None] = mapped_column(String(64))
    amount: Mapped[int | None] = mapped_column(BigInteger)
    currency: Mapped[str | None] = mapped_column(String(3))
    first_kind: Mapped[str | None] = mapped_column(String(12))
    first_ref: Mapped[str | None] = mapped_column(String(120))
    first_post_id: Mapped[int | None] = mapped_column(BigInteger)
    last_kind: Mapped[str | None] = mapped_column(String(12))
    last_ref: Mapped[str | None] = mapped_column(String(120))
    last_post_id: Mapped[int | None] = mapped_column(BigInteger)

    __table_args__ = (
        Index("ix_goals_contact_id", "contact_id"),
        Index("ix_goals_first_post_id", "first_post_id"),
        Index("ix_goals_last_post_id", "last_post_id"),
    )


class LearnedUpTo(Base):
    """One row: the last event that habits were learned from."""

    __tablename__ = "learned_up_to"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    event_id: Mapped[uuid.UUID]


class EngagementScore(Base):
    """How much a contact answers, of one type: overall, telegram, email, attendance, commitment.

    Points fade by half every `half_life` seconds, so one number says them at any time: `fades_at`,
    when one point is left (microseconds since 1970). `score`, 0 to 100, and `factors`, the points
    by what brought them, are of `computed_at`; until `valid_until` the score rounds to the same.
    """

    __tablename__ = "engagement_scores"

    contact_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    type: Mapped[str] = mapped_column(String(12), primary_key=True)
    score: Mapped[int] = mapped_column(SmallInteger)
    fades_at: Mapped[int] = mapped_column(BigInteger)
    half_life: Mapped[int] = mapped_column(Integer)
    factors: Mapped[dict[str, Any]]
    computed_at: Mapped[datetime]
    valid_until: Mapped[datetime | None]

    __table_args__ = ({"sqlite_with_rowid": False},)
