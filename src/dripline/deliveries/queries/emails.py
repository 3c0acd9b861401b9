"""Every statement on what a provider of email tells: of which delivery, and what is kept of it."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import delete, exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.database import bulk, insert_new
from dripline.database.bulk import Statement
from dripline.deliveries.models import Delivery, EmailBatch, EmailBatchMember, ProviderMessage

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


async def insert_email_batch(
    session: AsyncSession, key: str, body: bytes, members: Iterable[uuid.UUID], now: datetime
) -> None:
    """Write down what is about to leave together."""
    await session.execute(
        insert_new(session, EmailBatch)
        .values(key=key, body=body, made_at=now)
        .on_conflict_do_nothing()
    )
    rows = [{"delivery_id": one, "key": key} for one in members]
    statement = insert_new(session, EmailBatchMember)
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["delivery_id"], set_={"key": statement.excluded.key}
        ),
        rows,
    )


async def email_batches_of(
    session: AsyncSession, delivery_ids: Iterable[uuid.UUID]
) -> dict[uuid.UUID, EmailBatch]:
    """Return the batches in which messages have left and that are not settled, by message."""
    statement = (
        select(EmailBatchMember.delivery_id, EmailBatch)
        .join(EmailBatch, EmailBatch.key == EmailBatchMember.key)
        .where(EmailBatchMember.delivery_id.in_(list(delivery_ids)))
    )
    return {row[0]: row[1] for row in (await session.execute(statement)).all()}


async def delete_email_batch(session: AsyncSession, key: str) -> None:
    """Forget a batch, and that its messages were in it."""
    await session.execute(delete(EmailBatchMember).where(EmailBatchMember.key == key))
    await session.execute(delete(EmailBatch).where(EmailBatch.key == key))


async def settle_email_batches(session: AsyncSession, delivery_ids: Iterable[uuid.UUID]) -> None:
    """These messages are settled: they will not leave again."""
    members = EmailBatchMember.delivery_id.in_(list(delivery_ids))
    await session.execute(delete(EmailBatchMember).where(members))


async def prune_email_batches(session: AsyncSession, before: datetime) -> None:
    """Forget batches of which every message is settled, or that are older than that."""
    old = select(EmailBatch.key).where(EmailBatch.made_at < before)
    await session.execute(delete(EmailBatchMember).where(EmailBatchMember.key.in_(old)))
    alive = exists().where(EmailBatchMember.key == EmailBatch.key)
    await session.execute(delete(EmailBatch).where(~alive))


async def delivery_of_provider_id(session: AsyncSession, provider_id: str) -> uuid.UUID | None:
    """Return which delivery a provider means, or None."""
    found = await session.get(ProviderMessage, provider_id)
    return found.delivery_id if found else None


async def delivery(session: AsyncSession, delivery_id: uuid.UUID) -> Delivery | None:
    """Return a delivery that has ended, or None."""
    return await session.get(Delivery, delivery_id)
