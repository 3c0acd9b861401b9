"""Who is a person: a table of requests as they come in."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from dripline.engagement.human import (
    AGENT,
    BURST,
    HEAD,
    NO_AGENT,
    PROXY,
    TOO_SOON,
    TRAP,
    Followed,
    Request,
    in_bursts,
    why_machine,
)

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
CHROME = (
    "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/131.0.0.0 Mobile Safari/537.36"
)
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148"
GMAIL = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"


@pytest.mark.parametrize(
    ("kind", "method", "agent", "why"),
    [
        ("link", "GET", CHROME, None),
        ("link", "GET", IPHONE, None),
        ("link", "GET", CHROME + " Telegram-Android/11.4", None),  # a person in the app's browser
        ("link", "GET", CHROME + " CUBOT_NOTE", None),  # a telephone of that name
        ("link", "HEAD", CHROME, HEAD),
        ("link", "GET", "", NO_AGENT),
        ("link", "GET", "  ", NO_AGENT),
        ("link", "GET", "TelegramBot (like TwitterBot)", AGENT),
        ("link", "GET", "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", AGENT),
        ("link", "GET", "Slack-ImgProxy (+https://api.slack.com/robots)", AGENT),
        ("link", "GET", "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)", AGENT),
        ("link", "GET", "facebookexternalhit/1.1", AGENT),
        ("link", "GET", "WhatsApp/2.24.6", AGENT),
        ("link", "GET", "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)", AGENT),
        ("link", "GET", "Mozilla/5.0 (compatible; vkShare; +http://vk.com/dev/Share)", AGENT),
        ("link", "GET", "Barracuda Sentinel (EE)", AGENT),
        ("link", "GET", CHROME.replace("Chrome", "HeadlessChrome"), AGENT),
        ("link", "GET", "curl/8.5.0", AGENT),
        ("link", "GET", "python-requests/2.32", AGENT),
        ("link", "GET", "Mozilla/5.0", None),  # alone it means something for pictures only
        ("pixel", "GET", "Mozilla/5.0", PROXY),
        ("pixel", "GET", GMAIL, None),  # fetched when the person opens
        ("pixel", "GET", "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy", None),
        ("pixel", "GET", IPHONE, None),
        ("pixel", "HEAD", GMAIL, HEAD),
        ("trap", "GET", CHROME, TRAP),
    ],
)
def test_who_asks(kind: str, method: str, agent: str, why: str | None) -> None:
    assert why_machine(Request(kind, method, agent, AT)) == why  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("channel", "after_s", "why"),
    [
        ("email", 1, TOO_SOON),  # the server that took it in looks for malware
        ("email", 4.9, TOO_SOON),
        ("email", 5, None),
        ("telegram", 0.5, None),  # the chat was open, and nobody else follows its buttons
        (None, 0.5, None),
    ],
)
def test_how_soon(channel: str | None, after_s: float, why: str | None) -> None:
    sent_at = AT - timedelta(seconds=after_s)
    assert why_machine(Request("link", "GET", CHROME, AT, channel, sent_at)) == why


def followed(*clicks: tuple[float, str]) -> list[Followed]:
    return [
        Followed(uuid.UUID(int=n), AT + timedelta(seconds=seconds), target, target == "trap")
        for n, (seconds, target) in enumerate(clicks)
    ]


@pytest.mark.parametrize(
    ("clicks", "machines"),
    [
        ([(0, "a")], {}),
        ([(0, "a"), (0.3, "a"), (0.5, "a")], {}),  # a double tap
        ([(0, "a"), (0.8, "b")], {0: BURST, 1: BURST}),
        ([(0, "a"), (1.4, "b")], {}),
        ([(0, "a"), (1.4, "b"), (1.9, "c")], {0: BURST, 1: BURST, 2: BURST}),
        ([(0, "a"), (1.4, "b"), (2.9, "c"), (4.4, "a")], {}),
        ([(0, "a"), (0.1, "b"), (60, "a")], {0: BURST, 1: BURST}),  # the person came later
        ([(30, "a"), (0, "trap")], {0: TRAP, 1: TRAP}),
        ([(90, "a"), (0, "trap")], {1: TRAP}),
        ([(0, "trap"), (0, "a"), (0, "b")], {0: TRAP, 1: TRAP, 2: TRAP}),
    ],
)
def test_links_of_one_message_together(
    clicks: list[tuple[float, str]], machines: dict[int, str]
) -> None:
    found = in_bursts(followed(*clicks))
    assert found == {uuid.UUID(int=n): why for n, why in machines.items()}
