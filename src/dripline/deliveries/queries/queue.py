"""Every statement on the queue: put in, look at the heads, take what is due."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.database import Database, bulk
from dripline.database.bulk import Statement, Table
from dripline.deliveries.models import (
    PRIORITIES,
)
from dripline.deliveries.protocols import Claimed
from dripline.deliveries.queries.rows import ROW, claimed_row

if TYPE_CHECKING:
    from dripline.deliveries.queue import Entry, Key


# A row of a later turn takes the place of a leftover that waits under the very same key.
_NEWER = """ON CONFLICT (pace_key, priority, due_at, id) DO UPDATE
        SET turn = excluded.turn, attempt = excluded.attempt, outages = excluded.outages,
            detail = excluded.detail
        WHERE queue.turn < excluded.turn"""

_INSERT_QUEUE = Statement(
    sqlite=f"""
        INSERT INTO queue ({ROW}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        {_NEWER}
    """,
    postgresql=f"""
        INSERT INTO queue ({ROW})
        SELECT * FROM unnest($1::text[], $2::smallint[], $3::bigint[], $4::uuid[], $5::text[],
                             $6::uuid[], $7::bigint[], $8::smallint[], $9::smallint[], $10::text[])
        {_NEWER}
    """,
)

_QUEUE = Table("queue", tuple(ROW.split(", ")))

_DELETE_QUEUE = Statement(
    sqlite="DELETE FROM queue WHERE pace_key = ? AND priority = ? AND due_at = ? AND id = ?",
    postgresql="""
        DELETE FROM queue q
        USING unnest($1::text[], $2::smallint[], $3::bigint[], $4::uuid[])
              AS k (pace_key, priority, due_at, id)
        WHERE q.pace_key = k.pace_key AND q.priority = k.priority
          AND q.due_at = k.due_at AND q.id = k.id
    """,
)

# The head of the queue is one step down the index for each key and priority.
_PRIORITY_ROWS = " UNION ALL ".join(f"SELECT {number} AS priority" for number in PRIORITIES)

_HEADS_TEXT = f"""
    SELECT k.key, p.priority, k.hold_until_us,
           (SELECT q.due_at FROM queue q WHERE q.pace_key = k.key AND q.priority = p.priority
            ORDER BY q.due_at LIMIT 1) AS due_at
    FROM pace k CROSS JOIN ({_PRIORITY_ROWS}) p
"""

_HEADS = Statement(sqlite=_HEADS_TEXT, postgresql=_HEADS_TEXT)
_HEADS_AFTER = Statement(
    sqlite="",  # what SQLite deletes is gone
    postgresql=f"""
        SELECT k.key, p.priority, k.hold_until_us,
               (SELECT q.due_at FROM queue q WHERE q.pace_key = k.key AND q.priority = p.priority
                AND q.due_at >= coalesce(b.due_at, 0) ORDER BY q.due_at LIMIT 1) AS due_at
        FROM pace k CROSS JOIN ({_PRIORITY_ROWS}) p
        LEFT JOIN unnest($1::text[], $2::smallint[], $3::bigint[]) AS b (key, priority, due_at)
               ON b.key = k.key AND b.priority = p.priority
    """,
)

_COUNT_DUE = Statement(
    sqlite="""
        SELECT count(*) FROM (SELECT 1 FROM queue
        WHERE pace_key = ? AND priority = ? AND due_at <= ? LIMIT ?)
    """,
    postgresql="""
        SELECT count(*) FROM (SELECT 1 FROM queue
        WHERE pace_key = $1 AND priority = $2 AND due_at <= $3 LIMIT $4) AS due
    """,
)

# SQLite has one writer: the first rows of the range are read, then the range is deleted whole.
_TAKE_DUE = Statement(
    sqlite=f"""
        SELECT {ROW} FROM queue WHERE pace_key = ? AND priority = ? AND due_at <= ?
        ORDER BY due_at, id LIMIT ?
    """,
    postgresql=f"""
        DELETE FROM queue WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM queue
            WHERE pace_key = $1 AND priority = $2 AND due_at <= $3 AND due_at >= $5
            ORDER BY due_at, id LIMIT $4 FOR UPDATE SKIP LOCKED))
        RETURNING {ROW}
    """,
)

_DELETE_TAKEN = Statement(
    sqlite="""
        DELETE FROM queue
        WHERE pace_key = ? AND priority = ? AND (due_at < ? OR (due_at = ? AND id <= ?))
    """,
    postgresql="",  # its DELETE … RETURNING has done both
)


@dataclass(frozen=True, slots=True)
class Head:
    """The earliest row of one pace key and priority; `due_us` None when there is none."""

    pace_key: str
    priority: int
    hold_until_us: int
    due_us: int | None


async def insert_queue(session: AsyncSession, entries: Sequence["Entry"]) -> None:
    """Insert rows; one that is there already stays as it is, unless it is of an earlier turn."""
    await bulk.write(
        session,
        _INSERT_QUEUE,
        [
            (*key, origin, ref, turn, attempt, outages, detail)
            for key, origin, ref, turn, attempt, outages, detail in entries
        ],
    )


async def append_queue(session: AsyncSession, entries: Sequence["Entry"]) -> None:
    """Insert rows whose ids were made just now, so that none can be there: half the time."""
    rows = [
        (*key, origin, ref, turn, attempt, outages, detail)
        for key, origin, ref, turn, attempt, outages, detail in entries
    ]
    await bulk.append(session, _QUEUE, rows)


async def delete_queue(session: AsyncSession, keys: Sequence["Key"]) -> None:
    """Delete rows by their keys."""
    await bulk.write(session, _DELETE_QUEUE, keys)


async def heads(
    session: AsyncSession, begin_us: Mapping[tuple[str, int], int] | None = None
) -> list[Head]:
    """Return the earliest row of each pace key and priority; from a moment on where one is given.

    Moments are for PostgreSQL: see `deliveries/passed.py`.
    """
    if begin_us:
        places = [(*place, moment) for place, moment in begin_us.items()]
        rows = await bulk.run(session, _HEADS_AFTER, *map(list, zip(*places, strict=True)))
    else:
        rows = await bulk.run(session, _HEADS)
    return [Head(row[0], row[1], row[2], row[3]) for row in rows]


async def glance_at_heads(database: Database) -> list[Head]:
    """Return the heads as they are now, outside of any transaction."""
    return [Head(row[0], row[1], row[2], row[3]) for row in await database.glance(_HEADS)]


async def count_due(session: AsyncSession, now_us: int, most: int) -> int:
    """Return how many rows are due, counting no further than `most` a pace key and priority."""
    count = 0
    for head in await heads(session):
        if head.due_us is not None and head.due_us <= now_us:
            rows = await bulk.run(session, _COUNT_DUE, head.pace_key, head.priority, now_us, most)
            count += int(rows[0][0])
    return count


async def take_due(
    session: AsyncSession, pace_key: str, priority: int, now_us: int, limit: int, begin_us: int = 0
) -> list[Claimed]:
    """Take the earliest due rows of a key and priority out of the queue and return them.

    On PostgreSQL only from `begin_us` on: see `deliveries/passed.py`.
    """
    if session.get_bind().dialect.name == "sqlite":
        rows = await bulk.run(session, _TAKE_DUE, pace_key, priority, now_us, limit)
        if rows:
            due, last = rows[-1][2], rows[-1][3]
            await bulk.run(session, _DELETE_TAKEN, pace_key, priority, due, due, last)
        return [claimed_row(row) for row in rows]
    rows = await bulk.run(session, _TAKE_DUE, pace_key, priority, now_us, limit, begin_us)
    return sorted((claimed_row(row) for row in rows), key=lambda row: (row.due_us, row.id))
