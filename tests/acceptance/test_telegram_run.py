"""`dripline run` as a process of its own, driven from outside through the sandbox's Bot API."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dripline.sandbox.alone import LoneClock
from dripline.sandbox.app import create_app
from dripline.sandbox.botapi.faults import Fault, FaultKind
from dripline.sandbox.sandbox import Sandbox
from dripline.sandbox.serving import serving
from dripline.sandbox.world import contacts
from dripline.sandbox.world.bots import Bot
from dripline.sandbox.world.chats import Chat
from dripline.sandbox.world.messages import Message
from dripline.sandbox.world.people import User
from dripline.sandbox.world.telegram import Telegram

pytestmark = pytest.mark.slow
TOKEN = "777:" + "A" * 35
DONE = {"rows": [{"buttons": [{"type": "callback", "text": "Done", "callback_data": "DONE"}]}]}
GO = {
    "rows": [{"buttons": [{"type": "start_scenario", "text": "Second", "scenario_id": "second"}]}]
}


def write_course(folder: Path) -> None:
    """Two scenarios: one that waits for DONE, and one to switch to."""
    scenario(
        folder,
        "course",
        {
            "one": ("Welcome, {{ user.first_name }}", {"wait_for": "callback:DONE"} | keys(DONE)),
            "two": ("You are done", keys(GO)),
            "three": ("A day later", {"timing": {"days": 1}}),
        },
    )
    scenario(folder, "second", {"hello": ("The second begins", {})})
    registry = {
        "scenarios": [
            {"id": name, "name": name, "created_at": "2026-01-01T00:00:00Z", "is_active": True}
            for name in ("course", "second")
        ],
        "default_scenario_id": "course",
    }
    write(folder / "scenarios" / "registry.json", registry)


def keys(keyboard: dict[str, Any]) -> dict[str, Any]:
    return {"inline_keyboard": keyboard}


def scenario(folder: Path, name: str, messages: dict[str, tuple[str, dict[str, Any]]]) -> None:
    own = folder / "scenarios" / name
    prodamus = {
        "product_name": "P",
        "product_price": "1",
        "paid_content": "",
        "private_group_id": "",
    }
    config = {"id": name, "name": name, "created_at": "2026-01-01T00:00:00Z"}
    write(own / "config.json", config | {"prodamus": prodamus})
    listed = {
        key: {"timing": {"minutes": 0}, "template_file": f"{key}.md"} | extra
        for key, (_, extra) in messages.items()
    }
    write(own / "messages.json", {"messages_list": list(messages), "messages": listed})
    (own / "messages").mkdir()
    for key, (text, _) in messages.items():
        (own / "messages" / f"{key}.md").write_text(text, encoding="utf-8")


def write(file: Path, value: Any) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(value), encoding="utf-8")


@dataclass
class World:
    """A sandbox with a bot and Anna, and the folder and database of the product."""

    url: str
    sandbox: Sandbox
    folder: Path
    database_url: str
    bot: Bot
    anna: User

    @property
    def telegram(self) -> Telegram:
        return self.sandbox.telegram

    @property
    def chat(self) -> Chat:
        return self.telegram.private(self.bot, self.anna)

    def start(self, payload: str = "") -> None:
        contacts.start(self.telegram, self.bot, self.anna, payload)

    def press(self, message: Message) -> None:
        contacts.press(self.telegram, self.chat, self.anna, message.id, 0, 0)

    def texts(self) -> list[str]:
        return [message.text for message in self.chat.history if message.bot_id]

    async def message(self, text: str) -> Message:
        """Wait until the bot has said this, and return it."""
        await until(lambda: text in self.texts(), f"“{text}” among {self.texts}")
        return next(message for message in self.chat.history if message.text == text)

    @asynccontextmanager
    async def running(self, **more: str) -> AsyncIterator[asyncio.subprocess.Process]:
        """Run `dripline run` until the block ends; then it must stop by itself, in time."""
        own = {
            "TELEGRAM_API_BASE": self.url,
            "TELEGRAM_BOT_TOKEN": TOKEN,
            "DATABASE_URL": self.database_url,
            "SECRET_KEY": "s" * 40,
            "PORT": "0",
        }
        log = self.folder / "log.txt"
        with log.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                *(Path(sys.executable).with_name("dripline"), "run"),
                *("--content", self.folder / "content"),
                env={"PATH": os.environ["PATH"]} | own | more,
                stdout=output,
                stderr=output,
            )
        try:
            await until(lambda: "dripline.ready" in log.read_text(), "it is ready", process)
            yield process
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(10):
                await process.wait()
            assert TOKEN not in log.read_text()


async def until(
    condition: Callable[[], bool], what: str, process: asyncio.subprocess.Process | None = None
) -> None:
    """Wait for a condition, at most 15 seconds."""
    for _ in range(750):
        if condition():
            return
        assert process is None or process.returncode is None, "it ended"
        await asyncio.sleep(0.02)
    raise AssertionError(f"it did not come true: {what}")


@pytest.fixture
async def world(tmp_path: Path, database_url: str) -> AsyncIterator[World]:
    write_course(tmp_path / "content")
    clock = LoneClock()
    telegram = Telegram(clock.now, known_tokens=[TOKEN])
    bot, anna = telegram.add_bot(TOKEN), telegram.add_user("Anna")
    app = create_app(telegram, clock, None)
    async with serving(app) as url:
        yield World(url, app.state.sandbox, tmp_path, database_url, bot, anna)


async def test_a_contact_is_taken_through_a_course(world: World) -> None:
    async with world.running() as process:
        world.start()
        first = await world.message("Welcome, Anna")
        world.press(first)
        await world.message("You are done")
        await until(lambda: all(q.answer for q in world.bot.queries.values()), "answered")
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
    assert world.texts() == ["Welcome, Anna", "You are done"]


async def test_a_deep_link_and_a_button_lead_elsewhere(world: World) -> None:
    async with world.running():
        world.start("second")
        await world.message("The second begins")
        world.start("nowhere")
        first = await world.message("Welcome, Anna")
        assert "leads nowhere" in world.texts()[1]
        world.press(first)
        done = await world.message("You are done")
        world.press(done)
        await asyncio.sleep(0.5)  # the second is completed and has no summary: a word, no message
    assert world.texts().count("The second begins") == 1


async def test_whoever_blocks_and_comes_back_goes_on(world: World) -> None:
    async with world.running():
        world.start()
        first = await world.message("Welcome, Anna")
        world.press(first)
        contacts.block(world.telegram, world.bot, world.anna)
        await asyncio.sleep(1)
        assert world.texts() == ["Welcome, Anna"] or "You are done" in world.texts()
        contacts.unblock(world.telegram, world.bot, world.anna)
        await world.message("You are done")
    assert world.texts().count("You are done") == 1


async def test_killed_in_the_middle_it_goes_on_where_it_was(world: World) -> None:
    async with world.running() as process:
        world.start()
        first = await world.message("Welcome, Anna")
        await asyncio.sleep(0.3)  # settled
        process.kill()
        await process.wait()
    world.press(first)  # while nobody listens
    async with world.running():
        await world.message("You are done")
    assert world.texts() == ["Welcome, Anna", "You are done"]


FAULTS = [
    Fault(FaultKind.TOO_MANY_REQUESTS, seconds=1),
    Fault(FaultKind.SERVER_ERROR),
    Fault(FaultKind.DROP),
    Fault(FaultKind.GARBAGE),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.kind.value)
async def test_an_outage_delays_and_loses_nothing(world: World, fault: Fault) -> None:
    world.sandbox.api.faults.add(
        Fault(fault.kind, method="sendMessage", seconds=fault.seconds, count=2)
    )
    async with world.running():
        world.start()
        await world.message("Welcome, Anna")


async def test_updates_by_webhook(world: World) -> None:
    port = str(free_port())
    more = {"TELEGRAM_UPDATES": "webhook", "PUBLIC_URL": f"http://127.0.0.1:{port}", "PORT": port}
    async with world.running(**more):
        world.start()
        await world.message("Welcome, Anna")
    assert world.texts() == ["Welcome, Anna"]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
