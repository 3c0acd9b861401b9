"""Leases: renew our own, take over what an expired one left, give back when stopping.

    renew    every few seconds, for as long as this worker lives
    rescue   what a dead or stuck worker held goes back into the queue
    give back  what this worker holds, when it stops

After an outage of the database every lease looks expired. So a worker rescues only when it has
itself been in touch with the database for a while: by then the living have renewed theirs.
"""

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from dripline import metrics
from dripline.clock import RealTime
from dripline.database import Database, database_us
from dripline.deliveries import queries, queue
from dripline.deliveries.claim import entry_again
from dripline.deliveries.protocols import Claimed

log = structlog.get_logger()
LEASE_US = 20_000_000
RENEW_EVERY_S = 4.0
_GRACE_US = 9_000_000
_BATCH = 500


class Leases:
    """Two duties of one worker: `renew` and `rescue`."""

    def __init__(self, database: Database, real_time: RealTime, worker: str) -> None:
        self._database = database
        self._real_time = real_time
        self._worker = worker
        self._started_us = real_time.now_us()
        self._in_touch_since_us = self._started_us
        self._last_touch_us = self._started_us
        self._in_step = False

    async def renew(self) -> int:
        """Say that this worker lives, and hold what it holds for longer."""
        # A power cut that undid the last of these would make us look a moment older.
        async with self._database.transaction(lasts=False) as session:
            self._real_time.synchronise(await database_us(session, self._real_time.now_us))
            now_us = self._real_time.now_us()
            await queries.heartbeat(session, self._worker, self._started_us, now_us)
            await queries.renew_leases(session, self._worker, now_us + LEASE_US)
        if now_us - self._last_touch_us > LEASE_US / 2:
            self._in_touch_since_us = now_us
        set_back = now_us < self._last_touch_us
        self._last_touch_us = now_us
        if set_back or not self._in_step:
            await self._mind_clock(now_us)
        return 1

    async def _mind_clock(self, now_us: int) -> None:
        """Free what was held by a clock that has been set back since, while no worker lived."""
        async with self._database.transaction() as session:
            keys = await queries.begin_pace_anew(session, now_us)
        self._in_step = True
        if keys:
            log.warning("pace.begun_anew", keys=keys, reason="the clock was set back")

    async def rescue(self) -> int:
        """Queue again what dead or stuck workers held; return how many rows."""
        now_us = self._real_time.now_us()
        if now_us - self._in_touch_since_us < _GRACE_US:
            return 0
        if not await queries.any_expired(self._database, now_us):
            return 0
        async with self._database.transaction() as session:
            rows = await queries.expired(session, now_us, _BATCH)
            await _requeue(session, rows)
        if rows:
            metrics.RESCUED.inc(len(rows))
            log.warning("lease.expired", rows=len(rows))
        return len(rows)


async def give_back(database: Database, worker: str) -> int:
    """Queue again what this worker holds, and say that it is gone; return how many rows."""
    async with database.transaction() as session:
        rows = await queries.held_by(session, worker)
        await _requeue(session, rows)
        await queries.forget_worker(session, worker)
    return len(rows)


async def take_over_all(database: Database) -> int:
    """Queue again all that is in flight: for a start where no other worker can be alive."""
    async with database.transaction() as session:
        rows = await queries.expired(session, 2**62, 1_000_000)
        await _requeue(session, rows)
    if rows:
        log.warning("restart.took_over", rows=len(rows))
    return len(rows)


async def _requeue(session: AsyncSession, rows: list[Claimed]) -> None:
    await queries.delete_inflight(session, [row.id for row in rows])
    # Their due times are past, so they are due at once wherever the domain's clock stands.
    await queue.push(session, [entry_again(row, row.due_us) for row in rows], now_us=2**62)
