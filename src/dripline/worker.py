"""The worker: runs the pump and the duties, and stops without dropping anything.

The only place that repeats: a duty itself is one `run_once`.
"""

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog

from dripline import metrics
from dripline.database import Wakes
from dripline.deliveries.pump import Pump

log = structlog.get_logger()
STOP_WITHIN_S = 8.0
_AFTER_ERROR_S = 1.0
_TELL_EVERY = 60  # failures in a row, of which one is logged
_BEAT_S = 0.25
_COLLECT_EVERY = (
    200_000  # objects more than before; Python's own 700 come together every 10 messages
)


@dataclass(frozen=True, slots=True)
class Duty:
    """One thing to do again and again: every `every_s` real seconds, or when `wake` is signalled.

    `run_once` returns how much it did; a duty that did something looks again at once. After a wake
    it lets `gather_s` pass, in which more may come together.
    """

    name: str
    run_once: Callable[[], Awaitable[int]]
    every_s: float
    wake: str | None = None
    gather_s: float = 0.0


class Worker:
    """Runs duties, and a pump where there is one, until it is stopped."""

    def __init__(self, wakes: Wakes, duties: Sequence[Duty], pump: Pump | None = None) -> None:
        self._wakes = wakes
        self._duties = list(duties)
        self._pump = pump
        self._tasks: list[asyncio.Task[None]] = []

    def add(self, duty: Duty) -> None:
        """Run one more duty, from the start on."""
        self._duties.append(duty)

    async def start(self) -> None:
        """Start everything; returns at once."""
        calm_collector()
        self._tasks = [
            asyncio.create_task(self._repeat(duty), name=f"duty:{duty.name}")
            for duty in self._duties
        ]
        if self._pump is not None:
            self._tasks.append(asyncio.create_task(self._pump.run(), name="pump"))

    async def stop(self) -> None:
        """Finish what is in flight, give back the rest, end all duties; within ten seconds."""
        if not self._tasks:
            return  # it never started, so it holds nothing
        if self._pump is not None:
            await self._pump.stop(STOP_WITHIN_S)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    async def _repeat(self, duty: Duty) -> None:
        wake = self._wakes.event(duty.wake) if duty.wake else asyncio.Event()
        failures = 0
        while True:
            wake.clear()
            did = await _run(duty, failures)
            failures = failures + 1 if did is None else 0
            if did is None:
                await asyncio.sleep(_AFTER_ERROR_S)
            elif did == 0:
                await _wait(wake, duty.every_s)
                if wake.is_set() and duty.gather_s:
                    await asyncio.sleep(duty.gather_s)


def calm_collector() -> None:
    """Keep the garbage collector off the hot path, where it took half of the time.

    What exists by now (modules, tables, content) stays for good: it need not be walked through
    again and again. Messages hold no cycles, so they go by themselves.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_EVERY, 20, 50)


async def _run(duty: Duty, failures: int = 0) -> int | None:
    """Run a duty once; None after an error: a duty outlives its failures, of which so many went
    before. The first is logged, then one a minute, and that it is over.
    """
    started = time.perf_counter()
    try:
        did = await duty.run_once()
    except Exception as error:  # noqa: BLE001 - whatever it was, the next run may do better
        metrics.DUTY_FAILURES.labels(duty.name).inc()
        if failures % _TELL_EVERY == 0:
            log.error("duty.failed", duty=duty.name, error=repr(error)[:500])
        return None
    finally:
        metrics.DUTY_SECONDS.labels(duty.name).observe(time.perf_counter() - started)
    if failures:
        log.info("duty.goes_on", duty=duty.name, failures=failures)
    return did


async def _wait(wake: asyncio.Event, seconds: float) -> None:
    """Wait for the wake or the time, rounded: duties that look together cost one wake-up."""
    now = asyncio.get_running_loop().time()
    until = max(round((now + seconds) / _BEAT_S) * _BEAT_S, now + min(seconds, _BEAT_S))
    try:
        async with asyncio.timeout_at(until):
            await wake.wait()
    except TimeoutError:
        return
