"""Telling the duties that there is something to do, when a transaction has committed.

A duty also looks by itself every now and then, so a wake that gets lost costs time, not messages.
On PostgreSQL other processes hear it too (NOTIFY, which is itself part of the transaction).
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.database.engine import Database, after_commit

log = structlog.get_logger()
CHANNEL = "dripline_wake"
_LISTEN_AGAIN_S = 1.0
_WAKES = "wakes"


class Wakes:
    """One event per topic, such as `queue` or `inbox`, for the duties of this process."""

    def __init__(self) -> None:
        self._events: dict[str, asyncio.Event] = {}

    def event(self, topic: str) -> asyncio.Event:
        """Return the topic's event; a duty waits for it and clears it."""
        return self._events.setdefault(topic, asyncio.Event())

    def signal(self, topic: str) -> None:
        """Wake who waits for the topic in this process."""
        self.event(topic).set()


async def wake(session: AsyncSession, topic: str) -> None:
    """Wake the duties waiting for `topic`, here and elsewhere, once this transaction commits."""
    asked: set[str] = session.info.setdefault(_WAKES, set())
    if topic in asked:
        return
    asked.add(topic)
    wakes: Wakes | None = session.info.get("process_wakes")
    if wakes is not None:
        after_commit(session, lambda: wakes.signal(topic))
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(
            text("SELECT pg_notify(:channel, :topic)"), {"channel": CHANNEL, "topic": topic}
        )


async def listen(database: Database, wakes: Wakes) -> Callable[[], Awaitable[None]]:
    """Hear other processes' wakes on PostgreSQL; return what ends it. Nothing to do on SQLite.

    A connection that is lost is made again, as often as it takes.
    """
    if database.is_sqlite:
        return _nothing
    hearing = asyncio.create_task(_hear_forever(database, wakes), name="listen")

    async def stop() -> None:
        hearing.cancel()
        await asyncio.gather(hearing, return_exceptions=True)

    return stop


async def _hear_forever(database: Database, wakes: Wakes) -> None:
    while True:
        try:
            await _hear(database, wakes)
        except Exception as error:  # noqa: BLE001 - the duties look by themselves meanwhile
            log.info("wake.not_heard", error=repr(error)[:200])
        await asyncio.sleep(_LISTEN_AGAIN_S)


async def _hear(database: Database, wakes: Wakes) -> None:
    """Hear wakes until the connection is lost."""
    lost = asyncio.Event()

    def heard(_connection: Any, _pid: int, _channel: str, topic: str) -> None:
        wakes.signal(topic)

    connection = await database.reader.raw_connection()
    driver: Any = connection.driver_connection
    try:
        driver.add_termination_listener(lambda _connection: lost.set())
        await driver.add_listener(CHANNEL, heard)
        await lost.wait()
    finally:
        driver.terminate()
        connection.invalidate()


async def _nothing() -> None:
    return None
