"""Exact counts of segments over a million contacts: the conditions that operators use.

    python -m bench.segments sqlite:////tmp/crowd.db 1000000      (or postgresql://…; empty)

The crowd: three in ten are in a scenario, four in ten have completed one, one in twenty has paid,
one in twelve has blocked the bot; two states, two languages, a tag on one in ten. SQLite is not
told to ANALYZE, because nobody tells it in an installation; PostgreSQL is, as autovacuum would.
"""

import asyncio
import sqlite3
import statistics
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from dripline.contacts import segments
from dripline.database import Database, utc_text
from dripline.database.upgrade import upgrade
from dripline.wiring import import_models

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
USUAL: dict[str, Any] = {
    "everybody": [],
    "no_active_scenario": ["no_active_scenario"],
    "has_not_paid": ["has_not_paid"],
    "no_active_scenario, has_not_paid": ["no_active_scenario", "has_not_paid"],
    "state": [{"state": "VIP"}],
    "language, not paid": [{"language": "ru"}, "has_not_paid"],
    "tag": [{"tag": "quiet"}],
    "not tag, state": [{"not": {"tag": "quiet"}}, {"state": "VISITOR"}],
    "scenario completed, not paid": [
        {"scenario": {"id": "course", "status": "completed"}},
        "has_not_paid",
    ],
    "reachable": ["reachable"],
    "last seen within 30 days": [{"last_seen": {"within": {"days": 30}}}],
    "event within 7 days": [{"event": {"name": "webinar.joined", "within": {"days": 7}}}],
}


@dataclass(frozen=True, slots=True)
class Measured:
    """How long one count took (milliseconds, median of five) and what it found."""

    name: str
    milliseconds: float
    found: int


async def measure(database: Database, size: int) -> list[Measured]:
    """Fill an empty database with `size` contacts and count the usual segments in it."""
    await fill(database, size)
    return [await _count(database, name, value) for name, value in USUAL.items()]


async def fill(database: Database, size: int) -> None:
    """Make the tables and a crowd in an empty database."""
    import_models()
    await upgrade(database)
    await _load(database, size)


async def _count(database: Database, name: str, value: Any) -> Measured:
    segment = segments.parse(value)
    took, found = [], 0
    for _ in range(6):
        async with database.reading() as session:
            await session.connection()
            started = time.perf_counter()
            found = await segments.count(session, segment, NOW)
            took.append((time.perf_counter() - started) * 1000)
    return Measured(name, statistics.median(took[1:]), found)


async def _load(database: Database, size: int) -> None:
    if database.is_sqlite:
        _load_sqlite(str(database.url.database), size)
        return
    url = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
    connection = await asyncpg.connect(url)
    try:
        for name, columns, rows in TABLES:
            records = rows(size, lambda moment: moment)
            await connection.copy_records_to_table(name, records=records, columns=columns)
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()


def _load_sqlite(file: str, size: int) -> None:
    connection = sqlite3.connect(file, isolation_level=None)
    try:
        connection.execute("PRAGMA synchronous=OFF")
        for name, columns, rows in TABLES:
            marks = ", ".join("?" * len(columns))
            insert = f"INSERT INTO {name} ({', '.join(columns)}) VALUES ({marks})"
            connection.execute("BEGIN")
            connection.executemany(insert, rows(size, utc_text))
            connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.close()


def _id(kind: int, number: int) -> uuid.UUID:
    """Return a UUIDv7 as if made a millisecond after the one before."""
    return uuid.UUID(int=(1_760_000_000_000 + number << 80) | 0x7 << 76 | 0b10 << 62 | kind)


def _contacts(size: int, moment: Callable[[datetime], Any]) -> Iterator[tuple[Any, ...]]:
    for n in range(size):
        state = "VIP" if n % 7 == 0 else "VISITOR"
        seen = moment(NOW - timedelta(hours=n % 2400))
        language = "ru" if n % 3 else "en"
        yield _id(1, n), moment(NOW), f"anna_{n}", "Anna", "Petrova", language, state, seen


def _addresses(size: int, moment: Callable[[datetime], Any]) -> Iterator[tuple[Any, ...]]:
    at = moment(NOW)
    for n in range(size):
        state = "blocked" if n % 12 == 5 else "reachable"
        yield _id(2, n), _id(1, n), "telegram", "main", str(10**9 + n), state, at, at


def _enrollments(size: int, moment: Callable[[datetime], Any]) -> Iterator[tuple[Any, ...]]:
    at = moment(NOW)
    for n in range(size):
        if n % 10 > 6:
            continue
        status = "active" if n % 10 < 3 else "completed"
        yield (
            *(_id(3, n), _id(1, n), _id(2, n), "course", "scenario", 1, status, 1),
            *(at, at, 1, "telegram:main"),
        )


def _payments(size: int, moment: Callable[[datetime], Any]) -> Iterator[tuple[Any, ...]]:
    for n in range(0, size, 20):
        yield (
            *(_id(4, n), "manual", str(n), _id(1, n), "course", "course", 150_000, "RUB"),
            *(moment(NOW - timedelta(days=n % 300)), moment(NOW)),
        )


def _tags(size: int, moment: Callable[[datetime], Any]) -> Iterator[tuple[Any, ...]]:
    for n in range(0, size, 10):
        yield _id(1, n), "quiet", moment(NOW)


def _events(size: int, moment: Callable[[datetime], Any]) -> Iterator[tuple[Any, ...]]:
    for n in range(0, size, 4):
        at = moment(NOW - timedelta(hours=n % 1000))
        yield _id(5, n), "webinar.joined", _id(1, n), "bench", str(n), at, "{}"


_Rows = Callable[[int, Callable[[datetime], Any]], Iterator[tuple[Any, ...]]]
TABLES: Sequence[tuple[str, tuple[str, ...], _Rows]] = (
    (
        "contacts",
        (
            *("id", "created_at", "username", "first_name", "last_name", "language", "state"),
            "last_seen_at",
        ),
        _contacts,
    ),
    (
        "addresses",
        (
            *("id", "contact_id", "channel", "bot", "value", "reachability"),
            *("reachability_since", "created_at"),
        ),
        _addresses,
    ),
    (
        "enrollments",
        (
            *("id", "contact_id", "address_id", "scenario_id", "lane", "run", "status", "revision"),
            *("started_at", "base_at", "turn", "pace_key"),
        ),
        _enrollments,
    ),
    (
        "payments",
        (
            *("id", "provider", "provider_event_id", "contact_id", "scenario_id", "product"),
            *("amount", "currency", "paid_at", "recorded_at"),
        ),
        _payments,
    ),
    ("contact_tags", ("contact_id", "tag", "added_at"), _tags),
    (
        "events",
        ("id", "name", "contact_id", "source", "source_id", "occurred_at", "data"),
        _events,
    ),
)


async def _main(url: str, size: int) -> None:
    database = Database.from_url(url)
    try:
        for line in await measure(database, size):
            print(f"{line.name:<36} {line.milliseconds:8.0f} ms {line.found:>9,}")
    finally:
        await database.close()


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000))
