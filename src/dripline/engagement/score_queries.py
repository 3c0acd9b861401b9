"""Every statement on scores."""

import asyncio
import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from dripline.database import Database, bulk
from dripline.database.bulk import Statement
from dripline.engagement.models import EngagementScore

_AT_ONCE = 2_000  # rows; the driver holds up everything else while it packs or reads them
_ANY_OPEN = bulk.same("SELECT 1 FROM outbox WHERE consumer = ? AND attempts < 5 LIMIT 1")
_OPEN = Statement(
    sqlite="""
        SELECT e.id, e.name, e.contact_id, e.occurred_at,
               iif(e.data = '{}', NULL, e.data ->> '$.channel'),
               iif(e.data = '{}', NULL, e.data ->> '$.human')
        FROM outbox o JOIN events e ON e.id = o.event_id
        WHERE o.consumer = ? AND o.attempts < 5 AND o.event_id > ? ORDER BY o.event_id LIMIT ?
    """,
    postgresql="""
        SELECT e.id, e.name, e.contact_id, e.occurred_at, e.data ->> 'channel', e.data ->> 'human'
        FROM outbox o JOIN events e ON e.id = o.event_id
        WHERE o.consumer = $1 AND o.attempts < 5 AND o.event_id > $2 ORDER BY o.event_id LIMIT $3
    """,
)
_PRESENT = Statement(
    sqlite="""
        SELECT contact_id, type, factors, computed_at, half_life
        FROM engagement_scores WHERE contact_id IN ({keys})
    """,
    postgresql="""
        SELECT contact_id, type, factors::text, computed_at, half_life
        FROM engagement_scores WHERE contact_id = ANY($1::uuid[])
    """,
)
_THERE = Statement(
    sqlite="SELECT id FROM contacts WHERE id IN ({keys})",
    postgresql="SELECT id FROM contacts WHERE id = ANY($1::uuid[])",
)
_WRITE = Statement(
    sqlite="""
        INSERT INTO engagement_scores
            (contact_id, type, score, fades_at, half_life, factors, computed_at, valid_until)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (contact_id, type) DO UPDATE SET score = excluded.score,
            fades_at = excluded.fades_at, half_life = excluded.half_life,
            factors = excluded.factors, computed_at = excluded.computed_at,
            valid_until = excluded.valid_until
    """,
    postgresql="""
        INSERT INTO engagement_scores
            (contact_id, type, score, fades_at, half_life, factors, computed_at, valid_until)
        SELECT * FROM unnest($1::uuid[], $2::text[], $3::smallint[], $4::bigint[], $5::int[],
                             $6::text[]::jsonb[], $7::timestamptz[], $8::timestamptz[])
        ON CONFLICT (contact_id, type) DO UPDATE SET score = excluded.score,
            fades_at = excluded.fades_at, half_life = excluded.half_life,
            factors = excluded.factors, computed_at = excluded.computed_at,
            valid_until = excluded.valid_until
    """,
)
_DONE = Statement(
    sqlite="DELETE FROM outbox WHERE event_id IN ({keys}) AND consumer = ? RETURNING 1",
    postgresql="DELETE FROM outbox WHERE event_id = ANY($1::uuid[]) AND consumer = $2 RETURNING 1",
)
_FIRST = uuid.UUID(int=0)


# A key as the driver reads it, and takes it: only handed back, so it need not be made a UUID.
Key = uuid.UUID | bytes


class OpenEvent(NamedTuple):
    """An event to be folded in, as the driver reads it."""

    id: Key
    name: str
    contact_id: Key | None
    occurred_at: Any
    channel: str | None
    human: Any


class Present(NamedTuple):
    """A score as it was written last; `factors` is JSON."""

    type: str
    factors: str
    computed_at: Any
    half_life: int


async def open_events(session: AsyncSession, consumer: str, limit: int) -> list[OpenEvent]:
    """Return the oldest events that are not folded in."""
    found: list[OpenEvent] = []
    after: Key = _FIRST
    while len(found) < limit:
        wanted = min(_AT_ONCE, limit - len(found))
        rows = await bulk.run(session, _OPEN, consumer, after, wanted)
        found += map(OpenEvent._make, rows)
        if len(rows) < wanted:
            break
        after = found[-1].id
        await asyncio.sleep(0)
    return found


async def present(session: AsyncSession, contact_ids: Iterable[Key]) -> dict[Key, list[Present]]:
    """Return the scores of contacts; who is not there any more is missing."""
    wanted = list(contact_ids)
    found: dict[Key, list[Present]] = {}
    for start in range(0, len(wanted), _AT_ONCE):
        await _find(session, wanted[start : start + _AT_ONCE], found)
        await asyncio.sleep(0)
    return found


async def _find(
    session: AsyncSession, wanted: Sequence[Key], found: dict[Key, list[Present]]
) -> None:
    for row in await bulk.read(session, _PRESENT, wanted):
        found.setdefault(row[0], []).append(Present._make(row[1:]))
    # Scores are erased together with their contact: whoever has some is there.
    unscored = [one for one in wanted if one not in found]
    for row in await bulk.read(session, _THERE, unscored):
        found[row[0]] = []


async def write(session: AsyncSession, rows: Sequence[tuple[Any, ...]]) -> None:
    """Write scores, new ones and known ones, in the order of the table's columns."""
    for start in range(0, len(rows), _AT_ONCE):
        await bulk.write(session, _WRITE, rows[start : start + _AT_ONCE])


async def done(session: AsyncSession, consumer: str, event_ids: Sequence[Key]) -> bool:
    """These events are folded in; return whether all of them were still on the list."""
    return len(await bulk.read(session, _DONE, event_ids, consumer)) == len(event_ids)


async def scores_of(
    session: AsyncSession, contact_ids: Iterable[uuid.UUID]
) -> Sequence[EngagementScore]:
    """Return the rows of contacts' scores."""
    statement = select(EngagementScore).where(EngagementScore.contact_id.in_(list(contact_ids)))
    return (await session.scalars(statement)).all()


async def anything_open(database: Database, consumer: str) -> bool:
    """Whether there is anything to fold in; costs next to nothing."""
    return bool(await database.glance(_ANY_OPEN, consumer))


def moment_of(value: datetime | str) -> datetime:
    """Return a moment that a driver read: a text from SQLite, a moment from PostgreSQL."""
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)
