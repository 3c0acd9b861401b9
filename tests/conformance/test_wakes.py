"""Wakes between processes on PostgreSQL, also after the connection that hears them was lost."""

import asyncio

import pytest

from dripline.database import Database, Wakes, listen, wake
from postgres import PostgresServer

pytestmark = pytest.mark.postgres
CUT = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND query LIKE 'LISTEN%'
"""


async def test_wakes_are_heard_again_after_the_connection_was_lost(
    postgres_url: str, fast_postgres: PostgresServer
) -> None:
    hearing, telling = Database.from_url(postgres_url), Database.from_url(postgres_url)
    wakes = Wakes()
    stop = await listen(hearing, wakes)
    try:
        await _heard(telling, wakes)
        assert fast_postgres.sql(CUT, postgres_url.rpartition("/")[2]).strip() == "t"
        wakes.event("inbox").clear()
        await _heard(telling, wakes)
    finally:
        await stop()
        await hearing.close()
        await telling.close()


async def _heard(telling: Database, wakes: Wakes) -> None:
    """Tell until it is heard."""
    async with asyncio.timeout(10):
        while not wakes.event("inbox").is_set():
            async with telling.transaction() as session:
                await wake(session, "inbox")
            await asyncio.sleep(0.05)
