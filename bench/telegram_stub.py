"""A Bot API that says yes: as little work as possible, so that what is measured is the sender.

    python bench/telegram_stub.py --port 8081 --latency-ms 50 --record

Every method is answered with a message, after the latency. Beside it, for benchmarks:

    GET  /stub/stats      {"requests": N, "by_method": {...}, "connections": N}
    GET  /stub/arrivals   [[nanoseconds, chat id], …] of requests with a chat (only with --record)
    POST /stub/updates    a JSON list of updates, handed out by getUpdates
    POST /stub/reset      forget counts, arrivals and updates

Times of arrivals are CLOCK_MONOTONIC, which all processes of one machine share.
"""

import argparse
import asyncio
import collections
import re
import time
from typing import Any

import orjson

_JSON_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
_TICK_S = 0.001
_LENGTH = re.compile(rb"\r\ncontent-length:\s*(\d+)", re.IGNORECASE)
_CHAT = re.compile(rb"chat_id\"?[:=\s]*\"?(-?\d+)")


class Stub:
    """What all connections share: counts, and answers that wait out their latency."""

    def __init__(self, latency_s: float, *, record: bool = False) -> None:
        self.latency_s = latency_s
        self.record = record
        self.connections = 0
        self.reset()
        self._late: collections.deque[tuple[float, asyncio.Transport, bytes]] = collections.deque()
        self._polls: list[tuple[float, asyncio.Transport, int]] = []

    def reset(self) -> None:
        """Forget what was counted."""
        self.requests = 0
        self.by_method: collections.Counter[bytes] = collections.Counter()
        self.arrivals: list[tuple[int, int]] = []
        self.updates: list[dict[str, Any]] = []

    def stats(self) -> bytes:
        """Return the counts as JSON."""
        by_method = {method.decode(): count for method, count in self.by_method.items()}
        return orjson.dumps(
            {"requests": self.requests, "by_method": by_method, "connections": self.connections}
        )

    def later(self, transport: asyncio.Transport, answer: bytes) -> None:
        """Answer after the latency; they are all equal, so the queue is in order."""
        if not self.latency_s:
            transport.write(answer)
            return
        if not self._late:
            asyncio.get_running_loop().call_later(self.latency_s, self._flush)
        self._late.append((time.monotonic() + self.latency_s, transport, answer))

    def _flush(self) -> None:
        now = time.monotonic()
        while self._late and self._late[0][0] <= now:
            _, transport, answer = self._late.popleft()
            if not transport.is_closing():
                transport.write(answer)
        if self._late:
            wait = max(_TICK_S, self._late[0][0] - now)
            asyncio.get_running_loop().call_later(wait, self._flush)

    def poll(self, transport: asyncio.Transport, offset: int, timeout: float) -> None:
        """Answer getUpdates: at once when there is something, else when there is or time is up."""
        self.updates = [update for update in self.updates if update["update_id"] >= offset]
        if self.updates or timeout <= 0:
            transport.write(answer_of(orjson.dumps({"ok": True, "result": self.updates[:100]})))
            return
        self._polls.append((time.monotonic() + timeout, transport, offset))
        asyncio.get_running_loop().call_later(timeout, self.wake)

    def wake(self) -> None:
        """Look again at every poll that waits."""
        polls, self._polls = self._polls, []
        now = time.monotonic()
        for until, transport, offset in polls:
            if transport.is_closing():
                continue
            fresh = [update for update in self.updates if update["update_id"] >= offset]
            if fresh or until <= now:
                transport.write(answer_of(orjson.dumps({"ok": True, "result": fresh[:100]})))
            else:
                self._polls.append((until, transport, offset))


class Connection(asyncio.Protocol):
    """Reads requests by hand: request line, Content-Length, body."""

    def __init__(self, stub: Stub) -> None:
        self.stub = stub
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport
        self.stub.connections += 1

    def connection_lost(self, error: Exception | None) -> None:
        self.stub.connections -= 1

    def data_received(self, data: bytes) -> None:
        buffer = self.buffer + data if self.buffer else data
        while True:
            end = buffer.find(b"\r\n\r\n")
            if end < 0:
                break
            total = end + 4 + content_length(buffer[:end])
            if len(buffer) < total:
                break
            self.answer(buffer[: buffer.index(b"\r\n")], buffer[end + 4 : total])
            buffer = buffer[total:]
        self.buffer = buffer

    def answer(self, line: bytes, body: bytes) -> None:
        path = line.split(b" ", 2)[1]
        method = path[path.rindex(b"/") + 1 :].partition(b"?")[0]
        if path.startswith(b"/stub/"):
            self.transport.write(answer_of(self.control(method, body)))
            return
        stub = self.stub
        stub.requests += 1
        stub.by_method[method] += 1
        if method == b"getUpdates":
            asked = orjson.loads(body or b"{}")
            stub.poll(
                self.transport, int(asked.get("offset") or 0), float(asked.get("timeout") or 0)
            )
            return
        stub.later(self.transport, self.said_yes(method, body))

    def said_yes(self, method: bytes, body: bytes) -> bytes:
        stub = self.stub
        if method == b"getMe":
            return answer_of(
                b'{"ok":true,"result":{"id":1,"is_bot":true,"first_name":"Stub","username":"stub_bot"}}'
            )
        chat_id = chat_of(body)
        if chat_id is None:
            return answer_of(b'{"ok":true,"result":true}')
        if stub.record:
            stub.arrivals.append((time.monotonic_ns(), chat_id))
        return answer_of(
            b'{"ok":true,"result":{"message_id":%d,"date":1800000000,'
            b'"chat":{"id":%d,"type":"private"}}}' % (stub.requests, chat_id)
        )

    def control(self, name: bytes, body: bytes) -> bytes:
        if name == b"arrivals":
            return orjson.dumps(self.stub.arrivals)
        if name == b"updates":
            self.stub.updates += orjson.loads(body)
            self.stub.wake()
        elif name == b"reset":
            self.stub.reset()
        return self.stub.stats()


def answer_of(body: bytes) -> bytes:
    """Return a 200 with this JSON."""
    return _JSON_HEAD + b"%d\r\n\r\n" % len(body) + body


def content_length(head: bytes) -> int:
    """Return the length that a head announces, 0 when it says nothing."""
    found = _LENGTH.search(head)
    return int(found[1]) if found else 0


def chat_of(body: bytes) -> int | None:
    """Return the chat id of a JSON, form or multipart body; None when it has none."""
    found = _CHAT.search(body, 0, 4096)
    return int(found[1]) if found else None


async def serve(host: str, port: int, stub: Stub) -> None:
    """Serve until cancelled; prints the address."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(stub), host, port, backlog=8192)
    address = server.sockets[0].getsockname()
    print(f"http://{address[0]}:{address[1]}", flush=True)
    await server.serve_forever()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency-ms", type=float, default=50.0)
    parser.add_argument("--record", action="store_true")
    options = parser.parse_args()
    import uvloop  # here, so that tests can use the classes on any loop

    stub = Stub(options.latency_ms / 1000, record=options.record)
    uvloop.run(serve(options.host, options.port, stub))


if __name__ == "__main__":
    main()
