"""Connections and transactions, on both databases."""

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.database import Database, after_commit, bulk


async def test_a_transaction_commits_or_nothing_happened(database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(text("CREATE TABLE seen (n INTEGER)"))
        await session.execute(text("INSERT INTO seen VALUES (1)"))

    async def fail_half_way() -> None:
        async with database.transaction() as session:
            await session.execute(text("INSERT INTO seen VALUES (2)"))
            raise ValueError("half way")

    with pytest.raises(ValueError, match="half way"):
        await fail_half_way()
    async with database.reading() as session:
        assert list(await session.scalars(text("SELECT n FROM seen"))) == [1]


async def test_what_waits_for_the_commit_runs_after_it_and_only_then(database: Database) -> None:
    calls: list[str] = []
    async with database.transaction() as session:
        after_commit(session, lambda: calls.append("committed"))
        assert calls == []

    async def fail_half_way() -> None:
        async with database.transaction() as session:
            after_commit(session, lambda: calls.append("never"))
            raise ValueError("half way")

    with pytest.raises(ValueError, match="half way"):
        await fail_half_way()
    assert calls == ["committed"]


async def test_writers_wait_in_line(database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(text("CREATE TABLE counter (n INTEGER)"))
        await session.execute(text("INSERT INTO counter VALUES (0)"))

    async def add() -> None:
        async with database.transaction() as session:
            await session.execute(text("UPDATE counter SET n = n + 1"))

    await asyncio.gather(*(add() for _ in range(20)))
    async with database.reading() as session:
        assert await session.scalar(text("SELECT n FROM counter")) == 20


async def test_a_savepoint_undoes_what_was_written_by_the_short_way(database: Database) -> None:
    add = bulk.same("INSERT INTO seen VALUES (?)")
    async with database.transaction() as session:
        await session.execute(text("CREATE TABLE seen (n INTEGER)"))
        await bulk.run(session, add, 1)
        with pytest.raises(ValueError, match="half way"):
            await _fail_half_way(session, add)
        await bulk.run(session, add, 4)
    async with database.reading() as session:
        assert list(await session.scalars(text("SELECT n FROM seen ORDER BY n"))) == [1, 4]


async def _fail_half_way(session: AsyncSession, add: bulk.Statement) -> None:
    async with session.begin_nested():
        await bulk.run(session, add, 2)
        async with session.begin_nested():
            await bulk.run(session, add, 3)
        raise ValueError("half way")
