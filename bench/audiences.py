"""Segments and broadcasts over a crowd: exact counts, and everybody into the queue."""

import asyncio
import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench import broadcasts, segments
from bench.databases import postgres_server
from bench.rows import Row, at_most
from dripline.database import Database

_COUNT_MS = {"SQLite": 600, "PostgreSQL": 300}
_LAUNCH_S = 60
_CACHE_MB = 8  # what grows is then ours, not pages that SQLite may keep anyway


def measure(size: int, kinds: tuple[str, ...]) -> Iterator[Row]:
    """Measure both on each kind of database, over one crowd."""
    for kind in kinds:
        with _url(kind) as url:
            counts, launched = asyncio.run(_measured(url, size))
        slowest = max(counts, key=lambda one: one.milliseconds)
        each = "; ".join(f"{one.name}: {one.milliseconds:,.0f}" for one in counts)
        yield at_most(
            f"exact count of a segment over {size:,} contacts, the slowest of {len(counts)} usual "
            f"ones: {kind}",
            _COUNT_MS[kind],
            slowest.milliseconds,
            "ms",
            note=f" ({slowest.name}), median of five, as each. {each}",
        )
        yield at_most(
            f"a broadcast's {launched.queued:,} recipients into the queue: {kind}",
            _LAUNCH_S,
            launched.seconds,
            "s",
            note=f"; memory grew by {launched.grown_mb:,.0f} MB",
        )


async def _measured(url: str, size: int) -> tuple[list[segments.Measured], broadcasts.Launched]:
    database = Database.from_url(url)
    try:
        counts = await segments.measure(database, size)
    finally:
        await database.close()
    database = Database.from_url(url, cache_mb=_CACHE_MB)
    try:
        return counts, await broadcasts.launch(database)
    finally:
        await database.close()


@contextlib.contextmanager
def _url(kind: str) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="dripline-bench-") as name:
        folder = Path(name)
        if kind == "SQLite":
            yield f"sqlite:///{folder / 'crowd.db'}"
            return
        folder.chmod(0o711)
        with postgres_server(folder) as server:
            yield server.create_database("crowd")
