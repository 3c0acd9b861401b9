"""The overview of a big installation, against counting the log as one would at first.

    python -m bench.analytics sqlite:////tmp/numbers.db 1000000 10000000      (an empty database)

Asked over the whole API (key, role, JSON), as a dashboard asks. The peer is one GROUP BY over the
log of deliveries, in the same database, in the same run.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
from sqlalchemy import text

from bench.databases import postgres_server
from bench.plan import Sizes
from bench.rows import Row, at_most
from bench.segments import fill
from dripline.analytics.duty import CountUp
from dripline.api.app import create_app
from dripline.clock import VirtualClock
from dripline.database import Database
from dripline.settings import Settings
from dripline.wiring.engine import build
from dripline.wiring.routers import backend_of, routers_of

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
KEY = "the-key-of-the-bench"
_TIMES = 40
_COLUMNS = """id, contact_id, origin, origin_id, scenario_id, message_id, run, resend, channel, bot,
    address_id, recipient, status, content, scheduled_at, sent_at, failed_at, delivered_at,
    opened_at, clicked_at, attempt_count, max_attempts"""
_FACTS = """'scenario_' || (i % 5), 'message_' || (i % 50), 1, 0,
    CASE WHEN i % 3 = 0 THEN 'email' ELSE 'telegram' END, 'main'"""
_STATUS = "CASE WHEN i % 33 = 0 THEN 'failed' ELSE 'sent' END"
# Ninety days; 3 % failed; of emails, opens and clicks.
_SQLITE = f"""
    WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < :many - 1),
    d AS (SELECT i, strftime('%Y-%m-%dT%H:%M:%S.000000Z', '2025-12-03',
                             '+' || (i * 7919 % 7776000) || ' seconds') AS at FROM n)
    INSERT INTO message_deliveries ({_COLUMNS})
    SELECT CAST(printf('%016d', i) AS BLOB), CAST(printf('%016d', i % :people) AS BLOB),
        'enrollment', CAST(printf('%016d', i) AS BLOB), {_FACTS},
        CAST(printf('%016d', i % :people) AS BLOB), 'somebody', {_STATUS},
        'Hello, here is your next lesson.', at,
        CASE WHEN i % 33 = 0 THEN NULL ELSE at END, CASE WHEN i % 33 = 0 THEN at END,
        CASE WHEN i % 3 = 0 THEN at END, CASE WHEN i % 6 = 0 THEN at END,
        CASE WHEN i % 24 = 0 THEN at END, 1, 3
    FROM d
"""
_POSTGRESQL = f"""
    INSERT INTO message_deliveries ({_COLUMNS})
    SELECT lpad(to_hex(i), 32, '0')::uuid, lpad(to_hex(i % :people), 32, '0')::uuid,
        'enrollment', lpad(to_hex(i), 32, '0')::uuid, {_FACTS},
        lpad(to_hex(i % :people), 32, '0')::uuid, 'somebody', {_STATUS},
        'Hello, here is your next lesson.', at,
        CASE WHEN i % 33 = 0 THEN NULL ELSE at END, CASE WHEN i % 33 = 0 THEN at END,
        CASE WHEN i % 3 = 0 THEN at END, CASE WHEN i % 6 = 0 THEN at END,
        CASE WHEN i % 24 = 0 THEN at END, 1, 3
    FROM (SELECT i, timestamptz '2025-12-03 00:00Z'
                    + (i * 7919 % 7776000) * interval '1 second' AS at
          FROM generate_series(0, CAST(:many AS bigint) - 1) AS i) AS d
"""
_DAY = {
    "sqlite": "substr(coalesce(sent_at, failed_at), 1, 10)",
    "postgresql": "to_char(coalesce(sent_at, failed_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD')",
}
_COUNTS = """count(sent_at), sum(CASE WHEN status = 'failed' THEN 1 ELSE 0 END), 0,
    count(delivered_at), count(opened_at), count(clicked_at), 0"""


@dataclass(frozen=True, slots=True)
class Found:
    """Milliseconds: the overview (median, 95 of 100), the peer, and one count of people."""

    median_ms: float
    p95_ms: float
    peer_ms: float
    count_ms: float
    sent: int


def measure_numbers(sizes: Sizes, kinds: tuple[str, ...]) -> Iterator[Row]:
    """Measure the overview."""
    yield from measure(sizes.crowd, sizes.deliveries, kinds)


def measure(contacts: int, deliveries: int, kinds: tuple[str, ...]) -> Iterator[Row]:
    """Measure the overview on each kind of database."""
    for kind in kinds:
        with tempfile.TemporaryDirectory(prefix="dripline-bench-") as name:
            folder = Path(name)
            if kind == "SQLite":
                found = asyncio.run(_run(f"sqlite:///{folder / 'n.db'}", contacts, deliveries))
            else:
                folder.chmod(0o711)
                with postgres_server(folder) as server:
                    url = server.create_database("numbers")
                    found = asyncio.run(_run(url, contacts, deliveries))
        yield at_most(
            f"the overview of {contacts:,} contacts and {deliveries:,} deliveries, by API: {kind}",
            200,
            found.p95_ms,
            "ms",
            note=f" p95 of {_TIMES}; p50 {found.median_ms:.0f} ms",
            peer=f"GROUP BY over the log: {found.peer_ms:,.0f} ms",
        )


async def _run(url: str, contacts: int, deliveries: int) -> Found:
    database = Database.from_url(url)
    try:
        await fill(database, contacts)
        await _load(database, contacts, deliveries)
        started = time.perf_counter()
        await CountUp(database).run_once(NOW)
        count_ms = (time.perf_counter() - started) * 1000
        took, sent = await _ask(database, url)
        return Found(
            statistics.median(took),
            statistics.quantiles(took, n=20)[-1],
            await _peer(database),
            count_ms,
            sent,
        )
    finally:
        await database.close()


async def _load(database: Database, contacts: int, deliveries: int) -> None:
    statement = _SQLITE if database.is_sqlite else _POSTGRESQL
    day = _DAY["sqlite" if database.is_sqlite else "postgresql"]
    async with database.transaction() as session:
        await session.execute(text(statement), {"many": deliveries, "people": contacts})
        await session.execute(
            text(f"""
                INSERT INTO delivery_days
                SELECT {day}, channel, origin, scenario_id, message_id, {_COUNTS}
                FROM message_deliveries GROUP BY 1, 2, 3, 4, 5
            """)
        )
        await session.execute(text("ANALYZE"))


async def _ask(database: Database, url: str) -> tuple[list[float], int]:
    """Ask for the overview as a dashboard does; the first time warms."""
    settings = Settings(_env_file=None, database_url=url, admin_api_key=KEY, secret_key="s" * 40)
    engine = build(settings, VirtualClock(NOW), database=database, channels={})
    app = create_app({}, routers_of(engine), backend=backend_of(engine))
    took, seen = [], {}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://bench", headers={"X-API-Key": KEY}
    ) as http:
        for _ in range(_TIMES + 1):
            started = time.perf_counter()
            answer = await http.get("/api/v1/analytics/overview", params={"days": 30})
            took.append((time.perf_counter() - started) * 1000)
            seen = answer.raise_for_status().json()
    return took[1:], int(seen["messages"]["sent"])


async def _peer(database: Database) -> float:
    """Count the last thirty days as one would at first: by walking through the log."""
    day = _DAY["sqlite" if database.is_sqlite else "postgresql"]
    statement = text(f"""
        SELECT {day} AS day, channel, {_COUNTS} FROM message_deliveries
        WHERE coalesce(sent_at, failed_at) >= :since GROUP BY 1, 2
    """)
    since = "2026-02-01" if database.is_sqlite else datetime(2026, 2, 1, tzinfo=UTC)
    async with database.reading() as session:
        started = time.perf_counter()
        (await session.execute(statement, {"since": since})).all()
        return (time.perf_counter() - started) * 1000


def _main() -> None:
    url, contacts, deliveries = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    found = asyncio.run(_run(url, contacts, deliveries))
    print(f"overview  {found.median_ms:8.1f} ms (p95 {found.p95_ms:.1f}), {found.sent:,} sent")
    print(f"GROUP BY  {found.peer_ms:8.1f} ms")
    print(f"count up  {found.count_ms:8.1f} ms, every minute or so, by a worker")


if __name__ == "__main__":
    _main()
