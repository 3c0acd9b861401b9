"""Tables of lifecycle: standings, referrals and what speaks against them."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Integer, SmallInteger, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from dripline.database import Base

PENDING, VERIFIED, REWARDED = "PENDING", "VERIFIED", "REWARDED"
AUTO_APPROVED, APPROVED = "AUTO_APPROVED", "APPROVED"
PENDING_REVIEW, REJECTED = "PENDING_REVIEW", "REJECTED"

_OPEN_CHECK = text("check_at IS NOT NULL")
_SHOWN = text("referral_count > 0 AND decay_hidden_at IS NULL")
_WAITING = text("review = 'PENDING_REVIEW'")


class Standing(Base):
    """What lifecycle keeps of a contact beside their state.

    `given_state` is what an operator set by hand: counts never take it away. `check_at` is when
    inactivity has to be looked at next.
    """

    __tablename__ = "lifecycle_standings"

    contact_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("contacts.id", ondelete="CASCADE"), primary_key=True
    )
    referral_count: Mapped[int] = mapped_column(Integer, default=0, server_default=text("0"))
    given_state: Mapped[str | None] = mapped_column(String(40))
    decay_warned_at: Mapped[datetime | None]
    decay_hidden_at: Mapped[datetime | None]
    check_at: Mapped[datetime | None]

    __table_args__ = (
        Index(
            "ix_lifecycle_standings_check",
            "check_at",
            sqlite_where=_OPEN_CHECK,
            postgresql_where=_OPEN_CHECK,
        ),
        Index(
            "ix_lifecycle_standings_top",
            "referral_count",
            "contact_id",
            sqlite_where=_SHOWN,
            postgresql_where=_SHOWN,
        ),
    )


class ReferralCode(Base):
    """A contact's own code, made when it is first asked for and never changed."""

    __tablename__ = "referral_codes"

    contact_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("contacts.id", ondelete="CASCADE"), primary_key=True
    )
    code: Mapped[str] = mapped_column(String(32), unique=True)


class Referral(Base):
    """Who brought whom: one row for everybody who came by a link, ever.

    It counts exactly while `status` is not PENDING. `check_at` is when it has to be looked at next:
    at the end of the hold, or when whoever came should have done something by then.
    """

    __tablename__ = "referrals"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    referrer_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("contacts.id", ondelete="CASCADE"))
    referred_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("contacts.id", ondelete="CASCADE"), unique=True
    )
    referral_code: Mapped[str] = mapped_column(String(32))
    status: Mapped[str] = mapped_column(String(12), default=PENDING, server_default=PENDING)
    review: Mapped[str | None] = mapped_column(String(16))
    velocity_score: Mapped[int] = mapped_column(SmallInteger, default=0, server_default=text("0"))
    ip_address: Mapped[str | None] = mapped_column(String(64))
    user_agent: Mapped[str | None] = mapped_column(Text)
    device_fingerprint: Mapped[str | None] = mapped_column(String(128))
    created_at: Mapped[datetime]
    registered_at: Mapped[datetime | None]
    check_at: Mapped[datetime | None]
    counted_at: Mapped[datetime | None]
    rewarded_at: Mapped[datetime | None]
    reviewed_by: Mapped[str | None] = mapped_column(String(120))
    reviewed_at: Mapped[datetime | None]

    __table_args__ = (
        Index("ix_referrals_referrer", "referrer_id", "created_at"),
        Index("ix_referrals_review", "id", sqlite_where=_WAITING, postgresql_where=_WAITING),
        Index(
            "ix_referrals_check",
            "check_at",
            sqlite_where=_OPEN_CHECK,
            postgresql_where=_OPEN_CHECK,
        ),
    )


class ReferralFlag(Base):
    """One thing that speaks against a referral, with the evidence."""

    __tablename__ = "referral_flags"

    referral_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("referrals.id", ondelete="CASCADE"), primary_key=True
    )
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    evidence: Mapped[dict[str, Any]]
    found_at: Mapped[datetime]


class Trace(Base):
    """An internet address or a device that a contact's click on a link came from."""

    __tablename__ = "referral_traces"

    kind: Mapped[str] = mapped_column(String(8), primary_key=True)
    value: Mapped[str] = mapped_column(String(128), primary_key=True)
    contact_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("contacts.id", ondelete="CASCADE"), primary_key=True
    )
    seen_at: Mapped[datetime]

    __table_args__ = (Index("ix_referral_traces_contact_id", "contact_id"),)


class BotName(Base):
    """What a bot is called on Telegram: what links to it are made of."""

    __tablename__ = "lifecycle_bots"

    bot: Mapped[str] = mapped_column(String(40), primary_key=True)
    username: Mapped[str] = mapped_column(String(64))


class Sweep(Base):
    """One row: how far everybody was looked at since the rules last changed."""

    __tablename__ = "lifecycle_sweep"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    rules: Mapped[str] = mapped_column(String(64))
    after: Mapped[uuid.UUID | None]
    done_at: Mapped[datetime | None]
