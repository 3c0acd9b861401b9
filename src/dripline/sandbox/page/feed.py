"""The page's live feed: each change as a server-sent event, and the clock when it changes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import orjson
import structlog

from dripline.sandbox.page import views
from dripline.sandbox.ports import ClockControl
from dripline.sandbox.world.changes import Change
from dripline.sandbox.world.messages import Json
from dripline.sandbox.world.telegram import Telegram

log = structlog.get_logger(__name__)

_WAITING = 2000  # events a slow page may be behind; then it reads everything anew
_LOOK_EVERY = 0.25  # a message that went out makes another one the next
_CLOCK_EVERY = 1.0
_STAY_ALIVE = 15.0


class Feed:
    """Sends changes to every open page."""

    def __init__(self, telegram: Telegram, clock: ClockControl) -> None:
        self._telegram = telegram
        self._clock = clock
        self._readers: set[asyncio.Queue[bytes | None]] = set()
        self._ticking: asyncio.Task[None] | None = None
        self._views = 0
        self._unwatch = telegram.changes.watch(self._changed)

    async def read(self) -> AsyncIterator[bytes]:
        """Events as they come, until the page goes or the sandbox closes."""
        queue: asyncio.Queue[bytes | None] = asyncio.Queue(_WAITING)
        self._readers.add(queue)
        if self._ticking is None:
            self._ticking = asyncio.create_task(self._tick())
        try:
            yield b"retry: 1000\n\n"
            while (event := await _next(queue)) is not None:
                yield event
        finally:
            self._readers.discard(queue)

    async def close(self) -> None:
        """End all open feeds."""
        self._unwatch()
        self._unwatch = _nothing
        for queue in self._readers:
            _put(queue, None)
        if self._ticking:
            self._ticking.cancel()
            await asyncio.gather(self._ticking, return_exceptions=True)
            self._ticking = None

    async def clock_view(self) -> Json:
        """The clock as the page shows it; of two, the page takes the one with the higher number."""
        self._views += 1
        number = self._views
        due = await self._clock.next_due()
        return {
            "number": number,
            "now": self._clock.now().timestamp(),
            "speed": self._clock.speed,
            "due": {"at": due.at.timestamp(), "contact": due.contact} if due else None,
        }

    async def clock_changed(self) -> None:
        """Tell the pages that the clock was moved."""
        self._send("clock", await self.clock_view())

    async def _tick(self) -> None:
        """The engine plans and sends by itself, so what is due next must be asked for."""
        last: tuple[object, ...] = ()
        told_at = 0.0
        while True:
            await asyncio.sleep(_LOOK_EVERY)
            if not self._readers:
                continue
            try:
                view = await self.clock_view()
            except Exception as error:  # noqa: BLE001 — a page without a clock beats no page
                log.warning("sandbox.clock_unreadable", error=str(error))
                continue
            state = (view["speed"], view["due"] and tuple(view["due"].values()))
            if state != last or time.monotonic() - told_at >= _CLOCK_EVERY:
                last, told_at = state, time.monotonic()
                self._send("clock", view)

    def _changed(self, change: Change) -> None:
        if self._readers:
            self._send("change", self._view(change))

    def _view(self, change: Change) -> Json:
        view: Json = {"kind": change.kind, **change.detail}
        if change.chat:
            view["chat"] = views.chat(self._telegram, change.chat)
        if change.message:
            view["message"] = views.message(change.message)
        if change.message_ids:
            view["ids"] = change.message_ids
        if change.query:
            key = views.chat_key(change.chat) if change.chat else ""
            view["query"] = views.query(change.query, key)
        if change.mail:
            view["mail"] = views.mail(change.mail)
        if change.user:
            known = self._telegram.bots.get(change.user.id)
            view["contact"] = views.bot(known) if known else views.person(change.user)
        return view

    def _send(self, kind: str, view: Json) -> None:
        event = b"event: " + kind.encode() + b"\ndata: " + orjson.dumps(view) + b"\n\n"
        for queue in self._readers:
            _put(queue, event)


def _nothing() -> None:
    """Stands in for the watcher's end once it has ended."""


def _put(queue: asyncio.Queue[bytes | None], event: bytes | None) -> None:
    try:
        queue.put_nowait(event)
    except asyncio.QueueFull:
        while not queue.empty():
            queue.get_nowait()
        queue.put_nowait(b"event: resync\ndata: {}\n\n" if event else None)


async def _next(queue: asyncio.Queue[bytes | None]) -> bytes | None:
    try:
        async with asyncio.timeout(_STAY_ALIVE):
            return await queue.get()
    except TimeoutError:
        return b": still here\n\n"
