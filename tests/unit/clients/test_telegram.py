"""The Bot API client against a server on loopback: right answers, wrong ones, no token shown."""

import logging
from collections.abc import AsyncIterator
from email import message_from_bytes
from email.policy import HTTP

import pytest

from dripline.clients.http1 import Http1Client
from dripline.clients.telegram import File, TelegramClient, multipart
from dripline.errors import (
    ChannelDown,
    ChannelRefused,
    PermanentFailure,
    RateLimited,
    SendFailure,
    Unreachable,
)
from scripted_server import ScriptedServer, Step, drop, hang, ok, raw, refusal, reply

TOKEN = "123456:" + "Secret-Token_of_a_bot_0123456789AB"


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with ScriptedServer() as server:
        yield server


@pytest.fixture
async def client(server: ScriptedServer) -> AsyncIterator[TelegramClient]:
    client = TelegramClient(server.url, TOKEN)
    yield client
    await client.close()


async def test_calls_a_method_and_returns_its_result(
    server: ScriptedServer, client: TelegramClient
) -> None:
    server.script = [ok({"message_id": 5})]
    assert await client.call("sendMessage", {"chat_id": 1, "text": "Привет"}) == {"message_id": 5}
    assert server.requests[0].path == f"/bot{TOKEN}/sendMessage"
    assert server.requests[0].json == {"chat_id": 1, "text": "Привет"}


@pytest.mark.parametrize("result", [True, False, 0, None, [], "x"])
async def test_any_result_is_a_result(
    result: object, server: ScriptedServer, client: TelegramClient
) -> None:
    server.script = [ok(result)]
    assert await client.call("getUpdates") == result


FAULTS: dict[str, tuple[Step, type[SendFailure]]] = {
    "blocked": (refusal(403, "Forbidden: bot was blocked by the user"), Unreachable),
    "bad request": (refusal(400, "Bad Request: message text is empty"), PermanentFailure),
    "unauthorized": (refusal(401, "Unauthorized"), ChannelRefused),
    "limit": (refusal(429, "Too Many Requests: retry after 3", retry_after=3), RateLimited),
    "limit before the API": (reply(429, b"<html>slow down</html>"), RateLimited),
    "too large": (reply(413, b"<html>413</html>"), PermanentFailure),
    "its own fault": (refusal(500, "Internal Server Error"), ChannelDown),
    "bad gateway": (reply(502, b"<html>502 Bad Gateway</html>"), ChannelDown),
    "redirect": (reply(302, b"", b"Location: http://elsewhere/\r\n"), ChannelDown),
    "not found by a web server": (reply(404, b"<html>404</html>"), ChannelDown),
    "some other API": (reply(404, b'{"detail":"Not Found"}'), ChannelDown),
    "garbage": (reply(200, b"\x00\xff{"), ChannelDown),
    "half JSON": (reply(200, b'{"ok":true,"resu'), ChannelDown),
    "JSON of another kind": (reply(200, b"[1,2]"), ChannelDown),
    "ok without a result": (reply(200, b'{"ok":true}'), ChannelDown),
    "deep nesting": (reply(200, b"[" * 100_000), ChannelDown),
    "nothing": (reply(200, b""), ChannelDown),
    "dropped": (drop, ChannelDown),
    "silent": (hang, ChannelDown),
    "not HTTP": (raw(b"220 smtp ready\r\n"), ChannelDown),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_every_fault_is_a_type(
    fault: str, server: ScriptedServer, client: TelegramClient
) -> None:
    step, kind = FAULTS[fault]
    server.script = [step]
    with pytest.raises(SendFailure) as caught:
        await client.call("sendMessage", {"chat_id": 1}, timeout=0.3)
    assert type(caught.value) is kind
    assert await client.call("getMe")  # and the next call finds a connection in order
    assert len(server.requests) == 2  # nothing was repeated on its own


@pytest.mark.parametrize("fault", FAULTS)
async def test_the_token_is_never_shown(
    fault: str, server: ScriptedServer, client: TelegramClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.script = [FAULTS[fault][0]]
    with pytest.raises(SendFailure) as caught:
        await client.call("sendMessage", {"chat_id": 1}, timeout=0.2)
    error: BaseException | None = caught.value
    shown = caplog.text + repr(client) + repr(vars(client)["_http"])
    while error is not None:
        shown += repr(error) + str(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    assert TOKEN not in shown
    assert TOKEN.partition(":")[2] not in shown


async def test_a_token_in_the_servers_own_words_is_taken_out(
    server: ScriptedServer, client: TelegramClient
) -> None:
    server.script = [refusal(400, f"Bad Request: cannot do /bot{TOKEN}/sendMessage")]
    with pytest.raises(PermanentFailure, match=r"cannot do /bot<token>/sendMessage"):
        await client.call("sendMessage")


async def test_an_unreachable_server_is_an_outage() -> None:
    client = TelegramClient("http://127.0.0.1:9", TOKEN)
    with pytest.raises(ChannelDown, match=r"cannot reach 127\.0\.0\.1") as caught:
        await client.call("getMe")
    assert TOKEN not in str(caught.value)
    await client.close()


async def test_a_limit_says_whose_it_is(server: ScriptedServer, client: TelegramClient) -> None:
    server.script = [refusal(429, "Too Many Requests: retry after 9", retry_after=9)]
    with pytest.raises(RateLimited) as caught:
        await client.call("sendMessage", {"chat_id": 1})
    assert (caught.value.after, caught.value.whole_key) == (9.0, True)


async def test_a_busy_chat_holds_only_itself(
    server: ScriptedServer, client: TelegramClient
) -> None:
    limit = refusal(429, "Too Many Requests: retry after 1", retry_after=1)
    server.script = [ok(), ok(), limit]
    await client.call("sendMessage", {"chat_id": 1})
    await client.call("sendMessage", {"chat_id": 1})
    with pytest.raises(RateLimited) as caught:
        await client.call("sendMessage", {"chat_id": 1})
    assert not caught.value.whole_key


async def test_uploads_files_with_their_fields(
    server: ScriptedServer, client: TelegramClient
) -> None:
    photo = bytes(range(256)) * 10
    fields = {
        "chat_id": 7,
        "caption": "Так",
        "reply_markup": {"inline_keyboard": []},
        "x": "a\r\nb",
    }
    await client.upload("sendPhoto", fields, [File("photo", 'a"b\r\n.jpg', photo)])
    request = server.requests[0]
    content_type = request.head.split(b"Content-Type: ")[1].split(b"\r\n")[0]
    form = message_from_bytes(
        b"Content-Type: " + content_type + b"\r\n\r\n" + request.body, policy=HTTP
    )
    got = {
        part.get_param("name", header="content-disposition"): part.get_payload(decode=True)
        for part in form.iter_parts()
    }
    assert got["chat_id"] == b"7"
    assert got["caption"] == "Так".encode()
    assert got["reply_markup"] == b'{"inline_keyboard":[]}'
    assert got["x"] == b"a\r\nb"
    assert got["photo"] == photo
    assert b'filename="a%22b%0D%0A.jpg"' in request.body


def test_no_field_can_end_its_own_part() -> None:
    _, body = multipart({}, [File("a", 'x"\r\nContent-Type: text/html\r\n\r\n', b"")])
    assert body.count(b"\r\n\r\n") == 1


async def test_a_method_is_a_word(client: TelegramClient) -> None:
    with pytest.raises(ValueError, match="word"):
        await client.call("getMe/../x")


async def test_bots_may_share_connections(server: ScriptedServer) -> None:
    http = Http1Client(server.url)
    first, second = (TelegramClient(server.url, f"{n}:x", http=http) for n in (1, 2))
    await first.call("getMe")
    await second.call("getMe")
    assert [request.path for request in server.requests] == ["/bot1:x/getMe", "/bot2:x/getMe"]
    assert server.connections == 1
    await first.close()
    await second.close()
