"""Batches on their way to each database: every value comes back as it was handed over."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError

from dripline.database import Database, bulk
from dripline.database.bulk import Statement
from dripline.ids import new_id

CREATE = Statement(
    sqlite="CREATE TEMP TABLE things (id BLOB, at TEXT, number INTEGER, flag INTEGER, name TEXT)",
    postgresql="CREATE TEMP TABLE things"
    " (id uuid, at timestamptz, number bigint, flag boolean, name text) ON COMMIT DROP",
)
DROP = Statement(sqlite="DROP TABLE things", postgresql="DROP TABLE things")
INSERT = Statement(
    sqlite="INSERT INTO things VALUES (?, ?, ?, ?, ?)",
    postgresql="INSERT INTO things SELECT * FROM"
    " unnest($1::uuid[], $2::timestamptz[], $3::bigint[], $4::boolean[], $5::text[])",
)
ALL = bulk.same("SELECT id, at, number, flag, name FROM things ORDER BY number")
NAMED = Statement(
    sqlite="SELECT name FROM things WHERE id IN ({keys})",
    postgresql="SELECT name FROM things WHERE id = ANY($1::uuid[])",
)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
NAMES = [
    "plain",
    "",
    "NULL",
    "null",
    'say "hi"',
    "C:\\new\\table",
    "a trailing backslash \\",
    '\\"',
    "{1,2}",
    "a,b; 'c'",
    "two\nlines\r\n\tand a tab",
    "bell \x07, escape \x1b, delete \x7f",
    "\\n is two characters, \n is one",
    "é 日本 🙂 עברית \u2028 end",
    "x" * 70_000,
]


async def kept(database: Database, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Write rows in one batch, and return what is there then."""
    async with database.transaction() as session:
        await bulk.run(session, CREATE)
        await bulk.write(session, INSERT, rows)
        found = [
            (bulk.as_uuid(row[0]), bulk.as_moment(row[1]), row[2], row[3], row[4])
            for row in await bulk.run(session, ALL)
        ]
        await bulk.run(session, DROP)
    return found


async def test_texts_come_back_to_the_letter(database: Database) -> None:
    rows = [(new_id(), NOON, number, True, name) for number, name in enumerate(NAMES)]
    assert await kept(database, rows) == rows


@pytest.mark.parametrize("name", NAMES)
async def test_a_text_comes_back_whatever_its_neighbours_are(database: Database, name: str) -> None:
    rows = [(new_id(), NOON, 1, False, name), (new_id(), NOON, 2, True, None)]
    assert await kept(database, rows) == rows


async def test_numbers_moments_and_nothing_come_back(database: Database) -> None:
    kathmandu = timezone(timedelta(hours=5, minutes=45))
    rows: list[tuple[Any, ...]] = [
        (new_id(), NOON + timedelta(microseconds=1), -(2**63), True, "least"),
        (None, None, 0, None, None),
        (new_id(), NOON.astimezone(kathmandu), 2**63 - 1, False, "most"),
    ]
    assert await kept(database, rows) == rows


async def test_what_no_database_can_store_is_an_error_and_nothing_is_written(
    database: Database,
) -> None:
    for name in ("\ud800", 7j):
        with pytest.raises((DBAPIError, TypeError, ValueError)):
            await kept(database, [(new_id(), NOON, 1, True, name)])


async def test_rows_are_found_by_many_keys(database: Database) -> None:
    rows = [(new_id(), NOON, number, True, str(number)) for number in range(1_000)]
    async with database.transaction() as session:
        await bulk.run(session, CREATE)
        await bulk.write(session, INSERT, rows)
        found = await bulk.read(session, NAMED, [row[0] for row in rows[::2]])
        again = await bulk.read(session, NAMED, [row[0] for row in rows[:3]] * 2)
        await bulk.run(session, DROP)
    assert {row[0] for row in found} == {row[4] for row in rows[::2]}
    assert sorted(row[0] for row in again) == ["0", "1", "2"]


async def test_keys_are_read_once_where_a_table_is_gone_through(database: Database) -> None:
    if database.is_sqlite:
        return
    explain = Statement(sqlite="", postgresql=f"EXPLAIN {NAMED.postgresql}")
    async with database.transaction() as session:
        await bulk.run(session, CREATE)
        plan = [row[0] for row in await bulk.read(session, explain, [new_id()] * 500)]
    assert plan[0].startswith("Seq Scan")
    assert any("InitPlan" in step for step in plan)
    assert not any("::text" in step for step in plan if "Filter" in step)
