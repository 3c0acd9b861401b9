"""Put things into the queue and take them out again, in the caller's transaction."""

import uuid
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.database import wake
from dripline.deliveries import queries

WAKE_QUEUE = "queue"


class Key(NamedTuple):
    """Where a row stands in the queue; whoever owns it remembers this to cancel it."""

    pace_key: str
    priority: int
    due_us: int
    id: uuid.UUID


class Entry(NamedTuple):
    """Something to do under a pace key when it is due; `ref` is what the origin knows it by.

    `turn` lets the origin tell a row of the present plan from a leftover of an earlier one.
    """

    key: Key
    origin: str
    ref: uuid.UUID
    turn: int = 0
    attempt: int = 0
    outages: int = 0
    detail: str | None = None


async def push(session: AsyncSession, entries: Sequence[Entry], *, now_us: int) -> None:
    """Queue entries; the dispatcher wakes after the commit if one is due by `now_us` (domain)."""
    if not entries:
        return
    await queries.insert_queue(session, entries)
    if any(entry.key.due_us <= now_us for entry in entries):
        await wake(session, WAKE_QUEUE)


async def push_new(session: AsyncSession, entries: Sequence[Entry], *, now_us: int) -> None:
    """Queue very many entries at once whose ids were made just now."""
    if not entries:
        return
    await queries.append_queue(session, entries)
    if any(entry.key.due_us <= now_us for entry in entries):
        await wake(session, WAKE_QUEUE)


async def cancel(session: AsyncSession, keys: Sequence[Key]) -> None:
    """Take rows out of the queue; one that is already claimed is left to its origin's check."""
    if keys:
        await queries.delete_queue(session, keys)


def pace_key(channel: str, bot: str) -> str:
    """Return the key under which this bot's (or provider's) requests are paced."""
    return f"{channel}:{bot}" if bot else channel
