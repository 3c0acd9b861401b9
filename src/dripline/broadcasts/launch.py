"""Duty: page the audience into the queue, and take it out again when a broadcast is paused.

Each step is one short transaction: a page of rows and the cursor behind it, together. So a launch
that is killed at any moment goes on where it was, and nobody is queued twice.
"""

import uuid
from datetime import datetime
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.broadcasts import queries, switch
from dripline.broadcasts.models import DONE, LIVE, Broadcast
from dripline.broadcasts.origin import parked
from dripline.broadcasts.pinned import Shelf
from dripline.broadcasts.queries import EMAIL, ORIGIN, TELEGRAM
from dripline.clock import to_us
from dripline.database import Database
from dripline.deliveries import queue
from dripline.deliveries.models import LOW
from dripline.ids import new_id

log = structlog.get_logger()
PAGE: Final = 1000  # some 20 ms of SQLite's only writer
PAGE_POSTGRESQL: Final = 4000  # nobody waits there, and a commit costs the same


class Launch:
    """Does the next step of every broadcast that has one."""

    def __init__(self, database: Database, page: int | None = None) -> None:
        self._database = database
        self._page = page or (PAGE if database.is_sqlite else PAGE_POSTGRESQL)
        self._shelf = Shelf()

    async def run_once(self, now: datetime) -> int:
        """Do one step for each broadcast; return how much was done, 0 when all is at rest."""
        ids = await queries.with_work(self._database, now)
        return sum([await self._step(broadcast_id, now) for broadcast_id in ids])

    async def _step(self, broadcast_id: uuid.UUID, now: datetime) -> int:
        async with self._database.transaction() as session:
            broadcast = await queries.locked(session, broadcast_id)
            if broadcast is None:  # another worker is at it
                return 0
            await queries.fold(session, broadcast)
            match broadcast.status:
                case "scheduled" if broadcast.starts_at and broadcast.starts_at <= now:
                    await switch.begin(session, broadcast, now)
                    return 1
                case "running":
                    return await self._run(session, broadcast, now)
                case "paused" if not broadcast.moved:
                    return await self._put_aside(session, broadcast)
                case "cancelled" if not broadcast.moved:
                    return await self._withdraw(session, broadcast)
        return 0

    async def _run(self, session: AsyncSession, broadcast: Broadcast, now: datetime) -> int:
        brought = await self._bring_back(session, broadcast, now)
        if brought:
            return brought
        if not broadcast.audience_done or broadcast.audience == LIVE:
            queued = await self._queue_page(session, broadcast, now)
            if queued:
                return queued
        ended = broadcast.sent + broadcast.failed + broadcast.skipped
        if broadcast.audience_done and ended >= broadcast.queued:
            broadcast.status, broadcast.finished_at = DONE, now
            await switch.tell(session, broadcast, "broadcast.done", now)
            log.info("broadcast.done", broadcast=broadcast.key, sent=broadcast.sent)
        return 0

    async def _queue_page(self, session: AsyncSession, broadcast: Broadcast, now: datetime) -> int:
        """Queue the next page; a live audience also takes in those who came since."""
        segment = self._shelf.of(broadcast).segment
        found = await queries.audience_page(session, broadcast, segment, now, self._page)
        broadcast.audience_done = int(len(found) < self._page)
        # The first address of each contact.
        one_each = {contact: (address, channel) for contact, address, channel in reversed(found)}
        due = broadcast.queued_from_us
        keys = {TELEGRAM: queue.pace_key(TELEGRAM, broadcast.bot), EMAIL: EMAIL}
        entries = [
            queue.Entry(
                queue.Key(keys[channel], LOW, due, row_id), ORIGIN, address_id, broadcast.number
            )
            for row_id, (address_id, channel) in zip(
                sorted(new_id() for _ in one_each), reversed(one_each.values()), strict=True
            )
        ]
        await queue.push_new(session, entries, now_us=to_us(now))
        if found:
            broadcast.cursor = found[-1][0]
            broadcast.queued += len(entries)
        return len(entries)

    async def _put_aside(self, session: AsyncSession, broadcast: Broadcast) -> int:
        return await self._take_out(session, broadcast, keep=True)

    async def _withdraw(self, session: AsyncSession, broadcast: Broadcast) -> int:
        broadcast.skipped += await queries.forget_parked(session, broadcast.id)
        taken = await self._take_out(session, broadcast, keep=False)
        broadcast.skipped += taken
        return taken

    async def _take_out(self, session: AsyncSession, broadcast: Broadcast, *, keep: bool) -> int:
        key = queue.pace_key(TELEGRAM, broadcast.bot)
        rows = [*await queries.queued_rows(session, broadcast, key, self._page)]
        rows += await queries.queued_rows(session, broadcast, EMAIL, self._page - len(rows))
        if keep:
            await queries.park(session, [parked(broadcast.id, row) for row in rows])
        await queue.cancel(
            session, [queue.Key(row.pace_key, row.priority, row.due_at, row.id) for row in rows]
        )
        broadcast.moved = int(len(rows) < self._page)
        return len(rows)

    async def _bring_back(self, session: AsyncSession, broadcast: Broadcast, now: datetime) -> int:
        """Queue again what was put aside, a page at a time."""
        rows = await queries.parked(session, broadcast.id, self._page)
        if not rows:
            return 0
        key, due = queue.pace_key(TELEGRAM, broadcast.bot), broadcast.queued_to_us
        entries = [
            queue.Entry(
                queue.Key(key, LOW, due, row.id),
                ORIGIN,
                row.address_id,
                broadcast.number,
                row.attempt,
                detail=row.detail,
            )
            for row in rows
        ]
        await queue.push(session, entries, now_us=to_us(now))
        return await queries.unpark(session, broadcast.id, rows[-1].id)
