"""An outbox consumer: an event that an endpoint wants becomes a row to be sent there.

Only names that some endpoint wants get an outbox row at all: without endpoints, nothing is written
for any message. Each process knows these names; it looks again when they change, and now and then.
"""

import uuid
from datetime import datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.database import Database, wake
from dripline.events import Happened, subscribe
from dripline.events.subscriptions import EVERYTHING
from dripline.ids import new_id
from dripline.webhooks import queries
from dripline.webhooks.endpoints import ALL, WAKE, wants
from dripline.webhooks.models import PENDING

CONSUMER: Final = "webhooks"
OWN: Final = "webhook."  # an endpoint that fails must not be told of that for ever


async def refresh(session: AsyncSession) -> None:
    """Let this process know which events somebody wants to hear of."""
    names = {name for endpoint in await queries.endpoints_on(session) for name in endpoint.names}
    subscribe(CONSUMER, {EVERYTHING if name == ALL else name for name in names})


class FollowNames:
    """Duty: `refresh`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run_once(self) -> int:
        """Look once."""
        async with self._database.reading() as session:
            await refresh(session)
        return 0


async def react(session: AsyncSession, event: Happened, now: datetime) -> None:
    """Queue an event for each endpoint that wants it."""
    if event.name.startswith(OWN):
        return
    rows = [
        row_of(endpoint.id, event.id, event.name, now)
        for endpoint in await queries.endpoints_on(session)
        if wants(endpoint, event.name)
    ]
    await queries.insert_deliveries(session, rows)
    if rows:
        await wake(session, WAKE)


def row_of(endpoint_id: uuid.UUID, event_id: uuid.UUID, name: str, now: datetime) -> dict[str, Any]:
    """Return the row by which an event is due to go to an endpoint."""
    return {
        "id": new_id(),
        "endpoint_id": endpoint_id,
        "event_id": event_id,
        "event_name": name,
        "status": PENDING,
        "attempts": 0,
        "created_at": now,
        "due_at": now,
    }
