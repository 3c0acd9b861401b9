"""Every statement on events, the outbox and the inbox."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import CursorResult, delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.database import Database, bulk, dump_json, insert_new
from dripline.events.models import Event, InboxRow, OutboxRow
from dripline.events.subscriptions import Happened

if TYPE_CHECKING:
    from dripline.events.append import NewEvent

_EVENTS = bulk.Table(
    "events", ("id", "name", "contact_id", "source", "source_id", "occurred_at", "data")
)
_INSERT_EVENTS = bulk.Statement(
    sqlite="""
        INSERT INTO events (id, name, contact_id, source, source_id, occurred_at, data)
        VALUES (?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT DO NOTHING
    """,
    postgresql="""
        INSERT INTO events (id, name, contact_id, source, source_id, occurred_at, data)
        SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::text[],
                             $6::timestamptz[], $7::text[]::jsonb[])
        ON CONFLICT DO NOTHING
    """,
)


# 5 is what the index ends at (models.py).
_ANY_REACTION = bulk.same("SELECT 1 FROM outbox WHERE attempts < 5 LIMIT 1")
_REACTION_OF = bulk.same("SELECT 1 FROM outbox WHERE consumer = ? AND attempts < 5 LIMIT 1")
_ANY_INBOX = bulk.same("SELECT 1 FROM inbox WHERE source = ? AND done_at IS NULL LIMIT 1")


async def any_reaction(database: Database, consumer: str | None = None) -> bool:
    """Return whether this consumer, or any, has an event to react to."""
    if consumer is None:
        return bool(await database.glance(_ANY_REACTION))
    return bool(await database.glance(_REACTION_OF, consumer))


async def any_inbox(database: Database, source: str) -> bool:
    """Return whether anything that came from `source` is not done."""
    return bool(await database.glance(_ANY_INBOX, source))


async def insert_event(session: AsyncSession, event_id: uuid.UUID, event: "NewEvent") -> bool:
    """Insert an event; return False if its source and id are known."""
    statement = (
        insert_new(session, Event)
        .values(
            id=event_id,
            name=event.name,
            contact_id=event.contact_id,
            source=event.source,
            source_id=event.source_id,
            occurred_at=event.occurred_at,
            data=event.data,
        )
        .on_conflict_do_nothing()
    )
    return bool(cast("CursorResult[Any]", await session.execute(statement)).rowcount)


async def insert_events(
    session: AsyncSession, events: Sequence[tuple[uuid.UUID, "NewEvent"]], *, fresh: bool = False
) -> None:
    """Insert many events at once; unless they are `fresh`, known ones are left out."""
    rows = [
        (
            event_id,
            event.name,
            event.contact_id,
            event.source,
            event.source_id,
            event.occurred_at,
            dump_json(event.data),
        )
        for event_id, event in events
    ]
    if fresh:
        await bulk.append(session, _EVENTS, rows)
    else:
        await bulk.write(session, _INSERT_EVENTS, rows)


async def known_source_ids(
    session: AsyncSession, source: str, source_ids: Sequence[str]
) -> set[str]:
    """Return which of these ids of a source have an event."""
    statement = select(Event.source_id).where(
        Event.source == source, Event.source_id.in_(source_ids)
    )
    return set((await session.scalars(statement)).all())


async def insert_outbox(session: AsyncSession, rows: Sequence[tuple[uuid.UUID, str]]) -> None:
    """Insert what consumers have to react to."""
    await session.execute(
        insert_new(session, OutboxRow),
        [{"event_id": event_id, "consumer": consumer} for event_id, consumer in rows],
    )


async def open_reactions(
    session: AsyncSession, consumer: str, most_attempts: int, limit: int
) -> list[Happened]:
    """Return the oldest events this consumer has to react to; locked against other workers."""
    statement = (
        select(Event)
        .join(OutboxRow, OutboxRow.event_id == Event.id)
        .where(OutboxRow.consumer == consumer, OutboxRow.attempts < most_attempts)
        .order_by(OutboxRow.event_id)
        .limit(limit)
    )
    if session.get_bind().dialect.name == "postgresql":
        statement = statement.with_for_update(skip_locked=True, of=OutboxRow)
    return [
        Happened(row.id, row.name, row.contact_id, row.occurred_at, row.data)
        for row in (await session.scalars(statement)).all()
    ]


async def delete_reaction(session: AsyncSession, event_id: uuid.UUID, consumer: str) -> None:
    """The consumer has reacted."""
    await session.execute(
        delete(OutboxRow).where(OutboxRow.event_id == event_id, OutboxRow.consumer == consumer)
    )


async def count_failed_reaction(
    session: AsyncSession, event_id: uuid.UUID, consumer: str, error: str
) -> None:
    """The consumer failed; remember why."""
    await session.execute(
        update(OutboxRow)
        .where(OutboxRow.event_id == event_id, OutboxRow.consumer == consumer)
        .values(attempts=OutboxRow.attempts + 1, error=error[:2000])
    )


async def insert_inbox(
    session: AsyncSession,
    source: str,
    items: Sequence[tuple[uuid.UUID, str, bytes]],
    now: datetime,
) -> int:
    """Store what came; return how much of it was new."""
    stored = 0
    for row_id, source_id, body in items:
        statement = (
            insert_new(session, InboxRow)
            .values(id=row_id, source=source, source_id=source_id, received_at=now, body=body)
            .on_conflict_do_nothing()
        )
        stored += cast("CursorResult[Any]", await session.execute(statement)).rowcount
    return stored


async def open_inbox(session: AsyncSession, source: str, limit: int) -> Sequence[InboxRow]:
    """Return the oldest of what came from `source` and is not done."""
    statement = (
        select(InboxRow)
        .where(InboxRow.source == source, InboxRow.done_at.is_(None))
        .order_by(InboxRow.id)
        .limit(limit)
    )
    return (await session.scalars(statement)).all()


async def finish_inbox(
    session: AsyncSession, row_id: uuid.UUID, now: datetime, error: str | None
) -> None:
    """What came is dealt with, or failed with `error`."""
    await session.execute(
        update(InboxRow).where(InboxRow.id == row_id).values(done_at=now, error=error)
    )


async def latest_source_ids(session: AsyncSession, source: str, limit: int) -> Sequence[str]:
    """Return the source ids that came last from `source`, newest first."""
    statement = (
        select(InboxRow.source_id)
        .where(InboxRow.source == source)
        .order_by(InboxRow.id.desc())
        .limit(limit)
    )
    return (await session.scalars(statement)).all()


async def prune_inbox(session: AsyncSession, before: datetime) -> int:
    """Delete what was dealt with long ago, past any provider's repeats."""
    statement = delete(InboxRow).where(InboxRow.done_at < before)
    return cast("CursorResult[Any]", await session.execute(statement)).rowcount


async def events_of(session: AsyncSession, contact_id: uuid.UUID, limit: int) -> Sequence[Event]:
    """Return a contact's latest events other than of messages, newest first."""
    statement = (
        select(Event)
        .where(Event.contact_id == contact_id, Event.source != "delivery")
        .order_by(Event.id.desc())
        .limit(limit)
    )
    return (await session.scalars(statement)).all()
