"""Duty: hand events to the rooms that react to them, a batch a consumer in one transaction.

A batch in which a reaction fails is handled again with a savepoint for each, so that a poisoned
event is tried a few times, then left with its error, and holds up nobody.
"""

import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from dripline import metrics
from dripline.database import Database
from dripline.events import queries
from dripline.events.subscriptions import Handler, Happened

log = structlog.get_logger()
GATHER_S = 0.05  # after a wake: who has just written gets an answer first, and batches grow
_LONGEST_S = 0.015  # SQLite's other writers wait meanwhile, and what was sent is to be settled soon


class React:
    """Reacts to what is in the outbox; what fails is tried again, then left with its error."""

    def __init__(self, database: Database, handlers: Mapping[str, Handler]) -> None:
        self._database = database
        self._handlers = handlers
        self._look = queries.look_for(sorted(handlers))

    async def run_once(self, now: datetime, limit: int = 200) -> int:
        """React to up to `limit` events a consumer; return how many were handled."""
        handled = 0
        waiting = {row[0] for row in await self._database.glance(self._look)}
        for consumer in self._handlers:
            if consumer in waiting:
                handled += await self._batch(consumer, now, limit)
        return handled

    async def _batch(self, consumer: str, now: datetime, limit: int) -> int:
        with suppress(Exception):  # whatever it was, the next way finds out whose fault it is
            return await self._together(consumer, now, limit)
        return await self._one_by_one(consumer, now, limit)

    async def _together(self, consumer: str, now: datetime, limit: int) -> int:
        """Handle a batch; what fails undoes all of it."""
        # What a power cut undid would be taken from the outbox again.
        async with self._database.transaction(lasts=False) as session:
            until, handled = time.monotonic() + _LONGEST_S, []
            for event in await queries.open_reactions(session, consumer, limit):
                await self._handlers[consumer](session, event, now)
                handled.append(event.id)
                if time.monotonic() > until:
                    break
            await queries.delete_reactions(session, handled, consumer)
        metrics.REACTIONS.labels(consumer, "handled").inc(len(handled))
        return len(handled)

    async def _one_by_one(self, consumer: str, now: datetime, limit: int) -> int:
        async with self._database.transaction(lasts=False) as session:
            until, handled = time.monotonic() + _LONGEST_S, 0
            for event in await queries.open_reactions(session, consumer, limit):
                await self._react(session, consumer, event, now)
                handled += 1
                if time.monotonic() > until:
                    break
        return handled

    async def _react(
        self, session: AsyncSession, consumer: str, event: Happened, now: datetime
    ) -> None:
        try:
            async with session.begin_nested():
                await self._handlers[consumer](session, event, now)
                await queries.delete_reactions(session, [event.id], consumer)
            metrics.REACTIONS.labels(consumer, "handled").inc()
        except Exception as error:  # noqa: BLE001 - one poisoned event must not hold up the rest
            metrics.REACTIONS.labels(consumer, "failed").inc()
            log.error(
                "event.reaction_failed",
                consumer=consumer,
                event_name=event.name,
                event_id=str(event.id),
                error=repr(error),
            )
            await queries.count_failed_reaction(session, event.id, consumer, repr(error))
