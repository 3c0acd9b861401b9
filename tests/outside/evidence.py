"""What a database holds, read past the program: plain SQL on either kind."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from postgres import PostgresServer

Ask = Callable[[str], list[tuple[str, ...]]]


def of_sqlite(file: Path) -> Ask:
    """Return a function that asks a SQLite file."""

    def ask(sql: str) -> list[tuple[str, ...]]:
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=30)) as connection:
            rows = connection.execute(sql).fetchall()
        return [tuple("" if value is None else str(value) for value in row) for row in rows]

    return ask


def of_postgres(server: PostgresServer, name: str) -> Ask:
    """Return a function that asks a PostgreSQL database."""

    def ask(sql: str) -> list[tuple[str, ...]]:
        return [tuple(line.split("\t")) for line in server.sql(sql, name).splitlines()]

    return ask


def count(ask: Ask, sql: str) -> int:
    """Return the number a statement answers with."""
    return int(ask(sql)[0][0])
