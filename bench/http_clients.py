"""What one sendMessage costs the sender's CPU, by HTTP client, against a stub with 50 ms latency.

    python bench/http_clients.py [--seconds 5] [--in-flight 512 1000]

Prints a table: requests a second, and microseconds of this process's CPU per request.
"""

import argparse
import asyncio
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import uvloop

from dripline.clients.http import Answer
from dripline.clients.http1 import Http1Client
from dripline.clients.telegram import TelegramClient

TOKEN = "1:" + "a" * 35
TEXT = "Day 3, Anna: <b>six jars</b> for your money.\n" * 6
KEYBOARD = {"inline_keyboard": [[{"text": "DONE", "callback_data": "DONE"}]]}
STUB = Path(__file__).with_name("telegram_stub.py")
Send = Callable[[int], Awaitable[Any]]


class PyreqwestClient:
    """The same seam, on Rust's reqwest."""

    def __init__(self, base: str, connections: int) -> None:
        from pyreqwest.client import ClientBuilder

        builder = ClientBuilder().max_connections(connections).timeout(timedelta(seconds=30))
        self._base, self._client = base, builder.http1_only().build()

    async def post(
        self, path: str, content_type: str, body: bytes, timeout: float | None = None
    ) -> Answer:
        request = self._client.post(self._base + path).body_bytes(body)
        answer = await request.header("content-type", content_type).build().send()
        return Answer(answer.status, bytes(await answer.bytes()))

    async def close(self) -> None:
        await self._client.close()


def message(number: int) -> dict[str, Any]:
    """Return the fields of a usual message."""
    return {"chat_id": number, "text": TEXT, "parse_mode": "HTML", "reply_markup": KEYBOARD}


async def bare(base: str, connections: int) -> tuple[Send, Callable[[], Awaitable[Any]]]:
    http = Http1Client(base, max_connections=connections)
    client = TelegramClient(base, TOKEN, http=http)
    return lambda number: client.call("sendMessage", message(number)), http.close


async def pyreqwest(base: str, connections: int) -> tuple[Send, Callable[[], Awaitable[Any]]]:
    http = PyreqwestClient(base, connections)
    client = TelegramClient(base, TOKEN, http=http)
    return lambda number: client.call("sendMessage", message(number)), http.close


async def aiohttp(base: str, connections: int) -> tuple[Send, Callable[[], Awaitable[Any]]]:
    from aiohttp import ClientSession, TCPConnector

    session = ClientSession(connector=TCPConnector(limit=connections))
    url = f"{base}/bot{TOKEN}/sendMessage"

    async def send(number: int) -> Any:
        body = orjson.dumps(message(number))
        async with session.post(url, data=body, headers={"content-type": "application/json"}) as a:
            return orjson.loads(await a.read())

    return send, session.close


CLIENTS = {"our own (httptools)": bare, "pyreqwest": pyreqwest, "aiohttp": aiohttp}


async def measure(send: Send, in_flight: int, seconds: float) -> tuple[float, float]:
    """Return requests a second and CPU microseconds per request."""
    done = 0
    ends = time.monotonic() + 1.0  # first the connections are made

    async def worker(number: int) -> None:
        nonlocal done
        while time.monotonic() < ends:
            await send(number)
            done += 1

    await asyncio.gather(*(worker(number) for number in range(1, in_flight + 1)))
    done, began, cpu = 0, time.monotonic(), time.process_time()
    ends = began + seconds
    await asyncio.gather(*(worker(number) for number in range(1, in_flight + 1)))
    spent = time.process_time() - cpu
    return done / (time.monotonic() - began), spent / done * 1e6


async def run(options: argparse.Namespace, base: str) -> None:
    print("| client | in flight | requests/s | CPU µs/request |\n|---|---|---|---|")
    for in_flight in options.in_flight:
        for name, make in CLIENTS.items():
            send, close = await make(base, in_flight)
            rate, cost = await measure(send, in_flight, options.seconds)
            await close()
            print(f"| {name} | {in_flight} | {rate:,.0f} | {cost:.1f} |", flush=True)


def main() -> None:
    """Start the stub, measure each client, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--in-flight", type=int, nargs="+", default=[512, 1000])
    options = parser.parse_args()
    with subprocess.Popen(
        [sys.executable, STUB, "--latency-ms", "50"], stdout=subprocess.PIPE, text=True
    ) as stub:
        assert stub.stdout is not None
        try:
            uvloop.run(run(options, stub.stdout.readline().strip()))
        finally:
            stub.terminate()


if __name__ == "__main__":
    main()
