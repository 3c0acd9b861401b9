"""Every statement on payments."""

import uuid
from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy import CursorResult, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.database import insert_new
from dripline.payments.models import Payment


async def insert(session: AsyncSession, values: dict[str, Any]) -> bool:
    """Insert a payment; return False when this event of the provider is stored already."""
    statement = insert_new(session, Payment).values(values).on_conflict_do_nothing()
    return bool(cast("CursorResult[Any]", await session.execute(statement)).rowcount)


async def of_event(session: AsyncSession, provider: str, event_id: str) -> Payment | None:
    """Return the payment that an event of a provider made, or None."""
    found: Payment | None = await session.scalar(
        select(Payment).where(Payment.provider == provider, Payment.provider_event_id == event_id)
    )
    return found


async def payment(session: AsyncSession, payment_id: uuid.UUID) -> Payment | None:
    """Return a payment, or None."""
    return await session.get(Payment, payment_id)


async def latest(
    session: AsyncSession, limit: int, contact_id: uuid.UUID | None = None
) -> Sequence[Payment]:
    """Return the latest payments, of everybody or of one contact, newest first."""
    statement = select(Payment).order_by(Payment.id.desc()).limit(limit)
    if contact_id is not None:
        statement = statement.where(Payment.contact_id == contact_id)
    return (await session.scalars(statement)).all()


async def set_outcome(
    session: AsyncSession, payment_id: uuid.UUID, outcome: str, scenario_id: str | None
) -> None:
    """Note what became of a payment; a scenario that claimed it stays on it."""
    values: dict[str, Any] = {"outcome": outcome}
    if scenario_id is not None:
        values["scenario_id"] = scenario_id
    await session.execute(update(Payment).where(Payment.id == payment_id).values(values))
