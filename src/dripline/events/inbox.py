"""What providers tell us: stored raw and once, drained later by the room that understands it."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.database import Database, wake
from dripline.events import queries
from dripline.ids import new_id

WAKE_INBOX = "inbox"


@dataclass(frozen=True, slots=True)
class Received:
    """One stored update or webhook."""

    id: uuid.UUID
    source_id: str
    received_at: datetime
    body: bytes


async def store(
    session: AsyncSession, source: str, items: Sequence[tuple[str, bytes]], now: datetime
) -> int:
    """Store pairs of source id and raw body; return how many were new. Repeats change nothing."""
    # Keys made within one millisecond are in no order; the inbox is drained by them.
    keys = sorted(new_id() for _ in items)
    rows = [(key, *item) for key, item in zip(keys, items, strict=True)]
    stored = await queries.insert_inbox(session, source, rows, now)
    if stored:
        await wake(session, WAKE_INBOX)
    return stored


async def pending(session: AsyncSession, source: str, limit: int = 100) -> list[Received]:
    """Return the oldest that are not dealt with, in the order they came."""
    rows = await queries.open_inbox(session, source, limit)
    return [Received(row.id, row.source_id, row.received_at, row.body) for row in rows]


async def is_empty(database: Database, source: str) -> bool:
    """Return whether nothing of this source waits: what a drain asks when nothing has come."""
    return not await queries.any_inbox(database, source)


async def done(
    session: AsyncSession, row_id: uuid.UUID, now: datetime, error: str | None = None
) -> None:
    """Mark one as dealt with; with `error` when it could not be."""
    await queries.finish_inbox(session, row_id, now, error)
