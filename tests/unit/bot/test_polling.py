"""Long polling: stored before confirmed, and every trouble waited out or told."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from dripline.bot.polling import Poller, dumps
from dripline.bot.updates import source_of
from dripline.clients.telegram import TelegramClient, loads
from dripline.clock import VirtualClock
from dripline.database import Database
from dripline.events import inbox
from scripted_server import ScriptedServer, Step, drop, ok, refusal, reply

ME = {"id": 1, "is_bot": True, "first_name": "B", "username": "b_bot"}


def update(number: Any, text: str = "hi") -> dict[str, Any]:
    return {"update_id": number, "message": {"text": text}}


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with ScriptedServer(script=[ok(ME)], default=ok([])) as server:
        yield server


@pytest.fixture
async def client(server: ScriptedServer) -> AsyncIterator[TelegramClient]:
    client = TelegramClient(server.url, "1:secret")
    yield client
    await client.close()


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def poller(database: Database, client: TelegramClient, pauses: list[float]) -> Poller:
    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    return Poller(database, "main", client, pause)


async def stored(database: Database) -> list[tuple[str, Any]]:
    async with database.reading() as session:
        rows = await inbox.pending(session, source_of("main"), limit=1000)
    return [(row.source_id, loads(row.body)) for row in rows]


async def test_stores_updates_and_confirms_them_afterwards(
    server: ScriptedServer, poller: Poller, database: Database, clock: VirtualClock
) -> None:
    server.script += [ok([update(12), update(10), update(11)])]
    assert await poller.run_once(clock.now()) == 3
    assert await stored(database) == [(str(n), update(n)) for n in (10, 11, 12)]
    assert await poller.run_once(clock.now()) == 0
    assert server.methods() == ["getMe", "getUpdates", "getUpdates"]
    first, second = server.requests[1].json, server.requests[2].json
    assert "offset" not in first
    assert second["offset"] == 13
    assert first["timeout"] == 25
    assert "my_chat_member" in first["allowed_updates"]


async def test_confirms_nothing_that_is_not_stored(
    server: ScriptedServer,
    poller: Poller,
    database: Database,
    clock: VirtualClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def full(*_: object) -> int:
        raise OSError("no space left on device")

    server.script += [ok([update(10)]), ok([update(10)])]
    with monkeypatch.context() as patch:
        patch.setattr(inbox, "store", full)
        with pytest.raises(OSError, match="no space"):
            await poller.run_once(clock.now())
    await poller.run_once(clock.now())
    assert "offset" not in server.requests[-1].json
    assert len(await stored(database)) == 1


async def test_a_repeated_update_is_stored_once(
    server: ScriptedServer, poller: Poller, database: Database, clock: VirtualClock
) -> None:
    server.script += [ok([update(10), update(10)]), ok([update(10), update(11)])]
    await poller.run_once(clock.now())
    await poller.run_once(clock.now())
    assert [number for number, _ in await stored(database)] == ["10", "11"]


async def test_keeps_what_is_odd_and_drops_what_has_no_number(
    server: ScriptedServer, poller: Poller, database: Database, clock: VirtualClock
) -> None:
    odd = [update(10, "a\x00b"), {"update_id": "x"}, 7, None, {"update_id": -3}]
    server.script += [ok(odd), ok("not a list")]
    await poller.run_once(clock.now())
    await poller.run_once(clock.now())
    assert await stored(database) == [("10", update(10, "a\x00b"))]


async def test_half_a_surrogate_pair_does_not_stop_the_bot(
    server: ScriptedServer, poller: Poller, database: Database, clock: VirtualClock
) -> None:
    answer = json.dumps({"ok": True, "result": [update(10, "\ud83d")]}).encode()
    server.script += [reply(200, answer)]
    assert await poller.run_once(clock.now()) == 1
    assert await stored(database) == [("10", update(10, "\ud83d"))]


async def test_forgets_its_offset_when_nothing_came_for_an_hour(
    server: ScriptedServer,
    poller: Poller,
    clock: VirtualClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("dripline.bot.polling._QUIET_POLLS", 3)
    server.script += [ok([update(10)])]
    for _ in range(5):
        await poller.run_once(clock.now())
    offsets = [request.json.get("offset") for request in server.requests[1:]]
    assert offsets == [None, 11, 11, 11, None]


TROUBLES: dict[str, tuple[Step, list[float]]] = {
    "an outage": (refusal(502, "Bad Gateway"), [1.0, 2.0, 4.0]),
    "dropped": (drop, [1.0, 2.0, 4.0]),
    "garbage": (reply(200, b"<html>"), [1.0, 2.0, 4.0]),
    "no list": (ok({"update_id": 10}), [1.0, 2.0, 4.0]),
    "no ids": (ok([None, {"update_id": "x"}]), [1.0, 2.0, 4.0]),
    "a limit": (refusal(429, "Too Many Requests", retry_after=7), [7.0, 7.0, 7.0]),
    "another poller": (
        refusal(409, "Conflict: terminated by other getUpdates request"),
        [2.0, 4.0, 8.0],
    ),
}


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_waits_out_trouble_and_tells_it_once(
    trouble: str, server: ScriptedServer, poller: Poller, pauses: list[float], clock: VirtualClock
) -> None:
    step, waited = TROUBLES[trouble]
    server.script += [step] * 3 + [ok([update(10)])]
    with capture_logs() as logs:
        for _ in range(4):
            await poller.run_once(clock.now())
    assert pauses == waited
    assert [log["event"] for log in logs] == [
        "bot.polling",
        "bot.polling_failed",
        "bot.polling_again",
    ]


async def test_a_server_that_does_not_wait_is_not_hammered(
    poller: Poller, pauses: list[float], clock: VirtualClock
) -> None:
    for _ in range(3):
        await poller.run_once(clock.now())
    assert pauses == [0.05] * 3


async def test_a_server_that_gives_the_same_again_and_again_is_not_hammered(
    server: ScriptedServer, poller: Poller, pauses: list[float], clock: VirtualClock
) -> None:
    server.script += [ok([update(10)])] * 3
    for _ in range(3):
        await poller.run_once(clock.now())
    assert pauses == [0.05] * 2


async def test_two_pollers_are_told_in_plain_words(
    server: ScriptedServer, poller: Poller, clock: VirtualClock
) -> None:
    server.script += [refusal(409, "Conflict: terminated by other getUpdates request")]
    with capture_logs() as logs:
        await poller.run_once(clock.now())
    assert "another process is polling with this token" in logs[-1]["reason"]


async def test_a_refused_token_stops_the_bot(
    server: ScriptedServer, poller: Poller, pauses: list[float], clock: VirtualClock
) -> None:
    server.script = [refusal(401, "Unauthorized")]
    with capture_logs() as logs:
        for _ in range(3):
            assert await poller.run_once(clock.now()) == 0
    assert server.methods() == ["getMe"]
    assert "@BotFather" in (poller.refused or "")
    assert [log["event"] for log in logs] == ["bot.refused"]
    assert min(pauses) > 3600


async def test_deletes_a_webhook_that_stands_in_the_way(
    server: ScriptedServer, poller: Poller, clock: VirtualClock
) -> None:
    active = refusal(409, "Conflict: can't use getUpdates method while webhook is active")
    server.script += [active, ok(True), ok([update(10)])]
    await poller.run_once(clock.now())
    assert await poller.run_once(clock.now()) == 1
    assert server.methods() == ["getMe", "getUpdates", "deleteWebhook", "getUpdates"]
    assert server.requests[2].json == {"drop_pending_updates": False}


def test_writes_what_the_fast_writer_refuses() -> None:
    assert loads(dumps({"a": "\ud83d"})) == {"a": "\ud83d"}
