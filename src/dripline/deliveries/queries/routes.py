"""Every statement on how contacts are reached: their addresses, and what they prefer."""

import uuid
from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.database import bulk
from dripline.database.bulk import Statement, as_uuid
from dripline.deliveries.choice import Way
from dripline.deliveries.protocols import AddressRef

_PREFERENCES = """p.contact_id, p.sequences, p.announcements, p.preferred_channel,
    p.engaged_channel, p.preferred_time, p.best_hour, p.quiet_from, p.quiet_to, p.weekdays"""

_PREFERRED = Statement(
    sqlite=f"SELECT {_PREFERENCES} FROM user_email_preferences p WHERE p.contact_id IN ({{keys}})",
    postgresql=f"""
        SELECT {_PREFERENCES} FROM user_email_preferences p WHERE p.contact_id = ANY($1::uuid[])
    """,
)

_ROUTES_TEXT = f"""
    SELECT a.id, a.contact_id, a.channel, a.bot, a.value, a.reachability, a.next_send_at,
           {_PREFERENCES}
    FROM addresses a LEFT JOIN user_email_preferences p ON p.contact_id = a.contact_id
    WHERE a.contact_id
"""
_ROUTES = Statement(
    sqlite=f"{_ROUTES_TEXT} IN ({{keys}}) ORDER BY a.contact_id, a.id",
    postgresql=f"{_ROUTES_TEXT} = ANY($1::uuid[]) ORDER BY a.contact_id, a.id",
)

_ANY_PREFERENCES = Statement(
    sqlite="SELECT 1 FROM user_email_preferences LIMIT 1",
    postgresql="SELECT 1 FROM user_email_preferences LIMIT 1",
)


class Preferred(NamedTuple):
    """What a contact prefers, as it stands in the database."""

    sequences: bool
    announcements: bool
    channel: str | None
    engaged: str | None
    time: str | None
    best_hour: int | None
    quiet_from: int | None
    quiet_to: int | None
    weekdays: str | None


async def any_preferences(session: AsyncSession) -> bool:
    """Return whether anybody has preferences at all."""
    return bool(await bulk.run(session, _ANY_PREFERENCES))


async def preferred(
    session: AsyncSession, contact_ids: Iterable[uuid.UUID]
) -> dict[uuid.UUID, Preferred]:
    """Return what contacts prefer; who has no preferences is missing."""
    rows = await bulk.read(session, _PREFERRED, contact_ids)
    return {as_uuid(row[0]): _preferred(row) for row in rows}


async def routes(
    session: AsyncSession, contact_ids: Iterable[uuid.UUID]
) -> dict[uuid.UUID, tuple[list[Way], Preferred | None]]:
    """Return all addresses of contacts, oldest first, and what they prefer."""
    found: dict[uuid.UUID, tuple[list[Way], Preferred | None]] = {}
    for row in await bulk.read(session, _ROUTES, contact_ids):
        contact_id = as_uuid(row[1])
        address = AddressRef(as_uuid(row[0]), contact_id, row[2], row[3], row[4], row[6])
        known = found.get(contact_id)
        if known is None:
            theirs = None if row[7] is None else _preferred(row[7:])
            known = found[contact_id] = ([], theirs)
        known[0].append(Way(address, row[5]))
    return found


def _preferred(row: Any) -> Preferred:
    return Preferred(bool(row[1]), bool(row[2]), *row[3:10])
