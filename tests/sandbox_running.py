"""A sandbox that runs on loopback, for tests that come from outside with real clients."""

import asyncio
import struct
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from dripline.clock import VirtualClock
from dripline.sandbox.app import SandboxApp, create_app
from dripline.sandbox.ports import Due, WhyEntry
from dripline.sandbox.sandbox import Sandbox
from dripline.sandbox.serving import serving
from dripline.sandbox.world import contacts
from dripline.sandbox.world.bots import Bot
from dripline.sandbox.world.people import User
from dripline.sandbox.world.telegram import Telegram

TOKEN = "424242:AAtest_token-for_the_sandbox"
OTHER_TOKEN = "515151:AAanother_bot-of_the_sandbox"
START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


class HandClock:
    """A clock the test moves; `due` is what it says comes next."""

    def __init__(self) -> None:
        self._clock = VirtualClock(START)
        self.due: Due | None = None

    @property
    def speed(self) -> float:
        return self._clock.speed

    def now(self) -> datetime:
        return self._clock.now()

    async def advance(self, by: timedelta) -> None:
        self._clock.advance(by)

    def set_speed(self, speed: float) -> None:
        self._clock.set_speed(speed)

    async def next_due(self) -> Due | None:
        return self.due

    async def jump_to_next(self) -> datetime | None:
        if self.due is None:
            return None
        self._clock.jump_to(self.due.at)
        self.due = None
        return self.now()


class Notes:
    """Tells what the test wrote down."""

    def __init__(self) -> None:
        self.entries: list[WhyEntry] = []

    async def timeline(self, bot: str, chat_id: int, language: str) -> list[WhyEntry]:
        return self.entries


@dataclass
class Running:
    """A sandbox with one bot and Anna, who has pressed Start (her update is confirmed)."""

    url: str
    app: SandboxApp
    clock: HandClock
    notes: Notes
    bot: Bot
    anna: User

    @property
    def sandbox(self) -> Sandbox:
        sandbox: Sandbox = self.app.state.sandbox
        return sandbox

    @property
    def telegram(self) -> Telegram:
        return self.sandbox.telegram

    def add_contact(self, name: str) -> User:
        """Someone who has pressed Start."""
        user = self.telegram.add_user(name)
        contacts.start(self.telegram, self.bot, user)
        self.bot.updates.clear()
        return user


@asynccontextmanager
async def running_sandbox(
    *, limits: bool = False, known_tokens: list[str] | None = None
) -> AsyncIterator[Running]:
    clock, notes = HandClock(), Notes()
    telegram = Telegram(clock.now, known_tokens=known_tokens)
    app = create_app(telegram, clock, notes, limits=limits, webhook_pause=0.02)
    bot = telegram.add_bot(TOKEN, "Test school", "test_school_bot")
    async with serving(app) as url:
        anna = telegram.add_user("Anna", last_name="Petrova", username="anna_p")
        running = Running(url, app, clock, notes, bot, anna)
        contacts.start(telegram, bot, anna)
        bot.updates.clear()
        yield running


async def until(condition: Callable[[], object]) -> None:
    """Wait for what happens in another task. Raises TimeoutError after twenty seconds."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 — what we wait for has no event to offer
            await asyncio.sleep(0.01)


def png(width: int = 640, height: int = 400, shade: int = 0) -> bytes:
    """A picture of one colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checked = kind + data
        return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    row = b"\0" + bytes((shade, 120, 200)) * width
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(row * height)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body
