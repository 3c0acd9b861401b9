"""Being asked to stop: at any moment, also while starting, and over within ten seconds."""

import asyncio
import os
import signal
import threading
from collections.abc import Coroutine
from typing import Any

import structlog

log = structlog.get_logger()
LAST_RESORT_S = 9.5


def stop_on_signals() -> asyncio.Event:
    """Return an event that SIGINT, SIGTERM or SIGHUP sets.

    A second signal of the kind ends the process at once. SIGHUP stays without effect where it is
    ignored already (nohup); SIGINT does not, for shells ignore it for all that runs behind them.
    """
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()

    def asked(number: signal.Signals) -> None:
        if not stopping.is_set():
            _end_at_last()
        stopping.set()
        loop.remove_signal_handler(number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, asked, number)
    return stopping


async def unless_stopped(stopping: asyncio.Event, work: Coroutine[Any, Any, None]) -> None:
    """Carry out the work, or give it up when asked to stop. Raises what the work raises."""
    working, asked = asyncio.ensure_future(work), asyncio.ensure_future(stopping.wait())
    try:
        await asyncio.wait((working, asked), return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            working.result()
    finally:
        for task in (working, asked):
            task.cancel()
        await asyncio.gather(working, asked, return_exceptions=True)


def _end_at_last() -> None:
    """End the process after a while, from a thread of its own: nothing that hangs can hinder it.

    A database that has frozen lets nobody give anything back, nor even close a connection.
    """
    timer = threading.Timer(LAST_RESORT_S, _end)
    timer.daemon = True
    timer.start()


def _end() -> None:
    log.error(
        "dripline.stopped_by_force",
        reason="something did not come to its end; what was in flight goes out again later",
    )
    os._exit(1)
