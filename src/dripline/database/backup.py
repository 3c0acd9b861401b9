"""A copy of the whole database, taken while it is in use and opened once to see it is good."""

import asyncio
import os
import shutil
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

from sqlalchemy import URL

from dripline.database.engine import Database
from dripline.errors import Invalid

_PAGES_AT_ONCE = 2_000  # 8 MB: writers get their turn between two steps


async def backup(database: Database, folder: Path | None, now: datetime) -> Path:
    """Copy the database to a file named by time, in `folder` or beside a SQLite database.

    Raises Invalid when it cannot be copied here, with what to run instead.
    """
    stamp = now.strftime("%Y%m%dT%H%M%SZ")
    if database.is_sqlite:
        return await asyncio.to_thread(_copy_sqlite, database.url, folder, stamp)
    return await _dump_postgresql(database.url, folder or Path(), stamp)


def _copy_sqlite(url: URL, folder: Path | None, stamp: str) -> Path:
    source = Path(url.database or "")
    if not source.is_file():
        raise Invalid(f"There is no database at {source} yet.", code="NO_DATABASE")
    target = (folder or source.parent) / f"{source.stem}-{stamp}{source.suffix or '.db'}"
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(target.name + ".part")
    try:
        with closing(sqlite3.connect(source)) as reader, closing(_private(unfinished)) as writer:
            reader.backup(writer, pages=_PAGES_AT_ONCE, sleep=0.001)
            _see_that_it_is_good(writer, target)
        unfinished.replace(target)
    except (sqlite3.Error, OSError) as error:
        raise Invalid(f"The backup to {target} failed: {error}.", code="BACKUP_FAILED") from error
    finally:
        unfinished.unlink(missing_ok=True)
    return target


def _private(file: Path) -> sqlite3.Connection:
    # It holds people's data: nobody else on this machine reads it, not even while it is written.
    os.close(os.open(file, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600))
    return sqlite3.connect(file)


def _see_that_it_is_good(copy: sqlite3.Connection, target: Path) -> None:
    verdict = copy.execute("PRAGMA quick_check").fetchone()[0]
    if verdict != "ok":
        raise Invalid(f"The backup to {target} is damaged: {verdict}.", code="BACKUP_FAILED")
    copy.execute("PRAGMA journal_mode=DELETE")  # one file, without its neighbours


async def _dump_postgresql(url: URL, folder: Path, stamp: str) -> Path:
    target = folder / f"{url.database or 'dripline'}-{stamp}.dump"
    plain = _for_libpq(url)
    if not (shutil.which("pg_dump") and shutil.which("pg_restore")):
        raise Invalid(
            "pg_dump is not on this machine. Where it is, run: "
            f"pg_dump --format=custom --file={target.name} '{plain}'",
            code="NO_PG_DUMP",
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(target, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600))
    try:
        await _run(url, "pg_dump", "--format=custom", f"--file={target}", plain)
        await _run(url, "pg_restore", "--list", str(target))
    except Invalid:
        target.unlink(missing_ok=True)
        raise
    return target


def _for_libpq(url: URL) -> str:
    """Return the address as PostgreSQL's own tools want it, without the password."""
    query = {"sslmode" if key == "ssl" else key: value for key, value in url.query.items()}
    plain = URL.create("postgresql", url.username, None, url.host, url.port, url.database, query)
    return plain.render_as_string(hide_password=False)


async def _run(url: URL, tool: str, *arguments: str) -> None:
    secret = {"PGPASSWORD": str(url.password)} if url.password else {}
    process = await asyncio.create_subprocess_exec(
        tool,
        *arguments,
        env={**os.environ, **secret},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await process.communicate()
    if process.returncode:
        reason = said.decode(errors="replace").strip()
        raise Invalid(f"The backup failed. {tool} says: {reason}", code="BACKUP_FAILED")
