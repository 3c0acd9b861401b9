"""Glances: small questions outside of any transaction, on both databases."""

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from dripline.database import Database, bulk

ASK = bulk.same("SELECT n FROM seen WHERE n >= ? AND n <= ? ORDER BY n")


async def _fill(database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(text("CREATE TABLE seen (n INTEGER)"))
        await session.execute(text("INSERT INTO seen VALUES (1), (2), (3)"))


def test_a_statement_that_both_understand_numbers_its_parameters() -> None:
    assert bulk.same("a = ? AND b = ?").postgresql == "a = $1 AND b = $2"
    assert bulk.same("a = ? AND b = ?").sqlite == "a = ? AND b = ?"
    assert bulk.same("a").postgresql == "a"


async def test_a_glance_sees_what_was_committed_and_nothing_else(database: Database) -> None:
    await _fill(database)
    assert [row[0] for row in await database.glance(ASK, 2, 9)] == [2, 3]
    async with database.transaction() as session:
        await session.execute(text("INSERT INTO seen VALUES (4)"))
        assert [row[0] for row in await database.glance(ASK, 2, 9)] == [2, 3]
    assert [row[0] for row in await database.glance(ASK, 2, 9)] == [2, 3, 4]


async def test_many_may_glance_at_once(database: Database) -> None:
    await _fill(database)
    found = await asyncio.gather(*(database.glance(ASK, n % 3 + 1, 3) for n in range(30)))
    assert [len(rows) for rows in found] == [3, 2, 1] * 10


async def test_a_glance_that_fails_says_so_as_others_do_and_the_next_one_works(
    database: Database,
) -> None:
    await _fill(database)
    with pytest.raises(DBAPIError):
        await database.glance(bulk.same("SELECT nothing FROM nowhere"))
    assert len(await database.glance(ASK, 1, 3)) == 3


async def test_a_closed_database_may_be_glanced_at_again(database: Database) -> None:
    await _fill(database)
    await database.glance(ASK, 1, 3)
    await database.close()
    assert len(await database.glance(ASK, 1, 3)) == 3


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_connection_that_was_cut_is_made_again(database: Database) -> None:
    await _fill(database)
    await database.glance(ASK, 1, 3)
    async with database.transaction() as session:
        await session.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE pid <> pg_backend_pid() AND datname = current_database()"
            )
        )
    for _ in range(3):
        try:
            found = await database.glance(ASK, 1, 3)
        except DBAPIError:
            continue
        assert len(found) == 3
        return
    pytest.fail("it was not made again")


async def test_a_database_in_memory_is_looked_at_through_its_only_connection() -> None:
    database = Database.from_url("sqlite://")
    try:
        await _fill(database)
        assert len(await database.glance(ASK, 1, 3)) == 3
    finally:
        await database.close()
