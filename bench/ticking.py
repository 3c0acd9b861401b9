"""What a tick costs that finds nothing due, by how many wait: the engine's own claim."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

from bench.machine import percentile
from bench.seed import Crowd, seed_queue
from dripline.clock import RealClock, RealTime
from dripline.database import Database
from dripline.deliveries import pace, queries
from dripline.deliveries.claim import Terms, claim

_TICKS = 1_000


async def _tick_ms(url: str, waiting: int) -> float:
    database = Database.from_url(url)
    try:
        later = datetime.now(UTC) + timedelta(days=1)
        await seed_queue(database, Crowd(waiting, later, timedelta(days=7)))
        async with database.transaction() as session:
            await queries.ensure_pace(session, "telegram:main", pace.interval_us(30))
        return await _median_ms(database)
    finally:
        await database.close()


async def _median_ms(database: Database) -> float:
    clock, real_time = RealClock(), RealTime()
    took = []
    for _ in range(_TICKS):
        began = time.perf_counter()
        real_us = real_time.now_us()
        terms = Terms("bench", 1_000, real_us, real_us + 30_000_000)
        claimed = await claim(database, {}, terms, clock.now())
        took.append((time.perf_counter() - began) * 1_000)
        assert claimed.taken == 0
    return percentile(took, 0.5)


def empty_tick_ms(url: str, waiting: int) -> float:
    """Return the median of a thousand empty ticks, in milliseconds, with so many waiting."""
    return asyncio.run(_tick_ms(url, waiting))
