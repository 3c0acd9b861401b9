"""Databases for the benches: filled once, copied for each measurement, removed at the end."""

import asyncio
import contextlib
import os
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import psutil

from bench.machine import OTHERS
from bench.seed import Crowd, seed
from dripline.clock import to_us
from dripline.database import Database

# The tests' own way to a real PostgreSQL without installing one.
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from postgres import PostgresServer

_SPACING = timedelta(milliseconds=1)  # a thousand are due a second
_TUNED = """
ALTER SYSTEM SET shared_buffers = '512MB';
ALTER SYSTEM SET max_wal_size = '4GB';
"""


class Store(Protocol):
    """A kind of database: makes copies of the crowd, and answers questions about them."""

    name: str

    def copy(self) -> str:
        """Return the address of a fresh copy; the one before is gone."""
        ...

    def query(self, sql: str) -> list[tuple[str, ...]]:
        """Run a statement on the copy."""
        ...


class Sqlite:
    """A SQLite file, with the product's own settings (synchronous=FULL)."""

    name = "SQLite"

    def __init__(self, folder: Path, crowd: Crowd) -> None:
        self._seed, self._file = folder / "seed.db", folder / "run.db"
        _fill(f"sqlite:///{self._seed}", crowd)

    def copy(self) -> str:
        """Return the address of a fresh copy; the one before is gone."""
        for leftover in self._file.parent.glob("run.db*"):
            leftover.unlink()
        shutil.copyfile(self._seed, self._file)
        with self._file.open("rb") as copied:
            os.fsync(copied.fileno())  # else what is measured waits for our copy to reach the disk
        return f"sqlite:///{self._file}"

    def query(self, sql: str) -> list[tuple[str, ...]]:
        """Run a statement on the copy."""
        with contextlib.closing(sqlite3.connect(self._file, timeout=30)) as connection, connection:
            return [tuple(map(str, row)) for row in connection.execute(sql).fetchall()]


class Postgres:
    """A PostgreSQL server of our own, durable (fsync on), on the core the sender does not use."""

    name = "PostgreSQL"

    def __init__(self, server: PostgresServer, crowd: Crowd) -> None:
        self._server = server
        _fill(server.create_database("seed"), crowd)

    def copy(self) -> str:
        """Return the address of a fresh copy; the one before is gone."""
        self._server.drop_database("run")
        url = self._server.create_database("run", "seed")
        self._server.sql("CHECKPOINT")
        return url

    def query(self, sql: str) -> list[tuple[str, ...]]:
        """Run a statement on the copy."""
        said = self._server.sql(sql, "run")
        return [tuple(line.split("\t")) for line in said.splitlines()]


@contextlib.contextmanager
def postgres_server(folder: Path) -> Iterator[PostgresServer]:
    """Run a durable server in `folder`, off the sender's core."""
    server = PostgresServer.create(folder / "postgres", durable=True)
    try:
        server.sql("\n".join(_TUNED.strip().splitlines()))
        server.stop()
        server.start()
        with contextlib.suppress(AttributeError, ValueError, OSError):
            for process in (p := psutil.Process(server.pid)), *p.children():
                process.cpu_affinity([OTHERS])
        yield server
    finally:
        server.remove()


def crowd_due(size: int, *, shuffled: bool = False) -> Crowd:
    """Return a crowd that was due an hour ago and before, a thousand a second."""
    over = size * _SPACING
    return Crowd(size, datetime.now(UTC) - timedelta(hours=1) - over, over, shuffled)


def shift(store: Store, crowd: Crowd, first_due: datetime) -> None:
    """Move the copy's whole queue, so that its first message is due at a moment."""
    by = to_us(first_due) - to_us(crowd.first_due)
    store.query(f"UPDATE queue SET due_at = due_at + {by}")
    if store.name == "PostgreSQL":
        store.query("VACUUM queue")


def _fill(url: str, crowd: Crowd) -> None:
    async def filling() -> None:
        database = Database.from_url(url)
        try:
            await seed(database, crowd)
        finally:
            await database.close()

    asyncio.run(filling())
