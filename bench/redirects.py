"""How many tracked links a second one process answers, each click kept.

    python -m bench.redirects [SECONDS]

`dripline run` on one core, SQLite; whoever clicks on the other core, over connections that stay
open. The peer is what one would write at first: a FastAPI handler that commits a row per click.
Afterwards the rows in the database are counted: as many as links that were answered.
"""

import asyncio
import contextlib
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from itsdangerous import URLSafeSerializer

from bench.machine import OTHERS, SENDER, pin
from bench.processes import HERE, ended, product, stub
from bench.rows import Row, at_least, table
from dripline.engagement.tokens import Mark, Seal
from dripline.ids import new_id

GOAL = 5_000
_CONNECTIONS = 32
_KEY = b"only-for-the-bench"  # as bench.processes sets SECRET_KEY


@dataclass(frozen=True, slots=True)
class Measured:
    """What came of a run: answers a second, the slowest hundredth, and what was kept of them."""

    rate: float
    p99_ms: float
    answered: int
    kept: int
    cpu_share: float = 0.0


class Clicker(asyncio.Protocol):
    """One connection that asks again as soon as it is answered."""

    def __init__(self, requests: list[bytes], seconds: float, expects: bytes) -> None:
        self.requests = requests
        self.expects = expects
        self.until = time.perf_counter() + seconds
        self.done = asyncio.get_running_loop().create_future()
        self.answered = 0
        self.took: list[float] = []
        self._buffer = b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self._ask()

    def _ask(self) -> None:
        self.asked = time.perf_counter()
        self.transport.write(self.requests[self.answered % len(self.requests)])

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if b"\r\n\r\n" not in self._buffer:
            return
        assert self._buffer.startswith(self.expects), self._buffer[:200]
        self._buffer = b""
        now = time.perf_counter()
        self.answered += 1
        self.took.append(now - self.asked)
        if now < self.until:
            self._ask()
        else:
            self.transport.close()
            self.done.set_result(None)


async def _click(address: str, paths: list[str], seconds: float) -> tuple[float, float, int]:
    """Click for some seconds; return answers a second, p99 in ms, and how many were answered."""
    parts = urlsplit(address)
    head = "GET {} HTTP/1.1\r\nHost: x\r\nUser-Agent: Mozilla/5.0 (iPhone) Safari\r\n\r\n"
    requests = [head.format(path).encode() for path in paths]
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    clickers = [
        (await loop.create_connection(make, parts.hostname, parts.port))[1]
        for make in [
            lambda n=n: Clicker(requests[n:] + requests[:n], seconds, b"HTTP/1.1 302")
            for n in range(_CONNECTIONS)
        ]
    ]
    await asyncio.gather(*(one.done for one in clickers))
    took = time.perf_counter() - began
    every = sorted(value for one in clickers for value in one.took)
    answered = sum(one.answered for one in clickers)
    return answered / took, every[int(len(every) * 0.99)] * 1000, answered


def _clicked(address: str, paths: list[str], seconds: float) -> tuple[float, float, int]:
    with contextlib.suppress(ImportError):
        import uvloop

        return uvloop.run(_click(address, paths, seconds))
    return asyncio.run(_click(address, paths, seconds))


def ours(seconds: float) -> Measured:
    """Measure the product, spool and drain and all."""
    seal = Seal(_KEY)
    paths = [
        "/r/"
        + seal.sign(Mark("link", new_id(), new_id(), label="Read", url=f"https://example.com/?{n}"))
        for n in range(2_000)
    ]
    with tempfile.TemporaryDirectory(prefix="dripline-bench-") as folder, stub() as api:
        file = Path(folder) / "redirects.db"
        with product("run", f"sqlite:///{file}", api.base) as run:
            address = next(line["address"] for line in run.lines if line.get("address"))
            _, _, before = _clicked(address, paths, 0.5)
            busy = run.cpu_s()
            rate, p99, answered = _clicked(address, paths, seconds)
            busy = run.cpu_s() - busy
            run.stop()  # which drains the rest
        share = busy * rate / answered
        return Measured(rate, p99, before + answered, _kept(file), share)


def usual(seconds: float) -> Measured:
    """Measure the peer."""
    signer = URLSafeSerializer(_KEY.decode())
    paths = [f"/r/{signer.dumps([n, f'https://example.com/?{n}'])}" for n in range(2_000)]
    with tempfile.TemporaryDirectory(prefix="dripline-bench-") as folder:
        file = Path(folder) / "peer.db"
        command = [*pin(SENDER), sys.executable, str(HERE / "peers" / "click_rows.py")]
        command.append(f"sqlite+aiosqlite:///{file}")
        with ended(subprocess.Popen(command, stdout=subprocess.PIPE, text=True)) as process:
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            _, _, before = _clicked(address, paths, 0.5)
            rate, p99, answered = _clicked(address, paths, seconds)
        return Measured(rate, p99, before + answered, _kept(file))


@contextlib.contextmanager
def _on_the_other_core() -> Iterator[None]:
    """Keep whoever clicks off the core of whoever answers."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    whole = os.sched_getaffinity(0)
    os.sched_setaffinity(0, ({OTHERS} & whole) or whole)
    try:
        yield
    finally:
        os.sched_setaffinity(0, whole)


def measure(seconds: float) -> Iterator[Row]:
    """Return the row of the benchmarks' table."""
    with _on_the_other_core():
        peer, found = usual(seconds), ours(seconds)
    exact = found.answered == found.kept
    kept = f"{found.kept:,} clicks stored" if exact else f"**{found.kept:,} stored**"
    yield at_least(
        "tracked links answered by one process on one core, SQLite, clicks drained beside it",
        GOAL,
        found.rate if exact else 0.0,
        note=f" at {found.cpu_share:.0%} of the core, p99 {found.p99_ms:.0f} ms; "
        f"{found.answered:,} answered, {kept}",
        peer=f"FastAPI, a commit per click: {peer.rate:,.0f}/s, p99 {peer.p99_ms:.0f} ms",
    )


def _kept(file: Path) -> int:
    with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
        return int(connection.execute("SELECT count(*) FROM clicks").fetchone()[0])


if __name__ == "__main__":
    print(table(list(measure(float(sys.argv[1]) if len(sys.argv) > 1 else 5.0))))
