"""Updates that are delivered: verified, bounded, stored once before they are answered."""

import re
from collections.abc import AsyncIterator

import pytest

from dripline.bot.updates import source_of
from dripline.bot.webhook import LONGEST_BODY, Registration, Webhook, register, secret_of
from dripline.clients.telegram import TelegramClient
from dripline.clock import VirtualClock
from dripline.database import Database
from dripline.errors import ChannelRefused, Forbidden, Invalid, NotFound
from dripline.events import inbox
from scripted_server import ScriptedServer, ok, refusal

KEY = b"signing key"
SECRET = secret_of(KEY, "main")


@pytest.fixture
def webhook(database: Database, clock: VirtualClock) -> Webhook:
    return Webhook(database, clock, KEY, ["main", "promo"])


async def stored(database: Database, bot: str) -> list[str]:
    async with database.reading() as session:
        return [row.source_id for row in await inbox.pending(session, source_of(bot))]


async def test_stores_an_update_once(webhook: Webhook, database: Database) -> None:
    for _ in range(2):
        await webhook.receive("main", SECRET, b'{"update_id": 5, "message": {}}')
    assert await stored(database, "main") == ["5"]
    assert await stored(database, "promo") == []


REFUSED = [
    ("nobody", SECRET, b'{"update_id":1}', NotFound),
    ("main", None, b'{"update_id":1}', Forbidden),
    ("main", "", b'{"update_id":1}', Forbidden),
    ("main", SECRET[:-1], b'{"update_id":1}', Forbidden),
    ("main", "é" * 64, b'{"update_id":1}', Forbidden),
    ("main", secret_of(KEY, "promo"), b'{"update_id":1}', Forbidden),
    ("main", SECRET, b"", Invalid),
    ("main", SECRET, b"[]", Invalid),
    ("main", SECRET, b'{"update_id":"1"}', Invalid),
    ("main", SECRET, b'{"update_id":1,"x":"' + b"x" * LONGEST_BODY + b'"}', Invalid),
]


@pytest.mark.parametrize(("bot", "secret", "body", "error"), REFUSED)
async def test_refuses(
    bot: str,
    secret: str | None,
    body: bytes,
    error: type[Exception],
    webhook: Webhook,
    database: Database,
) -> None:
    with pytest.raises(error) as caught:
        await webhook.receive(bot, secret, body)
    assert SECRET not in str(caught.value)
    assert await stored(database, "main") == []


def test_a_secret_is_the_bots_own_and_of_allowed_characters() -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,256}", SECRET)
    assert len({SECRET, secret_of(KEY, "promo"), secret_of(b"another key", "main")}) == 3


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with ScriptedServer() as server:
        yield server


async def test_registers_with_telegram(server: ScriptedServer) -> None:
    server.script = [ok(True), refusal(401, "Unauthorized")]
    client = TelegramClient(server.url, "1:secret")
    await register(client, "main", "https://example.com/", KEY)
    said = server.requests[0].json
    assert said["url"] == "https://example.com/telegram/webhook/main"
    assert said["secret_token"] == SECRET
    assert "callback_query" in said["allowed_updates"]
    with pytest.raises(ChannelRefused):
        await register(client, "main", "https://example.com", KEY)
    await client.close()


async def test_registers_again_until_telegram_hears(server: ScriptedServer) -> None:
    server.script = [ok(True), refusal(502, "Bad Gateway")]
    clients = {bot: TelegramClient(server.url, f"1:{bot}") for bot in ("main", "promo")}
    registration = Registration(clients, "https://example.com", KEY)
    for _ in range(3):
        assert await registration.run_once() == 0
    assert [request.path for request in server.requests] == [
        "/bot1:main/setWebhook",
        "/bot1:promo/setWebhook",
        "/bot1:promo/setWebhook",
    ]
    for client in clients.values():
        await client.close()
