"""`dripline …` as it was installed: real processes, their logs, ports and ends."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

from outside.standin import TOKEN

START_S = 120.0  # far more than it takes: other processes may have the machine meanwhile
_OURS = ("TELEGRAM_", "DATABASE_", "DRIPLINE_", "SECRET_", "ADMIN_", "PUBLIC_")
_PLAIN = frozenset({"PORT", "HOST", "ENVIRONMENT", "LOG_LEVEL", "LOG_FORMAT", "IN_FLIGHT"})


def executable() -> Path:
    """Return the program that belongs to the Python that runs the tests."""
    found = Path(sys.executable).parent / "dripline"
    assert found.exists(), f"{found} is missing: install the project (pip install --no-deps -e .)"
    return found


def free_port() -> int:
    """Return a port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(**settings: str | int | None) -> dict[str, str]:
    """Return a clean environment with these settings, by their lower-case names."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_OURS) and name not in _PLAIN
    }
    given = {name.upper(): str(value) for name, value in settings.items() if value is not None}
    return kept | {"PORT": "0", "TELEGRAM_RATE": "1000"} | given


class Program:
    """One process of the program, and its log."""

    def __init__(self, name: str, folder: Path, command: Sequence[str], env: Mapping[str, str]):
        self.name = name
        self.folder = folder
        self.log_file = folder / f"{name}.log"
        self._from = self.log_file.stat().st_size if self.log_file.exists() else 0
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                [executable(), *command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                cwd=folder,
                env=dict(env),
            )

    @property
    def pid(self) -> int:
        """The process's number."""
        return self.process.pid

    def log(self) -> str:
        """Return what this process has logged."""
        with self.log_file.open("rb") as file:
            file.seek(self._from)
            return file.read().decode(errors="replace")

    def records(self, action: str | None = None) -> list[dict[str, Any]]:
        """Return the JSON records, of one action or all."""
        found = []
        for line in self.log().splitlines():
            with contextlib.suppress(ValueError):
                record = json.loads(line)
                if action is None or record.get("action") == action:
                    found.append(record)
        return found

    def wait_for(self, condition: Callable[[], Any], seconds: float = START_S) -> Any:
        """Wait until a condition is true, and return it. Raises AssertionError if it is not."""
        deadline = time.monotonic() + seconds
        while not (found := condition()):
            alive = self.process.poll() is None
            assert alive, f"{self.name} ended ({self.process.returncode}): {self.log()[-2000:]}"
            assert time.monotonic() < deadline, f"{self.name}: {self.log()[-2000:]}"
            time.sleep(0.02)
        return found

    def ready(self, seconds: float = START_S) -> Self:
        """Wait until it says that it is ready."""
        self.wait_for(lambda: self.records("dripline.ready"), seconds)
        return self

    @property
    def address(self) -> str:
        """Where its web part listens, as it says itself."""
        return str(self.wait_for(lambda: self.records("dripline.ready"))[0]["address"])

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait()

    def pause(self) -> None:
        """Stop it where it stands, without its knowledge."""
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it go on."""
        self.process.send_signal(signal.SIGCONT)

    def stop(self, seconds: float = 10.0) -> tuple[int, float]:
        """Ask it to end; return its exit status and how many seconds it took.

        Raises AssertionError when it does not end in time.
        """
        began = time.monotonic()
        self.process.terminate()
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            late = f"{self.name} took over {seconds:g} s: {self.log()[-2000:]}"
            raise AssertionError(late) from None
        return status, time.monotonic() - began

    def ended(self) -> bool:
        """Whether it is over."""
        return self.process.poll() is not None

    def memory(self) -> int:
        """Return the bytes of memory it occupies."""
        return int(psutil.Process(self.pid).memory_info().rss)


class Programs:
    """Starts programs with one set of settings in one folder, and ends what is left of them."""

    def __init__(self, folder: Path, **settings: str | int | None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.settings = {"telegram_bot_token": TOKEN, **settings}
        self.started: list[Program] = []

    def start(self, *command: str, name: str | None = None, **settings: Any) -> Program:
        """Start `dripline command…`; settings given here come before those of the set."""
        env = environment(**(self.settings | settings))
        program = Program(name or command[0], self.folder, command, env)
        self.started.append(program)
        return program

    def ask(
        self, *command: str, seconds: float = 60.0, **settings: Any
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end and return what it printed."""
        env = environment(**(self.settings | settings))
        return subprocess.run(
            [executable(), *command],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            cwd=self.folder,
            env=env,
            timeout=seconds,
        )

    def end_all(self) -> None:
        """Kill whatever still runs."""
        for program in self.started:
            if program.process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    program.go_on()
                program.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self.end_all()
        for program in self.started if error is not None else ():
            print(f"--- {program.name} ({program.pid})\n{program.log()[-1500:]}")
