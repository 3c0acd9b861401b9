"""`dripline demo` as it is installed, and its page as the page's own script uses it."""

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

_READY = re.compile(r"http://127\.0\.0\.1:\d+/sandbox/")
_PATIENCE_S = 40.0


class Page:
    """The demo's page, as its script uses it."""

    def __init__(self, base: str) -> None:
        self.base = base
        state = self.call("state")
        self.anna = state["contacts"][0]["id"]
        self.chat = f"p.{state['bots'][0]['id']}.{self.anna}"

    def call(self, path: str, body: Any = None) -> Any:
        """Ask the control API; with a body, by POST."""
        method = "GET" if body is None else "POST"
        answer = httpx.request(method, f"{self.base}api/{path}", json=body, timeout=30)
        return answer.raise_for_status().json()

    def say(self, text: str) -> None:
        """Write in the chat."""
        self.call(f"chats/{self.chat}/text", {"text": text, "user": self.anna})

    def mails(self) -> list[dict[str, Any]]:
        """Return what is in the inbox."""
        return [one for one in self.call("state")["mail"] if one["contact"] == self.anna]

    def html(self, mail: dict[str, Any]) -> str:
        """Return an email's page."""
        return httpx.get(f"{self.base}mail/{mail['id']}").raise_for_status().text

    def texts(self) -> str:
        """Return the newest messages of the chat."""
        messages = self.call(f"chats/{self.chat}")["messages"]
        return "\n".join(str(one["text"]) for one in messages[-3:])


def until(found: Callable[[], Any]) -> Any:
    """Wait for something that is true, and return it. Raises AssertionError after a while."""
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        if value := found():
            return value
        time.sleep(0.2)
    raise AssertionError("it did not happen")


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    """A demo of this test's own."""
    with subprocess.Popen(
        [sys.executable, "-m", "dripline", "demo", "--port", "0", "--no-open"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=tmp_path,
    ) as process:
        assert process.stdout is not None
        try:
            lines = iter(process.stdout.readline, "")
            base = next(match[0] for line in lines if (match := _READY.search(line)))
            yield Page(base)
        finally:
            process.terminate()
            process.wait(20)
