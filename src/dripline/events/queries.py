"""Every statement on events, the outbox and the inbox."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from sqlalchemy import CursorResult, delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.database import Database, bulk, dump_json, load_json
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


MOST_ATTEMPTS = 5  # what the index of open reactions ends at (models.py)
_OUTBOX = bulk.Table("outbox", ("event_id", "consumer"))
_INSERT_EVENT = bulk.Statement(
    sqlite="""
        INSERT INTO events (id, name, contact_id, source, source_id, occurred_at, data)
        VALUES (?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT DO NOTHING RETURNING 1
    """,
    postgresql="""
        INSERT INTO events (id, name, contact_id, source, source_id, occurred_at, data)
        VALUES ($1, $2, $3, $4, $5, $6, $7::text::jsonb)
        ON CONFLICT DO NOTHING RETURNING 1
    """,
)
_OPEN_REACTIONS = bulk.Statement(
    sqlite=f"""
        SELECT e.id, e.name, e.contact_id, e.occurred_at, e.data
        FROM outbox o JOIN events e ON e.id = o.event_id
        WHERE o.consumer = ? AND o.attempts < {MOST_ATTEMPTS} ORDER BY o.event_id LIMIT ?
    """,
    postgresql=f"""
        SELECT e.id, e.name, e.contact_id, e.occurred_at, e.data::text
        FROM outbox o JOIN events e ON e.id = o.event_id
        WHERE o.consumer = $1 AND o.attempts < {MOST_ATTEMPTS} ORDER BY o.event_id LIMIT $2
        FOR UPDATE OF o SKIP LOCKED
    """,
)
_DELETE_REACTIONS = bulk.Statement(
    sqlite="DELETE FROM outbox WHERE event_id IN ({keys}) AND consumer = ?",
    postgresql="DELETE FROM outbox WHERE event_id = ANY($1::uuid[]) AND consumer = $2",
)
_ANY_INBOX = bulk.same("SELECT 1 FROM inbox WHERE source = ? AND done_at IS NULL LIMIT 1")
_INSERT_INBOX = bulk.same(
    """
    INSERT INTO inbox (id, source, source_id, received_at, body) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT DO NOTHING RETURNING 1
    """
)
_OPEN_INBOX = bulk.same(
    """
    SELECT id, source_id, received_at, body FROM inbox
    WHERE source = ? AND done_at IS NULL ORDER BY id LIMIT ?
    """
)
_FINISH_INBOX = bulk.same("UPDATE inbox SET done_at = ?, error = ? WHERE id = ?")


class Kept(NamedTuple):
    """Something that came and is not done."""

    id: uuid.UUID
    source_id: str
    received_at: datetime
    body: bytes


def look_for(consumers: Sequence[str]) -> bulk.Statement:
    """Return what asks which of these have an event to react to: a step down the index for each."""
    each = (
        f"SELECT '{consumer}' WHERE EXISTS "
        f"(SELECT 1 FROM outbox WHERE consumer = '{consumer}' AND attempts < {MOST_ATTEMPTS})"
        for consumer in consumers
    )
    return bulk.same(" UNION ALL ".join(each))


async def any_inbox(database: Database, source: str) -> bool:
    """Return whether anything that came from `source` is not done."""
    return bool(await database.glance(_ANY_INBOX, source))


async def insert_event(session: AsyncSession, event_id: uuid.UUID, event: "NewEvent") -> bool:
    """Insert an event; return False if its source and id are known."""
    return bool(await bulk.run(session, _INSERT_EVENT, *_event_row(event_id, event)))


async def insert_events(
    session: AsyncSession, events: Sequence[tuple[uuid.UUID, "NewEvent"]], *, fresh: bool = False
) -> None:
    """Insert many events at once; unless they are `fresh`, known ones are left out."""
    rows = [_event_row(event_id, event) for event_id, event in events]
    if fresh:
        await bulk.append(session, _EVENTS, rows)
    else:
        await bulk.write(session, _INSERT_EVENTS, rows)


def _event_row(event_id: uuid.UUID, event: "NewEvent") -> tuple[Any, ...]:
    return (
        event_id,
        event.name,
        event.contact_id,
        event.source,
        event.source_id,
        event.occurred_at,
        dump_json(event.data),
    )


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
    await bulk.append(session, _OUTBOX, rows)


async def open_reactions(session: AsyncSession, consumer: str, limit: int) -> list[Happened]:
    """Return the oldest events this consumer has to react to; locked against other workers."""
    return [
        Happened(
            bulk.as_uuid(row[0]),
            row[1],
            None if row[2] is None else bulk.as_uuid(row[2]),
            bulk.as_moment(row[3]),
            load_json(row[4]),
        )
        for row in await bulk.run(session, _OPEN_REACTIONS, consumer, limit)
    ]


async def delete_reactions(
    session: AsyncSession, event_ids: Sequence[uuid.UUID], consumer: str
) -> None:
    """The consumer has reacted to these."""
    await bulk.read(session, _DELETE_REACTIONS, event_ids, consumer)


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
        stored += len(await bulk.run(session, _INSERT_INBOX, row_id, source, source_id, now, body))
    return stored


async def open_inbox(session: AsyncSession, source: str, limit: int) -> list[Kept]:
    """Return the oldest of what came from `source` and is not done."""
    return [
        Kept(bulk.as_uuid(row[0]), row[1], bulk.as_moment(row[2]), row[3])
        for row in await bulk.run(session, _OPEN_INBOX, source, limit)
    ]


async def finish_inbox(
    session: AsyncSession, row_id: uuid.UUID, now: datetime, error: str | None
) -> None:
    """What came is dealt with, or failed with `error`."""
    await bulk.run(session, _FINISH_INBOX, now, error, row_id)


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
