"""Batches on their way to SQLite: what is stored is what the ORM's own way would store."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from dripline.database import Database, bulk
from dripline.database.bulk import Statement, Table
from dripline.ids import new_id

TABLE = Table("things", ("id", "at", "name", "detail"))
INSERT = Statement(sqlite="INSERT INTO things VALUES (?, ?, ?, ?)", postgresql="")
ALL = Statement(sqlite="SELECT id, at, name, detail FROM things ORDER BY name", postgresql="")
RENAME = "UPDATE things SET name = ? WHERE id = ? AND name = ?"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
async def things(tmp_path: Path) -> AsyncIterator[Database]:
    """A database with one table of things."""
    database = Database.from_url(f"sqlite:///{tmp_path / 'things.db'}")
    create = "CREATE TABLE things (id BLOB PRIMARY KEY, at TEXT, name TEXT, detail TEXT)"
    async with database.transaction() as session:
        await bulk.run(session, Statement(sqlite=create, postgresql=""))
    yield database
    await database.close()


async def stored(database: Database, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    async with database.transaction() as session:
        await bulk.append(session, TABLE, rows)
        return [tuple(row) for row in await bulk.run(session, ALL)]


async def test_moments_are_stored_in_utc_to_the_microsecond_whatever_is_beside_them(
    things: Database,
) -> None:
    berlin = timezone(timedelta(hours=1))
    rows = [
        (new_id(), NOON + timedelta(microseconds=7), "a", None),
        (new_id(), NOON, "b", None),
        (new_id(), NOON.astimezone(berlin), "c", None),
        (new_id(), None, "d", None),
    ]

    found = await stored(things, rows)

    assert [row[1] for row in found] == [
        "2026-03-02T12:00:00.000007Z",
        "2026-03-02T12:00:00.000000Z",
        "2026-03-02T12:00:00.000000Z",
        None,
    ]
    assert [row[0] for row in found] == [row[0].bytes for row in rows]


async def test_columns_that_are_empty_throughout_or_in_part_stay_so(things: Database) -> None:
    found = await stored(things, [(new_id(), NOON, "a", None), (new_id(), NOON, "b", None)])
    assert [row[3] for row in found] == [None, None]

    async with things.transaction() as session:
        await bulk.write(session, INSERT, [(new_id(), NOON, "c", None), (None, NOON, "d", "?")])
        found = [tuple(row) for row in await bulk.run(session, ALL)]

    assert [row[3] for row in found] == [None, None, None, "?"]
    assert found[3][0] is None


async def test_all_rows_are_written_or_none(things: Database) -> None:
    one, two = new_id(), new_id()
    await stored(things, [(one, NOON, "a", None), (two, NOON, "b", None)])

    async with things.transaction() as session:
        assert not await bulk.write_if_all(session, RENAME, [("x", one, "a"), ("y", two, "?")])
        before = [row[2] for row in await bulk.run(session, ALL)]
        assert await bulk.write_if_all(session, RENAME, [("x", one, "a"), ("y", two, "b")])
        assert await bulk.write_if_all(session, RENAME, [])
        after = [row[2] for row in await bulk.run(session, ALL)]

    assert (before, after) == (["a", "b"], ["x", "y"])


async def test_a_conflict_is_told_as_one(things: Database) -> None:
    twice = new_id()
    with pytest.raises(IntegrityError):
        await stored(things, [(twice, NOON, "a", None), (twice, NOON, "b", None)])
