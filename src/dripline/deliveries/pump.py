"""The pump: keeps hundreds of messages in flight while claims and settles go on beside them.

    claim ──▶ flights ──▶ outcomes ──▶ settle
      ▲          room left               │ within 50 ms, in batches
      └──────────────────────────────────┘

Rate times latency is how many must be in flight: a thousand messages a second at 50 ms are fifty.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from typing import Any

from dripline.clock import from_us
from dripline.deliveries.claim import Claim, Flight
from dripline.deliveries.dispatch import Dispatcher
from dripline.deliveries.landing import Landing, enduring
from dripline.deliveries.rescue import give_back
from dripline.deliveries.settle import Outcome

_BUSY_TICK_S = 0.2  # with something due: how often to look, so that a claim takes many at once
_SOON_S = 0.075  # with more due than the pace allows (less than its horizon), or due in a moment
_IDLE_TICK_S = 0.25  # with nothing due: how often to look, wakes aside
_WORTH_CLAIMING = 200  # under load, for fewer a claim's fixed cost is not worth it
_FULL_S = 0.01  # with no room: until something has landed
_BACK_OFF_S = 0.5
# A claim is rendered in some 20 ms. Where templates take longer, others have their turn in between.
_STRETCH_S = 0.05
_BREATH_S = 0.005


class Pump:
    """Runs the dispatcher until it is told to stop."""

    def __init__(self, dispatcher: Dispatcher, wake: asyncio.Event, in_flight: int) -> None:
        self._dispatcher = dispatcher
        self._wake = wake
        self._most = in_flight
        self._flying: set[asyncio.Task[Outcome]] = set()
        self._landing = Landing(dispatcher)
        self._stopping = asyncio.Event()
        self._claiming = asyncio.Lock()
        self._more = False
        self._busy = False

    @property
    def held(self) -> int:
        """How many messages are claimed and not yet settled."""
        return len(self._flying) + self._landing.held

    async def run(self) -> None:
        """Claim, send and settle until `stop`."""
        settler = asyncio.create_task(self._landing.run())
        try:
            while not self._stopping.is_set():
                pause = await enduring("dispatch", self._claim)
                await self._rest(_BACK_OFF_S if pause is None else pause)
        finally:
            settler.cancel()
            await asyncio.gather(settler, return_exceptions=True)

    async def stop(self, within_s: float) -> None:
        """Claim nothing more, let what flies land, settle it, and give back the rest."""
        self._stopping.set()
        self._wake.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                async with self._claiming:
                    pass  # what a claim under way has taken can be given back
                while self._flying:
                    await asyncio.wait(self._flying)
        for task in self._flying:
            task.cancel()
        await asyncio.gather(*self._flying, return_exceptions=True)
        await self._landing.finish()
        await give_back(self._dispatcher.database, self._dispatcher.worker)

    async def _claim(self) -> float:
        """Claim what there is room for; return how many seconds to rest before the next claim."""
        async with self._claiming:
            room = self._room()
            if room < self._least_room or self._stopping.is_set():
                return _FULL_S
            now, sure = self._dispatcher.clock.now(), self._busy
            claimed = await self._dispatcher.claim(now, room, sure=sure)
            await self._let_go(claimed.flights)
        self._more, self._busy = claimed.more, claimed.taken > 0
        if claimed.more:
            return 0.0
        if claimed.paced:
            return _SOON_S
        return _BUSY_TICK_S if claimed.taken else self._until_next(claimed)

    def _room(self) -> int:
        """Return how many more may fly; those that wait to be settled are bounded as well."""
        return min(self._most - len(self._flying), 2 * self._most - self.held)

    @property
    def _least_room(self) -> int:
        return min(_WORTH_CLAIMING, self._most // 4 or 1) if self._more else 1

    def _until_next(self, claimed: Claim) -> float:
        if claimed.next_due_us is None:
            return _IDLE_TICK_S
        left = self._dispatcher.clock.real_seconds_until(from_us(claimed.next_due_us))
        return min(_IDLE_TICK_S, max(left, _SOON_S))

    async def _rest(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return
        self._wake.clear()

    async def _let_go(self, flights: Sequence[Flight]) -> None:
        """Render and let go: at once, or in stretches where it takes long.

        Who stops leaves what has not left to be given back: it may be already, and be another's.
        """
        if self._stopping.is_set():
            return
        loop, dispatcher = asyncio.get_running_loop(), self._dispatcher
        leaving: list[Coroutine[Any, Any, Outcome]] = []
        until, slow = loop.time() + _STRETCH_S, False
        for flight in flights:
            late = slow and dispatcher.is_late(flight)
            leaving.append(dispatcher.pass_over(flight) if late else dispatcher.send(flight))
            if loop.time() >= until:
                self._begin(leaving)
                leaving, slow = [], True
                await asyncio.sleep(_BREATH_S)
                if self._stopping.is_set():
                    return
                until = loop.time() + _STRETCH_S
        self._begin(leaving)

    def _begin(self, leaving: Sequence[Coroutine[Any, Any, Outcome]]) -> None:
        loop = asyncio.get_running_loop()
        for one in leaving:
            task = loop.create_task(one)
            task.add_done_callback(self._landed)
            self._flying.add(task)

    def _landed(self, task: "asyncio.Task[Outcome]") -> None:
        self._flying.discard(task)
        if not task.cancelled():
            self._landing.add(task.result())
