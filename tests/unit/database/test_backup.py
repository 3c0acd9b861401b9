"""Backups: whole, checked, private, and taken while the database is in use."""

import asyncio
import sqlite3
import stat
import subprocess
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from dripline.database import Database
from dripline.database.backup import backup
from dripline.errors import Invalid
from postgres import PostgresServer

NOW = datetime(2026, 3, 2, 12, 30, 15, tzinfo=UTC)


async def _write(database: Database, number: int) -> None:
    async with database.transaction() as session:
        await session.execute(
            text("INSERT INTO workers (name, started_us, seen_us) VALUES (:n, 1, 1)"),
            {"n": f"worker-{number}"},
        )


async def test_a_sqlite_copy_holds_what_was_committed_and_stands_alone(sqlite_url: str) -> None:
    database = Database.from_url(sqlite_url)
    await _write(database, 1)
    target = await backup(database, None, NOW)
    await _write(database, 2)
    await database.close()
    assert target.name == "dripline-20260302T123015Z.db"
    assert target.parent == Path(sqlite_url.removeprefix("sqlite:///")).parent
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert not list(target.parent.glob("*.part*"))
    with closing(sqlite3.connect(f"file:{target}?mode=ro", uri=True)) as copy:
        assert copy.execute("SELECT name FROM workers").fetchall() == [("worker-1",)]
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def test_a_sqlite_copy_is_whole_while_others_write(sqlite_url: str, tmp_path: Path) -> None:
    database = Database.from_url(sqlite_url)
    writing = asyncio.gather(*(_write(database, number) for number in range(50)))
    target = await backup(database, tmp_path / "copies", NOW)
    await writing
    await database.close()
    with closing(sqlite3.connect(target)) as copy:
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def test_there_is_nothing_to_copy_before_the_first_start(tmp_path: Path) -> None:
    database = Database.from_url(f"sqlite:///{tmp_path / 'not-there.db'}")
    with pytest.raises(Invalid, match="no database at"):
        await backup(database, None, NOW)
    assert list(tmp_path.iterdir()) == []


async def test_a_damaged_file_is_not_passed_off_as_a_backup(sqlite_url: str) -> None:
    file = Path(sqlite_url.removeprefix("sqlite:///"))
    with file.open("r+b") as stream:
        stream.seek(4096)
        stream.write(b"\xff" * 20_000)
    database = Database.from_url(sqlite_url)
    with pytest.raises(Invalid, match=r"damaged|malformed|failed"):
        await backup(database, None, NOW)
    await database.close()
    assert not list(file.parent.glob("*20260302*"))


@pytest.mark.postgres
async def test_a_postgresql_dump_can_be_read_back(
    postgres_url: str,
    fast_postgres: PostgresServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", str(fast_postgres.tools))
    database = Database.from_url(postgres_url)
    await _write(database, 1)
    target = await backup(database, tmp_path, NOW)
    await database.close()
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    restored = subprocess.run(
        [fast_postgres.tools / "pg_restore", "--data-only", "--table=workers", "-f", "-", target],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "worker-1" in restored.stdout


async def test_without_pg_dump_it_says_what_to_run_but_not_the_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    database = Database.from_url("postgresql://someone:hunter2@db.example/audience")
    with pytest.raises(Invalid) as told:
        await backup(database, tmp_path, NOW)
    assert "pg_dump --format=custom" in told.value.message
    assert "someone@db.example/audience" in told.value.message
    assert "hunter2" not in told.value.message


@pytest.mark.postgres
async def test_a_dump_that_fails_leaves_no_file(
    fast_postgres: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(fast_postgres.tools))
    database = Database.from_url(fast_postgres.url("never_made"))
    with pytest.raises(Invalid, match="pg_dump says"):
        await backup(database, tmp_path, NOW)
    assert list(tmp_path.iterdir()) == []
