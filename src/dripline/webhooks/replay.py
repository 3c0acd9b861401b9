"""Send again what an endpoint has missed: all that failed, or every event since a moment."""

import uuid
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.database import wake
from dripline.webhooks import queries
from dripline.webhooks.endpoints import WAKE, get, wants
from dripline.webhooks.follow import OWN, row_of

_PAGE = 500


async def replay(
    session: AsyncSession,
    endpoint_id: uuid.UUID,
    since: datetime,
    now: datetime,
    *,
    everything: bool = False,
) -> int:
    """Queue again what failed since a moment; with `everything`, what got through as well.

    Events of a time before the endpoint was there are sent too. Each keeps its id, by which the
    endpoint knows what it has had. Returns how many were queued. Raises NotFound.
    """
    endpoint = await get(session, endpoint_id)
    if not everything:
        again = await queries.send_again(session, endpoint_id, None, since, now)
        await wake(session, WAKE)
        return again
    queued, after = 0, None
    while page := await queries.events_since(session, since, after, _PAGE):
        after = page[-1][0]
        wanted = {
            event_id: name
            for event_id, name in page
            if wants(endpoint, name) and not name.startswith(OWN)
        }
        if wanted:
            await queries.send_again(session, endpoint_id, list(wanted), since, now)
            await queries.insert_deliveries(
                session, [row_of(endpoint_id, *one, now) for one in wanted.items()]
            )
        queued += len(wanted)
    await wake(session, WAKE)
    return queued
