"""Every statement on bounces of email."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.contacts.models import Address, SoftBounces
from dripline.database import insert_new


async def addresses_of_value(session: AsyncSession, value: str) -> Sequence[Address]:
    """Return every contact's address of this normalised value."""
    statement = select(Address).where(
        Address.channel == "email", Address.bot == "", Address.value == value
    )
    return (await session.scalars(statement)).all()


async def soft_of(session: AsyncSession, value: str) -> SoftBounces | None:
    """Return the soft bounces of an address, or None."""
    return await session.get(SoftBounces, value, populate_existing=True)


async def set_soft(
    session: AsyncSession, value: str, days: int, first_at: datetime, last_at: datetime
) -> None:
    """Remember on how many days an address has bounced softly."""
    given = {"days": days, "first_at": first_at, "last_at": last_at}
    statement = insert_new(session, SoftBounces).values(value=value, **given)
    await session.execute(statement.on_conflict_do_update(index_elements=["value"], set_=given))


async def forget_soft(session: AsyncSession, value: str) -> None:
    """Forget the soft bounces of an address."""
    await session.execute(delete(SoftBounces).where(SoftBounces.value == value))
