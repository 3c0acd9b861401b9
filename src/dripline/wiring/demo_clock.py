"""The demo's clock: as fast as the page wants it, and on to the next message at once."""

import asyncio
import time
from datetime import datetime, timedelta

from dripline.clock import VirtualClock, from_us, to_us
from dripline.database import Database
from dripline.deliveries import pace, queries
from dripline.deliveries.claim import next_due_us
from dripline.deliveries.queue import WAKE_QUEUE
from dripline.sandbox.alone import LoneClock
from dripline.sandbox.ports import Due
from dripline.sandbox.world.changes import Change
from dripline.sandbox.world.telegram import Telegram
from dripline.scenarios import queries as enrollments
from dripline.wiring.engine import Engine

_LONGEST_S = 1.5
_LONGEST_WAY_S = 10.0
_LOOK_EVERY_S = 0.01


class DemoClock(LoneClock):
    """The clock as the page moves it; whoever waits for time is woken when it moves."""

    def __init__(self, clock: VirtualClock, telegram: Telegram) -> None:
        super().__init__(clock)
        self._arrived = 0
        self.engine: Engine | None = None
        telegram.changes.watch(self._count)

    def set_speed(self, speed: float) -> None:
        """Change the speed from now on."""
        super().set_speed(speed)
        if self.engine is not None:
            # A second of the chat is one of the sandbox; where that stands still, one of the world.
            self.engine.dispatcher.chat_us = int(pace.CHAT_INTERVAL_US / max(speed, 1.0))
            self.engine.wakes.signal(WAKE_QUEUE)

    async def next_due(self) -> Due | None:
        """What is due next, and for whom."""
        if self.engine is None:
            return None
        due = await next_due_us(self.engine.database)
        if due is None:
            return None
        return Due(from_us(due), await _owner(self.engine.database, due))

    async def jump_to_next(self) -> datetime | None:
        """Move to the moment of the next message, past waits that run out before it."""
        if self.engine is None:
            return None
        await self._quiet(self.engine)
        arrived, moment = self._arrived, None
        until = time.monotonic() + _LONGEST_WAY_S
        while self._arrived == arrived and time.monotonic() < until:
            due = await self.next_due()
            if due is None:
                break
            if due.at > self.now():  # or something came up just now, a post into a channel perhaps
                await self._move(self.engine, due.at)
                moment = due.at
            await self._quiet(self.engine)
        return self.now() if moment is None and self._arrived != arrived else moment

    async def advance(self, by: timedelta) -> None:
        """Move ahead by a duration, past whatever is due on the way, each at its own time."""
        target, until = self.now() + by, time.monotonic() + _LONGEST_WAY_S
        if self.engine is None:
            self._clock.jump_to(target)
            return
        await self._quiet(self.engine)
        while time.monotonic() < until:
            due = await self.next_due()
            if due is None or not self.now() < due.at < target:
                break
            await self._move(self.engine, due.at)
            await self._quiet(self.engine)
        await self._move(self.engine, target)

    async def _move(self, engine: Engine, moment: datetime) -> None:
        await engine.dispatcher.free_chats()  # their second has passed meanwhile
        self._clock.jump_to(moment)
        engine.wakes.signal(WAKE_QUEUE)

    async def _quiet(self, engine: Engine) -> None:
        """Wait until what is due has gone out and is settled; not for long, if it cannot."""
        until = time.monotonic() + _LONGEST_S
        while await self._busy(engine.database) and time.monotonic() < until:  # noqa: ASYNC110
            await asyncio.sleep(_LOOK_EVERY_S)

    async def _busy(self, database: Database) -> bool:
        due = await next_due_us(database)
        if due is not None and due <= to_us(self.now()):
            return True
        async with database.reading() as session:
            return await queries.any_in_flight(session)

    def _count(self, change: Change) -> None:
        """Count what people get; posts into channels come beside it."""
        to_somebody = change.chat is None or change.chat.id > 0
        self._arrived += to_somebody and change.kind in {"sent", "mail"}


async def _owner(database: Database, due_us: int) -> str:
    async with database.reading() as session:
        contact = await enrollments.contact_due_at(session, due_us)
    return "" if contact is None else contact.first_name or contact.username or ""
