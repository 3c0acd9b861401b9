"""Emails have tracked links, a pixel and a hidden link, and what comes back is known."""

import re
from datetime import timedelta
from typing import Any

from dripline.clock import VirtualClock
from dripline.database import Database
from dripline.engagement.drain import store
from dripline.engagement.links import Links
from dripline.engagement.records import read, record
from email_world import EmailWorld, emailing
from mail_server import MailServer
from world import body, library

BASE = "https://go.example.com"
LINKS = Links(b"key", BASE)
PERSON = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15"


def message(**more: Any) -> dict[str, Any]:
    button = {"type": "url", "text": "Buy", "url": "https://shop.example.com"}
    return {
        "texts": {"": 'Read <a href="https://example.com/a?b=1&amp;c=2">this</a>'},
        "inline_keyboard": {"rows": [{"buttons": [button]}]},
        "email": {"subject": "Hello"},
        **more,
    }


async def html_of(world: EmailWorld, server: MailServer, spec: dict[str, Any]) -> str:
    """Send a message by email and return its html."""
    world.world.store.library = library(body("mail", {"one": spec}))
    world.channel._urls._tracker = LINKS  # type: ignore[attr-defined]
    await world.send()
    part = server.mails[0].message.get_body(("html",))
    assert part is not None
    return str(part.get_content())


async def test_an_email_comes_back_link_by_link(database: Database, clock: VirtualClock) -> None:
    async with (
        MailServer() as server,
        emailing(
            database, clock, smtp_url=f"smtp://127.0.0.1:{server.port}?timeout=1", public_url=BASE
        ) as world,
    ):
        html = await html_of(world, server, message())
        (delivery,) = await world.deliveries()
        tokens = re.findall(rf"{BASE}/(r|o)/([A-Za-z0-9_-]+)", html)
        marks = [LINKS.seal.read(token) for _, token in tokens]
        found = {(mark.kind, mark.url, mark.label) for mark in marks if mark}
        assert found == {
            ("link", "https://example.com/a?b=1&c=2", "this"),
            ("link", "https://shop.example.com", "Buy"),
            ("pixel", "", ""),
            ("trap", "", ""),
        }
        assert {mark.delivery_id for mark in marks if mark} == {delivery.id}
        assert f"{BASE}/u/" in html  # the way out is nobody's click
        at = clock.now() + timedelta(minutes=1)
        pixel = next(token for kind, token in tokens if kind == "o")
        first = next(token for kind, token in tokens if kind == "r")
        for token in (pixel, first):
            seen = read(LINKS.seal, record(token, "GET", at, "10.0.0.1", PERSON, ""))
            assert seen is not None
            async with database.transaction() as session:
                await store(session, LINKS.seal, [seen])
            at += timedelta(seconds=20)
        now = await world.delivery(delivery.id)
        assert (now.status, now.opened_at) == ("clicked", clock.now() + timedelta(minutes=1))


async def test_an_email_that_says_so_is_left_alone(database: Database, clock: VirtualClock) -> None:
    async with (
        MailServer() as server,
        emailing(
            database, clock, smtp_url=f"smtp://127.0.0.1:{server.port}?timeout=1", public_url=BASE
        ) as world,
    ):
        html = await html_of(world, server, message(track=False))
        assert "https://shop.example.com" in html
        assert f"{BASE}/r/" not in html
        assert f"{BASE}/o/" not in html
