"""Our Telegram against the sandbox's Bot API, which checks what the real one checks."""

import asyncio
import struct
import uuid
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from dripline.bot.polling import Poller
from dripline.bot.updates import Pressed, Started, Update, read, source_of
from dripline.channels.telegram import TelegramChannel
from dripline.clients.telegram import TelegramClient
from dripline.content.rendered import Button, Media, MediaKind, Rendered
from dripline.database import Database
from dripline.deliveries.protocols import AddressRef, Outgoing
from dripline.errors import PermanentFailure, RateLimited, Unreachable
from dripline.events import inbox
from dripline.sandbox.alone import LoneClock
from dripline.sandbox.app import create_app
from dripline.sandbox.serving import serving
from dripline.sandbox.world import contacts
from dripline.sandbox.world.bots import Bot
from dripline.sandbox.world.messages import Message
from dripline.sandbox.world.people import User
from dripline.sandbox.world.telegram import Telegram

TOKEN = "777:" + "A" * 35
BUTTONS = ((Button("callback", "Done", "DONE"), Button("url", "Read", "https://example.com")),)


def png() -> bytes:
    """A picture of one pixel."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    head = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\x00\xff\x00\x00")
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


class Files:
    """The same picture under any name, and the ids it was given."""

    def __init__(self) -> None:
        self.ids: dict[str, str] = {}

    async def file_id(self, sha256: str, bot: str) -> str | None:
        return self.ids.get(sha256)

    async def read(self, sha256: str) -> bytes:
        return png()

    async def remember(self, sha256: str, bot: str, file_id: str) -> None:
        self.ids[sha256] = file_id


@dataclass
class World:
    """A sandbox, its bot and one person, and our channel to them."""

    url: str
    telegram: Telegram
    bot: Bot
    anna: User
    channel: TelegramChannel
    files: Files

    async def send(
        self,
        text: str = "hi",
        kinds: tuple[MediaKind, ...] = (),
        keyboard: tuple[tuple[Button, ...], ...] = (),
        to: str | None = None,
    ) -> list[Message]:
        media = tuple(Media(f"{n}{kind}", kind, f"{n}.png") for n, kind in enumerate(kinds))
        value = to or str(self.anna.id)
        address = AddressRef(uuid.uuid4(), uuid.uuid4(), "telegram", "main", value)
        await self.channel.send(Outgoing(uuid.uuid4(), address, Rendered(text, media, keyboard)))
        return [message for message in self.said() if message.bot_id]

    def said(self) -> list[Message]:
        return list(self.telegram.private(self.bot, self.anna).history)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    clock = LoneClock()
    telegram = Telegram(clock.now, known_tokens=[TOKEN])
    bot, anna = telegram.add_bot(TOKEN), telegram.add_user("Anna")
    async with serving(create_app(telegram, clock, None)) as url:
        files = Files()
        channel = TelegramChannel({"main": TelegramClient(url, TOKEN)}, files)
        contacts.start(telegram, bot, anna, "course")
        yield World(url, telegram, bot, anna, channel, files)
        await channel.close()


async def test_a_text_with_buttons(world: World) -> None:
    (message,) = await world.send("<b>Hi</b> &amp; welcome", keyboard=BUTTONS)
    assert message.text == "Hi & welcome"
    assert message.keyboard is not None
    assert [button["text"] for button in message.keyboard["inline_keyboard"][0]] == ["Done", "Read"]


async def test_a_long_text_arrives_whole(world: World) -> None:
    text = " ".join(f"<i>word{n}</i>" for n in range(1200))
    messages = await world.send(text, keyboard=BUTTONS)
    assert len(messages) == 3
    assert " ".join(message.text for message in messages).split() == [
        f"word{n}" for n in range(1200)
    ]
    assert [message.keyboard is not None for message in messages] == [False, False, True]


@pytest.mark.parametrize("kind", ["photo", "video", "document", "voice", "audio", "animation"])
async def test_a_file_with_a_caption_and_buttons(world: World, kind: MediaKind) -> None:
    for _ in range(2):
        messages = await world.send("<i>look</i>", (kind,), BUTTONS)
    assert [message.text for message in messages] == ["look", "look"]
    assert all(message.keyboard and message.media for message in messages)
    assert len(world.files.ids) == 1


async def test_an_album_and_its_buttons(world: World) -> None:
    *album, text = await world.send("three", ("photo", "photo", "photo"), BUTTONS)
    assert len(album) == 3
    assert all(message.media and not message.keyboard for message in album)
    assert (text.text, text.keyboard is not None) == ("three", True)
    again = await world.send("three", ("photo", "photo", "photo"))
    assert again[4].text == "three"
    assert len(world.files.ids) == 3


async def test_whoever_blocked_the_bot_is_unreachable_until_they_return(world: World) -> None:
    contacts.block(world.telegram, world.bot, world.anna)
    with pytest.raises(Unreachable) as caught:
        await world.send()
    assert caught.value.reachability == "blocked"
    contacts.start(world.telegram, world.bot, world.anna)
    assert await world.send()


async def test_whoever_never_pressed_start_is_unreachable(world: World) -> None:
    stranger = world.telegram.add_user("Boris")
    with pytest.raises(Unreachable) as caught:
        await world.send(to=str(stranger.id))
    assert caught.value.reachability == "needs_start"


async def test_telegrams_own_refusal_is_that_messages(world: World) -> None:
    with pytest.raises(PermanentFailure) as caught:
        await world.send("<b>not closed")
    assert "parse entities" in caught.value.reason
    assert await world.send("fine")


async def test_too_many_in_one_chat_hold_that_chat(world: World) -> None:
    burst = 5
    for _ in range(burst):
        await world.send()
    with pytest.raises(RateLimited) as caught:
        await world.send()
    assert not caught.value.whole_key
    assert caught.value.after >= 1


async def updates(database: Database) -> list[Update]:
    async with database.reading() as session:
        return [read(row.body) for row in await inbox.pending(session, source_of("main"))]


async def test_polling_reads_what_people_do(world: World, database: Database) -> None:
    (message,) = await world.send(keyboard=BUTTONS)
    chat = world.telegram.private(world.bot, world.anna)
    contacts.press(world.telegram, chat, world.anna, message.id, 0, 0)
    contacts.block(world.telegram, world.bot, world.anna)
    client = TelegramClient(world.url, TOKEN)
    poller = Poller(database, "main", client)
    assert await poller.run_once(datetime.now(UTC)) == 3
    started, pressed, left = await updates(database)
    assert isinstance(started, Started)
    assert (started.person.id, started.payload) == (world.anna.id, "course")
    assert isinstance(pressed, Pressed)
    assert pressed.data == "DONE"
    assert left.reachable is False  # type: ignore[union-attr]
    await client.close()


async def test_a_second_poller_is_told_of_the_first(world: World, database: Database) -> None:
    one, two = (TelegramClient(world.url, TOKEN) for _ in range(2))
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    pollers = [Poller(database, "main", client, pause) for client in (one, two)]
    await pollers[0].run_once(datetime.now(UTC))
    waiting = asyncio.create_task(pollers[0].run_once(datetime.now(UTC)))
    await asyncio.sleep(0.1)
    second = asyncio.create_task(pollers[1].run_once(datetime.now(UTC)))
    done, pending = await asyncio.wait([waiting, second], timeout=5, return_when="FIRST_COMPLETED")
    assert len(done) == 1
    assert pauses == [2.0]
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    await one.close()
    await two.close()


async def test_a_wrong_token_stops_the_bot(world: World, database: Database) -> None:
    client = TelegramClient(world.url, "777:" + "B" * 35)
    poller = Poller(database, "main", client)
    await poller.run_once(datetime.now(UTC))
    assert poller.refused is not None
    assert "BBBB" not in poller.refused
    await client.close()
