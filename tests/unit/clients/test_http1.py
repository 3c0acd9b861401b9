"""The HTTP client on real sockets: what a right server may do, and what a wrong one does."""

import asyncio
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dripline.clients import http1_connection
from dripline.clients.http import HttpFailure
from dripline.clients.http1 import Http1Client
from scripted_server import ScriptedServer, drop, hang, raw, reply, then_close

JSON = "application/json"


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with ScriptedServer(default=reply(200, b"{}")) as server:
        yield server


@pytest.fixture
async def client(server: ScriptedServer) -> AsyncIterator[Http1Client]:
    client = Http1Client(server.url, max_connections=4, timeout=0.5, max_answer=10_000)
    yield client
    await client.close()


GOOD = {
    "content length": (raw(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"), b"abc"),
    "in many pieces": (
        raw(b"HTTP/1.1 2", b"00 OK\r\nConte", b"nt-Length: 3\r", b"\n\r\na", b"bc", pause=0.005),
        b"abc",
    ),
    "chunked": (
        raw(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
            b"1\r\nc\r\n0\r\n\r\n",
        ),
        b"abc",
    ),
    "until the end of the stream": (
        then_close(raw(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc")),
        b"abc",
    ),
    "HTTP/1.0": (then_close(raw(b"HTTP/1.0 200 OK\r\n\r\nabc")), b"abc"),
    "no body at all": (raw(b"HTTP/1.1 204 No Content\r\n\r\n"), b""),
    "after an interim answer": (
        raw(b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"),
        b"abc",
    ),
    "in one breath with an interim answer": (
        raw(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"),
        b"abc",
    ),
    "closed right after the answer": (then_close(reply(200, b"abc")), b"abc"),
}


@pytest.mark.parametrize("case", GOOD)
async def test_reads_every_form_of_answer(
    case: str, server: ScriptedServer, client: Http1Client
) -> None:
    step, body = GOOD[case]
    server.script = [step]
    assert (await client.post("/x", JSON, b"{}")).body == body
    await asyncio.sleep(0.02)  # where the server closes, let it
    assert (await client.post("/x", JSON, b"{}")).body == b"{}"


BAD = {
    "not HTTP": (raw(b"SSH-2.0-OpenSSH_9.6\r\n"), "not HTTP"),
    "an impossible length": (raw(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"), "not HTTP"),
    "two lengths": (
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
        "not HTTP",
    ),
    "another protocol": (
        raw(b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n"),
        "not HTTP",
    ),
    "a dropped connection": (drop, "closed the connection"),
    "half a body": (
        then_close(raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")),
        "closed the connection",
    ),
    "half a body in one breath with an interim answer": (
        then_close(
            raw(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
        ),
        "closed the connection",
    ),
    "half a chunk": (
        then_close(raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc")),
        "closed the connection",
    ),
    "no answer": (hang, "in time"),
    "a drop at a time": (raw(b"HTTP/1.1 200 OK\r\nX: ", *[b"y"] * 100, pause=0.05), "in time"),
    "endless headers": (
        raw(b"HTTP/1.1 200 OK\r\n", *[b"X: " + b"y" * 9_000 + b"\r\n"] * 99),
        "headers",
    ),
    "too long a body": (reply(200, b"x" * 20_000), "more than 10000 bytes"),
    "an endless body": (
        raw(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            *[b"3e8\r\n" + b"x" * 1000 + b"\r\n"] * 99,
        ),
        "more than 10000 bytes",
    ),
}


@pytest.mark.parametrize("case", BAD)
async def test_fails_on_a_wrong_answer_and_goes_on(
    case: str, server: ScriptedServer, client: Http1Client
) -> None:
    step, said = BAD[case]
    server.script = [step]
    with pytest.raises(HttpFailure, match=said) as caught:
        await client.post("/secret-path", JSON, b"{}")
    assert caught.value.maybe_processed
    assert "secret-path" not in str(caught.value)
    assert (await client.post("/x", JSON, b"{}")).status == 200
    assert server.connections == 2  # what was out of step is not used again


async def test_keeps_connections_and_opens_no_more_than_allowed(
    server: ScriptedServer, client: Http1Client
) -> None:
    async def slowly(request: object, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.005)
        await reply(200, b"{}")(request, writer)  # type: ignore[arg-type]

    server.default = slowly
    answers = await asyncio.gather(*(client.post("/x", JSON, b"{}") for _ in range(40)))
    assert len(answers) == 40
    assert server.connections == 4


async def test_hands_over_in_the_order_of_waiting(server: ScriptedServer) -> None:
    client = Http1Client(server.url, max_connections=1)
    await asyncio.gather(*(client.post(f"/{number}", JSON, b"") for number in range(20)))
    assert [request.path for request in server.requests] == [f"/{number}" for number in range(20)]
    await client.close()


async def test_does_not_repeat_a_request_that_may_have_been_read(
    server: ScriptedServer, client: Http1Client
) -> None:
    server.script = [reply(200, b"{}"), drop]
    await client.post("/first", JSON, b"")
    with pytest.raises(HttpFailure):
        await client.post("/second", JSON, b"")
    assert [request.path for request in server.requests] == ["/first", "/second"]


async def test_opens_anew_when_the_server_has_closed_an_idle_connection(
    server: ScriptedServer, client: Http1Client
) -> None:
    await client.post("/x", JSON, b"")
    server.drop_connections()
    await asyncio.sleep(0.02)
    assert (await client.post("/x", JSON, b"")).status == 200


UNASKED = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n2"


@pytest.mark.parametrize("unasked", [UNASKED, UNASKED[:-1], UNASKED[:20], UNASKED[:1], b"x"])
async def test_drops_a_connection_on_which_the_server_speaks_unasked(
    unasked: bytes, server: ScriptedServer, client: Http1Client
) -> None:
    server.script = [raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1" + unasked)]
    assert (await client.post("/x", JSON, b"")).body == b"1"
    assert (await client.post("/x", JSON, b"")).body == b"{}"
    assert server.connections == 2


async def test_does_not_reuse_what_has_been_idle_for_long(
    server: ScriptedServer, client: Http1Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http1_connection, "IDLE_S", 0.01)
    await client.post("/x", JSON, b"")
    await asyncio.sleep(0.03)
    await client.post("/x", JSON, b"")
    assert server.connections == 2


async def test_closes_what_is_idle_by_itself(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http1_connection, "IDLE_S", 0.01)
    client = Http1Client(server.url, timeout=0.05)
    await client.post("/x", JSON, b"")
    await asyncio.sleep(0.15)
    assert "0 connections" in repr(client)
    await client.close()


async def given_up(client: Http1Client) -> None:
    """Ask, and wait no longer for the answer."""
    waiting = asyncio.ensure_future(client.post("/x", JSON, b""))
    await asyncio.sleep(0.05)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_a_cancelled_request_takes_its_connection_with_it(
    server: ScriptedServer, client: Http1Client
) -> None:
    server.script = [hang]
    await given_up(client)
    assert (await client.post("/x", JSON, b"")).body == b"{}"
    assert server.connections == 2


async def test_an_answer_that_nobody_waits_for_any_more_is_thrown_away(
    server: ScriptedServer, client: Http1Client
) -> None:
    late = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"
    for _ in range(2):  # over a connection that is new, and over one that was used
        server.script = [raw(late, b"late", pause=0.1)]
        await given_up(client)
        assert (await client.post("/x", JSON, b"")).body == b"{}"
        await asyncio.sleep(0.15)
        assert (await client.post("/x", JSON, b"")).body == b"{}"
    assert server.connections == 2


async def test_nobody_starves_when_those_in_line_give_up(server: ScriptedServer) -> None:
    client = Http1Client(server.url, max_connections=1)
    tasks = [asyncio.ensure_future(client.post("/x", JSON, b"")) for _ in range(30)]
    await asyncio.sleep(0)
    for task in tasks[::3]:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert sum(isinstance(result, asyncio.CancelledError) for result in results) == 10
    assert (await client.post("/x", JSON, b"")).status == 200
    await client.close()


async def test_waits_in_line_no_longer_than_allowed(server: ScriptedServer) -> None:
    server.default = hang
    client = Http1Client(server.url, max_connections=1, timeout=0.1)
    results = await asyncio.gather(
        *(client.post("/x", JSON, b"") for _ in range(3)), return_exceptions=True
    )
    assert [type(result) for result in results] == [HttpFailure] * 3
    waited = [result for result in results if "no free connection" in str(result)]
    assert not any(result.maybe_processed for result in waited)  # type: ignore[union-attr]
    await client.close()


async def test_says_whom_it_cannot_reach() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    client = Http1Client(f"http://127.0.0.1:{port}")
    with pytest.raises(HttpFailure, match=r"cannot reach 127\.0\.0\.1") as caught:
        await client.post("/secret", JSON, b"")
    assert not caught.value.maybe_processed
    await client.close()


async def test_gives_up_connecting_in_time() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        held = [socket.socket() for _ in range(4)]
        for one in held:  # fills the line of those the kernel would still greet
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        client = Http1Client(f"http://127.0.0.1:{full.getsockname()[1]}", connect_timeout=0.1)
        with pytest.raises(HttpFailure, match="no connection in time"):
            await client.post("/x", JSON, b"")
        await client.close()
        for one in held:
            one.close()


async def test_waits_for_a_connection_when_the_system_has_no_more_files(
    server: ScriptedServer, client: Http1Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    await client.post("/x", JSON, b"")
    connect = client._connect

    async def refused(deadline: float) -> object:
        if client._all:
            raise OSError(24, "Too many open files")
        return await connect(deadline)

    monkeypatch.setattr(client, "_connect", refused)
    answers = await asyncio.gather(*(client.post("/x", JSON, b"") for _ in range(8)))
    assert len(answers) == 8
    assert server.connections == 1


async def test_close_fails_what_is_under_way_and_refuses_more(
    server: ScriptedServer, client: Http1Client
) -> None:
    server.default = hang
    tasks = [asyncio.ensure_future(client.post("/x", JSON, b"")) for _ in range(6)]
    await asyncio.sleep(0.05)
    await client.close()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(result) for result in results] == [HttpFailure] * 6
    with pytest.raises(HttpFailure, match="no longer called"):
        await client.post("/x", JSON, b"")


@pytest.mark.parametrize("path", ["/a b", "/a\r\nX: y", "a", "/é"])
async def test_refuses_a_path_that_could_end_the_request_line(path: str) -> None:
    client = Http1Client("http://127.0.0.1:1")
    with pytest.raises(ValueError, match="visible ASCII"):
        await client.post(path, JSON, b"")


async def test_writes_a_request_as_it_should_be(
    server: ScriptedServer, client: Http1Client
) -> None:
    prefixed = Http1Client(server.url + "/proxy/")
    await prefixed.post("/botX/getMe", JSON, b'{"a":1}')
    head = server.requests[0].head
    assert head.startswith(b"POST /proxy/botX/getMe HTTP/1.1\r\n")
    assert f"Host: 127.0.0.1:{server.port}\r\n".encode() in head
    assert b"Accept-Encoding: identity\r\n" in head
    assert b"Content-Type: application/json\r\n" in head
    assert server.requests[0].body == b'{"a":1}'
    await prefixed.close()


async def test_writes_a_large_body(server: ScriptedServer, client: Http1Client) -> None:
    body = bytes(range(256)) * 20_000
    await client.post("/x", JSON, body, timeout=10)
    assert server.requests[0].body == body


async def test_many_at_once(server: ScriptedServer) -> None:
    client = Http1Client(server.url, max_connections=300)
    answers = await asyncio.gather(*(client.post("/x", JSON, b"") for _ in range(3_000)))
    assert {answer.status for answer in answers} == {200}
    assert server.connections <= 300
    await client.close()


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A self-signed certificate and its key."""
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    try:
        subprocess.run([*command.split(), *names, *files], check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("needs the openssl program to make a certificate: install openssl")
    return certificate, key


async def test_speaks_tls_and_refuses_a_certificate_it_does_not_know(
    certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
        await reader.read()
        writer.close()

    server = await asyncio.start_server(answer, "localhost", 0, ssl=context)
    url = f"https://localhost:{server.sockets[0].getsockname()[1]}"
    stranger = Http1Client(url)
    with pytest.raises(HttpFailure, match="certificate cannot be verified"):
        await stranger.post("/x", JSON, b"")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    friend = Http1Client(url)
    assert (await friend.post("/x", JSON, b"")).body == b"hi"
    await friend.close()
    server.close()
