"""Every statement of an erasure."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, RowMapping, Table, delete, func, null, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.contacts.models import Address
from dripline.events.models import Event, InboxRow, OutboxRow


async def addresses(session: AsyncSession, contact_id: uuid.UUID) -> Sequence[Address]:
    """Return a contact's addresses."""
    return (await session.scalars(select(Address).where(Address.contact_id == contact_id))).all()


async def ids_of(
    session: AsyncSession, tables: Sequence[Table], contact_id: uuid.UUID
) -> list[uuid.UUID]:
    """Return the ids of a contact's rows in these tables: what a queue row may refer to."""
    found: list[uuid.UUID] = []
    for table in tables:
        rows = await session.scalars(select(table.c.id).where(table.c.contact_id == contact_id))
        found += rows.all()
    return found


async def delete_outbox(session: AsyncSession, contact_id: uuid.UUID) -> int:
    """Delete what is still to be reacted to."""
    theirs = select(Event.id).where(Event.contact_id == contact_id)
    return await _count(session, delete(OutboxRow).where(OutboxRow.event_id.in_(theirs)))


async def delete_refs(session: AsyncSession, table: Table, refs: Sequence[uuid.UUID]) -> int:
    """Delete rows of the queue, or in flight, that refer to any of these."""
    return sum(
        [
            await _count(session, delete(table).where(table.c.ref.in_(refs[start : start + 500])))
            for start in range(0, len(refs), 500)
        ]
    )


async def delete_where(
    session: AsyncSession, table: Table, column: str, values: Sequence[uuid.UUID] | Sequence[int]
) -> int:
    """Delete the rows of a table whose column has one of these values."""
    if not values:
        return 0
    return await _count(session, delete(table).where(table.c[column].in_(values)))


async def rows_where(
    session: AsyncSession, table: Table, columns: Sequence[tuple[str, Sequence[uuid.UUID]]]
) -> Sequence[RowMapping]:
    """Return the rows of a table in which one of these columns has one of its values."""
    conditions = [table.c[name].in_(values) for name, values in columns if values]
    if not conditions:
        return []
    return (await session.execute(select(table).where(or_(*conditions)))).mappings().all()


async def forget_owner(session: AsyncSession, table: Table, contact_id: uuid.UUID) -> int:
    """Take the name, and what the provider told of the person, off a contact's rows."""
    statement = (
        update(table).where(table.c.contact_id == contact_id).values(contact_id=None, data=null())
    )
    return await _count(session, statement)


async def inbox_page(
    session: AsyncSession, after: uuid.UUID | None, limit: int
) -> Sequence[tuple[uuid.UUID, bytes]]:
    """Return what providers told us, a page by id."""
    statement = select(InboxRow.id, InboxRow.body).order_by(InboxRow.id).limit(limit)
    if after is not None:
        statement = statement.where(InboxRow.id > after)
    return [(row.id, row.body) for row in await session.execute(statement)]


async def blank_inbox(session: AsyncSession, ids: Sequence[uuid.UUID], now: datetime) -> None:
    """Blank these rows; one that was not dealt with yet is dealt with."""
    if ids:
        await session.execute(
            update(InboxRow)
            .where(InboxRow.id.in_(ids))
            .values(body=b"{}", done_at=func.coalesce(InboxRow.done_at, now), error=None)
        )


async def _count(session: AsyncSession, statement: Any) -> int:
    return cast("CursorResult[Any]", await session.execute(statement)).rowcount
