"""An HTTP server on loopback that answers as a test tells it to, rightly or not.

    async with ScriptedServer() as server:
        server.script = [reply(200, b"{}"), hang, drop]

Each request takes the next step; when none is left, `server.default` answers.
"""

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Self

import orjson

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclass
class Request:
    """What the server read."""

    path: str
    head: bytes
    body: bytes
    connection: int

    @property
    def method(self) -> str:
        """The Bot API method: the last part of the path."""
        return self.path.rpartition("/")[2]

    @property
    def json(self) -> Any:
        """The body, read as JSON."""
        return orjson.loads(self.body)


Step = Callable[[Request, asyncio.StreamWriter], Awaitable[None]]


def raw(*pieces: bytes, pause: float = 0.0) -> Step:
    """Write these bytes, piece by piece."""

    async def step(request: Request, writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause)

    return step


def reply(status: int, body: bytes = b"", head: bytes = b"") -> Step:
    """Answer properly with this status and body."""
    return raw(b"HTTP/1.1 %d X\r\n%sContent-Length: %d\r\n\r\n%s" % (status, head, len(body), body))


def ok(result: Any = True) -> Step:
    """Answer as the Bot API does when all is well."""
    return reply(200, orjson.dumps({"ok": True, "result": result}))


def refusal(code: int, description: str, **parameters: Any) -> Step:
    """Answer as the Bot API does when it refuses."""
    answer = {"ok": False, "error_code": code, "description": description}
    return reply(code, orjson.dumps(answer | ({"parameters": parameters} if parameters else {})))


def then_close(step: Step) -> Step:
    """Do a step, then close the connection without having said so."""

    async def closing(request: Request, writer: asyncio.StreamWriter) -> None:
        await step(request, writer)
        writer.close()

    return closing


async def hang(request: Request, writer: asyncio.StreamWriter) -> None:
    """Never answer."""
    await asyncio.sleep(60)


async def drop(request: Request, writer: asyncio.StreamWriter) -> None:
    """Close the connection instead of answering."""
    writer.close()


async def say_yes(request: Request, writer: asyncio.StreamWriter) -> None:
    """Answer any method with a message."""
    message = {"message_id": 1, "date": 1_800_000_000, "chat": {"id": 1, "type": "private"}}
    await ok(message)(request, writer)


@dataclass
class ScriptedServer:
    """See the module."""

    script: list[Step] = field(default_factory=list)
    default: Step = say_yes
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)
    _tasks: set["asyncio.Task[Any]"] = field(default_factory=set)

    @property
    def url(self) -> str:
        """The server's address."""
        return f"http://127.0.0.1:{self.port}"

    def methods(self) -> list[str]:
        """The methods called, in order."""
        return [request.method for request in self.requests]

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=2048)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.drop_connections()
        await self._server.wait_closed()

    def drop_connections(self) -> None:
        """Close what is open, idle or not."""
        for writer in tuple(self._writers):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number = self.connections
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        try:
            with contextlib.suppress(
                asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError
            ):
                await self._answer_all(number, reader, writer)
        finally:
            self._tasks.discard(task)
            self._writers.discard(writer)
            writer.close()

    async def _answer_all(
        self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while not writer.is_closing():
            head = await reader.readuntil(b"\r\n\r\n")
            length = _LENGTH.search(head)
            body = await reader.readexactly(int(length[1]) if length else 0)
            request = Request(head.split(b" ", 2)[1].decode(), head, body, number)
            self.requests.append(request)
            step = self.script.pop(0) if self.script else self.default
            await step(request, writer)
            await writer.drain()
