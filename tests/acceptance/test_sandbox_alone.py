"""`python -m dripline.sandbox` and how fast it is."""

import asyncio
import re
import sys
import time

import aiohttp
import pytest

from sandbox_running import TOKEN, running_sandbox

WANTED = 2_000  # sends a second of CPU time, the client's share included
MESSAGES = 3_000


async def test_it_runs_by_itself() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-u", "-m", "dripline.sandbox", "--port", "0"),
        *("--contact", "Anna", "--token", TOKEN),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    async with asyncio.timeout(60):
        line = (await process.stdout.readline()).decode()
    url = re.findall(r"http://[\d.:]+", line)[-1]
    async with aiohttp.ClientSession() as http:
        async with http.get(f"{url}/bot{TOKEN}/getMe") as got:
            assert (await got.json())["ok"]
        async with http.get(f"{url}/bot1:other/getMe") as got:
            assert got.status == 401
        async with http.get(f"{url}/sandbox/api/state") as got:
            assert [user["name"] for user in (await got.json())["contacts"]] == ["Anna"]
    process.terminate()
    assert await asyncio.wait_for(process.wait(), 10) == 0


@pytest.mark.slow
async def test_it_takes_thousands_of_messages_a_second() -> None:
    """A bare client, so that the server is what is measured; CPU time, for other tests run too."""
    async with running_sandbox() as running:
        began = time.process_time()
        address = running.url.removeprefix("http://").split(":")
        senders = [_send(address[0], int(address[1]), running.anna.id) for _ in range(20)]
        await asyncio.gather(*senders)
        rate = MESSAGES / (time.process_time() - began)
    assert rate >= WANTED, f"{rate:.0f} sends a second"


async def _send(host: str, port: int, chat_id: int) -> None:
    reader, writer = await asyncio.open_connection(host, port)
    body = b'{"chat_id":%d,"text":"<b>hello</b>","parse_mode":"HTML"}' % chat_id
    request = (
        b"POST /bot%s/sendMessage HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n%s" % (TOKEN.encode(), len(body), body)
    )
    for _ in range(MESSAGES // 20):
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head)
        assert length is not None
        assert head.startswith(b"HTTP/1.1 200")
        await reader.readexactly(int(length.group(1)))
    writer.close()
    await writer.wait_closed()
