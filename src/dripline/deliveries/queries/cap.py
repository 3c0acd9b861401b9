"""Every statement on messages that count towards a contact's cap."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.database import bulk
from dripline.database.bulk import Statement, as_uuid
from dripline.deliveries.cap import Counted

_COUNTED_TEXT = "SELECT contact_id, origin_id, run, message_id, counted_at FROM counted_messages"
_COUNTED = Statement(
    sqlite=f"{_COUNTED_TEXT} WHERE contact_id IN ({{keys}}) AND counted_at >= ?",
    postgresql=f"{_COUNTED_TEXT} WHERE contact_id = ANY($1::uuid[]) AND counted_at >= $2",
)
_COUNT = Statement(
    sqlite="INSERT INTO counted_messages VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
    postgresql="""
        INSERT INTO counted_messages
        SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::smallint[], $4::text[], $5::timestamptz[])
        ON CONFLICT DO NOTHING
    """,
)
_UNCOUNT = Statement(
    sqlite="""
        DELETE FROM counted_messages
        WHERE contact_id = ? AND origin_id = ? AND run = ? AND message_id = ?
    """,
    postgresql="""
        DELETE FROM counted_messages c
        USING unnest($1::uuid[], $2::uuid[], $3::smallint[], $4::text[])
              AS n (contact_id, origin_id, run, message_id)
        WHERE c.contact_id = n.contact_id AND c.origin_id = n.origin_id AND c.run = n.run
          AND c.message_id = n.message_id
    """,
)
_FORGET = Statement(
    sqlite="DELETE FROM counted_messages WHERE contact_id IN ({keys}) AND counted_at < ?",
    postgresql="""
        DELETE FROM counted_messages WHERE contact_id = ANY($1::uuid[]) AND counted_at < $2
    """,
)


async def counted(
    session: AsyncSession, contact_ids: Iterable[uuid.UUID], since: datetime
) -> dict[uuid.UUID, dict[Counted, datetime]]:
    """Return what counts of each contact's messages since a moment, and from when on."""
    found: dict[uuid.UUID, dict[Counted, datetime]] = {}
    for row in await bulk.read(session, _COUNTED, contact_ids, since):
        this = Counted(as_uuid(row[1]), row[2], row[3])
        found.setdefault(as_uuid(row[0]), {})[this] = _moment(row[4])
    return found


async def count(
    session: AsyncSession, messages: Sequence[tuple[uuid.UUID, Counted, datetime]]
) -> None:
    """Let messages count from now on; one that counts already keeps its moment."""
    await bulk.write(session, _COUNT, [(one, *this, at) for one, this, at in messages])


async def uncount(session: AsyncSession, messages: Sequence[tuple[uuid.UUID, Counted]]) -> None:
    """These messages did not arrive, and count no longer."""
    await bulk.write(session, _UNCOUNT, [(one, *this) for one, this in messages])


async def forget_counted(
    session: AsyncSession, contact_ids: Iterable[uuid.UUID], before: datetime
) -> None:
    """Delete what counts no longer, since it was too long ago."""
    await bulk.read(session, _FORGET, contact_ids, before)


def _moment(value: Any) -> datetime:
    return datetime.fromisoformat(value) if isinstance(value, str) else value
