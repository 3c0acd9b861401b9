"""`dripline demo` from outside: an address given in the chat, a fallback to email, the way out."""

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
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        if value := found():
            return value
        time.sleep(0.2)
    raise AssertionError("it did not happen")


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
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


def test_an_address_a_fallback_and_the_way_out(page: Page) -> None:
    page.call(f"chats/{page.chat}/start", {"payload": ""})
    until(lambda: "seeing" in page.texts())
    page.say("/email anna@example.com")
    asked = until(page.mails)[0]
    html = page.html(asked)
    confirm = re.search(r'href="([^"]*/v/[^"]*)"', html)
    assert confirm is not None
    assert "The Light Club" in html
    assert not re.search(r"/[pu]/", html.replace("</", ""))  # nobody knows yet who reads this
    httpx.post(confirm[1]).raise_for_status()  # as the page's button does

    page.call(f"chats/{page.chat}/block", {"blocked": True})
    page.call("clock/jump", {})
    lesson = until(lambda: [one for one in page.mails() if one["id"] != asked["id"]])[0]
    assert lesson["subject"] == "Turn to the window"
    assert lesson["snippet"] == "Light from the side, and an apple"
    html = page.html(lesson)
    photo = re.search(r'<img src="(http://127[^"]*/media/[^"]*)"', html)
    assert photo is not None
    assert httpx.get(photo[1]).headers["content-type"] == "image/jpeg"
    assert re.search(r'href="[^"]*/b/', html)  # “Done” is pressed on a page

    assert "/p/" in html
    assert lesson["can_leave"]
    assert page.call(f"mail/{lesson['id']}/leave", {})["left"]
    entries = page.call(f"chats/{page.chat}/why")["entries"]
    assert any("unsubscribed" in (one["title"] + one["detail"]).lower() for one in entries)
