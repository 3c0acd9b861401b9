"""Tracked links from outside: where they lead, what they say, and what is written down."""

import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from dripline.api.tracking import GIF, Tracking
from dripline.clock import VirtualClock
from dripline.engagement.links import Links
from dripline.engagement.records import Seen, read
from dripline.engagement.spool import Spool, files, held

DELIVERY, CONTACT = uuid.UUID(int=7), uuid.UUID(int=8)
BASE = "https://go.example"
TARGET = "https://example.com/a?b=c&d=%20#e"
CHROME = {"user-agent": "Mozilla/5.0 (X11) Chrome/131"}


async def inner(scope: Scope, receive: Receive, send: Send) -> None:
    """Stand for the rest of the application."""
    await send({"type": "http.response.start", "status": 418, "headers": []})
    await send({"type": "http.response.body", "body": b"inner"})


class Site:
    """Tracked links before another application, and what they have written down."""

    def __init__(self, folder: Path, clock: VirtualClock, *, devices: bool = True) -> None:
        self.urls: dict[uuid.UUID, str] = {}
        self.links = Links(b"key", BASE, keep=self._keep)
        self.spool = Spool(folder)
        self.app = Tracking(
            inner, self.links.seal, self.spool, clock, self._stored, devices=devices, secure=True
        )

    async def _keep(self, urls: Mapping[uuid.UUID, str]) -> None:
        self.urls.update(urls)

    async def _stored(self, name: uuid.UUID) -> str | None:
        return self.urls.get(name)

    async def ask(self, url: str, method: str = "GET", **headers: str | bytes) -> httpx.Response:
        transport = httpx.ASGITransport(self.app)
        given: dict[str, Any] = CHROME | headers
        async with httpx.AsyncClient(transport=transport, base_url=BASE) as http:
            return await http.request(method, url, headers=given)

    def link(self, url: str = TARGET) -> str:
        return self.links.link(DELIVERY, CONTACT, url, "Read")

    def written(self) -> list[Seen]:
        self.spool.seal()
        records: list[list[Any]] = []
        for path in files(self.spool.folder):
            with held(path) as file:
                assert file is not None
                records += file.page(0, 100).records
                file.remove()
        return [seen for one in records if (seen := read(self.links.seal, one))]


@pytest.fixture
def site(tmp_path: Path, clock: VirtualClock) -> Site:
    return Site(tmp_path, clock)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_link_leads_on_and_is_written_down(
    site: Site, clock: VirtualClock, method: str
) -> None:
    answer = await site.ask(site.link(), method)
    assert answer.status_code == 302
    assert answer.headers["location"] == TARGET
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.content == b""
    (seen,) = site.written()
    assert (seen.method, seen.at) == (method, clock.now())
    assert (seen.mark.delivery_id, seen.mark.contact_id) == (DELIVERY, CONTACT)
    assert (seen.ip, seen.user_agent) == ("127.0.0.1", CHROME["user-agent"])


async def test_a_link_of_a_post_leads_on(site: Site) -> None:
    answer = await site.ask(site.links.post_link(5, TARGET, "Go"))
    assert answer.headers["location"] == TARGET
    assert "set-cookie" not in answer.headers  # nobody's device: the link is everybody's
    (seen,) = site.written()
    assert seen.mark.post == 5


@pytest.mark.parametrize(
    "change",
    [
        lambda link: link[:-1] + ("A" if link[-1] != "A" else "B"),
        lambda link: link[:-5],
        lambda link: link + "A",
        lambda link: link + "/",
        lambda link: link + "%0d%0aX-Evil:1",
        lambda link: BASE + "/r/",
        lambda link: BASE + "/r/https://evil.example",
        lambda link: BASE + "/r//evil.example",
        lambda link: BASE + "/r/" + "A" * 10_000,
        lambda link: BASE + "/r/%D1%84%00",
    ],
)
async def test_a_link_that_was_tampered_with_leads_nowhere(site: Site, change: Any) -> None:
    answer = await site.ask(change(site.link()))
    assert answer.status_code == 404
    assert "location" not in answer.headers
    assert "This link leads nowhere" in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert not site.written()


async def test_the_page_of_a_dead_link_speaks_russian(site: Site) -> None:
    answer = await site.ask("/r/x", **{"accept-language": "ru-RU,ru;q=0.9,en"})
    assert "Эта ссылка никуда не ведёт" in answer.text
    assert answer.headers["content-language"] == "ru"


async def test_another_installations_links_are_not_ours(site: Site) -> None:
    other = Links(b"another key", BASE).link(DELIVERY, CONTACT, TARGET, "x")
    assert (await site.ask(other)).status_code == 404


async def test_a_pixel_is_a_picture_and_is_written_down(site: Site) -> None:
    answer = await site.ask(site.links.pixel(DELIVERY, CONTACT) or "")
    assert (answer.status_code, answer.content) == (200, GIF)
    assert answer.headers["content-type"] == "image/gif"
    assert [seen.mark.kind for seen in site.written()] == ["pixel"]
    forged = await site.ask("/o/AAAA.gif")
    assert (forged.status_code, forged.content) == (404, GIF)
    assert not site.written()


async def test_a_pixel_is_no_link_and_a_link_no_pixel(site: Site) -> None:
    pixel, link = site.links.pixel(DELIVERY) or "", site.link()
    assert (await site.ask(pixel.replace("/o/", "/r/").removesuffix(".gif"))).status_code == 404
    assert (await site.ask(link.replace("/r/", "/o/") + ".gif")).status_code == 404
    assert not site.written()


async def test_a_trap_is_written_down_and_leads_nowhere(site: Site) -> None:
    answer = await site.ask(site.links.trap(DELIVERY, CONTACT) or "")
    assert answer.status_code == 404
    assert [seen.mark.kind for seen in site.written()] == ["trap"]


async def test_a_long_link_is_looked_up(site: Site) -> None:
    url = "https://example.com/?x=" + "a" * 1900
    link = site.link(url)
    assert (await site.ask(link)).status_code == 404  # not stored yet, or the database is away
    await site.links.keep()
    assert (await site.ask(link)).headers["location"] == url
    assert len(site.written()) == 2


async def test_nothing_but_get_and_head(site: Site) -> None:
    answer = await site.ask(site.link(), "POST")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
    assert not site.written()


async def test_everything_else_goes_to_the_application(site: Site) -> None:
    for path in ("/", "/r", "/rest", "/admin/r/x"):
        assert (await site.ask(path)).text == "inner"


async def test_a_browser_is_known_again(site: Site) -> None:
    first = await site.ask(site.link())
    cookie = first.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "Secure" in cookie
    value = cookie.split(";")[0]
    again = await site.ask(site.link(), cookie=f"other=1; {value}")
    assert "set-cookie" not in again.headers
    odd = await site.ask(site.link(), cookie="dl=<script>")
    assert "set-cookie" in odd.headers
    one, two, three = site.written()
    assert one.device == two.device == value.removeprefix("dl=") != three.device


async def test_devices_need_not_be_known(tmp_path: Path, clock: VirtualClock) -> None:
    site = Site(tmp_path, clock, devices=False)
    answer = await site.ask(site.link(), cookie="dl=aaaaaaaaaaaaaaaaaaaa")
    assert "set-cookie" not in answer.headers
    assert site.written()[0].device == ""


async def test_a_full_disk_stops_no_redirect(tmp_path: Path, clock: VirtualClock) -> None:
    (tmp_path / "file").write_text("")
    site = Site(tmp_path / "file" / "spool", clock)
    assert (await site.ask(site.link())).headers["location"] == TARGET


async def test_hostile_headers_are_cut_and_kept(site: Site) -> None:
    agent = b"\xff" + b"x" * 9000
    await site.ask(site.link(), **{"user-agent": agent})
    assert len(site.written()[0].user_agent) == 500
