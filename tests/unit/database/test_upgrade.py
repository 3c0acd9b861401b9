"""The schema: migrations make exactly what the tables say, once, on both databases."""

import asyncio
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text

from conftest import TEMPLATE, models
from dripline.database import Database
from dripline.database.upgrade import Schema, check, known_versions, prepare, upgrade
from dripline.errors import Conflict, Invalid
from postgres import PostgresServer

_PARTS = re.compile(r"\n|, (?![^(]*\))")


@pytest.fixture
async def empty(empty_database_url: str) -> Any:
    """A database without any table."""
    database = Database.from_url(empty_database_url)
    yield database
    await database.close()


async def test_alembic_sees_no_difference_between_migrations_and_tables(empty: Database) -> None:
    await upgrade(empty)

    def differences(connection: Connection) -> list[Any]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, models()))

    async with empty.writer.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_migrations_write_the_same_sqlite_file_as_the_tables_do(
    tmp_path: Path, sqlite_template: Path
) -> None:
    """Down to what Alembic cannot see: WITHOUT ROWID, partial indexes, defaults."""
    migrated = tmp_path / "migrated.db"
    database = Database.from_url(f"sqlite:///{migrated}")
    await upgrade(database)
    await database.close()
    assert _described(migrated) == _described(sqlite_template)


def _described(file: Path) -> dict[str, list[str]]:
    """Return each table's and index' statement; a table's lines sorted, as constraints may be.

    SQLite puts columns that are added later into the line of the last one.
    """
    with closing(sqlite3.connect(file)) as connection:
        rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
        return {
            name: sorted(part.strip(" \t,") for part in _PARTS.split(sql) if part.strip())
            for name, sql in rows
            if name != "alembic_version"
        }


@pytest.mark.postgres
async def test_migrations_make_the_same_postgresql_schema_as_the_tables_do(
    fast_postgres: PostgresServer,
) -> None:
    name = "migrated"
    database = Database.from_url(fast_postgres.create_database(name))
    try:
        await upgrade(database)
    finally:
        await database.close()
    try:
        assert fast_postgres.describe(name) == fast_postgres.describe(TEMPLATE)
    finally:
        fast_postgres.drop_database(name)


async def test_a_fresh_database_is_made_once_by_all_who_start_at_once(
    empty_database_url: str,
) -> None:
    starting = [Database.from_url(empty_database_url) for _ in range(3)]
    try:
        await asyncio.gather(*(prepare(database) for database in starting))
        assert (await check(starting[0])).is_current
    finally:
        for database in starting:
            await database.close()


async def test_an_upgrade_tells_what_it_applied_and_a_second_one_does_nothing(
    empty: Database,
) -> None:
    assert await upgrade(empty) == known_versions()
    assert await upgrade(empty) == ()


async def test_a_newer_schema_is_refused_in_a_sentence(database: Database) -> None:
    await _set_version(database, "9999_from_the_future")
    for refuse in (prepare, upgrade):
        with pytest.raises(Conflict, match="a newer one made it") as refused:
            await refuse(database)
        assert refused.value.code == "SCHEMA_NEWER"
    assert (await check(database)).pending == ()


async def test_an_older_schema_asks_for_an_upgrade(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = (*known_versions(), "9999_next")
    monkeypatch.setattr("dripline.database.upgrade.known_versions", lambda: versions)
    assert (await check(database)).pending == ("9999_next",)
    with pytest.raises(Conflict, match="dripline db upgrade"):
        await prepare(database)


async def _set_version(database: Database, version: str) -> None:
    async with database.transaction() as session:
        await session.execute(text("UPDATE alembic_version SET version_num = :v"), {"v": version})


async def test_looking_at_a_missing_file_does_not_make_it(tmp_path: Path) -> None:
    file = tmp_path / "not-there.db"
    database = Database.from_url(f"sqlite:///{file}")
    assert (await check(database)).is_fresh
    await database.close()
    assert not file.exists()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://someone:hunter2@127.0.0.1:1/nowhere",
        "sqlite:////nowhere/at/all/dripline.db",
    ],
)
async def test_a_database_out_of_reach_is_told_without_its_password(url: str) -> None:
    database = Database.from_url(url)
    with pytest.raises(Invalid) as told:
        await prepare(database)
    await database.close()
    assert told.value.code == "DATABASE_UNREACHABLE"
    assert "hunter2" not in told.value.message
    assert "heck DATABASE_URL" in told.value.message


@pytest.mark.postgres
async def test_a_database_that_does_not_exist_is_told(fast_postgres: PostgresServer) -> None:
    database = Database.from_url(fast_postgres.url("never_made"))
    with pytest.raises(Invalid, match="never_made"):
        await prepare(database)
    await database.close()


async def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    file = tmp_path / "letter.db"
    file.write_text("Dear Anna, this is not a database at all. " * 50)
    database = Database.from_url(f"sqlite:///{file}")
    with pytest.raises(Invalid, match="not a database"):
        await prepare(database)
    await database.close()


@pytest.mark.parametrize(
    ("found", "standing"),
    [
        (None, (True, False, False, ("1", "2"))),
        ("1", (False, False, False, ("2",))),
        ("2", (False, True, False, ())),
        ("3", (False, False, True, ())),
    ],
)
def test_where_a_schema_stands(found: str | None, standing: tuple[object, ...]) -> None:
    schema = Schema(found, ("1", "2"))
    assert (schema.is_fresh, schema.is_current, schema.is_newer, schema.pending) == standing


def test_steps_are_named_by_number_and_follow_each_other() -> None:
    numbers = [int(re.match(r"(\d{4})_", version)[1]) for version in known_versions()]  # type: ignore[index]
    assert numbers == list(range(1, len(numbers) + 1))
