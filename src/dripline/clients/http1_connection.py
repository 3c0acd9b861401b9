"""One keep-alive HTTP/1.1 connection: a request at a time, its answer bounded in size and time."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import httptools

from dripline.clients.http import Answer, HttpFailure

MAX_HEAD = 64 * 1024  # bytes; Telegram's are about 400
IDLE_S = (
    4.0  # shorter than the usual servers' (uvicorn 5 s, nginx 75 s), which would close under us
)
_ONE_WRITE = (
    64 * 1024
)  # bytes; copying a longer body behind its head costs more than a second write
_END_OF_HEAD = b"\r\n\r\n"
_DELIMITERS = (b"\ncontent-length:", b"\ntransfer-encoding:")


class Connection(asyncio.Protocol):
    """A connection that is given a request when it is free, and calls back when it is again.

    `on_free` hears that another request may follow, `on_lost` that none can.
    """

    def __init__(
        self,
        server: str,
        max_body: int,
        on_free: Callable[["Connection"], None],
        on_lost: Callable[["Connection"], None],
    ) -> None:
        self._server = server
        self._max_body = max_body
        self._on_free = on_free
        self._on_lost = on_lost
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._parser: Any = httptools.HttpResponseParser(self)
        self._pending: asyncio.Future[Answer] | None = None
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._usable = False
        self.idle_since = 0.0
        self._status = 0
        self._head = b""
        self._in_body = False
        self._pieces: list[bytes] = []
        self._size = 0
        self._complete = False
        self._keep_alive = True

    @property
    def usable(self) -> bool:
        """Whether a request may be written; when not, nothing of one has left."""
        return self._usable and self._transport is not None and not self._transport.is_closing()

    @property
    def fresh(self) -> bool:
        """Whether it is usable, and has not been idle for so long that the server may leave."""
        return self.usable and self._loop.time() - self.idle_since <= IDLE_S

    def request(self, head: bytes, body: bytes, timeout: float) -> asyncio.Future[Answer]:
        """Write a request and return the future of its answer, which fails with HttpFailure.

        The answer to one that is cancelled is still awaited, for as long, and thrown away.
        """
        transport = cast("asyncio.Transport", self._transport)
        pending = self._loop.create_future()
        self._pending = pending
        self._begin_answer()
        self._watch(self._loop.time() + timeout)
        if len(body) < _ONE_WRITE:
            transport.write(head + body)
        else:
            transport.write(head)
            transport.write(body)
        return pending

    def abort(self) -> None:
        """Drop the connection at once."""
        self._usable = False
        if self._transport is not None:
            self._transport.abort()

    def fail(self, reason: str) -> None:
        """Drop the connection and fail the request under way."""
        pending, self._pending = self._pending, None
        self.abort()
        if pending is not None and not pending.done():
            pending.set_exception(HttpFailure(f"{self._server} {reason}", maybe_processed=True))

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)
        self._usable = True

    def data_received(self, data: bytes) -> None:
        """Read a piece of the answer."""
        if self._pending is None:
            self.abort()  # nobody asked: whatever this is, the next answer would be out of step
            return
        if not self._in_body:
            self._head += data
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._keep_alive = False
            if not self._complete:
                self.fail("sent something that is not HTTP")
                return
        if self._complete:
            self._finish()
        elif not self._in_body and len(self._head) > MAX_HEAD:
            self.fail(f"sent more than {MAX_HEAD} bytes of headers")
        elif self._size > self._max_body:
            self.fail(f"sent more than {self._max_body} bytes")

    def eof_received(self) -> None:
        """Take the end of the stream for the end of the answer where HTTP says so."""
        if self._pending is not None and self._in_body and self._ends_with_stream():
            self._keep_alive = False
            self._finish()

    def connection_lost(self, error: Exception | None) -> None:
        """Fail what was under way and tell the pool."""
        self._usable = False
        self.fail("closed the connection before it answered")
        if self._timer is not None:
            self._timer.cancel()
        self._on_lost(self)

    # httptools

    def on_message_begin(self) -> None:
        """Let what begins behind the answer end the connection: it belongs to nobody."""
        if self._complete:
            self._keep_alive = False

    def on_headers_complete(self) -> None:
        """Know the status; headers say nothing else that we need, so none is looked at."""
        if not self._complete:
            self._status = self._parser.get_status_code()
            self._in_body = True

    def on_body(self, piece: bytes) -> None:
        """Keep a piece of the body, up to the limit."""
        if not self._complete:
            self._size += len(piece)
            if self._size <= self._max_body:
                self._pieces.append(piece)

    def on_message_complete(self) -> None:
        """End the answer; an interim one (100 Continue) is only the prelude to it."""
        if self._complete:
            return
        if self._status < 200:
            behind = self._head.partition(_END_OF_HEAD)[2]
            self._begin_answer()
            self._head = behind
            return
        self._keep_alive = self._parser.should_keep_alive()
        self._complete = True

    def _begin_answer(self) -> None:
        self._status = 0
        self._head = b""
        self._in_body = False
        self._pieces = []
        self._size = 0
        self._complete = False
        self._keep_alive = True

    def _finish(self) -> None:
        pending, self._pending = cast("asyncio.Future[Answer]", self._pending), None
        if self._size > self._max_body:
            self._pending = pending
            self.fail(f"sent more than {self._max_body} bytes")
            return
        pieces = self._pieces
        if not pending.done():
            body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
            pending.set_result(Answer(self._status, body, self._head))
        if self._keep_alive and self.usable:
            self.idle_since = self._loop.time()
            self._on_free(self)
        else:
            self.abort()

    def _ends_with_stream(self) -> bool:
        head = self._head.lower()
        return not any(name in head for name in _DELIMITERS)

    # Time: one timer a connection, which looks again when it fires, instead of one armed and
    # disarmed for each of thousands of requests a second.

    def _watch(self, deadline: float) -> None:
        self._deadline = deadline
        if self._timer is None or self._timer.when() > deadline:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._loop.call_at(deadline, self._look)

    def _look(self) -> None:
        self._timer = None
        until = self.idle_since + IDLE_S if self._pending is None else self._deadline
        if self._loop.time() < until:
            self._timer = self._loop.call_at(until, self._look)
        elif self._pending is None:
            self.abort()
        else:
            self.fail("did not answer in time")
