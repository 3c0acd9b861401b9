"""A process that stands still in the middle of a transaction does not hold up the others."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError

from dripline.database import Database, engine
from dripline.database.stalled import end_stalled
from dripline.deliveries import queries

SETTING = "idle_in_transaction_session_timeout"


@pytest.mark.postgres
async def test_locks_of_a_process_that_stands_still_are_given_up(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert int(engine._POSTGRES_SETTINGS[SETTING]) < 20_000  # well within a lease
    monkeypatch.setitem(engine._POSTGRES_SETTINGS, SETTING, "300")
    stalled, other = Database.from_url(postgres_url), Database.from_url(postgres_url)
    try:
        async with other.transaction() as session:
            await queries.ensure_pace(session, "telegram:main", 1.0)
        with pytest.raises(DBAPIError):
            await _stand_still(stalled, other)
        async with stalled.transaction() as session:  # and goes on when it wakes
            assert len(await queries.lock_pace(session)) == 1
    finally:
        await stalled.close()
        await other.close()


async def _stand_still(stalled: Database, other: Database) -> None:
    async with stalled.transaction() as standing:
        await queries.lock_pace(standing)
        async with asyncio.timeout(10), other.transaction() as session:
            assert len(await queries.lock_pace(session)) == 1
        await queries.lock_pace(standing)


@pytest.mark.postgres
async def test_nor_does_one_that_stands_still_in_the_middle_of_its_rows(postgres_url: str) -> None:
    stalled, other = Database.from_url(postgres_url), Database.from_url(postgres_url)
    begun, goes_on = asyncio.Event(), asyncio.Event()

    async def rows() -> AsyncIterator[tuple[str, float]]:
        begun.set()
        await goes_on.wait()
        yield "telegram:late", 1.0

    async def stand_still() -> None:
        async with stalled.transaction() as session:
            await queries.lock_pace(session)
            connection = await session.connection()
            driver = (await connection.get_raw_connection()).driver_connection
            assert driver is not None
            await driver.copy_records_to_table(
                "pace", columns=["key", "interval_us"], records=rows()
            )

    try:
        async with other.transaction() as session:
            await queries.ensure_pace(session, "telegram:main", 1.0)
        standing = asyncio.create_task(stand_still())
        await begun.wait()
        assert await end_stalled(other) == 0  # it may still be on its way
        await asyncio.sleep(0.2)
        assert await end_stalled(other, 0.1) == 1
        async with asyncio.timeout(10), other.transaction() as session:
            assert [pace.key for pace in await queries.lock_pace(session)] == ["telegram:main"]
        goes_on.set()
        with pytest.raises((DBAPIError, asyncpg.PostgresError, OSError)):
            await standing
        async with stalled.transaction() as session:  # and goes on when it wakes
            assert len(await queries.lock_pace(session)) == 1
    finally:
        await stalled.close()
        await other.close()


@pytest.mark.postgres
async def test_what_follows_a_transaction_that_was_cancelled_as_it_began_is_kept(
    postgres_url: str,
) -> None:
    database = Database.from_url(postgres_url, pool_size=1)

    async def hold(key: str) -> None:
        async with database.transaction() as session:
            await queries.lock_pace(session)  # begins it, past SQLAlchemy
            await queries.ensure_pace(session, key, 1.0)

    try:
        await hold("first")
        for steps in range(40):
            cancelled = asyncio.create_task(hold("cancelled"))
            for _ in range(steps):
                await asyncio.sleep(0)
            cancelled.cancel()
            await asyncio.gather(cancelled, return_exceptions=True)
            await hold(f"{steps}")
        await database.close()  # whatever was not committed is gone
        database = Database.from_url(postgres_url)
        async with database.reading() as session:
            known = {pace.key for pace in await queries.lock_pace(session)}
        assert known >= {"first", *map(str, range(40))}
    finally:
        await database.close()
