"""The Telegram channel against a server on loopback."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from dripline.channels.telegram import TelegramChannel, chat_id_of
from dripline.clients.telegram import TelegramClient
from dripline.content.rendered import Button, Media, MediaKind, Rendered
from dripline.deliveries.protocols import AddressRef, Outgoing
from dripline.errors import (
    ChannelDown,
    ChannelRefused,
    NotFound,
    PermanentFailure,
    RateLimited,
    RetryLater,
    Unreachable,
)
from scripted_server import Request, ScriptedServer, drop, ok, refusal

DONE = ((Button("callback", "Done", "DONE"),),)


class Store:
    """Files in memory, as the content keeps them."""

    def __init__(self) -> None:
        self.ids: dict[tuple[str, str], str] = {}
        self.files = {"p1": b"first photo", "p2": b"second photo", "v1": b"a video"}
        self.looked_up = 0
        self.broken = False

    async def file_id(self, sha256: str, bot: str) -> str | None:
        self.looked_up += 1
        if self.broken:
            raise OSError("the disk is gone")
        return self.ids.get((bot, sha256))

    async def read(self, sha256: str) -> bytes:
        if sha256 not in self.files:
            raise NotFound("no such file")
        return self.files[sha256]

    async def remember(self, sha256: str, bot: str, file_id: str) -> None:
        if self.broken:
            raise OSError("the disk is gone")
        self.ids[bot, sha256] = file_id


class Telegram:
    """Answers with ids for whatever it is given, and counts what was uploaded."""

    def __init__(self) -> None:
        self.uploads = 0
        self.slow = 0.0

    async def __call__(self, request: Request, writer: asyncio.StreamWriter) -> None:
        uploaded = b"multipart" in request.head
        self.uploads += uploaded
        await asyncio.sleep(self.slow if uploaded else 0)
        method = request.method
        if method == "sendMediaGroup":
            count = request.body.count(b'"type"')
            await ok([self.message(f"a{n}", "photo") for n in range(count)])(request, writer)
            return
        await ok(self.message("id", method.removeprefix("send").lower()))(request, writer)

    def message(self, file_id: str, kind: str) -> dict[str, Any]:
        file: Any = {"file_id": file_id}
        if kind == "photo":
            file = [{"file_id": "thumbnail"}, file]
        return {"message_id": 100, "date": 1, kind: file}


@pytest.fixture
def telegram() -> Telegram:
    return Telegram()


@pytest.fixture
async def server(telegram: Telegram) -> AsyncIterator[ScriptedServer]:
    async with ScriptedServer(default=telegram) as server:
        yield server


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def moved() -> list[tuple[uuid.UUID, str]]:
    return []


@pytest.fixture
async def channel(
    server: ScriptedServer, store: Store, moved: list[tuple[uuid.UUID, str]]
) -> AsyncIterator[TelegramChannel]:
    async def on_migrated(address_id: uuid.UUID, value: str) -> None:
        moved.append((address_id, value))

    clients = {name: TelegramClient(server.url, f"{n}:x") for n, name in enumerate(["main", "two"])}
    channel = TelegramChannel(clients, store, on_migrated)
    yield channel
    await channel.close()


def outgoing(
    text: str = "hi",
    files: str = "",
    keyboard: tuple[tuple[Button, ...], ...] = (),
    to: str = "7",
    bot: str = "main",
) -> Outgoing:
    kinds: dict[str, MediaKind] = {"p": "photo", "v": "video", "a": "animation"}
    media = tuple(Media(name, kinds[name[0]], f"{name}.bin") for name in files.split())
    address = AddressRef(uuid.uuid4(), uuid.uuid4(), "telegram", bot, to)
    return Outgoing(uuid.uuid4(), address, Rendered(text, media, keyboard))


async def test_sends_a_text(server: ScriptedServer, channel: TelegramChannel) -> None:
    sent = await channel.send(outgoing("<b>hi</b>", keyboard=DONE))
    assert sent.provider_ids == ("100",)
    assert server.requests[0].json == {
        "chat_id": 7,
        "text": "<b>hi</b>",
        "parse_mode": "HTML",
        "reply_markup": {"inline_keyboard": [[{"text": "Done", "callback_data": "DONE"}]]},
    }


async def test_sends_through_the_bot_of_the_address(
    server: ScriptedServer, channel: TelegramChannel
) -> None:
    await channel.send(outgoing(bot="two"))
    assert server.requests[0].path == "/bot1:x/sendMessage"
    with pytest.raises(ChannelRefused, match="TELEGRAM_BOT_TOKEN_GUIDES"):
        await channel.send(outgoing(bot="guides"))


@pytest.mark.parametrize(
    ("value", "chat_id"), [("7", 7), ("-1001", -1001), ("@news", "@news"), ("-", "-")]
)
def test_a_chat_is_a_number_or_a_name(value: str, chat_id: object) -> None:
    assert chat_id_of(value) == chat_id


async def test_uploads_once_and_sends_by_id_afterwards(
    server: ScriptedServer, channel: TelegramChannel, store: Store, telegram: Telegram
) -> None:
    for _ in range(3):
        await channel.send(outgoing("caption", "p1", DONE))
    assert telegram.uploads == 1
    assert store.ids == {("main", "p1"): "id"}
    assert store.looked_up == 1  # memory stands before the store
    upload, second = server.requests[0], server.requests[1]
    assert b"first photo" in upload.body
    assert b'name="reply_markup"' in upload.body
    assert second.json["photo"] == "id"
    assert second.json["caption"] == "caption"


async def test_knows_from_the_store_what_was_uploaded_before(
    channel: TelegramChannel, store: Store, telegram: Telegram, server: ScriptedServer
) -> None:
    store.ids["main", "p1"] = "from yesterday"
    await channel.send(outgoing("x", "p1"))
    assert telegram.uploads == 0
    assert server.requests[0].json["photo"] == "from yesterday"


async def test_each_bot_uploads_for_itself(channel: TelegramChannel, telegram: Telegram) -> None:
    await channel.send(outgoing("x", "p1"))
    await channel.send(outgoing("x", "p1", bot="two"))
    assert telegram.uploads == 2


async def test_an_album_uploads_only_what_is_new(
    channel: TelegramChannel, store: Store, server: ScriptedServer
) -> None:
    store.ids["main", "p2"] = "known"
    sent = await channel.send(outgoing("x", "p1 p2", DONE))
    assert sent.provider_ids == ("100", "100", "100")
    album, buttons = server.requests
    assert b'"media":"attach://file0"' in album.body
    assert b'"media":"known"' in album.body
    assert b"first photo" in album.body
    assert b"second photo" not in album.body
    assert buttons.method == "sendMessage"
    assert store.ids["main", "p1"] == "a0"


async def test_the_same_file_twice_in_an_album(
    channel: TelegramChannel, telegram: Telegram
) -> None:
    await channel.send(outgoing("x", "p1 p1"))
    await channel.send(outgoing("x", "p1 p1"))
    assert telegram.uploads == 1


async def test_many_at_once_upload_a_file_once(
    channel: TelegramChannel, telegram: Telegram, server: ScriptedServer
) -> None:
    telegram.slow = 0.05
    sent = await asyncio.gather(
        *(channel.send(outgoing("x", "p1", to=str(n))) for n in range(1, 50))
    )
    assert len(sent) == 49
    assert telegram.uploads == 1
    assert len(server.requests) == 49


async def test_when_the_first_is_blocked_the_next_uploads(
    channel: TelegramChannel, telegram: Telegram, server: ScriptedServer
) -> None:
    server.script = [refusal(403, "Forbidden: bot was blocked by the user")]
    results = await asyncio.gather(
        *(channel.send(outgoing("x", "p1", to=str(n))) for n in range(1, 6)),
        return_exceptions=True,
    )
    assert [type(result) for result in results].count(Unreachable) == 1
    assert telegram.uploads == 1


async def test_when_the_channel_is_down_all_who_wait_hear_it(
    channel: TelegramChannel, server: ScriptedServer
) -> None:
    server.script = [drop]
    results = await asyncio.gather(
        *(channel.send(outgoing("x", "p1", to=str(n))) for n in range(1, 6)),
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [ChannelDown] * 5
    assert len(server.requests) == 1


async def test_who_waits_may_be_cancelled_without_harm(
    channel: TelegramChannel, telegram: Telegram
) -> None:
    telegram.slow = 0.05
    first, second, third = (
        asyncio.create_task(channel.send(outgoing("x", "p1", to=str(n)))) for n in range(1, 4)
    )
    await asyncio.sleep(0.02)
    second.cancel()
    await asyncio.gather(first, third)
    with pytest.raises(asyncio.CancelledError):
        await second
    assert telegram.uploads == 1


async def test_an_upload_that_is_cancelled_is_done_by_the_next(
    channel: TelegramChannel, telegram: Telegram
) -> None:
    telegram.slow = 0.05
    first, second = (
        asyncio.create_task(channel.send(outgoing("x", "p1", to=str(n)))) for n in (1, 2)
    )
    await asyncio.sleep(0.02)
    first.cancel()
    assert (await second).provider_ids == ("100",)
    assert telegram.uploads == 2


WRONG_FILE = refusal(400, "Bad Request: wrong file identifier/HTTP URL specified")


async def test_a_refused_id_is_uploaded_anew(
    channel: TelegramChannel, store: Store, server: ScriptedServer, telegram: Telegram
) -> None:
    store.ids["main", "p1"] = "stale"
    server.script = [WRONG_FILE]
    await channel.send(outgoing("x", "p1"))
    assert telegram.uploads == 1
    assert store.ids["main", "p1"] == "id"
    await channel.send(outgoing("x", "p1"))
    assert server.requests[-1].json["photo"] == "id"


async def test_a_file_refused_twice_is_given_up(
    channel: TelegramChannel, store: Store, server: ScriptedServer
) -> None:
    store.ids["main", "p1"] = "stale"
    server.script = [WRONG_FILE, WRONG_FILE]
    with pytest.raises(PermanentFailure, match="wrong file identifier"):
        await channel.send(outgoing("x", "p1"))
    assert len(server.requests) == 2


async def test_an_id_of_another_kind_is_not_kept(
    channel: TelegramChannel, store: Store, server: ScriptedServer
) -> None:
    silent_video = {"message_id": 1, "animation": {"file_id": "not a video's"}}
    server.script = [ok(silent_video)]
    await channel.send(outgoing("x", "v1"))
    assert store.ids == {}


async def test_a_missing_file_fails_the_message(channel: TelegramChannel) -> None:
    with pytest.raises(PermanentFailure, match=r"p9\.bin is missing"):
        await channel.send(outgoing("x", "p9"))


async def test_a_store_that_fails_before_sending_is_tried_again_later(
    channel: TelegramChannel, store: Store, server: ScriptedServer
) -> None:
    store.broken = True
    with pytest.raises(RetryLater):
        await channel.send(outgoing("x", "p1"))
    assert server.requests == []


async def test_a_store_that_fails_after_sending_loses_no_message(
    channel: TelegramChannel, store: Store
) -> None:
    store.ids["main", "p2"] = "known"
    await channel.send(outgoing("x", "p2"))
    channel._files._ids["main", "p1"] = None
    store.broken = True
    assert (await channel.send(outgoing("x", "p1"))).provider_ids == ("100",)


async def test_a_retry_goes_on_where_it_broke_off(
    channel: TelegramChannel, server: ScriptedServer
) -> None:
    message = outgoing("x" * 1500, "p1 p2", DONE)
    server.script = [
        ok([{"message_id": 1, "photo": [{"file_id": "a"}]}, {"message_id": 2}]),
        refusal(500, "Internal Server Error"),
    ]
    with pytest.raises(ChannelDown):
        await channel.send(message)
    assert (message.parts_done, message.provider_ids) == (1, ["1", "2"])
    sent = await channel.send(message)
    assert sent.provider_ids == ("1", "2", "100")
    assert server.methods() == ["sendMediaGroup", "sendMessage", "sendMessage"]


MOVED = refusal(
    400,
    "Bad Request: group chat was upgraded to a supergroup chat",
    migrate_to_chat_id=-100777,
)


async def test_follows_a_group_that_moved(
    channel: TelegramChannel, server: ScriptedServer, moved: list[tuple[uuid.UUID, str]]
) -> None:
    message = outgoing("x", to="-5")
    server.script = [MOVED]
    await channel.send(message)
    assert [request.json["chat_id"] for request in server.requests] == [-5, -100777]
    assert moved == [(message.address.id, "-100777")]
    assert message.address.value == "-100777"


async def test_follows_only_once(channel: TelegramChannel, server: ScriptedServer) -> None:
    server.script = [MOVED, MOVED]
    with pytest.raises(PermanentFailure, match="upgraded"):
        await channel.send(outgoing("x", to="-5"))
    assert len(server.requests) == 2


async def test_failures_keep_their_type(channel: TelegramChannel, server: ScriptedServer) -> None:
    server.script = [refusal(429, "Too Many Requests: retry after 5", retry_after=5)]
    with pytest.raises(RateLimited) as caught:
        await channel.send(outgoing())
    assert caught.value.after == 5
    assert orjson.loads(server.requests[0].body)["chat_id"] == 7
