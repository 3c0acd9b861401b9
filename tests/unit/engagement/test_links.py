"""Which links are tracked, and which stay as they are."""

import uuid
from collections.abc import Mapping
from urllib.parse import urlsplit

import pytest

from dripline.content.rendered import Button, Rendered
from dripline.deliveries.track import has_links, tracked
from dripline.engagement.links import LONGEST, Links, name_of
from dripline.engagement.tokens import Mark

BASE = "https://go.example.com"
DELIVERY, CONTACT = uuid.UUID(int=7), uuid.UUID(int=8)


def links() -> Links:
    made = Links(b"key", BASE + "/")
    made.own("Course_Bot")
    return made


def mark_of(made: Links, url: str) -> Mark:
    assert url.startswith(f"{BASE}/r/"), url
    mark = made.seal.read(url.removeprefix(f"{BASE}/r/"))
    assert mark is not None
    return mark


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://example.com/a?b=c#d", "https://example.com/a?b=c#d"),
        ("http://pay.example.com/?sum=10", "http://pay.example.com/?sum=10"),  # a payment's too
        ("example.com/page", "https://example.com/page"),
        ("https://пример.рф/путь?x", "https://xn--e1afmkfd.xn--p1ai/%D0%BF%D1%83%D1%82%D1%8C?x"),
        ("https://t.me/some_channel", "https://t.me/some_channel"),
        ("https://go.example.com.evil.com/", "https://go.example.com.evil.com/"),
    ],
)  # fmt: skip
def test_web_links_are_tracked(url: str, target: str) -> None:
    made = links()
    mark = mark_of(made, made.link(DELIVERY, CONTACT, url, "Read on"))
    assert mark == Mark("link", DELIVERY, CONTACT, label="Read on", url=target)


@pytest.mark.parametrize(
    "url",
    [
        "tel:+49301234",
        "mailto:a@example.com",
        "tg://resolve?domain=x",
        "javascript:alert(1)",
        "https://t.me/course_bot?start=r_abc",
        "https://www.telegram.me/Course_Bot",
        f"{BASE}/preferences/abc",
        f"{BASE}/r/abc",
        BASE,
        "https://a\r\nb.com",
        "https://[broken",
        "https://" + "ü" * 300 + ".com",
        "",
    ],
)
def test_others_stay_as_they_are(url: str) -> None:
    assert links().link(DELIVERY, CONTACT, url, "x") == url


def test_without_a_public_address_nothing_is_tracked() -> None:
    made = Links(b"", None)
    assert made.link(DELIVERY, CONTACT, "https://example.com", "x") == "https://example.com"
    assert made.pixel(DELIVERY) is None
    assert made.trap(DELIVERY) is None


def test_a_pixel_ends_like_an_image() -> None:
    made = links()
    path = urlsplit(made.pixel(DELIVERY, CONTACT) or "").path
    assert path.startswith("/o/")
    assert path.endswith(".gif")
    assert made.seal.read(path[3:-4]) == Mark("pixel", DELIVERY, CONTACT)


async def test_a_long_target_is_kept_and_named() -> None:
    kept: dict[uuid.UUID, str] = {}

    async def keep(urls: Mapping[uuid.UUID, str]) -> None:
        kept.update(urls)

    made = Links(b"key", BASE, keep=keep)
    url = "https://example.com/?x=" + "a" * 1900
    link = made.link(DELIVERY, CONTACT, url, "x")
    assert len(link) <= LONGEST
    assert mark_of(made, link).stored == name_of(url)
    await made.keep()
    assert kept == {name_of(url): url}
    await made.keep()
    assert Links(b"key", BASE).link(DELIVERY, CONTACT, url, "x") == url  # nowhere to keep it


def test_a_message_has_its_buttons_and_its_text_tracked() -> None:
    made = links()
    message = Rendered(
        'See <a href="https://example.com/?a=1&amp;b=2">the <b>guide</b></a>, '
        '<a href="tg://user?id=1">me</a>, <a href="https://t.me/+AbC">the group</a>',
        keyboard=(
            (Button("url", "Buy", "https://shop.example.com"), Button("callback", "DONE", "DONE")),
            (Button("web_app", "App", "https://app.example.com"),),
        ),
    )
    found = tracked(message, made, DELIVERY, CONTACT)
    in_text = found.text.split('"')[1]
    assert mark_of(made, in_text).url == "https://example.com/?a=1&b=2"
    assert mark_of(made, in_text).label == "the guide"
    assert found.text.replace(in_text, "https://example.com/?a=1&amp;b=2") == message.text
    (buy, done), (app,) = found.keyboard
    assert mark_of(made, buy.value) == Mark(
        "link", DELIVERY, CONTACT, label="Buy", url="https://shop.example.com"
    )
    assert (done, app) == (message.keyboard[0][1], message.keyboard[1][0])


def test_a_message_may_forbid_it() -> None:
    message = Rendered(
        "x", keyboard=((Button("url", "Buy", "https://a.example.com"),),), track=False
    )
    assert tracked(message, links(), DELIVERY, CONTACT) is message


def test_most_messages_have_nothing_to_track() -> None:
    assert not has_links(Rendered("<b>Hello</b>", keyboard=((Button("callback", "A", "A"),),)))
    assert has_links(Rendered("x", keyboard=((Button("url", "A", "https://a.b"),),)))
