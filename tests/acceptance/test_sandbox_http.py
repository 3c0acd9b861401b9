"""The sandbox as any program meets it over HTTP: encodings, files, webhooks, the control API."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import aiohttp
import orjson
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from dripline.sandbox.ports import Due, WhyEntry
from dripline.sandbox.world import contacts
from sandbox_running import OTHER_TOKEN, START, TOKEN, Running, png, running_sandbox, until


@pytest.fixture
async def running() -> AsyncIterator[Running]:
    async with running_sandbox() as running:
        yield running


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def answer(response: Any) -> dict[str, Any]:
    async with response as got:
        parsed: dict[str, Any] = orjson.loads(await got.read())
        return parsed


async def test_parameters_come_in_four_ways(running: Running, http: aiohttp.ClientSession) -> None:
    url = f"{running.url}/bot{TOKEN}/SendMessage"
    params = {"chat_id": str(running.anna.id), "text": "same & same"}
    form = aiohttp.FormData(default_to_multipart=True)
    for name, value in params.items():
        form.add_field(name, value)
    for request in (
        http.get(url, params=params),
        http.post(url, data=params),
        http.post(url, json=params),
        http.post(url, data=form),
    ):
        assert (await answer(request))["result"]["text"] == "same & same"


async def test_a_file_under_its_own_name_and_attached(
    running: Running, http: aiohttp.ClientSession
) -> None:
    for name, photo in (("photo", None), ("pic", "attach://pic")):
        form = aiohttp.FormData()
        form.add_field("chat_id", str(running.anna.id))
        form.add_field(name, png(), filename="a.png", content_type="image/png")
        if photo:
            form.add_field("photo", photo)
        got = await answer(http.post(f"{running.url}/bot{TOKEN}/sendPhoto", data=form))
        assert got["result"]["photo"][-1]["width"] == 640


async def test_a_photo_must_be_a_picture(running: Running, http: aiohttp.ClientSession) -> None:
    for body, problem in (
        (b"no picture", "IMAGE_PROCESS_FAILED"),
        (b"", "file must be non-empty"),
        (png(2100, 100), "PHOTO_INVALID_DIMENSIONS"),
    ):
        form = aiohttp.FormData()
        form.add_field("chat_id", str(running.anna.id))
        form.add_field("photo", body, filename="a.png")
        got = await answer(http.post(f"{running.url}/bot{TOKEN}/sendPhoto", data=form))
        assert got["description"] == f"Bad Request: {problem}"


async def test_a_photo_from_an_address_on_this_machine(
    running: Running, http: aiohttp.ClientSession
) -> None:
    file = running.telegram.files.keep(png(), "a.png")
    address = f"{running.url}/sandbox/files/{file.unique_id}/a.png"
    params = {"chat_id": running.anna.id, "photo": address}
    got = await answer(http.post(f"{running.url}/bot{TOKEN}/sendPhoto", json=params))
    assert got["ok"], got


async def test_bodies_have_a_size(running: Running, http: aiohttp.ClientSession) -> None:
    url = f"{running.url}/bot{TOKEN}/sendMessage"
    headers = {"Content-Length": str(60 * 1024 * 1024)}
    got = await answer(http.post(url, data=b"x", headers=headers))
    assert (got["error_code"], got["description"]) == (413, "Request Entity Too Large")


@pytest.mark.parametrize("path", ["/bot", "/botnonsense", "/bot1:x/../getMe", "/file/bot1:x/none"])
async def test_odd_paths_get_an_answer(
    running: Running, http: aiohttp.ClientSession, path: str
) -> None:
    async with http.get(running.url + path) as got:
        assert got.status in (401, 404)


async def test_retry_after_is_a_header_too(running: Running, http: aiohttp.ClientSession) -> None:
    api = f"{running.url}/sandbox/api"
    order = {"kind": "too_many_requests", "seconds": 9, "method": "getMe"}
    await answer(http.post(f"{api}/faults", json=order))
    async with http.get(f"{running.url}/bot{TOKEN}/getMe") as got:
        assert got.status == 429
        assert got.headers["Retry-After"] == "9"
        assert (await got.json())["parameters"] == {"retry_after": 9}


class Receiver:
    """A bot's webhook: answers what the test wants, and keeps what it got."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, Any], str]] = []
        self.answers: list[Response] = []
        self.arrived = asyncio.Event()

    async def __call__(self, request: Request) -> Response:
        secret = request.headers.get("x-telegram-bot-api-secret-token", "")
        self.got.append((await request.json(), secret))
        self.arrived.set()
        return self.answers.pop(0) if self.answers else Response()


@pytest.fixture
async def receiver() -> AsyncIterator[tuple[Receiver, str]]:
    receiver = Receiver()
    app = Starlette(routes=[Route("/hook", receiver.__call__, methods=["POST"])])
    config = uvicorn.Config(app, port=0, log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    running = asyncio.create_task(server._serve())
    await until(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield receiver, f"http://127.0.0.1:{port}/hook"
    server.should_exit = True
    await running


async def test_a_webhook_gets_updates_in_order_until_it_takes_them(
    running: Running, http: aiohttp.ClientSession, receiver: tuple[Receiver, str]
) -> None:
    hook, url = receiver
    hook.answers = [Response(status_code=500), Response(status_code=404)]
    call = f"{running.url}/bot{TOKEN}"
    got = await answer(http.post(f"{call}/setWebhook", json={"url": url, "secret_token": "s3"}))
    assert got == {"ok": True, "result": True}
    polled = await answer(http.get(f"{call}/getUpdates"))
    assert polled["error_code"] == 409
    assert "can't use getUpdates method while webhook is active" in polled["description"]
    chat = running.telegram.private(running.bot, running.anna)
    for text in ("one", "two"):
        contacts.say(running.telegram, chat, running.anna, text)
    await until(lambda: len(hook.got) == 4)
    assert [update["message"]["text"] for update, _ in hook.got] == ["one", "one", "one", "two"]
    assert {secret for _, secret in hook.got} == {"s3"}
    info = (await answer(http.get(f"{call}/getWebhookInfo")))["result"]
    assert info["last_error_message"] == "Wrong response from the webhook: 404"
    await until(lambda: not len(running.bot.updates))
    assert (await answer(http.get(f"{call}/deleteWebhook")))["ok"]
    assert (await answer(http.get(f"{call}/getWebhookInfo")))["result"]["url"] == ""


async def test_a_webhook_may_answer_with_a_method(
    running: Running, http: aiohttp.ClientSession, receiver: tuple[Receiver, str]
) -> None:
    hook, url = receiver
    reply = {"method": "sendMessage", "chat_id": running.anna.id, "text": "By the way"}
    hook.answers = [JSONResponse(reply)]
    await answer(http.post(f"{running.url}/bot{TOKEN}/setWebhook", json={"url": url}))
    chat = running.telegram.private(running.bot, running.anna)
    contacts.say(running.telegram, chat, running.anna, "hi")
    await until(lambda: chat.history.last().text == "By the way")  # type: ignore[union-attr]


async def test_people_act_through_the_control_api(
    running: Running, http: aiohttp.ClientSession
) -> None:
    api = f"{running.url}/sandbox/api"
    ben = await answer(http.post(f"{api}/contacts", json={"first_name": "Ben"}))
    key = f"p.{running.bot.id}.{ben['id']}"
    await answer(http.post(f"{api}/chats/{key}/start", json={"payload": "gift"}))
    await answer(http.post(f"{api}/chats/{key}/text", json={"text": "hello"}))
    async with http.post(f"{api}/chats/{key}/photo?name=a.png&caption=Me", data=png()) as got:
        assert got.status == 200
    send = f"{running.url}/bot{TOKEN}/sendMessage"
    markup = {"inline_keyboard": [[{"text": "Go", "callback_data": "go"}]]}
    params = {"chat_id": ben["id"], "text": "Press", "reply_markup": markup}
    sent = (await answer(http.post(send, json=params)))["result"]
    press = {"message_id": sent["message_id"]}
    query = await answer(http.post(f"{api}/chats/{key}/press", json=press))
    assert (await answer(http.get(f"{api}/queries/{query['id']}")))["answer"] is None
    reply = {"callback_query_id": query["id"], "text": "Thanks"}
    await answer(http.post(f"{running.url}/bot{TOKEN}/answerCallbackQuery", json=reply))
    answered = (await answer(http.get(f"{api}/queries/{query['id']}")))["answer"]
    assert answered["text"] == "Thanks"
    await answer(http.post(f"{api}/chats/{key}/block", json={"blocked": True}))
    assert (await answer(http.post(send, json=params)))["error_code"] == 403
    updates = (await answer(http.get(f"{running.url}/bot{TOKEN}/getUpdates")))["result"]
    kinds = [next(name for name in update if name != "update_id") for update in updates]
    assert kinds == ["message", "message", "message", "callback_query", "my_chat_member"]
    shown = await answer(http.get(f"{api}/chats/{key}"))
    assert [message["text"] for message in shown["messages"]] == [
        "/start gift",
        "hello",
        "Me",
        "Press",
    ]


async def test_groups_and_invites_through_the_control_api(
    running: Running, http: aiohttp.ClientSession
) -> None:
    api = f"{running.url}/sandbox/api"
    new = {"title": "Club", "owner": running.anna.id, "administrators": [running.bot.id]}
    club = await answer(http.post(f"{api}/groups", json=new))
    call = f"{running.url}/bot{TOKEN}"
    link = await answer(http.post(f"{call}/createChatInviteLink", json={"chat_id": club["id"]}))
    ben = await answer(http.post(f"{api}/contacts", json={"first_name": "Ben"}))
    join = {"link": link["result"]["invite_link"]}
    joined = await answer(http.post(f"{api}/contacts/{ben['id']}/join", json=join))
    assert joined["chat"]["members"][str(ben["id"])] == "member"
    left = await answer(
        http.post(f"{api}/contacts/{ben['id']}/leave", json={"chat_id": club["id"]})
    )
    assert left["members"][str(ben["id"])] == "left"
    basic = {"title": "Old", "kind": "group", "administrators": [running.bot.id]}
    group = await answer(http.post(f"{api}/groups", json=basic))
    moved = await answer(http.post(f"{api}/groups/{group['id']}/migrate"))
    sent = await answer(
        http.post(f"{call}/sendMessage", json={"chat_id": group["id"], "text": "x"})
    )
    assert sent["parameters"] == {"migrate_to_chat_id": moved["id"]}


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("contacts", {"first_name": ""}, 422),
        ("contacts", {"first_name": "A", "colour": "red"}, 422),
        ("contacts/1/join", {"link": "x"}, 404),
        ("chats/nonsense/text", {"text": "x"}, 404),
        ("chats/p.1.2/text", {"text": "x"}, 404),
        ("faults", {"kind": "flood"}, 422),
        ("clock", {"speed": -1}, 422),
        ("bots", {"token": "nonsense"}, 400),
        ("groups", {"title": "x", "kind": "private"}, 422),
        ("groups", {"title": "x", "members": [5]}, 404),
    ],
)
async def test_mistakes_are_told_plainly(
    running: Running, http: aiohttp.ClientSession, path: str, body: dict[str, Any], status: int
) -> None:
    async with http.post(f"{running.url}/sandbox/api/{path}", json=body) as got:
        assert got.status == status
        assert (await got.json())["error"]


async def test_the_clock_is_moved(running: Running, http: aiohttp.ClientSession) -> None:
    api = f"{running.url}/sandbox/api"
    due = START + timedelta(hours=5)
    running.clock.due = Due(due, "Anna")
    clock = await answer(http.get(f"{api}/clock"))
    assert clock["due"] == {"at": due.timestamp(), "contact": "Anna"}
    jumped = await answer(http.post(f"{api}/clock/jump"))
    assert (jumped["jumped"], jumped["now"], jumped["due"]) == (True, due.timestamp(), None)
    assert (await answer(http.post(f"{api}/clock/jump")))["jumped"] is False
    later = await answer(http.post(f"{api}/clock/jump", json={"seconds": 86_400}))
    assert (later["jumped"], later["now"]) == (True, due.timestamp() + 86_400)
    for wrong in (0, -1, 1e12, "soon"):
        assert (await http.post(f"{api}/clock/jump", json={"seconds": wrong})).status == 422
    assert (await answer(http.post(f"{api}/clock", json={"speed": 60})))["speed"] == 60


async def test_why_is_told(running: Running, http: aiohttp.ClientSession) -> None:
    running.notes.entries = [WhyEntry(START, "sent", "Message 1", "It was due", "course", "m1")]
    key = f"p.{running.bot.id}.{running.anna.id}"
    told = await answer(http.get(f"{running.url}/sandbox/api/chats/{key}/why"))
    assert told["entries"][0]["title"] == "Message 1"
    assert told["entries"][0]["due"] is None


async def test_the_feed_tells_what_happens(running: Running, http: aiohttp.ClientSession) -> None:
    async with http.get(f"{running.url}/sandbox/events") as feed:
        assert feed.headers["content-type"].startswith("text/event-stream")
        await feed.content.readuntil(b"\n\n")
        contacts.block(running.telegram, running.bot, running.anna)
        event = await asyncio.wait_for(feed.content.readuntil(b"\n\n"), 20)
    name, data = event.decode().strip().split("\n")
    assert name == "event: change"
    assert orjson.loads(data.removeprefix("data: "))["chat"]["blocked"] is True


async def test_no_token_reaches_the_page(running: Running, http: aiohttp.ClientSession) -> None:
    running.telegram.add_bot(OTHER_TOKEN)
    api = f"{running.url}/sandbox/api"
    for path in ("state", f"chats/p.{running.bot.id}.{running.anna.id}", "faults"):
        async with http.get(f"{api}/{path}") as got:
            text = await got.text()
            assert TOKEN.partition(":")[2] not in text
            assert OTHER_TOKEN.partition(":")[2] not in text


@pytest.mark.parametrize(
    ("asked", "status", "part", "told"),
    [
        ("bytes=0-", 206, slice(0, None), "bytes 0-899/900"),
        ("bytes=100-199", 206, slice(100, 200), "bytes 100-199/900"),
        ("bytes=-50", 206, slice(850, None), "bytes 850-899/900"),
        ("bytes=890-5000", 206, slice(890, None), "bytes 890-899/900"),
        ("bytes=900-", 416, slice(0, 0), "bytes */900"),
        ("bytes=5-2", 200, slice(None), None),
        ("bytes=-", 200, slice(None), None),
        ("bytes=0-9,20-29", 200, slice(None), None),
        ("lines=1-2", 200, slice(None), None),
    ],
)
async def test_a_player_asks_for_a_part_of_a_file(
    running: Running,
    http: aiohttp.ClientSession,
    asked: str,
    status: int,
    part: slice,
    told: str | None,
) -> None:
    body = bytes(number % 251 for number in range(900))
    file = running.telegram.files.keep(body, "bell.ogg", "audio/ogg")
    url = f"{running.url}/sandbox/files/{file.unique_id}/bell.ogg"
    async with http.get(url, headers={"Range": asked}) as answer:
        assert (answer.status, await answer.read()) == (status, body[part])
        assert answer.headers.get("Content-Range") == told
        assert answer.headers["Accept-Ranges"] == "bytes"


async def test_the_page_is_safe(running: Running, http: aiohttp.ClientSession) -> None:
    async with http.get(running.url) as got:
        assert got.url.path == "/sandbox/"
        policy = got.headers["Content-Security-Policy"]
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        assert got.headers["X-Content-Type-Options"] == "nosniff"
        assert "<script>" not in await got.text()
    elsewhere = {"Origin": "https://evil.example"}
    async with http.post(
        f"{running.url}/sandbox/api/contacts", json={"first_name": "X"}, headers=elsewhere
    ) as got:
        assert got.status == 403
    file = running.telegram.files.keep(b"<script>alert(1)</script>", "x.html", "text/html")
    async with http.get(f"{running.url}/sandbox/files/{file.unique_id}/x.html") as got:
        assert got.headers["content-type"] == "application/octet-stream"
        assert got.headers["content-disposition"] == "attachment"


async def test_it_closes_with_feeds_and_polls_open(http: aiohttp.ClientSession) -> None:
    async with running_sandbox() as running:
        feed = await http.get(f"{running.url}/sandbox/events")
        poll = asyncio.create_task(
            answer(http.get(f"{running.url}/bot{TOKEN}/getUpdates?timeout=50"))
        )
        await asyncio.sleep(0.1)
        began = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - began < 4.5  # below the server's patience
    assert (await poll)["result"] == []
    feed.close()
