"""Where flights land: outcomes gather for a moment and are settled in batches.

On PostgreSQL several batches are settled at once: each spends half of its time waiting for the
disk. SQLite has one writer. What is not settled stays here, whatever happens to the database.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import structlog

from dripline.deliveries.dispatch import Dispatcher
from dripline.deliveries.settle import Outcome

log = structlog.get_logger()
T = TypeVar("T")
GATHER_S = 0.025  # the first result waits this long for those that left with it
_MOST = 500  # some 40 ms: for so long nothing else is looked at
_WORTH_ONE_MORE = 200  # for fewer, no further batch is begun while one is being settled
_LANES = 3
_BACK_OFF_S = 0.5


class Landing:
    """Settles outcomes within 50 ms."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher
        self._landed: list[Outcome] = []
        self._settling = 0
        self._some = asyncio.Event()
        self._since = 0.0  # when the first of those landed that are not being settled

    @property
    def held(self) -> int:
        """How many outcomes are not settled yet."""
        return len(self._landed) + self._settling

    def add(self, outcome: Outcome) -> None:
        """Take an outcome."""
        if not self._landed:
            self._since = time.monotonic()
            self._some.set()
        self._landed.append(outcome)

    async def run(self) -> None:
        """Settle what lands, until cancelled."""
        lanes = 1 if self._dispatcher.database.is_sqlite else _LANES
        async with asyncio.TaskGroup() as group:
            for _ in range(lanes):
                group.create_task(self._settle_forever())

    async def finish(self) -> None:
        """Settle everything that has landed; raises what keeps it from being settled."""
        while self.held:
            if not await self._settle_some():
                await asyncio.sleep(GATHER_S / 2)  # a lane has it

    async def _settle_forever(self) -> None:
        while True:
            await self._some.wait()
            left = self._since + GATHER_S - time.monotonic()
            if left > 0 and len(self._landed) < _MOST:
                await asyncio.sleep(left)
            if self._settling and len(self._landed) < _WORTH_ONE_MORE:
                await asyncio.sleep(GATHER_S / 2)
                continue
            if await enduring("settle", self._settle_some) is None:
                await asyncio.sleep(_BACK_OFF_S)

    async def _settle_some(self) -> int:
        batch = self._landed[:_MOST]
        del self._landed[:_MOST]
        if not self._landed:
            self._some.clear()
        if not batch:
            return 0
        self._settling += len(batch)
        try:
            await self._dispatcher.settle(batch, self._dispatcher.clock.now())
        except BaseException:
            # Also when a stop breaks in. Had it just been committed, then the fence lets none of
            # it through another time.
            self._landed[:0] = batch
            self._some.set()
            raise
        finally:
            self._settling -= len(batch)
        return len(batch)


async def enduring(what: str, call: Callable[[], Coroutine[Any, Any, T]]) -> T | None:
    """Return what the call returns, or None after an error, which is logged and lived through."""
    try:
        return await call()
    except Exception as error:  # noqa: BLE001 - the pump outlives its database
        log.error("pump.error", step=what, error=repr(error)[:500])
        return None
