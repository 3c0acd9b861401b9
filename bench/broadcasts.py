"""A million recipients into the queue: how long it takes, and that memory stays flat.

python -m bench.broadcasts sqlite:////tmp/crowd.db 1000000      (or postgresql://…; empty)
"""

import asyncio
import resource
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select

from bench.segments import NOW, fill
from dripline.broadcasts import switch
from dripline.broadcasts.launch import Launch
from dripline.content.broadcasts import definitions
from dripline.content.store import Library
from dripline.database import Database
from dripline.deliveries.models import QueueRow


@dataclass(frozen=True, slots=True)
class Launched:
    """How many were queued, in how many seconds, and how much memory grew meanwhile (MB)."""

    queued: int
    seconds: float
    grown_mb: float


async def measure(database: Database, size: int) -> Launched:
    """Fill an empty database with `size` contacts, and launch a broadcast to all who can get it."""
    await fill(database, size)
    return await launch(database)


async def launch(database: Database) -> Launched:
    """Launch a broadcast to everybody who is there and can be reached."""
    body = {"id": "news", "name": "News", "texts": {"": "Hello {{ user.first_name }}"}}
    found = definitions({"broadcasts": [body]}, button_sets={}, variables={}, attributes={})
    async with database.transaction() as session:
        broadcast = await switch.draft(session, Library(broadcasts=found), "news", "bench", NOW)
        await switch.send(session, broadcast, NOW)
    duty = Launch(database)
    for _ in range(10):  # what the first pages need stays; growth is counted from here
        await duty.run_once(NOW)
    before, started = _memory_mb(), time.perf_counter()
    already = await _queued(database)
    while await duty.run_once(NOW):
        pass
    seconds = time.perf_counter() - started
    queued = await _queued(database) - already
    return Launched(queued, seconds, _memory_mb() - before)


async def _queued(database: Database) -> int:
    async with database.reading() as session:
        return int(await session.scalar(select(func.count()).select_from(QueueRow)) or 0)


def _memory_mb() -> float:
    status = Path("/proc/self/status")
    if status.exists():
        line = next(x for x in status.read_text().splitlines() if x.startswith("VmRSS"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def _main(url: str, size: int) -> None:
    # A small cache: what grows is then ours, not pages that SQLite may keep anyway.
    database = Database.from_url(url, cache_mb=8)
    try:
        made = await measure(database, size)
    finally:
        await database.close()
    print(f"{made.queued:,} queued in {made.seconds:.1f} s, memory grew by {made.grown_mb:.1f} MB")


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000))
