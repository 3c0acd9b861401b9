"""Duty: forget where clicks and opens came from, once they are old: addresses, browsers, devices.

That somebody clicked is kept, for the numbers; the rows are walked through once a day, a small page
at a time, so no index has to follow every click.
"""

import time
import uuid
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from dripline.database import Database
from dripline.engagement import forget_queries as queries
from dripline.engagement.models import Click, Open
from dripline.engagement.tell import SOURCE

_PAGE: Final = 500
_REST_S: Final = 24 * 3600.0
_TABLES: Final[tuple[type[Any], ...]] = (Click, Open)


class ForgetOrigins:
    """Walks through clicks, then opens; then rests."""

    def __init__(self, database: Database, days: int) -> None:
        self._database = database
        self._keep = timedelta(days=days)
        self._table, self._behind = 0, uuid.UUID(int=0)
        self._rest_until = 0.0

    async def run_once(self, now: datetime) -> int:
        """Look at one page; return how many rows have forgotten something."""
        if time.monotonic() < self._rest_until:
            return 0
        model = _TABLES[self._table]
        async with self._database.reading() as session:
            page = await queries.page(session, model, self._behind, _PAGE)
        old = [row.id for row in page if row.traced and row.at < now - self._keep]
        if old:
            async with self._database.transaction(lasts=False) as session:
                await self._forget(session, model, old)
        self._go_on(page[-1].id if len(page) == _PAGE else None)
        return len(old)

    async def _forget(self, session: AsyncSession, model: type[Any], ids: list[uuid.UUID]) -> None:
        await queries.forget(session, model, ids)
        if model is Click:
            await queries.forget_in_events(session, SOURCE, [one.hex for one in ids])

    def _go_on(self, behind: uuid.UUID | None) -> None:
        self._behind = behind or uuid.UUID(int=0)
        if behind is None:
            self._table = (self._table + 1) % len(_TABLES)
            if self._table == 0:
                self._rest_until = time.monotonic() + _REST_S
