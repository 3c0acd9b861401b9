"""The table of payments."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from dripline.database import Base

CLAIMED, UNMATCHED = "claimed", "unmatched"


class Payment(Base):
    """Money that came in: once per provider and the provider's own id of the event.

    `amount` counts the smallest unit of the currency (kopecks, cents; Stars as they are).
    `product` is what it was for, as the provider or the operator calls it: a scenario's id where it
    pays for one. `outcome` is open (None) until the scenarios have claimed it, or not.
    """

    __tablename__ = "payments"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    provider: Mapped[str] = mapped_column(String(40))
    provider_event_id: Mapped[str] = mapped_column(String(200))
    contact_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("contacts.id", ondelete="SET NULL")
    )
    scenario_id: Mapped[str | None] = mapped_column(String(64))
    product: Mapped[str] = mapped_column(String(120))
    amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    paid_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    outcome: Mapped[str | None] = mapped_column(String(12))
    data: Mapped[dict[str, Any] | None]

    __table_args__ = (
        UniqueConstraint("provider", "provider_event_id"),
        # Covers "has paid", with or without a product and a time.
        Index("ix_payments_contact", "contact_id", "product", "paid_at"),
    )
