"""The processes that are measured, and those they speak to: started here, ended by their id."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from bench.machine import OTHERS, SENDER, pin

HERE = Path(__file__).parent
TOKEN = "1:" + "a" * 35
_START_S = 60.0


@dataclass
class Stub:
    """The Bot API that says yes."""

    base: str

    def ask(self, path: str, body: Any = None) -> Any:
        """Call one of its own methods, such as `stats`; with a body, by POST."""
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(f"{self.base}/stub/{path}", data, timeout=60) as answer:  # noqa: S310
            return json.load(answer)

    def sent(self) -> int:
        """Return how many messages have come in."""
        return int(self.ask("stats")["by_method"].get("sendMessage", 0))

    def arrivals(self) -> list[tuple[float, int]]:
        """Return moments (monotonic seconds) and chats of what came in."""
        return [(at / 1e9, chat) for at, chat in self.ask("arrivals")]


@contextlib.contextmanager
def stub(*, latency_ms: float = 50.0, record: bool = True) -> Iterator[Stub]:
    """Run the stub on the other core."""
    command = [*pin(OTHERS), sys.executable, str(HERE / "telegram_stub.py")]
    command += ["--latency-ms", str(latency_ms), *(["--record"] if record else [])]
    with ended(subprocess.Popen(command, stdout=subprocess.PIPE, text=True)) as process:
        assert process.stdout is not None
        yield Stub(process.stdout.readline().strip())


@dataclass
class Product:
    """A running `dripline run` or `dripline worker`."""

    process: subprocess.Popen[str]
    ready_s: float
    lines: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Look at it from outside."""
        self.seen = psutil.Process(self.process.pid)

    def cpu_s(self) -> float:
        """Return the seconds of a core it has used so far."""
        times = self.seen.cpu_times()
        return float(times.user + times.system)

    def memory_mb(self) -> float:
        """Return what it occupies: resident memory, in megabytes of 10⁶ bytes."""
        return float(self.seen.memory_info().rss) / 1e6

    def stop(self) -> None:
        """Ask it to stop, and wait until it has settled everything."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)


@contextlib.contextmanager
def product(
    command: str, url: str, api: str, *options: str, rate: float = 1_000_000, core: int = SENDER
) -> Iterator[Product]:
    """Run a command of the installed program, pinned to a core, until the block ends."""
    environment = {
        **{name: value for name, value in os.environ.items() if "TELEGRAM" not in name},
        "DATABASE_URL": url,
        "TELEGRAM_BOT_TOKEN": TOKEN,
        "TELEGRAM_API_BASE": api,
        "TELEGRAM_RATE": str(rate),
        "SECRET_KEY": "only-for-the-bench",
        "PORT": "0",
    }
    program = str(Path(sys.executable).with_name("dripline"))
    began = time.monotonic()
    running = subprocess.Popen(
        [*pin(core), program, command, *options],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        cwd="/",
    )
    with ended(running) as process:
        lines = _until_ready(process)
        yield Product(process, time.monotonic() - began, lines)


def _until_ready(process: subprocess.Popen[str]) -> list[dict[str, Any]]:
    assert process.stderr is not None
    said: list[str] = []
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline and (line := process.stderr.readline()):
        said.append(line)
        if '"dripline.ready"' in line:
            # Nobody reads on: logs of a bench's length fit into the pipe.
            return [json.loads(text) for text in said if text.startswith("{")]
    raise RuntimeError("dripline did not start:\n" + "".join(said[-5:]))


@contextlib.contextmanager
def ended(process: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    """End the process with the block, gently at first."""
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
        process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


def peer(name: str, *arguments: str, core: int = SENDER) -> dict[str, Any]:
    """Run a peer to its end on the sender's core, and return what it says of itself."""
    command = [*pin(core), sys.executable, str(HERE / "peers" / f"{name}.py"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if done.returncode:
        raise RuntimeError(f"{name} failed:\n{done.stderr[-1500:]}")
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found
