"""Every statement on what a provider of email tells: of which delivery, and what is kept of it."""

import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.database import bulk
from dripline.database.bulk import Statement
from dripline.deliveries.models import Delivery, ProviderMessage

if TYPE_CHECKING:
    from dripline.deliveries.protocols import Result

_INSERT_PROVIDER_MESSAGES = Statement(
    sqlite="INSERT INTO provider_messages VALUES (?, ?) ON CONFLICT DO NOTHING",
    postgresql="""
        INSERT INTO provider_messages SELECT * FROM unnest($1::text[], $2::uuid[])
        ON CONFLICT DO NOTHING
    """,
)


async def insert_provider_messages(session: AsyncSession, results: Sequence["Result"]) -> None:
    """Remember under which ids a provider tells us of emails; a Message-ID is our own."""
    rows = [
        (one[:200], r.delivery_id)
        for r in results
        for one in r.provider_ids
        if not one.startswith("<")
    ]
    await bulk.write(session, _INSERT_PROVIDER_MESSAGES, rows)


async def delivery_of_provider_id(session: AsyncSession, provider_id: str) -> uuid.UUID | None:
    """Return which delivery a provider means, or None."""
    found = await session.get(ProviderMessage, provider_id)
    return found.delivery_id if found else None


async def delivery(session: AsyncSession, delivery_id: uuid.UUID) -> Delivery | None:
    """Return a delivery that has ended, or None."""
    return await session.get(Delivery, delivery_id)
