"""Duty: find what a new endpoint has missed while other processes did not know of it yet.

A process looks every few seconds at what endpoints want; for what it appends before that it writes
no outbox row. So once all have looked, the events since the endpoint was added are gone through,
and those that it wants and has not been given are queued.
"""

from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.clock import RealTime
from dripline.database import Database, wake
from dripline.ids import at_moment
from dripline.webhooks import queries
from dripline.webhooks.endpoints import WAKE, wants
from dripline.webhooks.follow import OWN, row_of
from dripline.webhooks.models import Endpoint

_ALL_KNOW_AFTER_US: Final = 30_000_000  # each looks every few seconds, and may be held up
_PAGE: Final = 2_000


class CatchUp:
    """Goes through the events since an endpoint was added or changed, page by page, once."""

    def __init__(self, database: Database, real_time: RealTime) -> None:
        self._database = database
        self._real_time = real_time

    async def run_once(self, now: datetime) -> int:
        """Go through one page for each endpoint that is due; return how many events they had."""
        until = at_moment(self._real_time.now_us() - _ALL_KNOW_AFTER_US)
        async with self._database.reading() as session:
            if not await queries.any_catching_up(session, until):
                return 0
        seen = 0
        async with self._database.transaction() as session:
            for endpoint in await queries.endpoints_catching_up(session, until):
                seen += await self._page(session, endpoint, now)
            await wake(session, WAKE)
        return seen

    async def _page(self, session: AsyncSession, endpoint: Endpoint, now: datetime) -> int:
        until = at_moment(self._real_time.now_us())
        assert endpoint.heard_from is not None  # noqa: S101 - what they were asked for by
        page = await queries.events_between(session, endpoint.heard_from, until, _PAGE)
        rows = [
            row_of(endpoint.id, event_id, name, now)
            for event_id, name in page
            if wants(endpoint, name) and not name.startswith(OWN)
        ]
        await queries.insert_deliveries(session, rows)
        behind = page[-1][0] if len(page) == _PAGE else None
        await queries.change_endpoint(session, endpoint.id, {"heard_from": behind})
        return len(page)
