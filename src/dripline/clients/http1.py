"""HTTP/1.1 to one server over many keep-alive connections, with nothing between us and the socket.

Why our own: docs/decisions/0010-http-client.md. It does what the Bot API needs and no more: POST,
GET of files, whole bodies, no redirects, no cookies, no compression.

A request is written once. It is never repeated here after its first byte may have left: the server
may have acted on it, and the Bot API knows no idempotency key.
"""

import asyncio
import errno
import re
import ssl
import urllib.parse
from collections import deque
from collections.abc import Awaitable, Mapping
from functools import lru_cache

from dripline.clients.http import NO_HEADERS, Answer, HttpFailure
from dripline.clients.http1_connection import Connection

_TARGET = re.compile(r"/[!-~]*")  # visible ASCII: nothing that could end the request line
_VALUE = re.compile(r"[ -~]*")  # nor could this end a header
_NO_MORE_FILES = {errno.EMFILE, errno.ENFILE}


class Http1Client:
    """A pool of connections; the last one used is used next, so that what is idle can age and go.

    Who finds all of them busy waits in line. Times are in seconds. `address` is the server's IP
    address where somebody has looked it up already.
    """

    def __init__(
        self,
        base: str,
        *,
        max_connections: int = 1_000,
        connect_timeout: float = 5.0,
        timeout: float = 30.0,
        max_answer: int = 8 * 1024 * 1024,
        address: str | None = None,
    ) -> None:
        parts = urllib.parse.urlsplit(base)
        self._tls = parts.scheme == "https"
        self._host = parts.hostname or ""
        self._port = parts.port or (443 if self._tls else 80)
        self._prefix = parts.path.rstrip("/")
        self._host_header = parts.netloc.rpartition("@")[2]
        self._address = address or self._host
        self._context = ssl.create_default_context() if self._tls else None
        self._limit = max_connections
        self._connect_timeout = connect_timeout
        self._timeout = timeout
        self._max_answer = max_answer
        self._idle: list[Connection] = []
        self._waiting: deque[asyncio.Future[Connection | None]] = deque()
        self._all: set[Connection] = set()
        self._opening = 0
        self._closed = False

    def __repr__(self) -> str:
        """Return the server's name and how busy we are."""
        return f"Http1Client({self._host_header!r}, {len(self._all)} connections)"

    def post(
        self,
        path: str,
        content_type: str,
        body: bytes,
        timeout: float | None = None,
        headers: Mapping[str, str] = NO_HEADERS,
    ) -> Awaitable[Answer]:
        """Return the answer, of any status.

        Waiting for it raises HttpFailure when no complete answer came within `timeout` seconds (30
        by default).
        """
        fields = f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n"
        head = self._head("POST", path, fields + _lines(headers) if headers else fields)
        return self._request(head, body, timeout or self._timeout)

    def get(self, path: str, timeout: float | None = None) -> Awaitable[Answer]:
        """Return the answer, of any status; raises as `post` does."""
        return self._request(self._head("GET", path, ""), b"", timeout or self._timeout)

    def _request(self, head: bytes, body: bytes, timeout: float) -> Awaitable[Answer]:
        """Write a request at once where a connection is free: who waits holds no frame of ours."""
        connection = self._idle_connection()
        if connection is not None:
            return connection.request(head, body, timeout)
        return self._request_when_free(head, body, timeout)

    async def _request_when_free(self, head: bytes, body: bytes, timeout: float) -> Answer:
        deadline = asyncio.get_running_loop().time() + timeout
        connection = await self._free_connection(deadline)
        left = deadline - asyncio.get_running_loop().time()
        return await connection.request(head, body, left)

    async def close(self) -> None:
        """Close all connections; requests under way fail."""
        self._closed = True
        for connection in tuple(self._all):
            connection.fail("was let go: we are stopping")
        self._idle.clear()
        while self._waiting:
            self._hand_over(None)
        await asyncio.sleep(0)  # lets the transports say goodbye before the loop can end

    def _head(self, method: str, path: str, fields: str) -> bytes:
        start = _start(method, f"{self._prefix}{path}", self._host_header)
        return f"{start}{fields}\r\n".encode()

    async def _free_connection(self, deadline: float) -> Connection:
        while True:
            connection = self._idle_connection()
            if connection is None and len(self._all) + self._opening < self._limit:
                connection = await self._open(deadline)
            if connection is None:
                connection = await self._wait_in_line(deadline)
            if connection is not None and connection.usable:
                return connection

    def _idle_connection(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.fresh:
                return connection
            connection.abort()
        return None

    async def _open(self, deadline: float) -> Connection | None:
        """Return a new connection, or None when the system allows no more: then wait for one."""
        if self._closed:
            raise HttpFailure(f"{self._host} is no longer called: we stop", maybe_processed=False)
        self._opening += 1
        try:
            return await self._connect(deadline)
        except OSError as error:
            if error.errno in _NO_MORE_FILES and self._all:
                return None
            self._hand_over(None)  # who waits for a connection had better try for itself
            raise self._cannot_connect(error) from None
        except asyncio.CancelledError:
            self._hand_over(None)
            raise
        finally:
            self._opening -= 1

    async def _connect(self, deadline: float) -> Connection:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout_at(min(deadline, loop.time() + self._connect_timeout)):
            _, connection = await loop.create_connection(
                lambda: Connection(self._host, self._max_answer, self._freed, self._lost),
                self._address,
                self._port,
                ssl=self._context,
                server_hostname=self._host if self._tls else None,
            )
        if not connection.usable:
            raise ConnectionResetError("it hung up at once")
        self._all.add(connection)
        return connection

    def _cannot_connect(self, error: OSError) -> HttpFailure:
        if isinstance(error, TimeoutError):
            why = "no connection in time"
        elif isinstance(error, ssl.SSLCertVerificationError):
            why = f"its certificate cannot be verified ({error.verify_message})"
        else:
            why = error.strerror or str(error) or type(error).__name__
        return HttpFailure(f"cannot reach {self._host}: {why}", maybe_processed=False)

    async def _wait_in_line(self, deadline: float) -> Connection | None:
        turn: asyncio.Future[Connection | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout_at(deadline):
                return await turn
        except TimeoutError:
            self._give_back(turn)
            raise HttpFailure(
                f"no free connection to {self._host} in time", maybe_processed=False
            ) from None
        except asyncio.CancelledError:
            self._give_back(turn)
            raise

    def _give_back(self, turn: "asyncio.Future[Connection | None]") -> None:
        """Pass on what was handed over in the very moment its taker left."""
        if turn.done() and not turn.cancelled():
            connection = turn.result()
            if connection is None:
                self._hand_over(None)
            else:
                self._freed(connection)

    def _freed(self, connection: Connection) -> None:
        if self._closed:
            connection.abort()
        elif not self._hand_over(connection):
            self._idle.append(connection)

    def _lost(self, connection: Connection) -> None:
        self._all.discard(connection)
        self._hand_over(None)

    def _hand_over(self, connection: Connection | None) -> bool:
        """Give a connection, or leave to open one, to who has waited longest."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(connection)
                return True
        return False


@lru_cache(maxsize=256)
def _start(method: str, target: str, host: str) -> str:
    if _TARGET.fullmatch(target) is None:
        raise ValueError("the path of a request must be visible ASCII")
    # Whoever is not told what we understand may compress: an answer we cannot read is a repeat.
    return f"{method} {target} HTTP/1.1\r\nHost: {host}\r\nAccept-Encoding: identity\r\n"


def _lines(headers: Mapping[str, str]) -> str:
    for value in headers.values():
        if _VALUE.fullmatch(value) is None:
            raise ValueError("the value of a header must be visible ASCII")
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items())
