"""Person or machine? What a click or an open looks like decides, here and nowhere else.

Mail servers follow links to look for malware, messengers to draw a preview, Apple loads every pixel
before anybody has seen the email. All of it is kept; only what people did is counted and acted on.
"""

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

HEAD, AGENT, NO_AGENT, PROXY = "head", "agent", "no_agent", "mail_proxy"
TOO_SOON, BURST, TRAP = "too_soon", "burst", "trap"

_AGENTS: Final = re.compile(
    # whoever says so: TelegramBot, Slackbot, Twitterbot, Discordbot, Googlebot, YandexBot, …
    r"(?<!cu)bot(?:\b|[/;_-])|crawl|spider|slurp|preview|scanner|link.?check|monitor|validator"
    # previews that do not: messengers and networks
    r"|facebookexternalhit|whatsapp|viber|skype|vkshare|slack-img|embedly|pinterest|quora|snapchat"
    # mail security
    r"|barracuda|proofpoint|mimecast|symantec|forcepoint|trendmicro|fortinet|sophos|safelinks"
    r"|microsoft office (existence|protocol)|ms-office|zgrab|virustotal|urlscan"
    # programs and programmers
    r"|headless|phantomjs|puppeteer|playwright|selenium|curl/|wget/|python|aiohttp|httpx|scrapy"
    r"|go-http-client|java/|okhttp|apache-http|libwww|node-fetch|axios|undici|ruby|perl|php/"
    r"|postman|insomnia|guzzle|winhttp|powershell",
    re.IGNORECASE,
)
# Gmail's and Yahoo's proxies fetch the picture when the person opens; they are no machines' doing.
_PERSONAL_PROXIES: Final = re.compile(r"GoogleImageProxy|YahooMailProxy", re.IGNORECASE)
_APPLE: Final = "Mozilla/5.0"  # Mail Privacy Protection says this and nothing more

# An email's link that is followed this soon was followed by the server that took it in.
_SOON: Final = {"email": timedelta(seconds=5)}
_TWO_WITHIN: Final = timedelta(seconds=1)
_THREE_WITHIN: Final = timedelta(seconds=2)
LONGEST_BURST: Final = _THREE_WITHIN
TRAPPED_WITHIN: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Request:
    """A request for a link or a pixel, and the message it belongs to."""

    kind: Literal["link", "pixel", "trap"]
    method: str
    user_agent: str
    at: datetime
    channel: str | None = None
    sent_at: datetime | None = None


def why_machine(request: Request) -> str | None:
    """Return why a request was not made by a person; None when nothing speaks against it."""
    agent = request.user_agent.strip()
    if request.kind == "trap":
        return TRAP
    if request.method == "HEAD":
        return HEAD
    if not agent:
        return NO_AGENT
    if request.kind == "pixel":
        if _PERSONAL_PROXIES.search(agent):
            return None
        if agent == _APPLE:
            return PROXY
    if _AGENTS.search(agent):
        return AGENT
    soon = _SOON.get(request.channel or "")
    if soon and request.sent_at and request.at - request.sent_at < soon:
        return TOO_SOON
    return None


@dataclass(frozen=True, slots=True)
class Followed:
    """A click on one of a message's links; `target` tells the links apart."""

    id: uuid.UUID
    at: datetime
    target: str
    trap: bool = False


def in_bursts(clicks: Sequence[Followed]) -> dict[uuid.UUID, str]:
    """Return which clicks of one message were made by something faster than a person, and why.

    Two different links within a second, three within two; the same link twice is a double tap.
    Whatever follows a hidden link follows the others of that minute too.
    """
    ordered = sorted(clicks, key=lambda one: one.at)
    found: dict[uuid.UUID, str] = {}
    for number, first in enumerate(ordered):
        for most, within in ((2, _TWO_WITHIN), (3, _THREE_WITHIN)):
            near = [one for one in ordered[number:] if one.at - first.at <= within]
            if len({one.target for one in near if not one.trap}) >= most:
                found |= {one.id: BURST for one in near}
    traps = [one.at for one in ordered if one.trap]
    for one in ordered:
        if any(abs(one.at - at) <= TRAPPED_WITHIN for at in traps):
            found[one.id] = TRAP
    return found
