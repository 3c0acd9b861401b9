"""Duty: hand events to the rooms that react to them, each in a savepoint of its own."""

import time
from collections.abc import Mapping
from datetime import datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from dripline import metrics
from dripline.database import Database
from dripline.events import queries
from dripline.events.subscriptions import Handler, Happened

log = structlog.get_logger()
MOST_ATTEMPTS = 5
_LONGEST_S = 0.015  # SQLite's other writers wait meanwhile, and what was sent is to be settled soon


class React:
    """Reacts to what is in the outbox; what fails is tried again, then left with its error."""

    def __init__(self, database: Database, handlers: Mapping[str, Handler]) -> None:
        self._database = database
        self._handlers = handlers

    async def run_once(self, now: datetime, limit: int = 200) -> int:
        """React to up to `limit` events a consumer; return how many were handled."""
        if not await queries.any_reaction(self._database):
            return 0
        handled = 0
        for consumer, handler in self._handlers.items():
            if not await queries.any_reaction(self._database, consumer):
                continue
            until = time.monotonic() + _LONGEST_S
            # What a power cut undid would be taken from the outbox again.
            async with self._database.transaction(lasts=False) as session:
                for event in await queries.open_reactions(session, consumer, MOST_ATTEMPTS, limit):
                    await self._react(session, consumer, handler, event, now)
                    handled += 1
                    if time.monotonic() > until:
                        break
        return handled

    async def _react(
        self,
        session: AsyncSession,
        consumer: str,
        handler: Handler,
        event: Happened,
        now: datetime,
    ) -> None:
        try:
            async with session.begin_nested():
                await handler(session, event, now)
                await queries.delete_reaction(session, event.id, consumer)
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
